/** The system clock, which can be made to leap: timers that would have fired meanwhile fire at once. */
import type { Clock } from '../../src/ports.ts';

interface Timer {
  readonly fn: () => void;
  readonly dueMs: number;
  handle: NodeJS.Timeout;
}

export class LeapingClock implements Clock {
  readonly #timers = new Set<Timer>();
  #aheadMs = 0;

  now(): number {
    return Date.now() + this.#aheadMs;
  }

  setTimeout(fn: () => void, delayMs: number): Timer {
    const timer: Timer = { fn, dueMs: this.now() + delayMs, handle: setTimeout(() => this.#fire(timer), delayMs) };
    this.#timers.add(timer);
    return timer;
  }

  clearTimeout(handle: unknown): void {
    for (const timer of this.#timers) {
      if (timer !== handle) continue;
      clearTimeout(timer.handle);
      this.#timers.delete(timer);
    }
  }

  leap(ms: number): void {
    this.#aheadMs += ms;
    const due = [...this.#timers].filter(({ dueMs }) => dueMs <= this.now()).sort((a, b) => a.dueMs - b.dueMs);
    for (const timer of due) {
      if (!this.#timers.has(timer)) continue; // cleared by an earlier one
      clearTimeout(timer.handle);
      this.#fire(timer);
    }
  }

  #fire(timer: Timer): void {
    this.#timers.delete(timer);
    timer.fn();
  }
}
