/**
 * Whole numbers in a row, 0 where none was set, as plain data. A context is never changed but copied: here, of ten thousand
 * numbers the page on which one changes is copied, and the list of the pages.
 */
export type NumberPages = readonly (readonly number[])[];

/** A page and the list of a hundred thousand numbers are both small then. */
export const PAGE_SIZE = 128;

export const numberAt = (pages: NumberPages, at: number): number =>
  pages[Math.floor(at / PAGE_SIZE)]?.[at % PAGE_SIZE] ?? 0;

export function withNumberAt(pages: NumberPages, at: number, number: number): NumberPages {
  const page = Math.floor(at / PAGE_SIZE);
  return withItemAt(pages, page, withItemAt(pages[page] ?? [], at % PAGE_SIZE, number, 0), []);
}

/** The list with this item in this place; places before it that were not there yet hold `filler`. */
export const withItemAt = <Item>(list: readonly Item[], at: number, item: Item, filler: Item): readonly Item[] =>
  at < list.length ? list.with(at, item) : list.concat(Array<Item>(at - list.length).fill(filler), [item]);
