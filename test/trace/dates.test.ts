import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dayOf } from '../../src/trace/dates.ts';
import { clockTime } from '../../src/trace/explain/words.ts';

test('a moment that is no date is an unknown date, and throws nobody out of an explanation', () => {
  for (const atMs of [-1e300, 1e300, NaN, Infinity, -Infinity, 8.64e15 + 1])
    assert.deepEqual([dayOf(atMs), clockTime(atMs)], ['an unknown date', 'an unknown time'], `${atMs}`);
  assert.equal(dayOf(8.64e15), '+275760-09-13');
  assert.equal(dayOf(Date.UTC(2026, 10, 22)), '2026-11-22');
});
