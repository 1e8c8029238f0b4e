/**
 * What there is to explain: a pair of ours that wants to send, a pair of the far end that wants to come in, and whoever stands
 * before that: a stream that nobody has proved itself on yet, and a remote domain that failed and holds off.
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
  /** Whose outcome it is: a pair, a verification, a stream that was opened to us, or a remote domain. */
  readonly subject: ActorView;
  /** `waits`; `failed`, and nothing has succeeded since; `holds`, what was wanted is there; `left`, nobody wants it any more. */
  readonly outcome: 'waits' | 'failed' | 'holds' | 'left';
  /** From the stanza, or the subject, to the one on whom all the others wait. */
  readonly chain: readonly ChainLink[];
  /** The innermost that waits. */
  readonly waiting: WaitingLink | null;
  /** The far end's half of dialback, where its answer to a `db:result` of ours is awaited; else null. */
  readonly authority: AuthorityHalf | null;
  /** The stanza for which the stream was ended, where that is what is told of; else null. */
  readonly refusal: Refusal | null;
  readonly fault: Fault | null;
  readonly stuck: boolean;
  /** With the fault; where there is none, with one that fits no cause. */
  readonly situation: Situation;
}

const noFault = fault('internal', 'no-fault', 'local');

/** What orders it among others: the innermost that waits, else its end. */
export const sinceOf = ({ atMs }: View, { waiting, subject: { ended, path, bornMs } }: Negotiation): number =>
  waiting?.sinceMs ?? ended?.atMs ?? path.at(-1)?.atMs ?? bornMs ?? atMs;

/** Of us, to send. */
export function ofPair(view: View, pair: ActorView, halves: AuthorityHalves): Negotiation {
  const { local, remote } = domainsOf(pair);
  const peer = view.actors.get(`peer:${remote}`) ?? null;
  const actors = chainFrom(view, pair);
  const stream = streamAmong(actors) ?? streamOf(view, pair) ?? streamOf(view, peer);
  const involved: Involved = { local, remote, direction: 'outgoing', stream, peer };
  const outcome = outcomeOfPair(view, pair);
  const fault = outcome === 'failed' ? (pair.ended?.fault ?? faultIn(pair.context['fault']) ?? noFault) : null;
  // What is held off is told by whoever does it: the pair, or the peer for all its pairs.
  const holdsOff = outcome === 'failed' && peer?.ended === null && peer.state[0] === 'failed' ? [peer] : [];
  const tried = outcome === 'failed' && involved.stream !== null ? [involved.stream] : [];
  const links = outcome === 'waits' ? actors.map(linkOf) : [pair, ...tried, ...holdsOff].map(linkOf);
  const chain = [...queued(view, pair), ...links];
  const sinceMs = outcome === 'waits' ? assertedSince(chain) : wasAsserted(fault) ? lastAsserted(pair) : null;
  const authority = sinceMs === null ? null : halves.of(local, remote, sinceMs);
  const whole = authority === null ? chain : [...chain, authorityLink(local, remote, authority)];
  return concluded(view, involved, pair, outcome, whole, fault, null, authority);
}

/** Faults that end an assertion: the answer, or the end of the stream instead of one. */
const wasAsserted = (fault: Fault | null): boolean =>
  fault !== null && ['dialback', 'stream', 'tcp'].includes(fault.layer);

/** When its `db:result` was sent, of a pair that waits no more; null where it has stood since, or was never asserted. */
function lastAsserted({ path }: ActorView): number | null {
  const isAsserted = (state: string): boolean => assertedStates.pair.some((one) => one === state);
  const last = path.findLast(({ state }) => isAsserted(state) || state === 'routed' || state === 'awaitingRoute');
  return last !== undefined && isAsserted(last.state) ? last.atMs : null;
}

/** The stream that serves, or served, a pair which is routed. */
export const servingStream = (view: View, { context }: ActorView): ActorView | null =>
  view.actors.get(`stream:${String(context['stream'])}`) ?? null;

/** A pair that is routed or rests has been put to sleep, and so has ended. */
function outcomeOfPair(view: View, pair: ActorView): Negotiation['outcome'] {
  const { state, ended, context, path } = pair;
  if (ended?.how === 'errored') return 'failed';
  const [top] = state;
  if (top === 'failed') return 'failed';
  if (top === 'routed') return servingStream(view, pair)?.ended == null ? 'holds' : 'left';
  if (ended === null && top !== 'resting') return 'waits';
  // Its fault may be of an attempt before the one that succeeded.
  const before = path.findLast((step) => step.state !== 'resting')?.state;
  return top === 'resting' && before !== 'routed' && faultIn(context['fault']) !== null ? 'failed' : 'left';
}

/** Of the far end, to be believed by dialback. */
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

/** It is taking leave, and the far end has yet to do so. */
export const isClosing = ({ state, ended }: Pick<ActorView, 'state' | 'ended'>): boolean =>
  state[0] === 'closing' && ended === null;

/**
 * Of the far end, that has shown nothing yet which would tell us which pair it is about; and of either, the end of a stream.
 * @param isTold what was verified, or is, speaks for the remote domain
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
  // Nobody may wait for that any more but the stream itself.
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

/** Whoever only asks the authoritative server proves nothing. */
export const hasBeenAsked = (view: View, { id }: Pick<ActorView, 'id'>): boolean => {
  const brought = (kind: string): boolean =>
    view.recordsOf(id).some((one) => one.kind === 'wire' && one.direction === 'in' && one.element.kind === kind);
  return brought('verify') && !brought('result');
};

/** A remote domain that failed, and of whose pairs nothing is known any more. */
export function ofPeer(view: View, peer: ActorView): Negotiation | null {
  const remote = textIn(peer.context['remote']);
  if (peer.state[0] !== 'failed' || peer.ended !== null) return null;
  const stream = streamOf(view, peer);
  const local = textIn(stream?.context['local']) || (view.host ?? '');
  const involved: Involved = { local, remote, direction: 'outgoing', stream, peer };
  const why = faultIn(peer.context['fault']) ?? noFault;
  return concluded(view, involved, peer, 'failed', [...(stream === null ? [] : [stream]), peer].map(linkOf), why, null);
}

/** Of the far end, to be believed for a pair that it never asserted; null where it has been believed since. */
export function ofRefusal(view: View, stream: ActorView, refusal: Refusal): Negotiation | null {
  const { from: remote, to: local, fault } = refusal;
  if (wasAdmittedSince(view, refusal)) return null;
  const peer = view.actors.get(`peer:${remote}`) ?? null;
  const involved: Involved = { local, remote, direction: 'incoming', stream, peer };
  return concluded(view, involved, stream, 'failed', [linkOf(stream)], fault, null, null, refusal);
}

/** The last attempt of the same pair, where it failed: what came of it is known, whatever is tried now. */
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
  // Field by field: there are tens of thousands, and what is spread has a shape of its own each time.
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
    // Of most, nobody asks for it.
    get situation() {
      return { ...situationOf(view, involved, told ?? noFault, attempts), isAsserted: authority !== null };
    },
  };
}

export const isStream = ({ id }: Pick<ActorView, 'id'>): boolean => id.startsWith('stream:') && !id.includes('/');

/** The last stream of the chain: behind a dialback prooftype comes the one to the authoritative server. */
const streamAmong = (actors: readonly ActorView[]): ActorView | null => actors.findLast(isStream) ?? null;

/** The one that an actor waits for, or waited for last. */
function streamOf(view: View, actor: ActorView | null): ActorView | null {
  const id = numberIn(actor?.context['stream']);
  return id === null ? null : (view.actors.get(`stream:${id}`) ?? null);
}

/** Where the stream stood when it failed, or, where none was opened, the search for one; null where it has not, or stood well. */
export function failedIn({ outcome, stream, peer, fault }: Negotiation): string | null {
  if (outcome !== 'failed') return null;
  if (stream !== null) return stoodIn(stream);
  const isSearched = fault?.layer === 'dns' && peer !== null;
  return isSearched ? (peer.path.findLast(({ state }) => SEARCH.includes(state))?.state ?? null) : null;
}

/** States of a peer in which it is found out where to go. */
const SEARCH: readonly string[] = ['dnsResolution'];

/** The stanzas that wait, if they are known to. */
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
        ? 'As many stanzas wait as may, in order, for a stream that serves the pair; further ones are returned.'
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

/** How many stanzas wait for a pair that has no room for more; null where it has. */
export function fullQueue(view: View, { chain, subject }: Negotiation): number | null {
  if (!chain.some(({ machine, state }) => machine === 'queue' && state === 'full')) return null;
  const last = view.recordsOf(subject.id).findLast((one) => one.kind === 'queue');
  return last?.kind === 'queue' ? last.stanzas : null;
}
