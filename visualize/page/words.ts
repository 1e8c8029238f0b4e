/** The wording of the page. */
import { lasting, MOVERS } from '../../src/trace/explain/words.ts';
import type { Explanation } from '../../src/trace/explain/explain.ts';

export { MOVERS };

/** `13:52:07.123`, in UTC, as in the records of a log. */
export const clockWords = (atMs: number): string => {
  const date = new Date(atMs);
  return Number.isNaN(date.getTime()) ? 'some time' : date.toISOString().slice(11, 23);
};

/** `2026-11-22 13:52:07 UTC`. */
export const dateWords = (atMs: number): string => {
  const date = new Date(atMs);
  return Number.isNaN(date.getTime()) ? 'some time' : `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
};

export const sinceWords = (sinceMs: number | null, nowMs: number): string =>
  sinceMs === null ? '' : lasting(nowMs - sinceMs);

/** In the direction of the stanzas. */
export function endsOf({
  local,
  remote,
  direction,
}: Pick<Explanation, 'local' | 'remote' | 'direction'>): readonly [string, string] {
  const ends = [local || 'us', remote || 'somebody'] as const;
  return direction === 'outgoing' ? ends : [ends[1], ends[0]];
}

export const bytesWords = (bytes: number): string =>
  bytes < 1_000
    ? `${bytes} B`
    : bytes < 1_000_000
      ? `${(bytes / 1_000).toFixed(1)} kB`
      : `${(bytes / 1_000_000).toFixed(1)} MB`;

/** The colour of a state: a failed one is bad, even while it waits until it may be retried. */
export function toneOf(state: string | undefined, hasEnded: boolean, waits: boolean): string {
  if (state === 'failed') return 'bad';
  return hasEnded ? 'over' : waits ? 'waiting' : 'plain';
}
