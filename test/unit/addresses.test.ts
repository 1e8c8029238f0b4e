import assert from 'node:assert/strict';
import test from 'node:test';
import { interleaveFamilies, literalAddress } from '../../src/protocol/addresses.ts';

test('one IPv6 and three IPv4 addresses: all four, families in turn (RFC 8305 §4, trap 14)', () => {
  const address = (name: string) => ({ family: name.startsWith('6') ? (6 as const) : (4 as const), address: name });
  assert.deepEqual(interleaveFamilies(['6a', '4a', '4b', '4c'].map(address)), ['6a', '4a', '4b', '4c'].map(address));
  assert.deepEqual(interleaveFamilies(['6a', '6b', '4a', '4b'].map(address)), ['6a', '4a', '6b', '4b'].map(address));
  assert.deepEqual(interleaveFamilies(['4a', '6a', '6b'].map(address)), ['4a', '6a', '6b'].map(address));
});

test('an IP literal is its own address, a name is none (RFC 6120 §3.2)', () => {
  assert.deepEqual(literalAddress('192.0.2.1'), { family: 4, address: '192.0.2.1' });
  assert.deepEqual(literalAddress('[2001:db8::1]'), { family: 6, address: '2001:db8::1' });
  assert.equal(literalAddress('a.example'), null);
});
