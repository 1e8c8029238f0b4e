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
  /** When it is asked for anew, for the first time or once more. */
  renewAtMs: number;
}

interface StreamRests {
  readonly byDomain: Map<string, Rest>;
  /** When the timer fires, and the timer. */
  nextAtMs: number;
  timer: unknown;
}

/** What could not be asked, or not be found out, may be so in a while; a proof that came has set another time. */
const nextTry = ({ endsAtMs }: Rest, now: number): number =>
  now + Math.max(limits.renewalRetryMs, (endsAtMs - now) / 4);

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

  /** What stands on this stream for the domain rests on a proof that ends then; on several, the first to end counts. */
  restsUntil(stream: StreamId, domain: string, expiresAtMs: number | null): void {
    if (expiresAtMs === null) return;
    const before = this.#byStream.get(stream)?.byDomain.get(domain);
    if (before === undefined || expiresAtMs < before.endsAtMs) this.#set(stream, domain, expiresAtMs);
  }

  /** The domain has been proved on this stream, perhaps once more: this proof takes the place of what there was. */
  provedUntil(stream: StreamId, domain: string, expiresAtMs: number | null): void {
    const before = this.#byStream.get(stream)?.byDomain.get(domain);
    if (expiresAtMs === null) this.forgetDomain(stream, domain);
    else if (before?.endsAtMs !== expiresAtMs) this.#set(stream, domain, expiresAtMs);
  }

  forgetDomain(stream: StreamId, domain: string): void {
    this.#byStream.get(stream)?.byDomain.delete(domain);
  }

  forget(stream: StreamId): void {
    this.#clock.clearTimeout(this.#byStream.get(stream)?.timer);
    this.#byStream.delete(stream);
  }

  #set(stream: StreamId, domain: string, expiresAtMs: number): void {
    const now = this.#clock.now();
    const endsAtMs = Math.max(expiresAtMs, now + limits.leastProofMs);
    const renewAtMs = endsAtMs - Math.min(limits.renewalLeadMs, (endsAtMs - now) / 2);
    const known = this.#byStream.get(stream);
    const rests = known ?? { byDomain: new Map<string, Rest>(), nextAtMs: Infinity, timer: null };
    rests.byDomain.set(domain, { endsAtMs, renewAtMs });
    if (known === undefined) this.#byStream.set(stream, rests);
    this.#wakeAt(stream, rests, renewAtMs);
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
        rest.renewAtMs = nextTry(rest, now);
        this.#events.renewalDue(stream, domain);
      }
      // The rest of a crowd has its turn in a moment.
      const dueAtMs = rest.renewAtMs <= now ? now + limits.renewalPauseMs : rest.renewAtMs;
      nextAtMs = Math.min(nextAtMs, rest.endsAtMs, dueAtMs);
    }
    if (this.#byStream.get(stream) === rests && nextAtMs < Infinity) this.#wakeAt(stream, rests, nextAtMs);
  }
}
