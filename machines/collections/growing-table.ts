/**
 * A table to which entries are only ever added, as plain data. A context is never changed but copied, and a record copied
 * at each of 10,000 domains is 50 million entries: here, tables of equal size are joined, so that each entry is copied
 * as often as the table doubles.
 */

interface Part<Value> {
  readonly size: number;
  readonly entries: Readonly<Record<string, Value>>;
}

/** The newest part first, and the smaller ones before the larger. */
export type GrowingTable<Value> = readonly Part<Value>[];

export function entryOf<Value>(table: GrowingTable<Value>, key: string): Value | undefined {
  // Own entries only: `constructor` is a domain name like any other.
  return table.find(({ entries }) => Object.hasOwn(entries, key))?.entries[key];
}

/** The table with one more entry, which hides an earlier one under this key. */
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

/** Of so many a plain object is smaller. */
const FEW = 16;

/**
 * To V8 an object without a prototype is a hash table from the start; any other becomes one after a thousand fields or so, each
 * of which has cost it a hidden class: 100 µs for an entry of 16,000, where this takes 7.
 */
const hashTable = <Value>(): Record<string, Value> => Object.create(null) as Record<string, Value>; // it is given as any

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

/** A table of these entries, under the keys that `keyOf` gives them. */
export const tableOf = <Value>(values: readonly Value[], keyOf: (value: Value) => string): GrowingTable<Value> =>
  tableOfEntries(values.map((value) => [keyOf(value), value]));

export const tableFrom = <Value>(entries: ReadonlyMap<string, Value>): GrowingTable<Value> =>
  tableOfEntries([...entries]);

/** All entries, those that are hidden left out. */
export function entriesOf<Value>(table: GrowingTable<Value>): Readonly<Record<string, Value>> {
  const all = hashTable<Value>();
  for (const { entries } of table.toReversed()) put(all, entries);
  return all;
}

/** A set of names that only grows. */
export type GrowingSet = GrowingTable<true>;

export const setOf = (names: ReadonlySet<string>): GrowingSet => tableOfEntries([...names].map((name) => [name, true]));

/** The table, in which an entry that is there under this key stays as it is. */
export const withFirst = <Value>(table: GrowingTable<Value>, key: string, value: Value): GrowingTable<Value> =>
  entryOf(table, key) === undefined ? withEntry(table, key, value) : table;

export const hasMember = (set: GrowingSet, name: string): boolean => entryOf(set, name) !== undefined;

/** How many there are, where no entry was ever put in the place of another. */
export const membersOf = (set: GrowingTable<unknown>): number => set.reduce((sum, { size }) => sum + size, 0);
