/** What a stream remembers about its pairs: which there are and how each was proved, without one entry per pair. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { numberAt, type NumberPages, withNumberAt } from '../../machines/collections/number-pages.ts';
import {
  hasIncoming,
  isKnown,
  isSender,
  noPairs,
  targetsOnly,
  provedDomains,
  type ProvedPairs,
  withIncoming,
  withOutgoing,
} from '../../machines/collections/proved-pairs.ts';
import type { Proof } from '../../src/protocol/proof.ts';
import { provedCount, provedPairs } from '../../src/trace/queries/proved.ts';

const proofOf = (prooftype: string, strength: Proof['strength'], expiresAtMs: number | null = null): Proof => ({
  ...{ prooftype, strength, expiresAtMs },
  evidence: { sha256: 'f'.repeat(64) },
});
const pkix = proofOf('pkix', 'strong', 2_000);
const dialback = proofOf('dialback', 'weak');

/** In the form of a trace. */
const told = (validPairs: ProvedPairs): string[] =>
  [...provedPairs({ validPairs: JSON.parse(JSON.stringify(validPairs)) as unknown })]
    .map(({ from, to, prooftype, strength }) => `${from}>${to} ${prooftype} ${strength}`)
    .sort();

test('holds what a Map of pairs would hold, each with its first proof, and earlier tables stay as they were', () => {
  const local = fc.oneof(fc.constantFrom('a', 'constructor', '__proto__'), fc.nat(99).map(String));
  const remote = fc.oneof(fc.constantFrom('b', 'tostring', '__proto__'), fc.nat(299).map(String));
  const proof = fc.constantFrom(pkix, dialback, proofOf('dialback', 'strong'), proofOf('none', 'none'));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), local, remote, proof), { maxLength: 400 }), (added) => {
      let pairs = noPairs;
      const map = new Map<string, string>();
      for (const [isIncoming, ours, theirs, how] of added) {
        // Exactly one side is ours: no domain is both.
        const [mine, its] = [`${ours}.ours`, `${theirs}.theirs`];
        const pair = isIncoming ? { from: its, to: mine } : { from: mine, to: its };
        const before = pairs;
        const size = map.size;
        pairs = isIncoming ? withIncoming(before, pair, how) : withOutgoing(before, pair, how);
        const id = `${pair.from}>${pair.to}`;
        if (!map.has(id)) map.set(id, `${how.prooftype} ${how.strength}`);
        assert.equal(before.size, size);
        assert.equal(pairs.size, map.size);
        if (size === map.size) assert.equal(pairs, before, 'what is there is not written once more');
      }
      assert.deepEqual(told(pairs), [...map].map(([id, how]) => `${id} ${how}`).sort());
      assert.equal(provedCount({ validPairs: pairs }), map.size);
      const senders = new Set(added.flatMap(([isIncoming, , theirs]) => (isIncoming ? [`${theirs}.theirs`] : [])));
      const all = new Set(added.map(([, , theirs]) => `${theirs}.theirs`));
      assert.deepEqual([pairs.senders, targetsOnly(pairs)], [senders.size, all.size - senders.size]);
      for (const one of all) assert.deepEqual([isSender(pairs, one), isKnown(pairs, one)], [senders.has(one), true]);
      for (const [, ours, theirs] of added) {
        const pair = { from: `${theirs}.theirs`, to: `${ours}.ours` };
        assert.equal(hasIncoming(pairs, pair), map.has(`${pair.from}>${pair.to}`));
      }
      const ways = [...map].map(
        ([id, how]) => `${id.split('>').find((name) => name.endsWith('.theirs')) ?? ''} ${how}`,
      );
      const known = [...provedDomains(pairs)].map((one) => `${one.domain} ${one.prooftype} ${one.strength}`);
      assert.deepEqual(known.sort(), [...new Set(ways)].sort());
    }),
  );
});

test('numbers stand where they were put, in earlier lists as well, and nothing is undefined', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(1_000), fc.integer())), (added) => {
      let pages: NumberPages = [];
      const map = new Map<number, number>();
      for (const [at, number] of added) {
        const before = pages;
        pages = withNumberAt(before, at, number);
        assert.equal(numberAt(before, at), map.get(at) ?? 0);
        map.set(at, number);
      }
      for (let at = 0; at <= 1_000; at += 1) assert.equal(numberAt(pages, at), map.get(at) ?? 0);
      assert.deepEqual(JSON.parse(JSON.stringify(pages)), pages);
    }),
  );
});

test('of a domain of the far end the newest end of a proof is told, of each its own', () => {
  let pairs = withIncoming(noPairs, { from: 'b', to: 'a' }, proofOf('dane', 'strong', 1_000));
  pairs = withIncoming(pairs, { from: 'c', to: 'a' }, proofOf('dane', 'strong', 3_000));
  pairs = withIncoming(pairs, { from: 'c', to: 'd' }, proofOf('dane', 'strong', 5_000));
  pairs = withOutgoing(pairs, { from: 'a', to: 'e' }, proofOf('dane', 'strong', null));
  const ends = [...provedPairs({ validPairs: pairs })].map(({ from, to, expiresAtMs }) => [from, to, expiresAtMs]);
  assert.deepEqual(ends, [
    ['a', 'e', null],
    ['b', 'a', 1_000],
    ['c', 'a', 5_000],
    ['c', 'd', 5_000],
  ]);
});

test('a thousand domains of the far end with a hundred of ours take a number for 32 pairs, and a pair copies little', () => {
  let pairs = noPairs;
  for (let remote = 0; remote < 1_000; remote += 1)
    for (let local = 0; local < 100; local += 1)
      pairs = withIncoming(
        pairs,
        { from: `r${remote}`, to: `l${local}` },
        { ...dialback, evidence: { remote, local } },
      );
  assert.equal(pairs.size, 100_000);
  const [group, ...others] = pairs.alike;
  assert.deepEqual(others, []);
  assert.equal(group?.incoming.flat(2).length, 4_000);
  assert.deepEqual(group.otherwise, []);
  const texts = JSON.stringify(pairs).length;
  assert.ok(texts < 100_000, `${texts} characters`);
  const kept = new Set(group.incoming.flat());
  const more = withIncoming(pairs, { from: 'r500', to: 'l100' }, dialback);
  assert.equal(more.alike[0]?.incoming.flat().filter((page) => !kept.has(page)).length, 1, 'one page is copied');
});
