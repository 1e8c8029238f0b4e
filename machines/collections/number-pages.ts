/**
 * An array of integers, 0 where none was set, as plain data. A context is never changed in place but copied: when one
 * of ten thousand numbers changes, only its page and the list of pages are copied.
 */
export type NumberPages = readonly (readonly number[])[];

/** With this size, both a page and the list of pages are small even for a hundred thousand numbers. */
export const PAGE_SIZE = 128;

export const numberAt = (pages: NumberPages, at: number): number =>
  pages[Math.floor(at / PAGE_SIZE)]?.[at % PAGE_SIZE] ?? 0;

export function withNumberAt(pages: NumberPages, at: number, number: number): NumberPages {
  const page = Math.floor(at / PAGE_SIZE);
  return withItemAt(pages, page, withItemAt(pages[page] ?? [], at % PAGE_SIZE, number, 0), []);
}

/** The list with this item at this index; missing items before it become `filler`. */
export const withItemAt = <Item>(list: readonly Item[], at: number, item: Item, filler: Item): readonly Item[] =>
  at < list.length ? list.with(at, item) : list.concat(Array<Item>(at - list.length).fill(filler), [item]);
