import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createResolver, MAX_RECORDS } from '../../src/adapters/dns/resolver.ts';
import type { Resolver } from '../../src/ports.ts';
import { nsdMissing, startNsd, type Nsd } from '../support/nsd.ts';

const never = new AbortController().signal;
const skip = nsdMissing ?? false;
const many = Array.from(
  { length: 80 },
  (_, i) => `_xmpp-server._tcp.many SRV ${i} 0 5269 host-${i}.quite-a-long-name.a.example.`,
);
const zone = `$ORIGIN a.example.
$TTL 120
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
_xmpp-server._tcp SRV 10 5 5269 xmpp
_xmpp-server._tcp SRV 20 0 5269 Backup.Elsewhere.example.
_xmpps-server._tcp SRV 0 0 0 .
xmpp 300 A 192.0.2.1
xmpp 90 A 192.0.2.2
xmpp AAAA 2001:db8::1
v4only A 192.0.2.3
text TXT "no address here"
alias CNAME xmpp
dangling CNAME nowhere
${many.join('\n')}
`;

let nsd: Nsd;
let resolver: Resolver;
before(async () => {
  if (skip) return;
  nsd = await startNsd({ 'a.example': zone });
  resolver = createResolver({ servers: [nsd.address], timeoutMs: 2000 });
});
after(() => (skip ? undefined : nsd.stop()));

test('nsd: SRV records, canonical, and the target "." (RFC 2782)', { skip }, async () => {
  const { status, records } = await resolver.srv('_xmpp-server._tcp.a.example', never);
  assert.equal(status, 'insecure');
  assert.deepEqual(
    [...records].sort((x, y) => x.priority - y.priority),
    [
      { priority: 10, weight: 5, port: 5269, target: 'xmpp.a.example' },
      { priority: 20, weight: 0, port: 5269, target: 'backup.elsewhere.example' },
    ],
  );
  assert.deepEqual((await resolver.srv('_xmpps-server._tcp.a.example', never)).records, [
    { priority: 0, weight: 0, port: 0, target: '.' },
  ]);
});

test('nsd: addresses of both families, IPv6 first, with the lowest TTL', { skip }, async () => {
  const { status, records, ttlSeconds } = await resolver.addresses('xmpp.a.example', never);
  assert.equal(status, 'insecure');
  assert.equal(records[0]?.address, '2001:db8::1');
  assert.deepEqual(new Set(records.map(({ address }) => address)), new Set(['2001:db8::1', '192.0.2.1', '192.0.2.2']));
  assert.ok(ttlSeconds <= 90, `${ttlSeconds}`);
  assert.deepEqual((await resolver.addresses('v4only.a.example', never)).records, [
    { family: 4, address: '192.0.2.3' },
  ]);
});

test('nsd: an alias has the addresses of what it names (RFC 1034 §3.6.2)', { skip }, async () => {
  assert.equal((await resolver.addresses('alias.a.example', never)).records.length, 3);
  assert.equal((await resolver.addresses('dangling.a.example', never)).status, 'nodata-insecure');
});

test('nsd: NXDOMAIN and NODATA both say that there is none (RFC 2308)', { skip }, async () => {
  for (const answer of [
    await resolver.addresses('nowhere.a.example', never),
    await resolver.addresses('text.a.example', never),
    await resolver.srv('_xmpp-server._tcp.nowhere.a.example', never),
    await resolver.srv('xmpp.a.example', never),
  ]) {
    assert.deepEqual([answer.status, answer.records], ['nodata-insecure', []]);
    assert.ok(answer.ttlSeconds > 0);
  }
});

test('nsd: a zone that the server does not have is refused: an error, not "there is none" (S4)', { skip }, async () => {
  for (const answer of [
    await resolver.srv('_xmpp-server._tcp.b.example', never),
    await resolver.addresses('b.example', never),
  ]) {
    assert.deepEqual([answer.status, answer.reason], ['error', 'REFUSED']);
  }
});

test('nsd: an answer too long for UDP comes over TCP and is cut to the bound', { skip }, async () => {
  const { status, records, reason } = await resolver.srv('_xmpp-server._tcp.many.a.example', never);
  assert.equal(status, 'insecure');
  assert.equal(records.length, MAX_RECORDS);
  assert.match(reason ?? '', /only 64 of 80/);
});
