/** When the proofs on which streams rest end, and when to renew them before that. */
import { limits } from '../../machines/limits.ts';
import type { StreamId } from '../../machines/events.ts';
import type { Clock } from '../ports.ts';
import { DeadlineHeap } from './deadline-heap.ts';

/** The longest delay that a timer can hold. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A timer that fires this much too early or too late by the clock shows that the clock was set. */
const LEAP_MS = 1_000;

/** The proved domains of one stream. Times are those of `ProofExpiry.#now`. */
interface StreamRests {
  /** When the proof of each domain ends. */
  readonly ends: DeadlineHeap<string>;
  /** When each renewal is due, be it the first attempt or a further one. */
  readonly renewals: DeadlineHeap<string>;
  /** When the timer fires (on the same time scale), and the timer. */
  nextAtMs: number;
  timer: unknown;
}

/** When to retry a renewal that could not be requested or settled; a proof that arrives meanwhile sets another time. */
const nextTry = (endsAtMs: number, now: number): number => now + Math.max(limits.renewalRetryMs, (endsAtMs - now) / 4);

export interface ProofExpiryEvents {
  /** The proof of the domain on this stream will end soon. */
  readonly renewalDue: (stream: StreamId, domain: string) => void;
  /** The proof has ended without being renewed. */
  readonly expired: (stream: StreamId, domain: string) => void;
}

export class ProofExpiry {
  readonly #clock: Clock;
  readonly #events: ProofExpiryEvents;
  readonly #byStream = new Map<StreamId, StreamRests>();
  #visits = 0;
  /** By how much the clock was set back in all: proofs do not last longer because of that. */
  #setBackMs = 0;
  #seenMs = -Infinity;

  constructor(clock: Clock, events: ProofExpiryEvents) {
    this.#clock = clock;
    this.#events = events;
  }

  /** How many entries were looked at so far, over all streams: the cost of timekeeping. */
  get visits(): number {
    return this.#visits;
  }

  /**
   * What is admitted for the domain on this stream rests on a proof that ends then; of several, the first to end
   * counts.
   */
  restsUntil(stream: StreamId, domain: string, expiresAtMs: number | null): void {
    if (expiresAtMs === null) return;
    const rests = this.#restsOf(stream);
    const endsAtMs = this.#inOurTime(expiresAtMs);
    if (endsAtMs < (rests.ends.dueOf(domain) ?? Infinity)) this.#set(stream, rests, domain, endsAtMs);
  }

  /** The domain has been proved on this stream, perhaps again: this proof replaces any earlier one. */
  provedUntil(stream: StreamId, domain: string, expiresAtMs: number | null): void {
    if (expiresAtMs === null) {
      this.forgetDomain(stream, domain);
      return;
    }
    const rests = this.#restsOf(stream);
    const endsAtMs = this.#inOurTime(expiresAtMs);
    if (rests.ends.dueOf(domain) !== endsAtMs) this.#set(stream, rests, domain, endsAtMs);
  }

  forgetDomain(stream: StreamId, domain: string): void {
    const rests = this.#byStream.get(stream);
    rests?.ends.delete(domain);
    rests?.renewals.delete(domain);
  }

  forget(stream: StreamId): void {
    this.#clock.clearTimeout(this.#byStream.get(stream)?.timer);
    this.#byStream.delete(stream);
  }

  #restsOf(stream: StreamId): StreamRests {
    const known = this.#byStream.get(stream);
    if (known !== undefined) return known;
    const visited = (): void => void (this.#visits += 1);
    const ends = new DeadlineHeap<string>(visited);
    const renewals = new DeadlineHeap<string>(visited);
    const rests = { ends, renewals, nextAtMs: Infinity, timer: null };
    this.#byStream.set(stream, rests);
    return rests;
  }

  /** Milliseconds since the epoch, as if the clock had never been set back. */
  #now(): number {
    const backMs = this.#seenMs - this.#clock.now() - this.#setBackMs;
    if (backMs > LEAP_MS) this.#setBackMs += backMs;
    this.#seenMs = this.#clock.now() + this.#setBackMs;
    return this.#seenMs;
  }

  #inOurTime(atMs: number): number {
    this.#now(); // notices a clock that was set back since
    return atMs + this.#setBackMs;
  }

  /** A timer due at this time has fired: it shows how much time really passed, which a clock that was set does not. */
  #fired(firesAtMs: number): void {
    const earlyMs = firesAtMs - this.#now();
    if (Math.abs(earlyMs) <= LEAP_MS) return;
    // Late: the process was suspended, or a clock that had been set back was corrected.
    this.#setBackMs = Math.max(0, this.#setBackMs + earlyMs);
    this.#seenMs = this.#clock.now() + this.#setBackMs;
  }

  #set(stream: StreamId, rests: StreamRests, domain: string, expiresAtMs: number): void {
    const now = this.#now();
    const endsAtMs = Math.max(expiresAtMs, now + limits.leastProofMs);
    const renewAtMs = endsAtMs - Math.min(limits.renewalLeadMs, (endsAtMs - now) / 2);
    rests.ends.set(domain, endsAtMs);
    rests.renewals.set(domain, renewAtMs);
    this.#wakeAt(stream, rests, renewAtMs);
  }

  #wakeAt(stream: StreamId, rests: StreamRests, atMs: number): void {
    const firesAtMs = Math.min(atMs, this.#now() + LONGEST_TIMER_MS);
    if (firesAtMs >= rests.nextAtMs) return;
    this.#clock.clearTimeout(rests.timer);
    rests.nextAtMs = firesAtMs;
    const ring = (): void => {
      this.#fired(firesAtMs);
      rests.nextAtMs = Infinity;
      this.#look(stream, rests);
    };
    rests.timer = this.#clock.setTimeout(ring, Math.max(0, firesAtMs - this.#now()));
  }

  /**
   * Handles the entries that are due, and looks at no others: a stream may have 10,000 domains, and this runs often.
   */
  #look(stream: StreamId, rests: StreamRests): void {
    const { ends, renewals } = rests;
    const now = this.#now();
    const stands = (): boolean => this.#byStream.get(stream) === rests; // an event handler may end it
    for (let first = ends.first(); first !== undefined && first.dueMs <= now && stands(); first = ends.first()) {
      this.forgetDomain(stream, first.key);
      this.#events.expired(stream, first.key);
    }
    for (let asked = 0; asked < limits.renewalsAtOnce && stands(); asked += 1) {
      const first = renewals.first();
      if (first === undefined || first.dueMs > now) break;
      const { key: domain } = first;
      renewals.set(domain, nextTry(ends.dueOf(domain) ?? now, now));
      this.#events.renewalDue(stream, domain);
    }
    if (!stands()) return;
    const renewAtMs = renewals.first()?.dueMs ?? Infinity;
    // When many are due, the rest follows after a short pause.
    const nextAtMs = renewAtMs <= now ? now + limits.renewalPauseMs : renewAtMs;
    const wakeAtMs = Math.min(ends.first()?.dueMs ?? Infinity, nextAtMs);
    if (wakeAtMs < Infinity) this.#wakeAt(stream, rests, wakeAtMs);
  }
}
