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
    joined = { size: part.size + joined.size, entries: { ...part.entries, ...joined.entries } };
    parts += 1;
  }
  return [joined, ...table.slice(parts)];
}

/** A table of these entries, under the keys that `keyOf` gives them. */
export const tableOf = <Value>(values: readonly Value[], keyOf: (value: Value) => string): GrowingTable<Value> =>
  values.length === 0
    ? []
    : [{ size: values.length, entries: Object.fromEntries(values.map((value) => [keyOf(value), value])) }];

export const tableFrom = <Value>(entries: ReadonlyMap<string, Value>): GrowingTable<Value> =>
  entries.size === 0 ? [] : [{ size: entries.size, entries: Object.fromEntries(entries) }];

/** All entries, those that are hidden left out. */
export const entriesOf = <Value>(table: GrowingTable<Value>): Readonly<Record<string, Value>> =>
  Object.fromEntries([...table].reverse().flatMap(({ entries }) => Object.entries(entries)));

/** A set of names that only grows. */
export type GrowingSet = GrowingTable<true>;

export const setOf = (names: ReadonlySet<string>): GrowingSet =>
  names.size === 0
    ? []
    : [{ size: names.size, entries: Object.fromEntries([...names].map((name) => [name, true] as const)) }];

/** The table, in which an entry that is there under this key stays as it is. */
export const withFirst = <Value>(table: GrowingTable<Value>, key: string, value: Value): GrowingTable<Value> =>
  entryOf(table, key) === undefined ? withEntry(table, key, value) : table;

export const hasMember = (set: GrowingSet, name: string): boolean => entryOf(set, name) !== undefined;

export const membersOf = (set: GrowingTable<unknown>): number => set.reduce((sum, { size }) => sum + size, 0);
