/** The title of the window, to tell several windows apart. */
import type { Overview } from '../../src/trace/queries/queries.ts';
import type { Route } from './route.ts';

export function titleOf(route: Route, overview: Overview | undefined): string {
  const shown = shownWords(route, overview);
  return shown === '' ? 'xmpp-dna' : `${shown} · xmpp-dna`;
}

function shownWords({ view, id }: Route, overview: Overview | undefined): string {
  if (view === 'watch') return 'elements';
  if (view === 'actor') return id.replace(/^pair:([^>]+)>(.+)$/, '$1 → $2');
  return overview === undefined ? '' : startWords(overview);
}

/** `stuck: 1, failed: 2 · a.example`: with several windows open, the user wants to know which daemon each one shows. */
function startWords({ stuckCount, failedCount, isWhole, hosts }: Overview): string {
  const waiting = stuckCount - failedCount;
  const least = isWhole ? '' : '≥ ';
  const counts = [
    waiting === 0 ? [] : [`stuck: ${least}${waiting}`],
    failedCount === 0 ? [] : [`failed: ${least}${failedCount}`],
  ];
  return [counts.flat().join(', '), hosts[0] ?? ''].filter((part) => part !== '').join(' · ');
}
