/** Rates: an amount per second, and what was saved up. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Allowance } from '../../src/adapters/allowance.ts';

test('what was saved up may be used at once, and then so much a second', () => {
  const allowance = new Allowance({ perSecond: 10, most: 30 }, 0);
  assert.ok(allowance.tryUse(30, 0));
  assert.ok(!allowance.tryUse(1, 99));
  assert.ok(allowance.tryUse(1, 100));
  allowance.use(50, 10_000);
  assert.equal(allowance.debtMs(10_000), 2_000);
  assert.equal(allowance.debtMs(12_000), 0);
});

test('a clock that is set back gives nothing, and nobody waits until it is where it was', () => {
  const allowance = new Allowance({ perSecond: 10, most: 10 }, 1_000_000);
  allowance.use(20, 1_000_000);
  assert.equal(allowance.debtMs(0), 1_000);
  assert.equal(allowance.debtMs(1_000), 0);
});
