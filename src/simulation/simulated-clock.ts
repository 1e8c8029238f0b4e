import type { Clock } from '../ports.ts';

interface Timer {
  readonly dueMs: number;
  readonly sequence: number;
  run: (() => void) | null;
}

/**
 * Time that passes only on request. Timers run in the order (time, order of creation), so the same calls give the same
 * run. It can also be passed to xstate as `clock`.
 *
 * `advance`, `runUntil` and `runUntilIdle` let promises settle after every timer, by one turn of the event loop: Node
 * runs `setImmediate` only when the microtask and nextTick queues are empty, so every chain of promises that needs no
 * real I/O has ended by then, however long it is. Real I/O does not belong in a simulation.
 */
export class SimulatedClock implements Clock {
  #nowMs: number;
  #sequence = 0;
  #pending = 0;
  readonly #heap: Timer[] = [];

  /** @param startMs milliseconds since the epoch @defaultValue 1 January 2026 */
  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startMs;
  }

  /** Number of timers that are set and have not run. */
  get pending(): number {
    return this.#pending;
  }

  now(): number {
    return this.#nowMs;
  }

  setTimeout(fn: () => void, delayMs: number): unknown {
    // As in Node, a negative delay or NaN means at once; but not before timers that are due already.
    const timer: Timer = { dueMs: this.#nowMs + (delayMs > 0 ? delayMs : 0), sequence: this.#sequence++, run: fn };
    this.#pending += 1;
    push(this.#heap, timer);
    return timer;
  }

  clearTimeout(handle: unknown): void {
    const timer = handle as Timer | null | undefined; // always a value that setTimeout returned
    if (timer?.run == null) return;
    timer.run = null;
    this.#pending -= 1;
  }

  /** Advances by `ms` at once without letting promises settle: enough for machines that run alone. */
  increment(ms: number): void {
    const untilMs = this.#nowMs + ms;
    while (this.#runNext(untilMs));
    this.#nowMs = untilMs;
  }

  /** Advances by `ms`, timer by timer, letting promises settle before the first and after each. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    do await settled();
    while (this.#runNext(untilMs));
    this.#nowMs = untilMs;
  }

  /**
   * Runs timers until `predicate` holds; returns how many milliseconds that took.
   * @throws Error when it does not hold within `maxMs`, or no timer is left that could change that
   */
  async runUntil(predicate: () => boolean, maxMs = 3_600_000): Promise<number> {
    const fromMs = this.#nowMs;
    for (;;) {
      await settled();
      if (predicate()) return this.#nowMs - fromMs;
      if (this.#runNext(fromMs + maxMs)) continue;
      const passedMs = this.#nowMs - fromMs;
      throw new Error(`runUntil: not reached; ${passedMs} ms passed, ${this.#pending} timers are left`);
    }
  }

  /** Runs timers until none is left, or `maxMs` have passed; returns whether none is left. */
  async runUntilIdle(maxMs = 3_600_000): Promise<boolean> {
    const untilMs = this.#nowMs + maxMs;
    do await settled();
    while (this.#runNext(untilMs));
    return this.#pending === 0;
  }

  #runNext(untilMs: number): boolean {
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.dueMs > untilMs) return false;
      pop(this.#heap);
      const { run } = next;
      if (run === null) continue;
      this.clearTimeout(next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      run();
      return true;
    }
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const before = (a: Timer, b: Timer): boolean => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.sequence < b.sequence);

/** A binary heap: simulations of many domains hold thousands of deadlines. */
function push(heap: Timer[], timer: Timer): void {
  let at = heap.length;
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = heap[above];
    if (parent === undefined || before(parent, timer)) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = timer;
}

function pop(heap: Timer[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    const [left, right] = [heap[child], heap[child + 1]];
    if (left === undefined) break;
    let least = left;
    if (right !== undefined && before(right, left)) {
      child += 1;
      least = right;
    }
    if (!before(least, last)) break;
    heap[at] = least;
    at = child;
  }
  heap[at] = last;
}
