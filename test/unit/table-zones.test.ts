import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { dsRecord, isZoneKey, zoneKeyOf } from '../../src/adapters/dna/dnssec-ta/zone-key.ts';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import { createTableResolver } from '../../src/simulation/table-dns.ts';
import { createTableZones } from '../../src/simulation/table-zones.ts';

const SRV = '_xmpp-server._tcp.b.example';
const never = new AbortController().signal;
const authority = createCertificateAuthority({ name: 'Authority' });
const [own, another] = [authority.issue({ dnsNames: ['b.example'] }), authority.issue({ dnsNames: ['b.example'] })];
const keyOf = ({ cert }: { readonly cert: string }) => zoneKeyOf(new X509Certificate(cert).publicKey);

function island() {
  const resolver = createTableResolver({
    [SRV]: { srv: [{ priority: 1, weight: 1, port: 5269, target: 'xmpp.provider.example' }] },
    '_xmpp-server._tcp.bogus.b.example': { status: 'bogus', reason: 'no signature' },
  });
  const zones = createTableZones(resolver);
  zones.set('b.example', own.cert);
  return zones;
}

test('A12: the key of an island is there for all to see, and an anchor only for who knows it (RFC 4035 §4.3)', async () => {
  const zones = island();
  const seen = await zones.open([]).dnskeys('b.example', never);
  assert.ok(seen.kind === 'found' && !seen.secure);
  const [rdata] = seen.found;
  assert.ok(rdata !== undefined && isZoneKey(rdata, keyOf(own)) && !isZoneKey(rdata, keyOf(another)));
  const secure = async (anchors: readonly string[], name = SRV): Promise<unknown> => {
    const outcome = await zones.open(anchors).srv(name, never);
    return 'secure' in outcome ? [outcome.kind, outcome.secure] : outcome.kind;
  };
  const anchor = dsRecord('b.example', rdata);
  assert.deepEqual(await secure([anchor]), ['found', true]);
  assert.deepEqual(await secure([]), ['found', false]);
  assert.deepEqual(await secure([dsRecord('d.example', rdata)]), ['found', false]);
  assert.deepEqual(await secure([anchor], '_xmpp-client._tcp.b.example'), ['absent', true]);
  assert.deepEqual(await secure([anchor], '_xmpp-server._tcp.d.example'), ['absent', false]);
  assert.equal(await secure([anchor], '_xmpp-server._tcp.bogus.b.example'), 'bogus');
  zones.set('b.example', another.cert);
  assert.deepEqual(await secure([anchor]), ['found', false], 'the key that it had before');
});
