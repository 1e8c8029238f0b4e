/** Times in traces, which anybody may have written: not every number is a valid date (ECMA-262 §21.4.1.1). */

const MOST_MS = 8.64e15;

export const isDate = (atMs: number): boolean => Math.abs(atMs) <= MOST_MS;

/** `2026-11-22`, in UTC. */
export const dayOf = (atMs: number): string =>
  isDate(atMs) ? (new Date(atMs).toISOString().split('T', 1)[0] ?? '') : 'an unknown date';
