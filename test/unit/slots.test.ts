/** Slots for things under way at once: their numbers are reused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { heldIn, isHeld, nameIn, type Slots, slotOf, withHeld, withoutHeld } from '../../machines/collections/slots.ts';

test('who is held keeps his slot, and there are never more slots than were held at one time', () => {
  const names = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
  fc.assert(
    fc.property(fc.array(names, { maxLength: 100 }), (steps) => {
      let slots: Slots = [];
      const held = new Map<string, number>();
      let most = 0;
      for (const name of steps) {
        slots = held.has(name) ? withoutHeld(slots, name) : withHeld(slots, name);
        if (!held.delete(name)) held.set(name, slotOf(slots, name));
        most = Math.max(most, held.size);
        assert.equal(heldIn(slots), held.size);
        assert.equal(isHeld(slots, name), held.has(name));
        for (const [other, slot] of held) assert.deepEqual([slotOf(slots, other), nameIn(slots, slot)], [slot, other]);
        assert.ok(slots.length <= most);
        if (held.size === 0) assert.deepEqual(slots, []);
      }
    }),
  );
});

test('nobody is in a slot that is free, or that there is not', () => {
  const slots = withoutHeld(withHeld(withHeld([], 'a'), 'b'), 'a');
  assert.deepEqual(
    [nameIn(slots, 0), nameIn(slots, 1), nameIn(slots, 2), nameIn(slots, Number.NaN)],
    [null, 'b', null, null],
  );
  assert.equal(withoutHeld(slots, 'c'), slots);
});
