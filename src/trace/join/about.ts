/** Which pairs a disagreement concerns. */
import { domainsOf } from '../explain/situation.ts';
import type { View } from '../view/view.ts';
import type { Disagreement } from './disagreement.ts';

/** Whether it concerns a stream that carried that pair, or all streams. */
export function isAbout(
  { streams }: Disagreement,
  ends: readonly [View, View],
  { local, remote }: { readonly local?: string; readonly remote?: string },
): boolean {
  if (streams.every((id) => id === null)) return true;
  const names = new Set(streams.flatMap((id, at) => (id === null ? [] : namesOn(at === 0 ? ends[0] : ends[1], id))));
  return [local, remote].every((domain) => domain === undefined || names.has(domain));
}

/** All domains that are named on a stream. */
function namesOn(view: View, id: string): readonly string[] {
  const actor = view.actors.get(id);
  const { local, remote } = actor === undefined ? { local: '', remote: '' } : domainsOf(actor);
  const named = view.recordsOf(id).flatMap((record) => {
    if (record.kind !== 'wire' || !('from' in record.element && 'to' in record.element)) return [];
    return [record.element.from, record.element.to].filter((name) => name !== null);
  });
  return [local, remote, ...named];
}
