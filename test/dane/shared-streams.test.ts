/**
 * DANE where a stream is open already, or has no TLS: whose records count for a domain that joins it (RFC 7712 §4.4.2).
 */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import xml from '@xmpp/xml';
import type { Delivery } from '../../src/routing/types.ts';
import { anything, HOST, other, strange, trusted } from '../support/dane-table.ts';
import { inWords, type Provider, startProvider } from '../support/provider.ts';
import { type RawPeer, startRawPeer } from '../support/raw-peer.ts';
import { namesMissing, type SignedNames, startSignedNames, tlsaData } from '../support/signed-names.ts';

const skip = namesMissing;
const ELSEWHERE = 'elsewhere.signed.example';
const PLAIN = 'plain.open.example';
/** All of them are served at one address with one certificate, which names `bypass` and `ta-bypass` among others. */
const TENANTS = ['first', 'second', 'alias', 'bypass', 'ta-bypass'].map((name) => `${name}.signed.example`);
const shown = trusted.issue({ dnsNames: ['first', 'bypass', 'ta-bypass'].map((name) => `${name}.signed.example`) });
const leaf = shown.der[0] ?? Buffer.alloc(0);
const running: { stop(): Promise<void> }[] = [];
let hoster: Provider;
let names: SignedNames;
let plain: RawPeer;
let sender: Provider;

before(async () => {
  if (skip !== false) return;
  hoster = await startProvider({
    hosts: Object.fromEntries(TENANTS.map((tenant) => [tenant, shown])),
    trust: { system: false, anchors: [trusted.certPem] },
    dns: { servers: ['127.0.0.1@1'] },
  });
  running.push(hoster);
  plain = await startRawPeer(strange.issue({ dnsNames: [PLAIN] }), { plain: true });
  const srv = (domain: string, host: string, port = hoster.port): string =>
    `_xmpp-server._tcp.${domain}. SRV 0 0 ${port} ${host}.`;
  const tlsa = (host: string, data: string, port = hoster.port): string => `_${port}._tcp.${host}. TLSA ${data}`;
  names = await startSignedNames([
    ...[HOST, ELSEWHERE, 'third.signed.example', 'same.signed.example', PLAIN].map((host) => `${host}. A 127.0.0.1`),
    tlsa(HOST, tlsaData(leaf, 3, 1, 1)),
    srv('first.signed.example', HOST),
    srv('second.signed.example', HOST),
    srv('alias.signed.example', 'same.signed.example'),
    tlsa('same.signed.example', tlsaData(leaf, 3, 1, 1)),
    srv('bypass.signed.example', ELSEWHERE),
    tlsa(ELSEWHERE, tlsaData(other, 3, 1, 1)),
    srv('ta-bypass.signed.example', 'third.signed.example'),
    tlsa('third.signed.example', tlsaData(strange.der, 2, 0, 1)),
    srv('any.open.example', PLAIN, plain.port),
    srv('demanding.signed.example', HOST, plain.port),
    tlsa(HOST, tlsaData(other, 3, 1, 1), plain.port),
    srv('unusable.signed.example', ELSEWHERE, plain.port),
    tlsa(ELSEWHERE, `3 9 1 ${'ab'.repeat(32)}`, plain.port),
  ]);
  running.push(names);
});

beforeEach(async () => {
  if (skip !== false) return;
  sender = await startProvider({
    hosts: { 'a.test': trusted.issue({ dnsNames: ['a.test'] }) },
    trust: { system: false, anchors: [trusted.certPem] },
    dns: names.dns,
    policy: {
      prooftypes: ['dane', 'pkix'],
      domains: Object.fromEntries(
        ['any.open', 'demanding.signed', 'unusable.signed'].map((name) => [`${name}.example`, anything]),
      ),
    },
  });
});

test.afterEach(() => sender.stop());

after(async () => {
  for (const one of running.reverse()) await one.stop();
  plain.close();
});

const sendTo = (domain: string): Promise<Delivery> =>
  sender.manager.send(xml('message', { from: 'a.test', to: domain }, xml('body', {}, 'hello')));
const conditionOf = (delivery: Delivery): string =>
  delivery.outcome === 'returned' ? delivery.fault.condition : delivery.outcome;
const saidOf = (domain: string): string[] => sender.outcomes.filter((one) => one.domain === domain).map(inWords);

test(
  'A5: a domain that joins a stream is proved there by the TLSA records of the place that it leads to',
  { skip },
  async () => {
    const before = hoster.visits();
    for (const domain of ['first.signed.example', 'second.signed.example']) {
      assert.equal(conditionOf(await sendTo(domain)), 'sent');
      assert.deepEqual(saidOf(domain), ['dane proved']);
    }
    assert.equal(hoster.visits() - before, 1);
  },
);

test('A5: or of its own target, which is another name of the same place', { skip }, async () => {
  const before = hoster.visits();
  await sendTo('first.signed.example');
  assert.equal(conditionOf(await sendTo('alias.signed.example')), 'sent');
  assert.deepEqual(saidOf('alias.signed.example'), ['dane proved']);
  assert.equal(hoster.visits() - before, 1);
});

for (const domain of ['bypass.signed.example', 'ta-bypass.signed.example']) {
  test(
    `S8: records at its target that name another certificate are not got round on a stream to another host: ${domain}`,
    { skip },
    async () => {
      await sendTo('first.signed.example');
      assert.equal(conditionOf(await sendTo(domain)), 'no-tlsa-match');
      for (const said of saidOf(domain)) assert.equal(said, 'dane no-tlsa-match!');
      assert.ok(!hoster.received.some(({ to }) => to === domain));
    },
  );
}

test(
  'A5: where there are TLSA records TLS is required, be policy permissive: a server without STARTTLS gets nothing (RFC 7673 §4)',
  { skip },
  async () => {
    for (const domain of ['demanding.signed.example', 'unusable.signed.example']) {
      assert.equal(conditionOf(await sendTo(domain)), 'starttls-refused');
      assert.deepEqual(plain.heard, []);
    }
  },
);

test(
  'A5: nor does such a domain join a stream without TLS that leads to the same address (RFC 7673 §4)',
  { skip },
  async () => {
    assert.equal(conditionOf(await sendTo('any.open.example')), 'sent');
    for (const domain of ['demanding.signed.example', 'unusable.signed.example']) {
      assert.notEqual(conditionOf(await sendTo(domain)), 'sent');
      assert.deepEqual(
        plain.heard.filter(({ attrs }) => attrs['to'] === domain),
        [],
      );
    }
  },
);
