/** How long a delay is, for people. */
import type { DelaySpan } from './chart.ts';

/** `15 s`, or `15 s to 55 s`. */
export function spanWords({ leastMs, mostMs }: DelaySpan): string {
  return leastMs === mostMs ? durationWords(mostMs) : `${durationWords(leastMs)} to ${durationWords(mostMs)}`;
}

/** `500 ms`, `15 s`, `14 min`. */
function durationWords(ms: number): string {
  if (ms < 1_000) return `${ms} ms`;
  return ms % 60_000 === 0 ? `${ms / 60_000} min` : `${ms / 1_000} s`;
}
