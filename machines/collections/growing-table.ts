/**
 * A table to which entries are only ever added, as plain data. A context is never changed in place but copied, and
 * copying a record for each of 10,000 added domains copies 50 million entries in total. Here, tables of equal size are
 * joined, so that each entry is copied only as often as the table doubles.
 */

interface Part<Value> {
  readonly size: number;
  readonly entries: Readonly<Record<string, Value>>;
}

/** Newest part first; smaller parts before larger ones. */
export type GrowingTable<Value> = readonly Part<Value>[];

export function entryOf<Value>(table: GrowingTable<Value>, key: string): Value | undefined {
  // Own entries only: `constructor` is a domain name like any other.
  return table.find(({ entries }) => Object.hasOwn(entries, key))?.entries[key];
}

/** The table with one more entry, which hides any earlier entry under the same key. */
export function withEntry<Value>(table: GrowingTable<Value>, key: string, value: Value): GrowingTable<Value> {
  let joined: Part<Value> = { size: 1, entries: { [key]: value } };
  let parts = 0;
  for (const part of table) {
    if (part.size > joined.size) break;
    joined = { size: part.size + joined.size, entries: joinedEntries(part, joined) };
    parts += 1;
  }
  return [joined, ...table.slice(parts)];
}

/** Up to this many entries, a plain object is smaller. */
const FEW = 16;

/**
 * V8 stores an object without a prototype as a hash table from the start. Any other object becomes one after about a
 * thousand fields, each of which has cost a hidden class: 100 µs per entry among 16,000, compared with 7 µs here.
 */
const hashTable = <Value>(): Record<string, Value> => Object.create(null) as Record<string, Value>; // typed as any

function joinedEntries<Value>(older: Part<Value>, newer: Part<Value>): Part<Value>['entries'] {
  if (older.size + newer.size <= FEW) return { ...older.entries, ...newer.entries };
  const joined = hashTable<Value>();
  put(joined, older.entries);
  put(joined, newer.entries);
  return joined;
}

function put<Value>(entries: Record<string, Value>, more: Readonly<Record<string, Value>>): void {
  for (const [key, value] of Object.entries(more)) entries[key] = value;
}

function tableOfEntries<Value>(all: readonly (readonly [string, Value])[]): GrowingTable<Value> {
  if (all.length === 0) return [];
  const entries = hashTable<Value>();
  for (const [key, value] of all) entries[key] = value;
  return [{ size: all.length, entries }];
}

/** A table of these values, each under the key that `keyOf` returns for it. */
export const tableOf = <Value>(values: readonly Value[], keyOf: (value: Value) => string): GrowingTable<Value> =>
  tableOfEntries(values.map((value) => [keyOf(value), value]));

export const tableFrom = <Value>(entries: ReadonlyMap<string, Value>): GrowingTable<Value> =>
  tableOfEntries([...entries]);

/** All entries except hidden ones. */
export function entriesOf<Value>(table: GrowingTable<Value>): Readonly<Record<string, Value>> {
  const all = hashTable<Value>();
  for (const { entries } of table.toReversed()) put(all, entries);
  return all;
}

/** A set of names that only grows. */
export type GrowingSet = GrowingTable<true>;

export const setOf = (names: ReadonlySet<string>): GrowingSet => tableOfEntries([...names].map((name) => [name, true]));

/** The table with this entry, unless there is already one under this key. */
export const withFirst = <Value>(table: GrowingTable<Value>, key: string, value: Value): GrowingTable<Value> =>
  entryOf(table, key) === undefined ? withEntry(table, key, value) : table;

export const hasMember = (set: GrowingSet, name: string): boolean => entryOf(set, name) !== undefined;

/** The number of entries. Correct only if no entry ever replaced another. */
export const membersOf = (set: GrowingTable<unknown>): number => set.reduce((sum, { size }) => sum + size, 0);
