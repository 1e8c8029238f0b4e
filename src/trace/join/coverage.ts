/** The time that both traces cover: one trace is not expected to contain what happened outside its own time. */
import type { View } from '../view/view.ts';

/** Events this shortly before the end of a trace may still be on their way, in milliseconds. */
const LATELY_MS = 2_000;

export interface Coverage {
  /** Milliseconds since the epoch, by the clock of the view. */
  readonly sinceMs: number;
  readonly untilMs: number;
}

export const coverageOf = ({ covers, records, atMs }: View): Coverage =>
  covers ?? { sinceMs: records[0]?.atMs ?? atMs, untilMs: atMs };

/** The times of both ends by one clock: that of the first. */
export interface OneClock {
  /** Subtracted from the times of each view, in milliseconds. */
  readonly offMs: ReadonlyMap<View, number>;
  /** The end of the trace that ends first. */
  readonly untilMs: number;
}

export function oneClock(a: View, b: View, aheadMs: number): OneClock {
  const untilMs = Math.min(coverageOf(a).untilMs, coverageOf(b).untilMs - aheadMs);
  return { offMs: new Map([a, b].map((view) => [view, view === a ? 0 : aheadMs])), untilMs };
}

/** A time of `view`, by the common clock. */
export const byBoth = ({ offMs }: OneClock, view: View, atMs: number): number => atMs - (offMs.get(view) ?? 0);

/**
 * Whether an event at that time, by the common clock, would have left a record in `to`: it covers the time, with some
 * slack at the end, and lost no records.
 */
export function tellsOf(clock: OneClock, to: View, atMs: number): boolean {
  return to.lost === 0 && atMs >= byBoth(clock, to, coverageOf(to).sinceMs) && atMs < clock.untilMs - LATELY_MS;
}
