/** What arrows do where the focus is. */

const LISTS = 'ol, ul, [role=grid], [role=tablist], .ladder';

/** There arrows move from one to the next, or scroll what is wider than its box, and nothing else. */
export const isInList = (target: EventTarget | null): boolean =>
  target instanceof Element && target.closest(LISTS) !== null;

const STEPS: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, ArrowRight: 1, ArrowLeft: -1 };

/** Arrows move from one to the next, among the links and buttons of the element that hears it. */
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
