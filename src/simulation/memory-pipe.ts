/** One direction of an in-memory connection: ordered, with latency, jitter and loss as TCP exposes them. */
import type { Clock, Random } from '../ports.ts';

export type Segment =
  | { readonly kind: 'open' }
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'end' }
  | { readonly kind: 'reset' };

export interface LinkTiming {
  readonly clock: Clock;
  readonly random: Random;
  /** One-way latency, in milliseconds. */
  readonly latencyMs: number;
  /** Largest random addition to it, in milliseconds. */
  readonly jitterMs: number;
  /** Share of segments that are lost and retransmitted, in percent. */
  readonly lossPercent: number;
  /**
   * How long a lost segment delays itself and everything behind it, in milliseconds; doubles with every further loss.
   */
  readonly retransmitMs: number;
}

const MAX_RETRANSMISSIONS = 6;

/** Travel time of one segment, in milliseconds. */
export function travelMs({ random, latencyMs, jitterMs, lossPercent, retransmitMs }: LinkTiming): number {
  let ms = latencyMs + (jitterMs > 0 ? random.integer(jitterMs) : 0);
  for (let n = 0; n < MAX_RETRANSMISSIONS && lossPercent > 0 && random.integer(9_999) < lossPercent * 100; n++) {
    ms += retransmitMs * 2 ** n;
  }
  return ms;
}

export class Pipe {
  readonly #timing: LinkTiming;
  readonly #isCut: () => boolean;
  readonly #deliver: (segment: Segment) => void;
  readonly #inFlight: { readonly segment: Segment; readonly arrivesMs: number }[] = [];
  #lastArrivalMs = 0;
  #timer: unknown = null;
  #stalled = false;

  constructor(timing: LinkTiming, isCut: () => boolean, deliver: (segment: Segment) => void) {
    this.#timing = timing;
    this.#isCut = isCut;
    this.#deliver = deliver;
  }

  send(segment: Segment): void {
    // Never before its predecessor: a late segment delays all that follow.
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, this.#timing.clock.now() + travelMs(this.#timing));
    this.#inFlight.push({ segment, arrivesMs: this.#lastArrivalMs });
    if (this.#inFlight.length === 1) this.#schedule();
  }

  /** The cut is mended: stopped segments are sent again, after the retransmission time. */
  mended(): void {
    if (!this.#stalled) return;
    this.#stalled = false;
    this.#lastArrivalMs = this.#timing.clock.now() + this.#timing.retransmitMs + travelMs(this.#timing);
    this.#timer = this.#timing.clock.setTimeout(this.#arrive, this.#lastArrivalMs - this.#timing.clock.now());
  }

  close(): void {
    this.#timing.clock.clearTimeout(this.#timer);
    this.#inFlight.length = 0;
    this.#stalled = false;
  }

  #schedule(): void {
    const [next] = this.#inFlight;
    if (next === undefined) return;
    this.#timer = this.#timing.clock.setTimeout(this.#arrive, next.arrivesMs - this.#timing.clock.now());
  }

  readonly #arrive = (): void => {
    if (this.#isCut()) {
      this.#stalled = true;
      return;
    }
    const next = this.#inFlight.shift();
    this.#schedule();
    if (next !== undefined) this.#deliver(next.segment);
  };
}
