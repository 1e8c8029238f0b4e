/** When the proofs on which streams rest end, and when they are asked for anew before that (FEATURES A14). */
import { limits } from '../../machines/limits.ts';
import type { StreamId } from '../../machines/events.ts';
import type { Clock } from '../ports.ts';

/** What a timer can hold. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** One domain on one stream. */
interface Rest {
  /** When its proof ends, in milliseconds since the epoch. */
  endsAtMs: number;
  /** When it is asked for anew; Infinity once it was. */
  renewAtMs: number;
}

interface StreamRests {
  readonly byDomain: Map<string, Rest>;
  /** When the timer fires, and the timer. */
  nextAtMs: number;
  timer: unknown;
}

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

  constructor(clock: Clock, events: ProofExpiryEvents) {
    this.#clock = clock;
    this.#events = events;
  }

  /** The domain is proved on this stream until then; for as long as the stream, if null. Later news replaces earlier. */
  restsUntil(stream: StreamId, domain: string, expiresAtMs: number | null): void {
    const known = this.#byStream.get(stream);
    if (expiresAtMs === null) {
      known?.byDomain.delete(domain);
      return;
    }
    const now = this.#clock.now();
    const endsAtMs = Math.max(expiresAtMs, now + limits.leastProofMs);
    const before = known?.byDomain.get(domain);
    // The same again: a renewal that brought nothing new is not asked for once more.
    if (before !== undefined && endsAtMs <= before.endsAtMs) return;
    const leadMs = Math.min(limits.renewalLeadMs, (endsAtMs - now) / 2);
    const rests = known ?? { byDomain: new Map<string, Rest>(), nextAtMs: Infinity, timer: null };
    rests.byDomain.set(domain, { endsAtMs, renewAtMs: endsAtMs - leadMs });
    if (known === undefined) this.#byStream.set(stream, rests);
    this.#wakeAt(stream, rests, endsAtMs - leadMs);
  }

  forget(stream: StreamId): void {
    this.#clock.clearTimeout(this.#byStream.get(stream)?.timer);
    this.#byStream.delete(stream);
  }

  #wakeAt(stream: StreamId, rests: StreamRests, atMs: number): void {
    if (atMs >= rests.nextAtMs) return;
    this.#clock.clearTimeout(rests.timer);
    rests.nextAtMs = atMs;
    const inMs = Math.min(Math.max(0, atMs - this.#clock.now()), LONGEST_TIMER_MS);
    rests.timer = this.#clock.setTimeout(() => {
      rests.nextAtMs = Infinity;
      this.#look(stream, rests);
    }, inMs);
  }

  #look(stream: StreamId, rests: StreamRests): void {
    const now = this.#clock.now();
    let asked = 0;
    let nextAtMs = Infinity;
    for (const [domain, rest] of rests.byDomain) {
      if (rest.endsAtMs <= now) {
        rests.byDomain.delete(domain);
        this.#events.expired(stream, domain);
        continue;
      }
      if (rest.renewAtMs <= now && asked < limits.renewalsAtOnce) {
        asked += 1;
        rest.renewAtMs = Infinity;
        this.#events.renewalDue(stream, domain);
      }
      // The rest of a crowd has its turn in a moment.
      const dueAtMs = rest.renewAtMs <= now ? now + limits.renewalPauseMs : rest.renewAtMs;
      nextAtMs = Math.min(nextAtMs, rest.endsAtMs, dueAtMs);
    }
    if (this.#byStream.get(stream) === rests && nextAtMs < Infinity) this.#wakeAt(stream, rests, nextAtMs);
  }
}
