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

/** All entries, those that are hidden left out. */
export const entriesOf = <Value>(table: GrowingTable<Value>): Readonly<Record<string, Value>> =>
  Object.assign({}, ...table.map(({ entries }) => entries).reverse()) as Readonly<Record<string, Value>>;

/** A set of names that only grows. */
export type GrowingSet = GrowingTable<true>;

export const withMember = (set: GrowingSet, name: string): GrowingSet =>
  entryOf(set, name) === undefined ? withEntry(set, name, true) : set;

export const membersOf = (set: GrowingSet): number => set.reduce((sum, { size }) => sum + size, 0);
