/** Random values: unpredictable where it matters. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../src/adapters/random.ts';

test('what was drawn is never drawn again, of whatever length', () => {
  const random = createRandom();
  const drawn = new Set<string>();
  for (let n = 0; n < 2_000; n++) {
    const id = random.hex(16);
    assert.match(id, /^[0-9a-f]{32}$/);
    assert.doesNotMatch(id, /^0+$/);
    drawn.add(id);
  }
  assert.equal(drawn.size, 2_000);
  for (const bytes of [0, 1, 7, 1_024, 1_025, 5_000]) assert.equal(random.hex(bytes).length, 2 * bytes);
  const tail = random.hex(5_000).slice(-64);
  assert.doesNotMatch(tail, /^0+$/);
});
