/** Wording shared by explanations on the terminal and on the inspector page. */
import type { Mover } from '../../../machines/declare.ts';
import { isDate } from '../dates.ts';
import type { Divergence } from '../view/view.ts';

export const MOVERS: Readonly<Record<Mover, string>> = {
  us: 'ourselves',
  peer: 'the far end',
  dns: 'the DNS',
  web: 'a web server',
  operator: 'the operator of this server',
};

export const countWords = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`;

/** `1 negotiation is stuck, 2 have failed`; empty if there are none. */
export function stuckWords(waiting: number, failed: number): string {
  if (waiting === 0) return failed === 0 ? '' : `${countWords(failed, 'negotiation has', 'negotiations have')} failed`;
  const words = `${countWords(waiting, 'negotiation is', 'negotiations are')} stuck`;
  return failed === 0 ? words : `${words}, ${countWords(failed, 'has', 'have')} failed`;
}

/** `12 s`, `3 min 5 s`, `2 h 10 min`, `3 days`. */
export function lasting(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} days`;
}

/** `13:52:07 UTC`; `an unknown time` if the number is not a valid date. */
export const clockTime = (atMs: number): string =>
  isDate(atMs) ? `${new Date(atMs).toISOString().slice(11, 19)} UTC` : 'an unknown time';

/** How often the charts diverge from the trace: `once, at record no. 7 (stream:3)`. */
export function divergedWords(count: number, { seq, actor }: Pick<Divergence, 'seq' | 'actor'>): string {
  const place = `at record no. ${seq} (${actor})`;
  return count === 1 ? `once, ${place}` : `${count} times, first ${place}`;
}
