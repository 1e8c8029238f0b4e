/** A disagreement between two traces. */
import type { View } from '../view/view.ts';

export interface Disagreement {
  /** Kebab-case, and stable. */
  readonly id: string;
  /** By the clock of the first trace, in milliseconds since the epoch; null if it has no single time. */
  readonly atMs: number | null;
  /** The id of the stream at each end; null if that end has none. */
  readonly streams: readonly [string | null, string | null];
  readonly cause: string;
  readonly fix: string;
}

/** The names of the two ends: a domain that each serves. */
export const endsOf = (a: View, b: View): readonly [string, string] => [
  a.host ?? 'the first trace',
  b.host ?? 'the second trace',
];
