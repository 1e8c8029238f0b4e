/**
 * Which negotiations there are, which are stuck, and since when. Decided from glances as far as possible, since there
 * may be ten thousand and only a few are shown.
 */
import { fieldsIn, textIn } from '../context.ts';
import { type Glance, glanceAt } from '../view/glance.ts';
import { type Roster, rosterOf } from '../view/roster.ts';
import type { View } from '../view/view.ts';
import { glanceChain, glanceChainOf, isHalfway, isLate, type Wait } from './chain.ts';
import { AuthorityHalves } from './halves.ts';
import {
  hasBeenAsked,
  isClosing,
  isStream,
  lastFailure,
  type Negotiation,
  ofPair,
  ofPeer,
  ofRefusal,
  ofStream,
  ofVerification,
  sinceOf,
} from './negotiations.ts';
import { refusalIn } from './refusals.ts';

/** A pair may be selected by only one of its domains. */
export interface PairWanted {
  readonly local?: string;
  readonly remote?: string;
}

/** A negotiation of which only its rank among the others is known yet. */
export interface Prospect {
  /** For a stopped one, `left` may turn out to be `holds` once more is known. */
  readonly outcome: Negotiation['outcome'];
  readonly stuck: boolean;
  /** Stuck negotiations are sorted by it. */
  readonly sinceMs: number;
  readonly direction: Negotiation['direction'];
  /** Domain served here; empty if not known. */
  readonly local: string;
  /** Null if it has gone in the meantime. */
  tell(): Negotiation | null;
}

/** One by one, so that the caller may pause; null for an actor that is no negotiation, or not the wanted one. */
export function* prospectsIn(
  view: View,
  wanted: PairWanted = {},
  known: Roster | null = null,
): Generator<Prospect | null> {
  const roster = known ?? (yield* pausing(rosterOf(view)));
  const prospects = new Prospects(view, wanted);
  // In this order: a domain covered by an earlier kind need not be shown again by a later one.
  for (const id of both(roster.pair)) if (mayBeWanted(id, wanted)) yield prospects.ofPair(id);
  for (const id of both(roster.verification)) yield prospects.ofVerification(id);
  for (const id of both(roster.stream)) yield prospects.ofStream(id);
  for (const id of roster.peer.living) yield prospects.ofPeer(id);
}

function* pausing<Result>(steps: Generator<undefined, Result>): Generator<null, Result> {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    yield null;
  }
}

function* both({ living, over }: Roster['pair']): Generator<string> {
  yield* living;
  yield* over;
}

/** Whether the pair may match, decided by its id alone, because there may be ten thousand. */
const mayBeWanted = (id: string, { local, remote }: PairWanted): boolean =>
  (local === undefined || id.startsWith(`pair:${local}>`)) && (remote === undefined || id.endsWith(`>${remote}`));

const isWanted = ({ local, remote }: { local: string; remote: string }, wanted: PairWanted): boolean =>
  (wanted.local === undefined || wanted.local === local) && (wanted.remote === undefined || wanted.remote === remote);

/** The id of a verification contains its domains (child-name.ts). */
const VERIFIED = /\/verification\.([^/>]*)>([^/]*)$/;

class Prospects {
  readonly #view: View;
  readonly #wanted: PairWanted;
  readonly #halves: AuthorityHalves;
  readonly #tails: Tails;
  /**
   * Remote domains that want to be admitted and are covered by a verification; and those that we want to send to, put
   * into a set on first use.
   */
  readonly #verified = new Set<string>();
  readonly #paired: string[] = [];
  #told: ReadonlySet<string> | null = null;

  constructor(view: View, wanted: PairWanted) {
    this.#view = view;
    this.#wanted = wanted;
    this.#halves = new AuthorityHalves(view);
    this.#tails = new Tails(view);
  }

  ofPair(id: string): Prospect | null {
    const view = this.#view;
    const tell = (): Negotiation | null => {
      const actor = view.actors.get(id);
      return actor === undefined ? null : ofPair(view, actor, this.#halves);
    };
    const pair = glanceAt(view, id);
    if (pair === undefined) return null;
    this.#paired.push(pair.remote);
    const stand = this.#standOfPair(pair);
    return stand === null ? this.#whole(tell()) : prospect(stand, 'outgoing', pair.local, tell);
  }

  ofVerification(id: string): Prospect | null {
    const view = this.#view;
    const tell = (): Negotiation | null => {
      const actor = view.actors.get(id);
      return actor?.machine === 'verification' ? ofVerification(view, actor) : null;
    };
    const [, remote, local] = VERIFIED.exec(id) ?? [];
    const verification = remote === undefined ? undefined : glanceAt(view, id);
    if (verification?.machine !== 'verification' || remote === undefined || local === undefined)
      return this.#whole(tell());
    const stand = this.#standOfVerification(verification, local, remote);
    if (stand === null) return this.#whole(tell());
    this.#verified.add(remote);
    return isWanted({ local, remote }, this.#wanted) ? prospect(stand, 'incoming', local, tell) : null;
  }

  ofStream(id: string): Prospect | null {
    const view = this.#view;
    const stream = glanceAt(view, id);
    const refused = stream === undefined ? null : this.#ofRefusal(stream);
    if (refused !== null) return refused.prospect;
    if (stream === undefined || (stream.machine !== 'receivingStream' && !isClosing(stream))) return null;
    const isTold = (remote: string): boolean => this.#verified.has(remote);
    const tell = (): Negotiation | null => {
      const actor = view.actors.get(id);
      return actor === undefined ? null : ofStream(view, actor, isTold);
    };
    const { local, remote } = stream;
    if (stream.ended === null && stream.state[0] === 'established') {
      if (!isWanted(stream, this.#wanted) || isTold(remote) || hasBeenAsked(view, stream)) return null;
      return prospect({ outcome: 'holds', stuck: false, sinceMs: view.atMs }, 'incoming', local, tell);
    }
    if (stream.ended !== null && hasStood(view, id)) return null;
    return this.#whole(tell());
  }

  /** A stream that was ended because of a stanza; null if it was not, or if its pair has been admitted since. */
  #ofRefusal({ id, ended, state }: Glance): { readonly prospect: Prospect | null } | null {
    const view = this.#view;
    const refusal = ended === null && state[0] !== 'closing' ? null : refusalIn(view, id);
    const actor = refusal === null ? undefined : view.actors.get(id);
    const negotiation = refusal === null || actor === undefined ? null : ofRefusal(view, actor, refusal);
    if (negotiation === null) return null;
    // The sender's own streams are a separate matter and are shown all the same.
    return { prospect: isWanted(negotiation, this.#wanted) ? this.#prospectOf(negotiation) : null };
  }

  ofPeer(id: string): Prospect | null {
    const view = this.#view;
    const { remote } = this.#wanted;
    if (remote !== undefined && id !== `peer:${remote}`) return null;
    const peer = glanceAt(view, id);
    if (peer === undefined || peer.state[0] !== 'failed' || this.#isTold(peer.remote)) return null;
    const actor = view.actors.get(id);
    return actor === undefined ? null : this.#whole(ofPeer(view, actor));
  }

  /** Built on first use: most views never need it. */
  #isTold(remote: string): boolean {
    return (this.#told ??= new Set([...this.#paired, ...this.#verified])).has(remote);
  }

  #whole(negotiation: Negotiation | null): Prospect | null {
    if (negotiation === null) return null;
    const { direction, remote } = negotiation;
    if (direction === 'outgoing') this.#paired.push(remote);
    else this.#verified.add(remote);
    return isWanted(negotiation, this.#wanted) ? this.#prospectOf(negotiation) : null;
  }

  #prospectOf(negotiation: Negotiation): Prospect {
    const { outcome, stuck, direction, local } = negotiation;
    return prospect({ outcome, stuck, sinceMs: sinceOf(this.#view, negotiation) }, direction, local, () => negotiation);
  }

  /** The same result as {@link ofPair}; null if glances are not enough to tell. */
  #standOfPair(pair: Glance): Stand | null {
    const { ended } = pair;
    const [top] = pair.state;
    if (top === undefined || top === 'resting') return null;
    if (top === 'routed') return ended === null ? null : { outcome: 'holds', stuck: false, sinceMs: ended.atMs };
    const hasFailed = top === 'failed' || ended?.how === 'errored';
    if (ended !== null) return hasFailed ? null : { outcome: 'left', stuck: false, sinceMs: ended.atMs };
    if (!hasFailed) return this.#standOfWaiting(pair, 'outgoing');
    const sinceMs = this.#sinceFailed(pair);
    return sinceMs === undefined ? null : { outcome: 'failed', stuck: true, sinceMs };
  }

  #standOfWaiting(waiting: Glance, direction: Prospect['direction']): Stand | null {
    const stand = this.#tails.standOf(waiting);
    if (stand === null || stand.stuck) return stand;
    const { local, remote } = waiting;
    return { ...stand, stuck: lastFailure(this.#view, { local, remote, direction }) !== null };
  }

  #sinceFailed(pair: Glance): number | undefined {
    const view = this.#view;
    const peer = glanceAt(view, `peer:${pair.remote}`);
    const streamAt = (id: number | null | undefined) => (id == null ? undefined : glanceAt(view, `stream:${id}`));
    const stream = glanceChain(view, pair).findLast(isStream) ?? streamAt(pair.stream) ?? streamAt(peer?.stream);
    const links = [pair, stream, peer?.state[0] === 'failed' ? peer : undefined];
    return links.findLast((one) => one?.waits != null)?.waits?.sinceMs;
  }

  /** The same result as {@link ofVerification}; null if glances are not enough to tell. */
  #standOfVerification(verification: Glance, local: string, remote: string): Stand | null {
    const { ended } = verification;
    if (ended === null) return this.#standOfWaiting({ ...verification, local, remote }, 'incoming');
    const sinceMs = ended.atMs;
    // Its owner stops it once it has the outcome: it has not failed, whatever else its context holds.
    if (ended.how === 'stopped') return { outcome: 'left', stuck: false, sinceMs };
    if (ended.output === undefined) return null;
    const isValid = textIn(fieldsIn(fieldsIn(ended.output)['answer'])['type']) === 'valid';
    return { outcome: isValid ? 'holds' : 'failed', stuck: !isValid, sinceMs };
  }
}

type Stand = Pick<Prospect, 'outcome' | 'stuck' | 'sinceMs'>;

/** Field by field: there may be ten thousand, and a spread would give each object a shape of its own. */
const prospect = (
  { outcome, stuck, sinceMs }: Stand,
  direction: Prospect['direction'],
  local: string,
  tell: Prospect['tell'],
): Prospect => ({ outcome, stuck, sinceMs, direction, local, tell });

/** Whether stanzas could ever pass on a stream that has ended. */
const hasStood = (view: View, id: string): boolean =>
  view.recordsOf(id).some((one) => one.kind === 'event' && one.states[0] === 'established');

/** Summary of a chain of waits, up to its end. */
interface Tail {
  /** The innermost wait. */
  readonly last: Wait | null;
  /** Half of the time of any wait in it has passed. */
  readonly isHalfway: boolean;
}

/** The rest of a chain, cached: behind a pair it is the same for all pairs that wait for the same peer or stream. */
class Tails {
  readonly #view: View;
  readonly #known = new Map<string, Tail>();

  constructor(view: View) {
    this.#view = view;
  }

  /** For an actor that waits; null if nothing is seen that it waits for. */
  standOf({ waits, waitsOn }: Glance): Stand | null {
    const [only] = waitsOn;
    const behind = waitsOn.length === 1 && only !== undefined ? this.#tailAt(only) : this.#tailOf(waitsOn);
    const last = behind.last ?? waits;
    if (last === null) return null;
    const { atMs } = this.#view;
    const stuck = behind.isHalfway || isLate(last, atMs) || (waits !== null && isHalfway(waits, atMs));
    return { outcome: 'waits', stuck, sinceMs: last.sinceMs };
  }

  #tailAt(id: string): Tail {
    let known = this.#known.get(id);
    if (known === undefined) this.#known.set(id, (known = this.#tailOf([id])));
    return known;
  }

  #tailOf(ids: readonly string[]): Tail {
    const { atMs } = this.#view;
    let last: Wait | null = null;
    let isPast = false;
    for (const { waits } of glanceChainOf(this.#view, ids)) {
      if (waits === null) continue;
      last = waits;
      isPast ||= isHalfway(waits, atMs);
    }
    return { last, isHalfway: isPast };
  }
}
