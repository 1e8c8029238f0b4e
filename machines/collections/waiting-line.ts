/**
 * A line in which one waits for one's turn, as plain data. A context is never changed but copied, and a line copied at each of
 * 10,000 arrivals is 50 million entries: here those at the front stand still, how many were called is a number, and who
 * arrives joins rows of equal length behind them.
 */
export interface WaitingLine<Item extends object> {
  readonly length: number;
  readonly front: readonly Item[];
  /** How many of those at the front have had their turn. */
  readonly called: number;
  /** The newest row first, and the shorter ones before the longer. */
  readonly behind: readonly (readonly Item[])[];
}

export const nobodyWaiting: WaitingLine<never> = { length: 0, front: [], called: 0, behind: [] };

/** The line with one more at its end. */
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

/** Whose turn is next, and the line without him; null if nobody waits. */
export function nextInLine<Item extends object>(line: WaitingLine<Item>): readonly [Item, WaitingLine<Item>] | null {
  const { length, front, called, behind } = line;
  const next = front[called];
  if (next !== undefined) return [next, { ...line, length: length - 1, called: called + 1 }];
  if (length === 0) return null;
  return nextInLine({ length, front: behind.toReversed().flat(), called: 0, behind: [] });
}
