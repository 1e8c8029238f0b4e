/** The length of a delay, for people. */
import type { DelaySpan } from './chart.ts';

/** `15 s`, or `15 s to 55 s`. */
export function spanWords({ leastMs, mostMs }: DelaySpan): string {
  return leastMs === mostMs ? durationWords(mostMs) : `${durationWords(leastMs)} to ${durationWords(mostMs)}`;
}

/** `500 ms`, `15 s`, `2 min`, `2 min 1 s`. */
function durationWords(ms: number): string {
  if (ms < 1_000) return `${ms} ms`;
  const [minutes, seconds] = [Math.floor(ms / 60_000), (ms % 60_000) / 1_000];
  return [minutes > 0 ? `${minutes} min` : '', seconds > 0 ? `${seconds} s` : '']
    .filter((part) => part !== '')
    .join(' ');
}
