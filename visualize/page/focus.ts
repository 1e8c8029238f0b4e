/** Where the focus goes when what had it has gone with its view: who reads by keys goes on there, not from the top of the page. */
import type { RowKind } from '../../src/trace/queries/queries.ts';

/** What led away from the lists. */
export interface Left {
  readonly list: 'stuck' | RowKind;
  readonly key: string;
  /** Of a row, its place in the list. */
  readonly index?: number;
}

let left: Left | null = null;
let isArriving = false;

// Those that are not trusted only tell of the same view (`adjust`).
window.addEventListener('hashchange', ({ isTrusted }) => {
  isArriving ||= isTrusted;
});
window.addEventListener('focusin', () => {
  isArriving = false;
});

export function leave(one: Left): void {
  left = one;
}

export const leftIn = (list: Left['list']): Left | null => (left?.list === list ? left : null);

/** Another view was gone to, and nothing of it has the focus yet; so it is not when the page was just opened. */
export const isFocusLost = (): boolean =>
  isArriving && (document.activeElement === null || document.activeElement === document.body);
