import assert from 'node:assert/strict';
import test from 'node:test';
import {
  addressText,
  MAX_TLSA_BYTES,
  nameIn,
  srvFields,
  tlsaRecord,
  UNREADABLE,
} from '../../src/adapters/dns/rdata.ts';

const bytes = (...parts: (number | string)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.from([part]) : Buffer.from(part, 'latin1'))));

test('TLSA: usage, selector, matching type and the data in hex (RFC 6698 §2.1)', () => {
  assert.deepEqual(tlsaRecord(bytes(3, 1, 1, 0xab, 0x0c)), { usage: 3, selector: 1, matching: 1, data: 'ab0c' });
  assert.deepEqual(tlsaRecord(bytes(255, 254, 253)), { usage: 255, selector: 254, matching: 253, data: '' });
});

test('a TLSA record that cannot be read is kept as one of no known usage, never dropped (RFC 6698 §4.1)', () => {
  const unusable = { usage: -1, selector: -1, matching: -1, data: '' };
  for (const rdata of [bytes(), bytes(3), bytes(3, 1), Buffer.alloc(MAX_TLSA_BYTES + 1, 3)]) {
    assert.deepEqual(tlsaRecord(rdata), unusable);
  }
  assert.equal(tlsaRecord(Buffer.alloc(MAX_TLSA_BYTES, 3)).data.length, 2 * MAX_TLSA_BYTES - 6);
});

test('SRV: what is cut off, or names no host, has a target that nobody takes for one (RFC 2782)', () => {
  const numbers = [0, 1, 0, 2, 0, 3];
  assert.deepEqual(srvFields(bytes(...numbers, 1, 'a', 2, 'BC', 0)), {
    priority: 1,
    weight: 2,
    port: 3,
    target: 'a.BC',
  });
  assert.equal(srvFields(bytes(...numbers, 0)).target, '.');
  for (const rdata of [
    bytes(),
    bytes(...numbers),
    bytes(...numbers, 1),
    bytes(...numbers, 1, 'a'),
    bytes(...numbers, 9, 'a', 0),
    bytes(...numbers, 3, 'a.b', 0),
    bytes(...numbers, 1, ' ', 0),
    bytes(...numbers, 1, '\0', 0),
    bytes(...numbers, 1, '\xe4', 0),
  ]) {
    assert.equal(srvFields(rdata).target, UNREADABLE, rdata.toString('hex'));
  }
  assert.equal(nameIn(bytes(1, 'a', 0xc0, 0)), UNREADABLE);
});

test('an address has four octets or sixteen; anything else is none', () => {
  assert.equal(addressText(bytes(192, 0, 2, 1)), '192.0.2.1');
  assert.equal(addressText(Buffer.from('20010db8000000000000000000000001', 'hex')), '2001:db8::1');
  for (const length of [0, 3, 5, 15, 17]) assert.equal(addressText(Buffer.alloc(length)), UNREADABLE);
});
