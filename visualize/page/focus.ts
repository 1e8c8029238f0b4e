/**
 * Where the focus goes when the focused element disappears with its view: keyboard users continue there, not at the top
 * of the page.
 */
import type { RowKind } from '../../src/trace/queries/queries.ts';

/** The entry through which the lists were left. */
export interface Left {
  readonly list: 'stuck' | RowKind;
  readonly key: string;
  /** For a row, its place in the list. */
  readonly index?: number;
}

let left: Left | null = null;
let isArriving = false;

// Untrusted events come from `adjust`, which stays in the same view.
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

/** Another view was opened and nothing in it has the focus yet; false when the page itself has only been opened. */
export const isFocusLost = (): boolean =>
  isArriving && (document.activeElement === null || document.activeElement === document.body);
