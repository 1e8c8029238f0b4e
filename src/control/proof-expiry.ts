/** When the proofs on which streams rest end, and when they are asked for anew before that (FEATURES A14). */
import { limits } from '../../machines/limits.ts';
import type { StreamId } from '../../machines/events.ts';
import type { Clock } from '../ports.ts';
import { DeadlineHeap } from './deadline-heap.ts';

/** What a timer can hold. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A timer that fires so much too early, or too late, by the clock tells that the clock was set. */
const LEAP_MS = 1_000;

/** The domains on one stream. Times are those of `ProofExpiry.#now`. */
interface StreamRests {
  /** When the proof of a domain ends. */
  readonly ends: DeadlineHeap<string>;
  /** When it is asked for anew, for the first time or once more. */
  readonly renewals: DeadlineHeap<string>;
  /** When the timer fires, by the times above, and the timer. */
  nextAtMs: number;
  timer: unknown;
}

/** What could not be asked, or not be found out, may be so in a while; a proof that came has set another time. */
const nextTry = (endsAtMs: number, now: number): number => now + Math.max(limits.renewalRetryMs, (endsAtMs - now) / 4);

export interface ProofExpiryEvents {
  /** The proof of the domain on this stream will end soon. */
  readonly renewalDue: (stream: StreamId, domain: string) => void;
  /** It has ended, and was not renewed. */
  readonly expired: (stream: StreamId, domain: string) => void;
}

export class ProofExpiry {
  readonly #clock: Clock;
  readonly #events: ProofExpiryEvents;
  readonly #byStream = new Map<StreamId, StreamRests>();
  #visits = 0;
  /** What the clock was set back by: proofs do not last the longer for it. */
  #setBackMs = 0;
  #seenMs = -Infinity;

  constructor(clock: Clock, events: ProofExpiryEvents) {
    this.#clock = clock;
    this.#events = events;
  }

  /** How many entries were looked at so far, over all streams: what the keeping of time costs. */
  get visits(): number {
    return this.#visits;
  }

  /** What stands on this stream for the domain rests on a proof that ends then; on several, the first to end counts. */
  restsUntil(stream: StreamId, domain: string, expiresAtMs: number | null): void {
    if (expiresAtMs === null) return;
    const rests = this.#restsOf(stream);
    const endsAtMs = this.#inOurTime(expiresAtMs);
    if (endsAtMs < (rests.ends.dueOf(domain) ?? Infinity)) this.#set(stream, rests, domain, endsAtMs);
  }

  /** The domain has been proved on this stream, perhaps once more: this proof takes the place of what there was. */
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

  /** Milliseconds since the epoch, by the clock as if nobody had ever set it back. */
  #now(): number {
    const backMs = this.#seenMs - this.#clock.now() - this.#setBackMs;
    if (backMs > LEAP_MS) this.#setBackMs += backMs;
    this.#seenMs = this.#clock.now() + this.#setBackMs;
    return this.#seenMs;
  }

  #inOurTime(atMs: number): number {
    this.#now(); // knows of a clock that was set back since
    return atMs + this.#setBackMs;
  }

  /** A timer that was to fire then has fired: how long that took, the clock does not know where it was set meanwhile. */
  #fired(firesAtMs: number): void {
    const earlyMs = firesAtMs - this.#now();
    if (Math.abs(earlyMs) <= LEAP_MS) return;
    // Late is who was suspended; or the clock that was set back is set right.
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

  /** Looks at those whose time has come, and at no others: a stream has 10,000 domains, and is looked at often. */
  #look(stream: StreamId, rests: StreamRests): void {
    const { ends, renewals } = rests;
    const now = this.#now();
    const stands = (): boolean => this.#byStream.get(stream) === rests; // whoever is told may end it
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
    // The rest of a crowd has its turn in a moment.
    const nextAtMs = renewAtMs <= now ? now + limits.renewalPauseMs : renewAtMs;
    const wakeAtMs = Math.min(ends.first()?.dueMs ?? Infinity, nextAtMs);
    if (wakeAtMs < Infinity) this.#wakeAt(stream, rests, wakeAtMs);
  }
}
