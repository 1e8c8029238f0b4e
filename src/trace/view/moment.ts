/** The moment at which a trace ends. */
import type { TraceHeader } from '../format.ts';
import type { View } from './view.ts';

/**
 * Milliseconds since the epoch. Silence leaves no record, so unless it is known when the trace was saved, its end is
 * now: it may still be being written. It is no later than the earliest deadline of a waiting actor, since passing that
 * would have left a record.
 */
export function momentOf({ actors, atMs }: View, { savedAtMs = null }: TraceHeader, nowMs: number): number {
  if (savedAtMs !== null) return Math.max(atMs, savedAtMs);
  let latestMs = nowMs;
  for (const { waits, ended } of actors.values()) {
    if (ended === null && waits?.deadlineMs != null) latestMs = Math.min(latestMs, waits.deadlineMs);
  }
  return Math.max(atMs, latestMs);
}
