/** So much a second, and what was not used yet of a while before: a token bucket. Time is handed in. */
export class Allowance {
  readonly #perMs: number;
  readonly #most: number;
  #left: number;
  #atMs: number;

  /** It begins full. `most` is what may be used at once after a rest. */
  constructor({ perSecond, most }: Rate, nowMs: number) {
    this.#perMs = perSecond / 1_000;
    this.#most = most;
    this.#left = most;
    this.#atMs = nowMs;
  }

  /** Uses it, also where less is left: what was read cannot be given back. */
  use(amount: number, nowMs: number): void {
    this.#left = this.#leftAt(nowMs) - amount;
  }

  /** False, and nothing is used, where less than that is left. */
  tryUse(amount: number, nowMs: number): boolean {
    if (this.#leftAt(nowMs) < amount) return false;
    this.#left -= amount;
    return true;
  }

  /** Milliseconds until no more is used than was due; 0 where that is so. */
  debtMs(nowMs: number): number {
    return Math.max(0, -this.#leftAt(nowMs) / this.#perMs);
  }

  /** A clock that is set back gives nothing, and is not waited for. */
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
