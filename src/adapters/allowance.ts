/** A token bucket: a rate per second, and a bounded reserve of what was not used. The caller passes the time. */
export class Allowance {
  readonly #perMs: number;
  readonly #most: number;
  #left: number;
  #atMs: number;

  /** Starts full. `most` is the burst that may be used at once after a rest. */
  constructor({ perSecond, most }: Rate, nowMs: number) {
    this.#perMs = perSecond / 1_000;
    this.#most = most;
    this.#left = most;
    this.#atMs = nowMs;
  }

  /** Takes `amount` even when less is left: bytes that were read cannot be given back. */
  use(amount: number, nowMs: number): void {
    this.#left = this.#leftAt(nowMs) - amount;
  }

  /** Takes `amount`, or returns false and takes nothing when less is left. */
  tryUse(amount: number, nowMs: number): boolean {
    if (this.#leftAt(nowMs) < amount) return false;
    this.#left -= amount;
    return true;
  }

  /** Milliseconds until the overdraft is made up; 0 when there is none. */
  debtMs(nowMs: number): number {
    return Math.max(0, -this.#leftAt(nowMs) / this.#perMs);
  }

  /** A clock that is set back adds nothing; the refill continues from the new time. */
  #leftAt(nowMs: number): number {
    this.#left = Math.min(this.#most, this.#left + Math.max(0, nowMs - this.#atMs) * this.#perMs);
    this.#atMs = nowMs;
    return this.#left;
  }
}

export interface Rate {
  readonly perSecond: number;
  readonly most: number;
}
