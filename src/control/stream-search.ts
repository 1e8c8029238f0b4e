/** Searches for an open stream to reuse, and waits where one is being opened (RFC 7712 §4.4). */
import { limits } from '../../machines/limits.ts';
import type { Clock } from '../ports.ts';
import type { Endpoint } from '../protocol/dns.ts';
import type { StreamId } from '../protocol/transport.ts';
import {
  addressKeys,
  endpointKeys,
  type Found,
  isBidi,
  isPending,
  type Pending,
  placeKeys,
  type StandingStreams,
  type StreamRow,
  type Wanted,
} from './standing-streams.ts';

type Answer = Exclude<Found, Pending>;

interface Waiter {
  readonly wanted: Wanted;
  readonly answer: (answer: Answer) => void;
}

/**
 * A thousand domains may wait for one stream after another: only those that have waited longest are told which one it
 * is.
 */
const MOST_TOLD = 32;

export class StreamSearch {
  readonly #streams: StandingStreams;
  readonly #clock: Clock;
  /** Called with the stream that is being opened and for which a search waits. */
  readonly #awaits: (remote: string, stream: StreamId) => void;
  /** By what they search for: a remote domain, or a place where it may be reached. */
  readonly #waiting = new Map<string, Set<Waiter>>();
  readonly #promises = new Set<unknown>();
  #stopped = false;

  constructor(streams: StandingStreams, clock: Clock, awaits: (remote: string, stream: StreamId) => void) {
    this.#streams = streams;
    this.#clock = clock;
    this.#awaits = awaits;
  }

  /** Waits until the table has an answer that is not {@link Pending}; resolves with null also when `signal` fires. */
  find(wanted: Wanted, signal: AbortSignal): Promise<Answer> {
    if (signal.aborted) return Promise.resolve(null);
    const found = this.#streams.find(wanted);
    if (!isPending(found)) return Promise.resolve(this.#taken(found, wanted));
    // Later ones are told when the stream is opened, if they are among those that have waited longest.
    if (found.pending !== null) this.#awaits(wanted.remote, found.pending);
    return this.#wait(wanted, signal);
  }

  /** The state of the stream has changed: searches for such a stream are repeated. */
  changed(row: StreamRow): void {
    // Used in reverse, it may serve every place where its certificate was seen.
    if (!row.initiating && isBidi(row)) this.#lookAgain([...this.#waiting.keys()], 'another');
    else this.#lookAgain([...row.leadsTo, ...addressKeys(row)], row.stage === 'closing' ? 'none' : 'another');
  }

  /**
   * A promised stream is now being opened: tells some of the waiting searches which one it is, without repeating any.
   */
  opening(row: StreamRow): void {
    const told = new Set<string>();
    for (const key of row.endpoint === null ? [] : placeKeys(row.endpoint))
      for (const { wanted } of this.#waiting.get(key) ?? []) {
        const { remote } = wanted;
        if (told.size >= MOST_TOLD) return;
        if (told.has(remote)) continue;
        told.add(remote);
        this.#awaits(remote, row.id);
      }
  }

  /** The searching actors are being stopped: none of them opens a stream any more. */
  stop(): void {
    this.#stopped = true;
    for (const timer of this.#promises) this.#clock.clearTimeout(timer);
    this.#promises.clear();
  }

  /** A search that finds nothing will open a stream itself in a moment; others that search meanwhile wait for it. */
  #taken(found: Answer, { endpoints: [endpoint] }: Wanted): Answer {
    if (found === null && endpoint !== undefined) this.#promise(endpoint);
    return found;
  }

  #promise(endpoint: Endpoint): void {
    if (this.#stopped) return;
    const takeBack = this.#streams.promise(endpoint);
    const timer = this.#clock.setTimeout(() => {
      this.#promises.delete(timer);
      if (takeBack()) this.#lookAgain(placeKeys(endpoint), 'none');
    }, limits.promiseMs);
    this.#promises.add(timer);
  }

  #wait(wanted: Wanted, signal: AbortSignal): Promise<Answer> {
    const [first] = wanted.endpoints;
    const keys = first === undefined ? [wanted.remote] : [wanted.remote, ...endpointKeys(first)];
    return new Promise((resolve) => {
      const giveUp = (): void => waiter.answer(null);
      const waiter: Waiter = {
        wanted,
        answer: (answer) => {
          for (const key of keys) this.#leave(key, waiter);
          signal.removeEventListener('abort', giveUp);
          resolve(answer);
        },
      };
      for (const key of keys) {
        const waiting = this.#waiting.get(key);
        if (waiting === undefined) this.#waiting.set(key, new Set([waiter]));
        else waiting.add(waiter);
      }
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  /**
   * Repeats searches, those that have waited longest first. When a stream was lost and none came instead, the first
   * that finds nothing opens one, and those after it are not repeated: a thousand domains at a failing place would
   * otherwise mean a thousand searches per failure.
   */
  #lookAgain(keys: readonly string[], more: 'another' | 'none'): void {
    const looked = new Set<Waiter>();
    for (const key of keys)
      for (const waiter of this.#waiting.get(key) ?? []) {
        if (more === 'none' && this.#streams.isPromised(key)) break;
        if (looked.has(waiter)) continue;
        looked.add(waiter);
        const found = this.#streams.find(waiter.wanted);
        if (!isPending(found)) waiter.answer(this.#taken(found, waiter.wanted));
      }
  }

  #leave(key: string, waiter: Waiter): void {
    const waiting = this.#waiting.get(key);
    waiting?.delete(waiter);
    if (waiting?.size === 0) this.#waiting.delete(key);
  }
}
