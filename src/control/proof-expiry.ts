/** When the proofs on which streams rest end (FEATURES A14). */
import type { StreamId } from '../../machines/events.ts';
import type { Clock } from '../ports.ts';

/** What a timer can hold. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

interface Expiry {
  /** Of the first proof that ends, in milliseconds since the epoch. */
  atMs: number;
  timer: unknown;
}

export class ProofExpiry {
  readonly #clock: Clock;
  readonly #expired: (stream: StreamId) => void;
  readonly #byStream = new Map<StreamId, Expiry>();

  constructor(clock: Clock, expired: (stream: StreamId) => void) {
    this.#clock = clock;
    this.#expired = expired;
  }

  /** A proof on this stream ends then; never, if null. */
  restsUntil(stream: StreamId, expiresAtMs: number | null): void {
    if (expiresAtMs === null) return;
    const known = this.#byStream.get(stream);
    if (known !== undefined && expiresAtMs >= known.atMs) return;
    this.#clock.clearTimeout(known?.timer);
    const expiry = { atMs: expiresAtMs, timer: null };
    this.#byStream.set(stream, expiry);
    this.#await(stream, expiry);
  }

  forget(stream: StreamId): void {
    this.#clock.clearTimeout(this.#byStream.get(stream)?.timer);
    this.#byStream.delete(stream);
  }

  #await(stream: StreamId, expiry: Expiry): void {
    const inMs = Math.max(0, expiry.atMs - this.#clock.now());
    expiry.timer = this.#clock.setTimeout(
      () => {
        if (expiry.atMs > this.#clock.now()) this.#await(stream, expiry);
        else this.#expired(stream);
      },
      Math.min(inMs, LONGEST_TIMER_MS),
    );
  }
}
