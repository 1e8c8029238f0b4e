/** How much of two traces can be compared. */
import { coverageOf } from './coverage.ts';
import { clocksBetween } from './elements.ts';
import { sharedStreams, streamsIn } from './streams.ts';
import type { View } from '../view/view.ts';

/** Difference between the ends of two traces below which it is not reported, in milliseconds. */
const ENDS_MS = 2_000;

export interface Overlap {
  /** Number of streams in both traces, and in only one of them. */
  readonly shared: number;
  readonly onlyA: number;
  readonly onlyB: number;
  /** The trace that ends well before the other; null if neither does. */
  readonly shorter: { readonly which: 'first' | 'second'; readonly byMs: number } | null;
}

export function overlapOf(a: View, b: View): Overlap {
  const shared = sharedStreams(a, b);
  const laterMs = coverageOf(b).untilMs - (clocksBetween(a, b, shared) ?? 0) - coverageOf(a).untilMs;
  const which = laterMs > 0 ? 'first' : 'second';
  return {
    shared: shared.length,
    onlyA: streamsIn(a) - shared.length,
    onlyB: streamsIn(b) - shared.length,
    shorter: Math.abs(laterMs) < ENDS_MS ? null : { which, byMs: Math.abs(laterMs) },
  };
}
