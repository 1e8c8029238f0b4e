/** The far end's half of dialback: it asks our authoritative side whether the key is ours, on a stream of its own (XEP-0220 §2.2). */
import { domainsOf } from './explain-situation.ts';
import type { ChainLink } from './explain-chain.ts';
import type { ActorView, View } from './view.ts';

/** What the far end did about a `db:result` of ours. */
export interface AuthorityHalf {
  /** When it asked us; null where it has not. */
  readonly askedAtMs: number | null;
  /** What we answered, and when; null where we have not. */
  readonly answered: { readonly atMs: number; readonly type: string } | null;
  /** A stream that it opened to us meanwhile, and the last state of it. */
  readonly stream: ActorView | null;
}

/** The record of our `db:result` may be a moment later than what follows from it. */
const SLACK_MS = 1_000;

/** @param sinceMs when the `db:result` was sent */
export function authorityHalf(view: View, local: string, remote: string, sinceMs: number): AuthorityHalf {
  let askedAtMs: number | null = null;
  let answered: AuthorityHalf['answered'] = null;
  for (const record of view.records) {
    if (record.kind !== 'wire' || record.element.kind !== 'verify' || record.atMs < sinceMs - SLACK_MS) continue;
    const { from, to, answer } = record.element;
    if (record.direction === 'in' && answer === null && from === remote && to === local) askedAtMs = record.atMs;
    if (record.direction === 'out' && answer !== null && from === local && to === remote)
      answered = { atMs: record.atMs, type: answer.type };
  }
  return { askedAtMs, answered, stream: openedSince(view, remote, sinceMs) };
}

/** The last that the remote domain, or somebody who has not said who he is, has opened to us since. */
function openedSince(view: View, remote: string, sinceMs: number): ActorView | null {
  let last: ActorView | null = null;
  for (const id of view.actors.keys()) {
    const actor = id.startsWith('stream:') && !id.includes('/') ? view.actors.get(id) : undefined;
    if (actor?.machine !== 'receivingStream' || (actor.bornMs ?? 0) < sinceMs - SLACK_MS) continue;
    const said = domainsOf(actor).remote;
    if (said === remote || (said === '' && last === null)) last = actor;
  }
  return last;
}

/** Where a pair waits for the answer to its `db:result`: the other half, as a link of its own. */
export function authorityLink(
  view: View,
  local: string,
  remote: string,
  chain: readonly ChainLink[],
): readonly ChainLink[] {
  const asserted = chain.findLast(({ state, awaits }) => awaits !== null && state.endsWith('awaitingAnswer'));
  if (asserted?.sinceMs == null || asserted !== chain.findLast(({ awaits }) => awaits !== null)) return [];
  const { askedAtMs, answered, stream } = authorityHalf(view, local, remote, asserted.sinceMs);
  const told = {
    actor: stream?.id ?? `pair:${local}>${remote}`,
    machine: 'authority',
    spec: 'XEP-0220 §2.3',
    ...{ awaits: null, mover: null, ifLate: null, deadlineMs: null },
  };
  if (answered !== null)
    return [
      {
        ...told,
        state: 'answered',
        description: `${remote} has asked us about the key, and we have answered ${answered.type}.`,
        sinceMs: answered.atMs,
      },
    ];
  const description =
    askedAtMs === null
      ? `${remote} has not asked us (db:verify) whether the key is ours.`
      : `${remote} has asked us (db:verify), and we have not answered.`;
  return [{ ...told, state: askedAtMs === null ? 'notAsked' : 'asked', description, sinceMs: askedAtMs }];
}
