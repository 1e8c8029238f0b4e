/** The packed tables compared with the obvious ones: maps keyed by the combined values. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BlockTable } from '../../src/routing/tables/block-table.ts';
import { DomainNumbers } from '../../src/routing/tables/domain-numbers.ts';
import { FactTable } from '../../src/routing/tables/fact-table.ts';
import type { Pair } from '../../src/routing/tables/pair-set.ts';
import { RouteTable } from '../../src/routing/tables/route-table.ts';

const numbers = () => ({ locals: new DomainNumbers(), remotes: new DomainNumbers() });
const listed = (pairs: Iterable<Pair>): string[] =>
  Array.from(pairs, ({ local, remote }) => `${local}>${remote}`).sort();

test('rows of a packed table are found, one by one and all together, however often it has grown', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60_000 }),
      fc.integer({ min: 1, max: 400 }),
      fc.nat(),
      (rows, blocks, first) => {
        const table = new BlockTable();
        for (let i = 0; i < rows; i += 1) {
          const owner = first + Math.floor(i / blocks);
          assert.equal(table.set(owner, i % blocks, i + 1), true);
          assert.equal(table.set(owner, i % blocks, i + 1), false);
        }
        for (let i = 0; i < rows; i += 1) assert.equal(table.bitsOf(first + Math.floor(i / blocks), i % blocks), i + 1);
        assert.equal(table.bitsOf(first + rows, 0), 0);
        assert.equal(table.bitsOf(first, blocks), 0);
        const seen = new Set<number>();
        table.each((owner, block, bits) => {
          assert.equal((owner - first) * blocks + block + 1, bits);
          seen.add(bits);
        });
        assert.equal(seen.size, rows);
      },
    ),
    { numRuns: 20 },
  );
});

// More local domains than a row has bits, and few enough that they collide.
const local = fc.nat(69).map((i) => `l${i}.example`);
const remote = fc.nat(4).map((i) => `r${i}.example`);
const stream = fc.nat(2);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('set' as const), local, remote, stream }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), local, remote, stream }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('withdraw' as const), local, remote, stream }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('forget' as const), local, remote, stream }) },
);

test('S2, L5: each pair has the one stream that was set for it last, until that is withdrawn', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const all = numbers();
      const routes = new RouteTable(all);
      const model = new Map<string, { local: string; remote: string; stream: number }>();
      const ofStream = (id: number) => [...model.values()].filter((row) => row.stream === id);
      for (const { do: what, ...row } of steps) {
        const key = `${row.local}>${row.remote}`;
        if (what === 'set') {
          routes.set(row.local, row.remote, row.stream);
          model.set(key, row);
        } else if (what === 'delete') {
          routes.delete(row.local, row.remote);
          model.delete(key);
        } else {
          const served = ofStream(row.stream);
          assert.deepEqual(listed(routes.withdraw(row.stream)), listed(served));
          for (const { local: ours, remote: theirs } of served) model.delete(`${ours}>${theirs}`);
          if (what === 'forget') routes.forget(row.stream);
        }
        assert.equal(routes.find(row.local, row.remote), model.get(key)?.stream ?? null);
      }
      assert.equal(routes.size, model.size);
      assert.deepEqual(listed(routes.rows()), listed(model.values()));
      for (const row of model.values()) assert.equal(routes.find(row.local, row.remote), row.stream);
      for (const id of [0, 1, 2]) {
        const some = ofStream(id)[0] ?? { local: 'l0.example', remote: 'r0.example' };
        for (const end of ['local', 'remote'] as const) {
          const wanted = ofStream(id).filter((row) => row[end] === some[end]);
          assert.deepEqual(listed(routes.of(id, end, some[end])), listed(wanted));
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('a domain keeps its number while a stream has a row of it, and is forgotten with the last', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const all = numbers();
      const [facts, routes] = [new FactTable(all), new RouteTable(all)];
      for (const { do: what, local: ours, remote: theirs, stream: id } of steps) {
        if (what === 'set') {
          facts.admit(id, theirs, ours);
          routes.set(ours, theirs, id);
          assert.equal(facts.verdict(id, theirs, ours), 'held');
        } else if (what === 'delete') {
          facts.revoke(id, theirs, ours);
          assert.notEqual(facts.verdict(id, theirs, ours), 'held');
        } else if (what === 'withdraw') {
          facts.withdraw(id, theirs);
          assert.notEqual(facts.verdict(id, theirs, ours), 'held');
        } else {
          facts.forget(id);
          routes.withdraw(id);
          routes.forget(id);
          assert.equal(facts.verdict(id, theirs, ours), 'stream-unproved');
        }
        for (const { stream: at, from, to } of facts.rows()) assert.equal(facts.verdict(at, from, to), 'held');
      }
      for (const id of [0, 1, 2]) {
        facts.forget(id);
        routes.withdraw(id);
        routes.forget(id);
      }
      assert.equal(all.remotes.size, 0);
    }),
    { numRuns: 200 },
  );
});
