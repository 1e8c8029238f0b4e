/** What a disagreement of two traces is. */
import type { View } from '../view/view.ts';

export interface Disagreement {
  /** Kebab-case, and stays. */
  readonly id: string;
  /** By the clock of the first trace, in milliseconds since the epoch; null where it is of no one moment. */
  readonly atMs: number | null;
  /** The stream, as each end calls it; null where that end has none. */
  readonly streams: readonly [string | null, string | null];
  readonly cause: string;
  readonly fix: string;
}

/** How the two ends are called: by a domain that each serves. */
export const endsOf = (a: View, b: View): readonly [string, string] => [
  a.host ?? 'the first trace',
  b.host ?? 'the second trace',
];
