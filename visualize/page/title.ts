/** What the window is called, among others. */
import type { Overview } from '../../src/trace/queries/queries.ts';
import type { Route } from './route.ts';

export function titleOf(route: Route, overview: Overview | undefined): string {
  const shown = shownWords(route, overview);
  return shown === '' ? 'xmpp-dna' : `${shown} · xmpp-dna`;
}

function shownWords({ view, id }: Route, overview: Overview | undefined): string {
  if (view === 'watch') return 'elements';
  if (view === 'actor') return id.replace(/^pair:([^>]+)>(.+)$/, '$1 → $2');
  return overview === undefined ? '' : stuckWords(overview);
}

function stuckWords({ stuckCount, failedCount }: Overview): string {
  const waiting = stuckCount - failedCount;
  const counts = [waiting === 0 ? [] : [`stuck: ${waiting}`], failedCount === 0 ? [] : [`failed: ${failedCount}`]];
  return counts.flat().join(', ');
}
