/**
 * A FIFO queue as plain data. A context is never changed in place but copied, and copying the queue at each of 10,000
 * arrivals copies 50 million entries in total. Here the front stays as it is and a number counts the items taken from
 * it; new items go into rows behind it, and rows of equal length are joined.
 */
export interface WaitingLine<Item extends object> {
  readonly length: number;
  readonly front: readonly Item[];
  /** How many items of the front have had their turn. */
  readonly called: number;
  /** Newest row first; shorter rows before longer ones. */
  readonly behind: readonly (readonly Item[])[];
}

export const nobodyWaiting: WaitingLine<never> = { length: 0, front: [], called: 0, behind: [] };

/** The queue with one more item at its end. */
export function withLast<Item extends object>(line: WaitingLine<Item>, item: Item): WaitingLine<Item> {
  let joined: readonly Item[] = [item];
  let rows = 0;
  for (const row of line.behind) {
    if (row.length > joined.length) break;
    joined = [...row, ...joined];
    rows += 1;
  }
  return { ...line, length: line.length + 1, behind: [joined, ...line.behind.slice(rows)] };
}

/** The next item, and the queue without it; null if the queue is empty. */
export function nextInLine<Item extends object>(line: WaitingLine<Item>): readonly [Item, WaitingLine<Item>] | null {
  const { length, front, called, behind } = line;
  const next = front[called];
  if (next !== undefined) return [next, { ...line, length: length - 1, called: called + 1 }];
  if (length === 0) return null;
  return nextInLine({ length, front: behind.toReversed().flat(), called: 0, behind: [] });
}
