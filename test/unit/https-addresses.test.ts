import assert from 'node:assert/strict';
import test from 'node:test';
import { isPublicAddress } from '../../src/adapters/https/public-addresses.ts';

test('addresses of the public Internet may be connected to', () => {
  const addresses = ['1.1.1.1', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255'];
  addresses.push('128.0.0.0', '169.253.255.255', '172.15.255.255', '172.32.0.0', '192.0.1.0', '192.167.255.255');
  addresses.push('198.17.255.255', '198.20.0.0', '223.255.255.255');
  addresses.push(
    '2606:4700::1111',
    '2a00:1450:4001::1',
    '2001:200::1',
    '2003::1',
    '64:ff9b::1.1.1.1',
    '64:FF9B::909:909',
  );
  for (const address of addresses) assert.equal(isPublicAddress(address), true, address);
});

test('private, loopback, link-local, multicast and other special addresses may not (RFC 6890)', () => {
  const special = {
    'this machine': ['0.0.0.0', '0.1.2.3', '127.0.0.1', '127.255.255.255', '::', '::1', '0:0:0:0:0:0:0:1'],
    private: ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1', '100.127.255.255'],
    'unique local': ['fc00::1', 'fdff::1'],
    'link-local': ['169.254.169.254', 'fe80::1', 'fe80::1%eth0', 'febf::1', 'fec0::1'],
    multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1', 'ff0e::1'],
    reserved: ['240.0.0.1', '255.255.255.255', '4000::1', '5f00::1', '100::1'],
    documentation: ['192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1'],
    protocols: ['192.0.0.8', '192.88.99.1', '198.18.0.1', '198.19.255.255', '2001::1', '2001:1ff::1'],
    'IPv4 inside IPv6': ['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:8.8.8.8', '::10.0.0.1', '2002:a00:1::1'],
    'IPv4 behind a NAT64': ['64:ff9b::10.0.0.1', '64:ff9b::7f00:1', '64:ff9b::1', '64:ff9b:1::a00:1'],
    nothing: ['', 'localhost', '127.1', '1.1.1.1:443', '[2606:4700::1111]', '1.1.1'],
  };
  for (const [what, addresses] of Object.entries(special)) {
    for (const address of addresses) assert.equal(isPublicAddress(address), false, `${what}: ${address}`);
  }
});
