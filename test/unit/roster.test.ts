/** The actors in a view, for lists and counts: collected with pauses, during which actors come and go. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rosterOf } from '../../src/trace/view/roster.ts';
import type { View } from '../../src/trace/view/view.ts';

test('whoever ends while the living are listed is listed once', () => {
  const living = new Set(Array.from({ length: 5_000 }, (_, i) => `pair:a.example>d${i}.example`));
  const ended = new Set(['pair:a.example>gone.example']);
  const view = { living: () => living, ended: () => ended } as unknown as View; // it uses nothing else of a view
  const making = rosterOf(view);
  let step = making.next();
  for (let pause = 0; step.done !== true; pause += 1) {
    // In each pause, one that was listed and one that was not yet listed end.
    for (const i of [pause, 4_999 - pause]) {
      living.delete(`pair:a.example>d${i}.example`);
      ended.add(`pair:a.example>d${i}.example`);
    }
    step = making.next();
  }
  const { pair } = step.value;
  assert.equal(new Set([...pair.living, ...pair.over]).size, 5_001);
  assert.equal(pair.living.length + pair.over.length, 5_001);
  assert.ok(pair.over.includes('pair:a.example>d4999.example'));
});
