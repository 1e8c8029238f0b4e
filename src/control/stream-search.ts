/** Who looks for a standing stream, and waits where one is on its way (RFC 7712 §4.4, FEATURES M1). */
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

/** A thousand domains may wait for one stream after the other: those that have waited longest hear which it is. */
const MOST_TOLD = 32;

export class StreamSearch {
  readonly #streams: StandingStreams;
  readonly #clock: Clock;
  /** Hears for which stream on its way one who looks is waiting. */
  readonly #awaits: (remote: string, stream: StreamId) => void;
  /** By what they look for: a remote domain, or a place where it may be reached. */
  readonly #waiting = new Map<string, Set<Waiter>>();
  readonly #promises = new Set<unknown>();
  #stopped = false;

  constructor(streams: StandingStreams, clock: Clock, awaits: (remote: string, stream: StreamId) => void) {
    this.#streams = streams;
    this.#clock = clock;
    this.#awaits = awaits;
  }

  /** Waits until the table has an answer that is not {@link Pending}; null also when nobody waits for it any more. */
  find(wanted: Wanted, signal: AbortSignal): Promise<Answer> {
    if (signal.aborted) return Promise.resolve(null);
    const found = this.#streams.find(wanted);
    if (!isPending(found)) return Promise.resolve(this.#taken(found, wanted));
    // Of those that follow, the ones that have waited longest hear when they are opened.
    if (found.pending !== null) this.#awaits(wanted.remote, found.pending);
    return this.#wait(wanted, signal);
  }

  /** The stream stands otherwise than before: whoever looks for such a one looks again. */
  changed(row: StreamRow): void {
    // In reverse it may serve every place where its certificate was seen.
    if (!row.initiating && isBidi(row)) this.#lookAgain([...this.#waiting.keys()], 'another');
    else this.#lookAgain([...row.leadsTo, ...addressKeys(row)], row.stage === 'closing' ? 'none' : 'another');
  }

  /** It was only promised so far: some of those who wait hear which it is, and nobody looks again for that. */
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

  /** Those who look are being stopped: none of them opens a stream any more. */
  stop(): void {
    this.#stopped = true;
    for (const timer of this.#promises) this.#clock.clearTimeout(timer);
    this.#promises.clear();
  }

  /** Whoever finds nothing opens a stream himself, in a moment; others who look meanwhile wait for it. */
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
   * Those who wait longest first. Where there is one stream less, and no other, the first who finds nothing opens one, and those
   * behind him need not look: a thousand domains at a place that fails are not looked at a thousand times for each failure.
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
