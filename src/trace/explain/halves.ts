/**
 * The far end's half of dialback: on a stream of its own, it asks our authoritative server whether the key is ours
 * (XEP-0220 §2.2).
 */
import { type ChainLink, innermost } from './chain.ts';
import { domainsOf } from './situation.ts';
import type { ActorView, View } from '../view/view.ts';

/** What the far end did about our `db:result`. */
export interface AuthorityHalf {
  /** When it asked us; null if it has not. */
  readonly askedAtMs: number | null;
  /** What we answered, and when; null if we have not. */
  readonly answered: { readonly atMs: number; readonly type: string } | null;
  /** Its final verdict on the key, as it reached us; null if there is none. */
  readonly told: { readonly atMs: number; readonly type: string } | null;
  /**
   * The last stream from that domain that was opened since, or is still open; else the last one opened since by a peer
   * that has not said who it is.
   */
  readonly stream: ActorView | null;
}

/** The states, by id of the chart, in which one of our pairs waits for the answer to its `db:result`. */
export const assertedStates = {
  pair: ['piggybackingAssertion.awaitingAnswer'],
  assertion: ['awaitingAnswer'],
} as const;

/** When the `db:result` whose answer is awaited was sent; null if the pair waits for something else. */
export function assertedSince(chain: readonly ChainLink[]): number | null {
  const last = innermost(chain);
  const isIn = ([chart, states]: [string, readonly string[]]): boolean =>
    chart === last?.machine && states.includes(last.state);
  return last !== null && Object.entries(assertedStates).some(isIn) ? last.sinceMs : null;
}

/** The record of our `db:result` may be slightly later than the records of its consequences. */
const SLACK_MS = 1_000;

interface Verifies {
  readonly asked: number[];
  readonly answered: { readonly atMs: number; readonly type: string }[];
  readonly told: { readonly atMs: number; readonly type: string }[];
}

/** All questions to our authoritative server, read once for all pairs. */
export class AuthorityHalves {
  readonly #view: View;
  #verifies: ReadonlyMap<string, Verifies> | null = null;
  #opened: readonly ActorView[] | null = null;

  constructor(view: View) {
    this.#view = view;
  }

  /** @param sinceMs when the `db:result` was sent */
  of(local: string, remote: string, sinceMs: number): AuthorityHalf {
    const fromMs = sinceMs - SLACK_MS;
    const known = (this.#verifies ??= verifiesIn(this.#view)).get(`${local}>${remote}`);
    const { asked = [], answered = [], told = [] } = known ?? {};
    return {
      askedAtMs: asked.findLast((atMs) => atMs >= fromMs) ?? null,
      answered: answered.findLast(({ atMs }) => atMs >= fromMs) ?? null,
      told: told.findLast(({ atMs }) => atMs >= fromMs) ?? null,
      stream: this.#openedBy(remote, fromMs),
    };
  }

  #openedBy(remote: string, fromMs: number): ActorView | null {
    const opened = (this.#opened ??= openedIn(this.#view));
    const isSince = ({ bornMs }: ActorView): boolean => (bornMs ?? 0) >= fromMs;
    // The question may arrive on any stream that the far end opened to us, however long ago (XEP-0220 §2.6).
    const isOfIt = (actor: ActorView): boolean =>
      domainsOf(actor).remote === remote && (actor.ended === null || isSince(actor));
    const isOfNobody = (actor: ActorView): boolean => domainsOf(actor).remote === '' && isSince(actor);
    return opened.findLast(isOfIt) ?? opened.findLast(isOfNobody) ?? null;
  }
}

/** By `local>remote`. */
function verifiesIn(view: View): ReadonlyMap<string, Verifies> {
  const byPair = new Map<string, Verifies>();
  for (const record of view.records) {
    if (record.kind !== 'wire') continue;
    const { direction, element, atMs } = record;
    if (element.kind !== 'verify' && element.kind !== 'result') continue;
    const { from, to, answer } = element;
    const isTold = element.kind === 'result' && direction === 'in' && answer !== null;
    const isAsked = element.kind === 'verify' && direction === 'in' && answer === null;
    const isAnswered = element.kind === 'verify' && direction === 'out' && answer !== null;
    if (!isTold && !isAsked && !isAnswered) continue;
    const pair = isAnswered ? `${from}>${to}` : `${to}>${from}`;
    const known = byPair.get(pair) ?? { asked: [], answered: [], told: [] };
    byPair.set(pair, known);
    if (answer === null) known.asked.push(atMs);
    else known[isTold ? 'told' : 'answered'].push({ atMs, type: answer.type });
  }
  return byPair;
}

function openedIn(view: View): readonly ActorView[] {
  const opened: ActorView[] = [];
  for (const id of view.actors.keys()) {
    const actor = id.startsWith('stream:') && !id.includes('/') ? view.actors.get(id) : undefined;
    if (actor?.machine === 'receivingStream') opened.push(actor);
  }
  return opened.sort((one, other) => (one.bornMs ?? 0) - (other.bornMs ?? 0));
}

/** The far end's half, as a link of the chain. */
export function authorityLink(local: string, remote: string, half: AuthorityHalf): ChainLink {
  const { askedAtMs, answered, stream } = half;
  const link = (state: string, sinceMs: number | null, description: string): ChainLink => ({
    actor: stream?.id ?? `pair:${local}>${remote}`,
    machine: 'authority',
    state,
    description,
    spec: 'XEP-0220 §2.3',
    awaits: null,
    mover: null,
    ifLate: null,
    sinceMs,
    deadlineMs: null,
  });
  if (answered !== null)
    return link(
      'answered',
      answered.atMs,
      `${remote} has asked us about the key, and we have answered ${answered.type}.`,
    );
  return askedAtMs === null
    ? link('notAsked', null, `${remote} has not asked us (db:verify) whether the key is ours.`)
    : link('asked', askedAtMs, `${remote} has asked us (db:verify), and we have not answered.`);
}
