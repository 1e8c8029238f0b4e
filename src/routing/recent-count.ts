/** How many stanzas were sent recently: those that may be lost when their stream breaks. */
import type { Clock } from '../ports.ts';

/** Counts in two windows of `windowMs`, so that no list is needed: the count covers one to two windows. */
export class RecentCount {
  readonly #clock: Clock;
  readonly #windowMs: number;
  #sinceMs = 0;
  #current = 0;
  #previous = 0;

  constructor(clock: Clock, windowMs: number) {
    this.#clock = clock;
    this.#windowMs = windowMs;
  }

  add(): void {
    this.#turn();
    this.#current += 1;
  }

  get count(): number {
    this.#turn();
    return this.#current + this.#previous;
  }

  #turn(): void {
    const age = this.#clock.now() - this.#sinceMs;
    if (age < this.#windowMs) return;
    this.#previous = age < 2 * this.#windowMs ? this.#current : 0;
    this.#current = 0;
    this.#sinceMs = this.#clock.now();
  }
}
