/** Of what time both traces tell: what one of them does not cover is not held against it. */
import type { View } from '../view/view.ts';

/** What happened so shortly before the end of a trace may still be on its way, in milliseconds. */
const LATELY_MS = 2_000;

export interface Coverage {
  /** Milliseconds since the epoch, by the clock of the view. */
  readonly sinceMs: number;
  readonly untilMs: number;
}

export const coverageOf = ({ covers, records, atMs }: View): Coverage =>
  covers ?? { sinceMs: records[0]?.atMs ?? atMs, untilMs: atMs };

/** The moments of both ends by one clock: that of the first. */
export interface OneClock {
  /** What is taken off a time of each view, in milliseconds. */
  readonly offMs: ReadonlyMap<View, number>;
  /** The end of the one that ends first. */
  readonly untilMs: number;
}

export function oneClock(a: View, b: View, aheadMs: number): OneClock {
  const untilMs = Math.min(coverageOf(a).untilMs, coverageOf(b).untilMs - aheadMs);
  return { offMs: new Map([a, b].map((view) => [view, view === a ? 0 : aheadMs])), untilMs };
}

/** A time of `view` by the clock of both. */
export const byBoth = ({ offMs }: OneClock, view: View, atMs: number): number => atMs - (offMs.get(view) ?? 0);

/** Whether `to` would tell of it: what happened at that moment by the clock of both has had its time there, and left a record. */
export function tellsOf(clock: OneClock, to: View, atMs: number): boolean {
  return to.lost === 0 && atMs >= byBoth(clock, to, coverageOf(to).sinceMs) && atMs < clock.untilMs - LATELY_MS;
}
