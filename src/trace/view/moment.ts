/** Which moment the end of a trace is. */
import type { TraceHeader } from '../format.ts';
import type { View } from './view.ts';

/**
 * Milliseconds since the epoch. Silence makes no record: unless it is known when the trace was taken, it is now, since whoever
 * writes it may still wait. It is not later than the first deadline of those who wait, for that would have made a record.
 */
export function momentOf({ actors, atMs }: View, { savedAtMs = null }: TraceHeader, nowMs: number): number {
  if (savedAtMs !== null) return Math.max(atMs, savedAtMs);
  let latestMs = nowMs;
  for (const { waits, ended } of actors.values()) {
    if (ended === null && waits?.deadlineMs != null) latestMs = Math.min(latestMs, waits.deadlineMs);
  }
  return Math.max(atMs, latestMs);
}
