import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { interleaveFamilies } from '../../src/protocol/addresses.ts';

const addresses = fc.array(fc.record({ family: fc.constantFrom<4 | 6>(4, 6), address: fc.string({ maxLength: 3 }) }), {
  maxLength: 40,
});

test('interleaving is a permutation: no address is lost, none is added (trap 14)', () => {
  fc.assert(
    fc.property(addresses, (input) => {
      const output = interleaveFamilies(input);
      assert.equal(output.length, input.length);
      assert.deepEqual(new Set(output), new Set(input)); // compares by identity: equal addresses are distinct elements
    }),
  );
});

test('within a family the order is kept, and families take turns while both last (RFC 8305 §4)', () => {
  fc.assert(
    fc.property(addresses, (input) => {
      const output = interleaveFamilies(input);
      for (const family of [4, 6]) {
        const own = (list: typeof input) => list.filter((address) => address.family === family);
        assert.deepEqual(own(output), own(input));
      }
      assert.equal(output[0]?.family, input[0]?.family);
      const shorter = Math.min(...[4, 6].map((family) => input.filter((address) => address.family === family).length));
      for (let i = 1; i < 2 * shorter; i += 1) assert.notEqual(output[i]?.family, output[i - 1]?.family);
    }),
  );
});
