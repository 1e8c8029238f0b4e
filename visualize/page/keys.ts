/** What the arrow keys do, depending on the focus. */

const LISTS = 'ol, ul, [role=grid], [role=tablist], .ladder';

/** Inside these, arrow keys only move from one element to the next or scroll content that is wider than its box. */
export const isInList = (target: EventTarget | null): boolean =>
  target instanceof Element && target.closest(LISTS) !== null;

const STEPS: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, ArrowRight: 1, ArrowLeft: -1 };

/** Arrow keys move between the links and buttons of the element that handles the event. */
export function moveFocus(event: KeyboardEvent): void {
  const step = STEPS[event.key];
  const list = event.currentTarget;
  if (step === undefined || !(list instanceof HTMLElement)) return;
  const all = [...list.querySelectorAll<HTMLElement>('a, button, [data-focus]')];
  const next = all[all.findIndex((one) => one === document.activeElement) + step];
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
}
