import assert from 'node:assert/strict';
import test from 'node:test';
import { PerAddress, RatePerAddress } from '../../src/adapters/per-address.ts';
import { addressBlock, interleaveFamilies, literalAddress } from '../../src/protocol/addresses.ts';

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

test('addresses of one IPv6 /64 count as one, however they are spelled; IPv4 addresses each for itself', () => {
  for (const same of ['2001:db8:0:1::1', '2001:db8::1:ffff:0:0:9', '2001:0DB8:0:1:2:3:4:5']) {
    assert.equal(addressBlock(same), '2001:db8:0:1::/64', same);
  }
  assert.equal(addressBlock('2001:db8:0:2::1'), '2001:db8:0:2::/64');
  assert.equal(addressBlock('fe80::1%eth0'), 'fe80:0:0:0::/64');
  assert.equal(addressBlock('::1'), '0:0:0:0::/64');
  assert.equal(addressBlock('192.0.2.1'), '192.0.2.1');
});

test('places of an address that are all held are had again once one is given back', () => {
  const places = new PerAddress(2);
  assert.ok(places.take('2001:db8::1'));
  assert.ok(places.take('2001:db8::2'));
  assert.equal(places.take('2001:db8::3'), false);
  assert.ok(places.take('192.0.2.1'));
  places.release('2001:db8::3');
  assert.ok(places.take('2001:db8::1'));
  assert.equal(places.take('2001:db8::2'), false);
});

test('each address has its own, the hosts of an IPv6 /64 one; a clock that is set back keeps nobody out', () => {
  const rate = new RatePerAddress({ perSecond: 1, most: 3 });
  const taken = (address: string, nowMs: number): number =>
    Array.from({ length: 5 }, () => rate.take(address, nowMs)).filter((one) => one).length;
  assert.equal(taken('192.0.2.1', 0), 3);
  assert.equal(taken('2001:db8::1', 0), 3);
  assert.equal(taken('2001:db8::2', 0), 0);
  assert.equal(taken('192.0.2.1', 2_000), 2);
  assert.equal(taken('192.0.2.1', -1_000_000), 0);
  assert.equal(taken('192.0.2.1', -999_000), 1);
});
