/**
 * The negotiations to explain: a pair of ours that wants to send, a pair of the far end that wants to be admitted, and
 * the stages before that: a stream on which nothing is proved yet, and a remote domain that failed and is in its
 * hold-off.
 */
import { fault, type Fault } from '../../protocol/faults.ts';
import type { Situation } from './causes/diagnose.ts';
import { toldFault, whyDisbelieved } from './causes/telling-fault.ts';
import {
  chainFrom,
  type ChainLink,
  innermost,
  isStuck,
  isWaiting,
  linkOf,
  stoodIn,
  type WaitingLink,
} from './chain.ts';
import { attemptsIn, faultIn, fieldsIn, numberIn, textIn, whyInVain } from '../context.ts';
import { type AuthorityHalf, AuthorityHalves, authorityLink, assertedSince, assertedStates } from './halves.ts';
import type { AttemptEnded } from '../attempt.ts';
import type { RecordOf } from '../record.ts';
import { type Refusal, wasAdmittedSince } from './refusals.ts';
import { domainsOf, type Involved, situationOf } from './situation.ts';
import type { ActorView, View } from '../view/view.ts';

export interface Negotiation extends Involved {
  /** The actor whose outcome it is: a pair, a verification, a stream that was opened to us, or a remote domain. */
  readonly subject: ActorView;
  /**
   * `waits`; `failed`: and nothing has succeeded since; `holds`: the goal is reached; `left`: nobody wants it any more.
   */
  readonly outcome: 'waits' | 'failed' | 'holds' | 'left';
  /** From the stanza, or the subject, to the actor that all the others wait for. */
  readonly chain: readonly ChainLink[];
  /** The innermost waiting link. */
  readonly waiting: WaitingLink | null;
  /** The far end's half of dialback, if its answer to our `db:result` is awaited; else null. */
  readonly authority: AuthorityHalf | null;
  /** The stanza because of which the stream was ended, if this negotiation is about that; else null. */
  readonly refusal: Refusal | null;
  readonly fault: Fault | null;
  readonly stuck: boolean;
  /** Includes the fault; if there is none, a fault that matches no cause. */
  readonly situation: Situation;
}

const noFault = fault('internal', 'no-fault', 'local');

/** The time by which it is sorted: that of the innermost wait, else of its end. */
export const sinceOf = ({ atMs }: View, { waiting, subject: { ended, path, bornMs } }: Negotiation): number =>
  waiting?.sinceMs ?? ended?.atMs ?? path.at(-1)?.atMs ?? bornMs ?? atMs;

/** A pair of ours that wants to send. */
export function ofPair(view: View, pair: ActorView, halves: AuthorityHalves): Negotiation {
  const { local, remote } = domainsOf(pair);
  const peer = view.actors.get(`peer:${remote}`) ?? null;
  const actors = chainFrom(view, pair);
  const stream = streamAmong(actors) ?? streamOf(view, pair) ?? streamOf(view, peer);
  const involved: Involved = { local, remote, direction: 'outgoing', stream, peer };
  const outcome = outcomeOfPair(view, pair);
  const fault = outcome === 'failed' ? (pair.ended?.fault ?? faultIn(pair.context['fault']) ?? noFault) : null;
  // The hold-off is reported by the actor that imposes it: the pair, or the peer for all its pairs.
  const holdsOff = outcome === 'failed' && peer?.ended === null && peer.state[0] === 'failed' ? [peer] : [];
  const tried = outcome === 'failed' && involved.stream !== null ? [involved.stream] : [];
  const links = outcome === 'waits' ? actors.map(linkOf) : [pair, ...tried, ...holdsOff].map(linkOf);
  const chain = [...queued(view, pair), ...links];
  const sinceMs = outcome === 'waits' ? assertedSince(chain) : wasAsserted(fault) ? lastAsserted(pair) : null;
  const authority = sinceMs === null ? null : halves.of(local, remote, sinceMs);
  const whole = authority === null ? chain : [...chain, authorityLink(local, remote, authority)];
  return concluded(view, involved, pair, outcome, whole, fault, null, authority);
}

/** Faults that can end an assertion: the answer, or the end of the stream instead of an answer. */
const wasAsserted = (fault: Fault | null): boolean =>
  fault !== null && ['dialback', 'stream', 'tcp'].includes(fault.layer);

/** When the `db:result` of a pair that no longer waits was sent; null if it was routed since, or never asserted. */
function lastAsserted({ path }: ActorView): number | null {
  const isAsserted = (state: string): boolean => assertedStates.pair.some((one) => one === state);
  const last = path.findLast(({ state }) => isAsserted(state) || state === 'routed' || state === 'awaitingRoute');
  return last !== undefined && isAsserted(last.state) ? last.atMs : null;
}

/** The stream that serves, or served, a routed pair. */
export const servingStream = (view: View, { context }: ActorView): ActorView | null =>
  view.actors.get(`stream:${String(context['stream'])}`) ?? null;

/** A pair that is routed or resting may have ended because it was hibernated. */
function outcomeOfPair(view: View, pair: ActorView): Negotiation['outcome'] {
  const { state, ended, context, path } = pair;
  if (ended?.how === 'errored') return 'failed';
  const [top] = state;
  if (top === 'failed') return 'failed';
  if (top === 'routed') return servingStream(view, pair)?.ended == null ? 'holds' : 'left';
  if (ended === null && top !== 'resting') return 'waits';
  // Its fault may come from an attempt before the one that succeeded.
  const before = path.findLast((step) => step.state !== 'resting')?.state;
  return top === 'resting' && before !== 'routed' && faultIn(context['fault']) !== null ? 'failed' : 'left';
}

/** A pair of the far end that wants to be proved by dialback. */
export function ofVerification(view: View, verification: ActorView): Negotiation {
  const remote = textIn(verification.context['from']);
  const local = textIn(verification.context['to']);
  const actors = chainFrom(view, verification);
  const brought = verification.parent === null ? null : (view.actors.get(verification.parent) ?? null);
  const peer = view.actors.get(`peer:${remote}`) ?? null;
  const involved: Involved = { local, remote, direction: 'incoming', peer, stream: streamAmong(actors) ?? brought };
  const links = actors.map(linkOf);
  if (verification.ended === null) return concluded(view, involved, verification, 'waits', links, null, null);
  const { answer, attempts } = fieldsIn(verification.ended.output ?? verification.context['outcome']);
  const { type, condition, text } = fieldsIn(answer);
  if (type === 'valid') return concluded(view, involved, verification, 'holds', links, null, null);
  if (verification.ended.how === 'stopped') return concluded(view, involved, verification, 'left', links, null, null);
  const said = fault('dialback', textIn(condition) || 'invalid', 'local', textIn(text) || undefined);
  const why = whyDisbelieved(attemptsIn(attempts), said);
  return concluded(view, involved, verification, 'failed', links, why, attempts);
}

/** We have begun to close the stream, and the far end has not yet. */
export const isClosing = ({ state, ended }: Pick<ActorView, 'state' | 'ended'>): boolean =>
  state[0] === 'closing' && ended === null;

/**
 * A stream of the far end that has not shown yet which pair it is for; or, for a stream of either side, the end of that
 * stream.
 * @param isTold whether a verification, finished or not, already represents the remote domain
 */
export function ofStream(view: View, stream: ActorView, isTold: (remote: string) => boolean): Negotiation | null {
  const { local, remote } = domainsOf(stream);
  const [top] = stream.state;
  const involved: Involved = {
    ...{ local, remote, stream },
    direction: stream.machine === 'receivingStream' ? 'incoming' : 'outgoing',
    peer: view.actors.get(`peer:${remote}`) ?? null,
  };
  const hasStood = stream.path.some(({ state }) => state.split('.')[0] === 'established');
  const links = [linkOf(stream)];
  // Possibly nobody but the stream itself waits for that any more.
  if (hasStood && isClosing(stream)) return concluded(view, involved, stream, 'waits', links, null, null);
  if (stream.machine !== 'receivingStream') return null;
  if (isTold(remote) || hasBeenAsked(view, stream)) return null;
  if (top === 'established') return concluded(view, involved, stream, 'holds', links, null, null);
  if (hasStood) return null;
  if (stream.ended === null && top !== 'closing')
    return concluded(view, involved, stream, 'waits', chainFrom(view, stream).map(linkOf), null, null);
  const why = stream.ended?.fault ?? faultIn(stream.context['fault']);
  const inVain = whyInVain(stream.context, why);
  if (inVain === null) return null;
  const attempts = attemptsIn(fieldsIn(stream.context['associated'])['attempts']);
  return concluded(view, involved, stream, 'failed', links, inVain, attempts);
}

/** Whether the far end used the stream only to query the authoritative server: then it has to prove nothing. */
export const hasBeenAsked = (view: View, { id }: Pick<ActorView, 'id'>): boolean => {
  const brought = (kind: string): boolean =>
    view.recordsOf(id).some((one) => one.kind === 'wire' && one.direction === 'in' && one.element.kind === kind);
  return brought('verify') && !brought('result');
};

/** A remote domain that failed and whose pairs have left no trace. */
export function ofPeer(view: View, peer: ActorView): Negotiation | null {
  const remote = textIn(peer.context['remote']);
  if (peer.state[0] !== 'failed' || peer.ended !== null) return null;
  const stream = streamOf(view, peer);
  const local = textIn(stream?.context['local']) || (view.host ?? '');
  const involved: Involved = { local, remote, direction: 'outgoing', stream, peer };
  const why = faultIn(peer.context['fault']) ?? noFault;
  return concluded(view, involved, peer, 'failed', [...(stream === null ? [] : [stream]), peer].map(linkOf), why, null);
}

/** A pair of the far end that it used without proving it; null if the pair was admitted since. */
export function ofRefusal(view: View, stream: ActorView, refusal: Refusal): Negotiation | null {
  const { from: remote, to: local, fault } = refusal;
  if (wasAdmittedSince(view, refusal)) return null;
  const peer = view.actors.get(`peer:${remote}`) ?? null;
  const involved: Involved = { local, remote, direction: 'incoming', stream, peer };
  return concluded(view, involved, stream, 'failed', [linkOf(stream)], fault, null, null, refusal);
}

/** The last attempt of the same pair, if it failed: its result is known, whatever is being tried now. */
export function lastFailure(
  view: View,
  { local, remote, direction }: Pick<Involved, 'local' | 'remote' | 'direction'>,
): AttemptEnded | null {
  const isOfPair = ({ attempt }: RecordOf<'attempt'>): boolean =>
    attempt.local === local && attempt.direction === direction;
  const last = view.attempts(remote).findLast(isOfPair)?.attempt;
  return last?.outcome === 'failed' ? last : null;
}

function concluded(
  view: View,
  involved: Involved,
  subject: ActorView,
  outcome: Negotiation['outcome'],
  chain: readonly ChainLink[],
  why: Fault | null,
  attempts: unknown,
  authority: AuthorityHalf | null = null,
  refusal: Refusal | null = null,
): Negotiation {
  const { associated } = involved.stream?.context ?? {};
  const told = why === null || attempts !== null ? why : toldFault(attemptsIn(fieldsIn(associated)['attempts']), why);
  // Field by field: there are tens of thousands, and a spread would give each object a shape of its own.
  return {
    local: involved.local,
    remote: involved.remote,
    direction: involved.direction,
    stream: involved.stream,
    peer: involved.peer,
    subject,
    outcome,
    chain,
    authority,
    refusal,
    fault: told,
    waiting: outcome === 'left' ? null : innermost(chain),
    stuck:
      outcome === 'failed' ||
      (outcome === 'waits' && (isStuck(chain.filter(isWaiting), view.atMs) || lastFailure(view, involved) !== null)),
    // A getter, because for most negotiations nobody reads it.
    get situation() {
      return { ...situationOf(view, involved, told ?? noFault, attempts), isAsserted: authority !== null };
    },
  };
}

export const isStream = ({ id }: Pick<ActorView, 'id'>): boolean => id.startsWith('stream:') && !id.includes('/');

/** The last stream of the chain: after a dialback prooftype comes the stream to the authoritative server. */
const streamAmong = (actors: readonly ActorView[]): ActorView | null => actors.findLast(isStream) ?? null;

/** The stream that an actor waits for, or last waited for. */
function streamOf(view: View, actor: ActorView | null): ActorView | null {
  const id = numberIn(actor?.context['stream']);
  return id === null ? null : (view.actors.get(`stream:${id}`) ?? null);
}

/**
 * The state of the stream when it failed, or, if none was opened, of the search for a server; null if it has not
 * failed.
 */
export function failedIn({ outcome, stream, peer, fault }: Negotiation): string | null {
  if (outcome !== 'failed') return null;
  if (stream !== null) return stoodIn(stream);
  const isSearched = fault?.layer === 'dns' && peer !== null;
  return isSearched ? (peer.path.findLast(({ state }) => SEARCH.includes(state))?.state ?? null) : null;
}

/** States of a peer in which it looks for the server of its domain. */
const SEARCH: readonly string[] = ['dnsResolution'];

/** The waiting stanzas, if records show any. */
function queued(view: View, pair: ActorView): readonly ChainLink[] {
  const edges = view.recordsOf(pair.id).filter((one) => one.kind === 'queue');
  const last = edges.at(-1);
  if (last === undefined || (last.change !== 'waiting' && last.change !== 'full')) return [];
  const isFull = last.change === 'full';
  return [
    {
      actor: pair.id,
      machine: 'queue',
      state: last.change,
      description: isFull
        ? 'The queue is full: its stanzas wait, in order, for a stream that serves the pair; further ones are returned.'
        : 'Stanzas wait, in order, for a stream that serves the pair.',
      spec: 'RFC 6120 §10.1',
      awaits: 'a route for the pair',
      mover: 'us',
      ifLate: 'they are returned to their senders',
      sinceMs: (edges.findLast(({ change }) => change === 'waiting') ?? last).atMs,
      deadlineMs: null,
    },
  ];
}

/** Number of stanzas that wait for a pair whose queue is full; null if it is not full. */
export function fullQueue(view: View, { chain, subject }: Negotiation): number | null {
  if (!chain.some(({ machine, state }) => machine === 'queue' && state === 'full')) return null;
  const last = view.recordsOf(subject.id).findLast((one) => one.kind === 'queue');
  return last?.kind === 'queue' ? last.stanzas : null;
}
