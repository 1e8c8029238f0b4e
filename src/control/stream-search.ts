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

interface Waiter {
  readonly remote: string;
  readonly wake: () => void;
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
  async find(wanted: Wanted, signal: AbortSignal): Promise<Exclude<Found, Pending>> {
    let isNew = true;
    for (;;) {
      const found = this.#streams.find(wanted);
      if (signal.aborted) return null;
      if (found === null) {
        const [endpoint] = wanted.endpoints;
        if (endpoint !== undefined) this.#promise(endpoint);
        return null;
      }
      if (!isPending(found)) return found;
      // Of those that follow, the ones that have waited longest hear when they are opened.
      if (isNew && found.pending !== null) this.#awaits(wanted.remote, found.pending);
      isNew = false;
      await this.#change(wanted, signal);
    }
  }

  /** The stream stands otherwise than before: whoever looks for such a one looks again. */
  changed(row: StreamRow): void {
    // In reverse it may serve every place where its certificate was seen.
    if (!row.initiating && isBidi(row)) this.#wake(this.#waiting.keys());
    else this.#wake([...row.leadsTo, ...addressKeys(row)]);
  }

  /** It was only promised so far: some of those who wait hear which it is, and nobody looks again for that. */
  opening(row: StreamRow): void {
    const told = new Set<string>();
    for (const key of row.endpoint === null ? [] : placeKeys(row.endpoint))
      for (const { remote } of this.#waiting.get(key) ?? []) {
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
  #promise(endpoint: Endpoint): void {
    if (this.#stopped) return;
    const takeBack = this.#streams.promise(endpoint);
    const timer = this.#clock.setTimeout(() => {
      this.#promises.delete(timer);
      if (takeBack()) this.#wake(placeKeys(endpoint));
    }, limits.promiseMs);
    this.#promises.add(timer);
  }

  #change({ remote, endpoints }: Wanted, signal: AbortSignal): Promise<void> {
    const [first] = endpoints;
    const keys = first === undefined ? [remote] : [remote, ...endpointKeys(first)];
    return new Promise((resolve) => {
      const wake = (): void => {
        for (const key of keys) this.#leave(key, waiter);
        signal.removeEventListener('abort', wake); // the next look adds its own
        resolve();
      };
      const waiter: Waiter = { remote, wake };
      for (const key of keys) {
        const waiting = this.#waiting.get(key);
        if (waiting === undefined) this.#waiting.set(key, new Set([waiter]));
        else waiting.add(waiter);
      }
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  #wake(keys: Iterable<string>): void {
    const woken = new Set<Waiter>();
    for (const key of keys) for (const waiter of this.#waiting.get(key) ?? []) woken.add(waiter);
    for (const { wake } of woken) wake();
  }

  #leave(key: string, waiter: Waiter): void {
    const waiting = this.#waiting.get(key);
    waiting?.delete(waiter);
    if (waiting?.size === 0) this.#waiting.delete(key);
  }
}
