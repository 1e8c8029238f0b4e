/**
 * Multi-tenant hosting (RFC 7712 §4.4, §6): one provider serves tenants that own their domains, DNS and web servers,
 * and has the key of none of them: for all of them, it presents the certificate of its own host. Each tenant is proved
 * by other means, and all of them share the streams between two providers.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, test } from 'node:test';
import xml from '@xmpp/xml';
import { faultSentence } from '../../src/protocol/faults.ts';
import { writePoshDocument } from '../../src/protocol/posh.ts';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import { says, startWeb, webAuthority } from '../support/https-server.ts';
import { type Provider, startProvider } from '../support/provider.ts';
import { namesMissing, startSignedNames, tlsaData } from '../support/signed-names.ts';

const authority = createCertificateAuthority({ name: 'Public CA' });
const HOSTING = 'hosting.signed.example';
/** Another name of the same machine, with a TLSA record. */
const HOSTING_WITH_TLSA = 'dane.hosting.signed.example';
/** What proves each tenant: POSH; the signed SRV record, with PKIX for its target; DANE. */
const TENANTS: Readonly<Record<string, string>> = {
  'one.open.example': 'posh',
  'two.signed.example': 'pkix',
  'three.hashed.example': 'dane',
};
const tenants = Object.keys(TENANTS);
/** An ordinary provider's domain, and a component's domain beside it. */
const ORDINARY = ['ordinary.open.example', 'chat.ordinary.open.example'];

const shown = authority.issue({ dnsNames: [HOSTING] });
const leaf = shown.der[0] ?? Buffer.alloc(0);
const hash = (name: string): string => createHash(name).update(leaf).digest('hex');
const document = writePoshDocument([{ sha256: hash('sha256'), sha512: hash('sha512') }], 3600);

/** Both providers, and the records that connect them. */
async function stage(
  bidi: boolean,
): Promise<{ hosting: Provider; ordinary: Provider; readonly close: () => Promise<void> }> {
  const web = await startWeb();
  web.serve('one.open.example', says(document));
  const redirected: Record<number, number> = {};
  const trust = { system: false, anchors: [authority.certPem] };
  const hosting = await startProvider({
    hosts: Object.fromEntries(tenants.map((tenant) => [tenant, shown])),
    trust,
    dns: { servers: ['127.0.0.1@1'] },
    posh: { enabled: false },
    bidi,
    policy: {
      domains: Object.fromEntries(
        ORDINARY.map((domain) => [domain, { target: { host: '127.0.0.1', port: 5269, tls: 'starttls' as const } }]),
      ),
    },
    redirected,
  });
  const srv = (domain: string, host: string): string => `_xmpp-server._tcp.${domain}. SRV 0 0 ${hosting.port} ${host}.`;
  const names = await startSignedNames([
    `${HOSTING}. A 127.0.0.1`,
    `${HOSTING_WITH_TLSA}. A 127.0.0.1`,
    `_${hosting.port}._tcp.${HOSTING_WITH_TLSA}. TLSA ${tlsaData(leaf, 3, 1, 1)}`,
    srv('one.open.example', HOSTING),
    'one.open.example. A 127.0.0.1',
    srv('two.signed.example', HOSTING),
    srv('three.hashed.example', HOSTING_WITH_TLSA),
  ]);
  const credential = authority.issue({ dnsNames: ORDINARY });
  const ordinary = await startProvider({
    hosts: Object.fromEntries(ORDINARY.map((domain) => [domain, credential])),
    trust,
    dns: names.dns,
    posh: { system: false, anchors: [webAuthority.certPem], allowPrivate: true, port: web.port },
    bidi,
  });
  redirected[5269] = ordinary.port;
  return {
    hosting,
    ordinary,
    close: async () => {
      await Promise.all([hosting, ordinary].map((provider) => provider.stop()));
      await Promise.all([names.stop(), web.close()]);
    },
  };
}

const closing: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of closing) await close();
});

async function exchange(from: Provider, to: Provider, pairs: readonly (readonly [string, string])[]): Promise<void> {
  const deliveries = pairs.map(([local, remote]) =>
    from.manager.send(xml('message', { from: `someone@${local}`, to: `someone@${remote}` }, xml('body', {}, 'hello'))),
  );
  for (const delivery of await Promise.all(deliveries))
    assert.equal(delivery.outcome === 'returned' ? faultSentence(delivery.fault) : delivery.outcome, 'sent');
  const arrived = await Promise.all(pairs.map(() => to.next()));
  const wanted = pairs.map(([local, remote]) => `someone@${local} > someone@${remote}`);
  assert.deepEqual(
    arrived.map(({ from: sender, to: addressee }) => `${sender ?? ''} > ${addressee ?? ''}`).sort(),
    wanted.sort(),
  );
}

const forth = ORDINARY.flatMap((local) => tenants.map((tenant) => [local, tenant] as const));
const back = forth.map(([local, tenant]) => [tenant, local] as const);

for (const [bidi, first] of [
  [true, 'ordinary'],
  [true, 'hosting'],
  [false, 'ordinary'],
] as const) {
  const sockets = bidi ? 1 : 2;
  test(
    `A5, A7, A8, L3: three tenants, proved by POSH, signed SRV and DANE, exchange with another provider over ${sockets} socket(s); ${first} begins`,
    { skip: namesMissing },
    async () => {
      const { hosting, ordinary, close } = await stage(bidi);
      closing.push(close);
      if (first === 'hosting') await exchange(hosting, ordinary, back);
      await exchange(ordinary, hosting, forth);
      await exchange(hosting, ordinary, back);
      const proofs = ordinary.manager.snapshot().streams.flatMap((stream) => stream.proofs);
      assert.deepEqual(Object.fromEntries(proofs.map(({ domain, prooftype }) => [domain, prooftype])), TENANTS);
      assert.equal(hosting.visits() + ordinary.visits(), sockets);
    },
  );
}
