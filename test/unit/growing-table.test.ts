/** Tables that only grow: their contents, and the cost of growth. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  entriesOf,
  entryOf,
  type GrowingTable,
  membersOf,
  setOf,
  tableOf,
  withEntry,
  withFirst,
} from '../../machines/collections/growing-table.ts';

test('holds what a Map would hold, whatever the names, and earlier tables stay as they were', () => {
  const name = fc.oneof(fc.constantFrom('a', 'b', 'constructor', '__proto__', 'tostring'), fc.string());
  fc.assert(
    fc.property(fc.array(fc.tuple(name, fc.integer())), (entries) => {
      let table: GrowingTable<number> = [];
      const map = new Map<string, number>();
      for (const [key, value] of entries) {
        const before = table;
        const held = entryOf(before, key);
        table = withEntry(table, key, value);
        assert.equal(entryOf(before, key), held);
        map.set(key, value);
      }
      for (const [key] of entries) assert.equal(entryOf(table, key), map.get(key));
      for (const absent of ['constructor', '__proto__'])
        if (!map.has(absent)) assert.equal(entryOf(table, absent), undefined);
      assert.deepEqual(new Map(Object.entries(entriesOf(table))), map);
    }),
  );
});

test('the first entry under a key stays, and is counted once', () => {
  let table: GrowingTable<number> = [];
  for (const [at, name] of ['a', 'b', 'a', 'c', 'b'].entries()) table = withFirst(table, name, at);
  assert.equal(membersOf(table), 3);
  assert.deepEqual({ ...entriesOf(table) }, { a: 0, b: 1, c: 3 });
});

test('10,000 entries are copied some 13 times each, not 5,000 times', () => {
  let table: GrowingTable<number> = [];
  let copied = 0;
  for (let n = 0; n < 10_000; n += 1) {
    const before = new Set(table);
    table = withEntry(table, String(n), n);
    for (const part of table) if (!before.has(part)) copied += part.size;
  }
  assert.ok(copied < 10_000 * 14, String(copied));
  assert.ok(table.length < 15, 'and few tables are looked into');
});

test('a table of thousands is a hash table, which needs no prototype and no hidden class for each name', () => {
  let table: GrowingTable<number> = [];
  for (let n = 0; n < 3_000; n += 1) table = withEntry(table, `d${n}.example`, n);
  for (const { size, entries } of [...table, ...tableOf(['a', 'b'], (name) => name)])
    if (size > 16) assert.equal(Object.getPrototypeOf(entries), null);
  assert.equal(Object.getPrototypeOf(setOf(new Set(['a']))[0]?.entries), null);
});
