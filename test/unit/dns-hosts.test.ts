import assert from 'node:assert/strict';
import test from 'node:test';
import { createResolver } from '../../src/adapters/dns/resolver.ts';
import { parseHosts } from '../../src/adapters/dns/system-hosts.ts';

test('a hosts file gives each name and alias its addresses, in its order; comments and nonsense give none (hosts(5))', () => {
  const text = [
    '# 192.0.2.9 commented.example',
    '127.0.0.1\tlocalhost',
    '192.0.2.1  xmpp.a.example A.example   # 192.0.2.8 a.example',
    '2001:db8::1 a.example.',
    'not-an-address a.example',
    '192.0.2.7',
    '',
  ].join('\r\n');
  assert.deepEqual(parseHosts(text, 'a.example'), [
    { family: 4, address: '192.0.2.1' },
    { family: 6, address: '2001:db8::1' },
  ]);
  assert.deepEqual(parseHosts(text, 'localhost'), [{ family: 4, address: '127.0.0.1' }]);
  assert.deepEqual(parseHosts(text, 'commented.example'), []);
});

test('with no servers configured, names of this machine are found without the DNS', async () => {
  const { status, records } = await createResolver().addresses('localhost', new AbortController().signal);
  assert.equal(status, 'insecure');
  assert.ok(records.some(({ address }) => address === '127.0.0.1' || address === '::1'));
});
