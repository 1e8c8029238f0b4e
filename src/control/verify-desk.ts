/**
 * What the dialback prooftype asks: streams to authoritative servers, and `db:verify` requests that wait for their
 * answer.
 */
import type { StreamId, StreamReport, StreamWish } from '../../machines/events.ts';
import { limits } from '../../machines/limits.ts';
import type { Resolution } from '../../machines/resolution.machine.ts';
import { addressBlock } from '../protocol/addresses.ts';
import type { DialbackAnswer } from '../protocol/dialback.ts';
import { fault, FaultError, type Fault } from '../protocol/faults.ts';
import { pairId, verifyId } from '../protocol/pairs.ts';
import type { StreamRow, Wanted } from './standing-streams.ts';
import { Turns } from './turns.ts';

/** `from` is the target domain of the assertion, `to` its sender domain (XEP-0220 §2.2). */
export interface Question {
  readonly from: string;
  readonly to: string;
  readonly id: string;
  readonly key: string;
}

export interface DeskPorts {
  /** Whether the stream is open, so that its end will be reported. */
  readonly stands: (stream: StreamId) => boolean;
  readonly ask: (stream: StreamId, question: Question) => void;
  /** Nobody waits for the answer any more. */
  readonly forget: (stream: StreamId, question: Question) => void;
  readonly standing: (wanted: Omit<Wanted, 'endpoints'>) => StreamRow | null;
  /**
   * Where the domain is served, when a stream there may exist already; null where the look-up is left to its peer
   * actor.
   */
  readonly locate: (
    remote: string,
    avoid: readonly StreamId[],
    signal: AbortSignal,
  ) => Promise<Resolution | null> | null;
  /** A stream that leads there. */
  readonly standingAt: (wanted: Wanted) => StreamId | null;
  readonly want: (remote: string, wish: StreamWish, known: Resolution | null) => void;
  /**
   * No verification waits for a stream to this domain any more; stanzas may. Returns the stream that was being opened
   * for it, if it still has to close.
   */
  readonly unwant: (remote: string) => StreamId | null;
  /** The address that brought an assertion: the far end of the stream. */
  readonly farAddress: (stream: StreamId) => string;
}

/** The turn of one assertion: it lasts as long as the stream that is opened for it. */
interface Turn {
  readonly address: string;
  lastsWith: StreamId | null;
}

interface StreamToOpen {
  readonly turn: Turn;
  readonly sender: string;
  readonly target: string;
  readonly askedOn: StreamId;
  readonly known: Resolution | null;
}

interface Waiter<Answer> {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (why: FaultError) => void;
}

export class VerifyDesk {
  readonly #ports: DeskPorts;
  /** Limits streams being opened to domains that a peer merely asserts (XEP-0220 §2.1.1, §2.5). */
  readonly #turns = new Turns({
    atOnce: limits.verifyStreams,
    perParty: limits.verifyStreamsPerAddress,
    waitingPerParty: limits.waitingAssertionsPerAddress,
  });
  /** By {@link keyOf}. */
  readonly #forStream = new Map<string, Waiter<StreamId>[]>();
  /**
   * Abandoned streams that are still closing, with the addresses that hold turns for them: the turns are released when
   * they are gone.
   */
  readonly #left = new Map<StreamId, string[]>();
  /** By stream, then by the {@link verifyId} of the request; streams without a pending request are not in it. */
  readonly #forAnswer = new Map<StreamId, Map<string, Waiter<DialbackAnswer>[]>>();

  constructor(ports: DeskPorts) {
    this.#ports = ports;
  }

  get streamsAskedOn(): number {
    return this.#forAnswer.size;
  }

  /**
   * Finds or opens a stream to the sender domain that did not bring the assertion (XEP-0288 §2.2); rejects with the
   * reason when there is none. Assertions beyond `limits.verifyStreams`, or beyond the share of their address, wait
   * their turn until `signal` fires.
   */
  async openStream(sender: string, target: string, askedOn: StreamId, signal: AbortSignal): Promise<StreamId> {
    const wanted = { remote: sender, purpose: 'verification' as const, avoid: [askedOn] };
    const standing = this.#ports.standing(wanted);
    if (standing !== null) return standing.id;
    const address = addressBlock(this.#ports.farAddress(askedOn));
    if (this.#turns.isCrowded(address)) throw new FaultError(tooManyAssertions);
    await this.#turns.take(address, signal);
    const turn: Turn = { address, lastsWith: null };
    try {
      signal.throwIfAborted(); // aborted meanwhile: an abort does not return a turn that was already given
      const again = this.#ports.standing(wanted);
      if (again !== null) return again.id;
      const known = await this.#ports.locate(sender, wanted.avoid, signal);
      signal.throwIfAborted();
      const there =
        known?.kind === 'resolved' ? this.#ports.standingAt({ ...wanted, endpoints: [known.endpoint] }) : null;
      return there ?? (await this.#open({ turn, sender, target, askedOn, known }, signal));
    } finally {
      if (turn.lastsWith === null) this.#turns.release(address);
    }
  }

  #open({ turn, sender, target, askedOn, known }: StreamToOpen, signal: AbortSignal): Promise<StreamId> {
    return new Promise((resolve, reject) => {
      const key = keyOf(sender, target);
      const waiter = {
        resolve: (stream: StreamId): void => {
          signal.removeEventListener('abort', abandoned);
          resolve(stream);
        },
        reject: (why: FaultError): void => {
          signal.removeEventListener('abort', abandoned);
          reject(why);
        },
      };
      const abandoned = (): void => {
        drop(this.#forStream, key, waiter);
        reject(new FaultError(fault('dialback', 'remote-connection-failed', 'peer', 'nobody waits for it any more')));
        if (this.#forStream.has(key)) return;
        turn.lastsWith = this.#ports.unwant(sender);
        if (turn.lastsWith !== null) push(this.#left, turn.lastsWith, turn.address);
      };
      push(this.#forStream, key, waiter);
      signal.addEventListener('abort', abandoned, { once: true });
      this.#ports.want(sender, { local: target, purpose: 'verification', avoid: [askedOn] }, known);
    });
  }

  /** Whether anybody still waits for a stream to the sender domain, on behalf of the target domain. */
  awaits(sender: string, target: string): boolean {
    return this.#forStream.has(keyOf(sender, target));
  }

  streamStands(sender: string, target: string, stream: StreamId): void {
    for (const { resolve } of take(this.#forStream, keyOf(sender, target))) resolve(stream);
  }

  streamRefused(sender: string, target: string, why: Fault): void {
    for (const { reject } of take(this.#forStream, keyOf(sender, target))) reject(new FaultError(why));
  }

  /** Sends a request; rejects when the stream ends before the answer, which counts as an error (XEP-0220 §2.2.1). */
  async ask(stream: StreamId, question: Question, signal: AbortSignal): Promise<DialbackAnswer> {
    signal.throwIfAborted();
    if (!this.#ports.stands(stream)) throw new FaultError(closedBeforeAnswer);
    return await new Promise((resolve, reject) => {
      const onStream = this.#forAnswer.get(stream) ?? new Map<string, Waiter<DialbackAnswer>[]>();
      this.#forAnswer.set(stream, onStream);
      const key = verifyId(question);
      push(onStream, key, { resolve, reject });
      const abandoned = (): void => {
        if (this.#takeAnswer(stream, key).length > 0) this.#ports.forget(stream, question);
      };
      signal.addEventListener('abort', abandoned, { once: true });
      this.#ports.ask(stream, question);
    });
  }

  /** The stream has matched the answer to an outstanding request of its own (S6). */
  answered({ stream, from, to, id, answer }: Extract<StreamReport, { type: 'verify.answered' }>): void {
    for (const { resolve } of this.#takeAnswer(stream, verifyId({ from: to, to: from, id }))) resolve(answer);
  }

  /** The stream's connection is closed, and nothing of it remains. */
  streamGone(stream: StreamId): void {
    for (const address of take(this.#left, stream)) this.#turns.release(address);
  }

  streamEnds(stream: StreamId, why: Fault | null): void {
    const onStream = this.#forAnswer.get(stream);
    this.#forAnswer.delete(stream);
    const ended = why ?? closedBeforeAnswer;
    for (const waiters of onStream?.values() ?? []) for (const { reject } of waiters) reject(new FaultError(ended));
  }

  #takeAnswer(stream: StreamId, key: string): Waiter<DialbackAnswer>[] {
    const onStream = this.#forAnswer.get(stream);
    if (onStream === undefined) return [];
    const waiters = take(onStream, key);
    if (onStream.size === 0) this.#forAnswer.delete(stream);
    return waiters;
  }
}

const tooManyAssertions = fault(
  'dialback',
  'resource-constraint',
  'peer',
  'too many assertions of this address wait already',
);
/** Closed by either side, without a fault. */
const closedBeforeAnswer = fault('stream', 'closed', 'peer', 'the stream to the authoritative server was closed');

const keyOf = (sender: string, target: string): string => pairId({ from: sender, to: target });

function push<Key, T>(map: Map<Key, T[]>, key: Key, item: T): void {
  const items = map.get(key);
  if (items === undefined) map.set(key, [item]);
  else items.push(item);
}

function drop<T>(map: Map<string, T[]>, key: string, item: T): void {
  const left = map.get(key)?.filter((other) => other !== item) ?? [];
  if (left.length === 0) map.delete(key);
  else map.set(key, left);
}

function take<Key, T>(map: Map<Key, T[]>, key: Key): T[] {
  const items = map.get(key) ?? [];
  map.delete(key);
  return items;
}
