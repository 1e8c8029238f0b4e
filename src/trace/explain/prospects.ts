/**
 * Which negotiations there are, which of them are stuck and since when: seen at a glance as far as that goes, since there may be
 * ten thousand, and few are told of.
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

/** A pair may be named by one of its domains alone. */
export interface PairWanted {
  readonly local?: string;
  readonly remote?: string;
}

/** A negotiation, of which no more is known yet than where it stands among the others. */
export interface Prospect {
  /** Of one that was stopped, `left` may be `holds` once more is known. */
  readonly outcome: Negotiation['outcome'];
  readonly stuck: boolean;
  /** By which those that are stuck are put in order. */
  readonly sinceMs: number;
  readonly direction: Negotiation['direction'];
  /** Domain served here; empty where nobody has said. */
  readonly local: string;
  /** Null: it has gone meanwhile. */
  tell(): Negotiation | null;
}

/** One by one, so that whoever asks may pause; null for one that is no negotiation, or not the one that is wanted. */
export function* prospectsIn(
  view: View,
  wanted: PairWanted = {},
  known: Roster | null = null,
): Generator<Prospect | null> {
  const roster = known ?? (yield* pausing(rosterOf(view)));
  const prospects = new Prospects(view, wanted);
  // In this order: what is told of one need not be told of the next.
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

/** Of ten thousand pairs, the one that was asked for. */
const mayBeWanted = (id: string, { local, remote }: PairWanted): boolean =>
  (local === undefined || id.startsWith(`pair:${local}>`)) && (remote === undefined || id.endsWith(`>${remote}`));

const isWanted = ({ local, remote }: { local: string; remote: string }, wanted: PairWanted): boolean =>
  (wanted.local === undefined || wanted.local === local) && (wanted.remote === undefined || wanted.remote === remote);

/** The domains of a verification stand in its id (child-name.ts). */
const VERIFIED = /\/verification\.([^/>]*)>([^/]*)$/;

class Prospects {
  readonly #view: View;
  readonly #wanted: PairWanted;
  readonly #halves: AuthorityHalves;
  readonly #tails: Tails;
  /** Remote domains that want to come in, of which a verification tells; and those that we want to send to, where anybody asks. */
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

  /** Of one that was ended for a stanza; null where there was none, or where its pair has been admitted since. */
  #ofRefusal({ id, ended, state }: Glance): { readonly prospect: Prospect | null } | null {
    const view = this.#view;
    const refusal = ended === null && state[0] !== 'closing' ? null : refusalIn(view, id);
    const actor = refusal === null ? undefined : view.actors.get(id);
    const negotiation = refusal === null || actor === undefined ? null : ofRefusal(view, actor, refusal);
    if (negotiation === null) return null;
    // What its sender does on streams of its own is another matter: it is told of all the same.
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

  /** Of most views nobody asks this. */
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

  /** As {@link ofPair} finds it; null where that is not to be seen at a glance. */
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

  /** Likewise, as {@link ofVerification} does. */
  #standOfVerification(verification: Glance, local: string, remote: string): Stand | null {
    const { ended } = verification;
    if (ended === null) return this.#standOfWaiting({ ...verification, local, remote }, 'incoming');
    const sinceMs = ended.atMs;
    // Whoever was told of the outcome stops it: it has not failed, whatever more is in its context.
    if (ended.how === 'stopped') return { outcome: 'left', stuck: false, sinceMs };
    if (ended.output === undefined) return null;
    const isValid = textIn(fieldsIn(fieldsIn(ended.output)['answer'])['type']) === 'valid';
    return { outcome: isValid ? 'holds' : 'failed', stuck: !isValid, sinceMs };
  }
}

type Stand = Pick<Prospect, 'outcome' | 'stuck' | 'sinceMs'>;

/** Field by field: there are ten thousand, and what is spread has a shape of its own each time. */
const prospect = (
  { outcome, stuck, sinceMs }: Stand,
  direction: Prospect['direction'],
  local: string,
  tell: Prospect['tell'],
): Prospect => ({ outcome, stuck, sinceMs, direction, local, tell });

/** Of a stream that has ended: whether stanzas could ever pass. */
const hasStood = (view: View, id: string): boolean =>
  view.recordsOf(id).some((one) => one.kind === 'event' && one.states[0] === 'established');

/** What is known of a chain of waits when its end is reached. */
interface Tail {
  /** The innermost. */
  readonly last: Wait | null;
  /** Half of the time of any of them has passed. */
  readonly isHalfway: boolean;
}

/** Whom others wait for. Behind a pair it is the same for all that wait for the same peer or stream. */
class Tails {
  readonly #view: View;
  readonly #known = new Map<string, Tail>();

  constructor(view: View) {
    this.#view = view;
  }

  /** Of one that waits; null where nothing is seen to be waited for. */
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
