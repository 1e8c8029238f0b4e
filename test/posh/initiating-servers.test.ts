/**
 * POSH for servers that connect to us: the document of the domain in `from` is compared with their client certificate
 * (RFC 7711 §5).
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import xml from '@xmpp/xml';
import { faultSentence } from '../../src/protocol/faults.ts';
import type { DomainPolicy } from '../../src/protocol/policy.ts';
import { writePoshDocument } from '../../src/protocol/posh.ts';
import { createHash } from 'node:crypto';
import { HOST, other, strange, trusted } from '../support/dane-table.ts';
import { answers, type Handler, says, startWeb, type Web, webAuthority } from '../support/https-server.ts';
import { inWords, type Provider, startProvider } from '../support/provider.ts';
import { namesMissing, type SignedNames, startSignedNames, tlsaData } from '../support/signed-names.ts';

const leafOf = (der: Uint8Array) => {
  const hash = (name: string): string => createHash(name).update(der).digest('hex');
  return { sha256: hash('sha256'), sha512: hash('sha512') };
};

interface Row {
  readonly row: string;
  readonly zone?: 'signed' | 'open';
  /** The answer of its web server. @defaultValue a document that lists this certificate */
  readonly says?: Handler;
  /** It has a TLSA record of another certificate. */
  readonly isDenied?: boolean;
  readonly policy?: DomainPolicy;
  readonly asked: string;
  readonly offered: boolean;
  /** Whether its stanza came in. @defaultValue the value of `offered` */
  readonly cameIn?: boolean;
}

const rows: readonly Row[] = [
  {
    row: 'A8: the document of the initiating domain proves its client certificate, and EXTERNAL is offered (RFC 7711 §5)',
    asked: 'pkix name-mismatch, posh proved',
    offered: true,
  },
  {
    row: 'A8: a document that lists other certificates: EXTERNAL is not offered (RFC 7711 §3.3)',
    says: says(writePoshDocument([leafOf(other)], 60)),
    asked: 'pkix name-mismatch, posh no-fingerprint-match',
    offered: false,
  },
  {
    row: 'A8: dialback proves it then, if policy knows it (RFC 7711 §3.3)',
    says: says(writePoshDocument([leafOf(other)], 60)),
    policy: { federation: 'encrypted', prooftypes: ['pkix', 'posh', 'dialback'] },
    asked: 'pkix name-mismatch, posh no-fingerprint-match',
    offered: false,
    cameIn: true,
  },
  {
    row: 'A8: no document, no proof (RFC 7711 §3)',
    says: answers(404),
    asked: 'pkix name-mismatch, posh document-missing',
    offered: false,
  },
  {
    row: 'S8: the document is not asked for where the TLSA records of the domain name another client (RFC 6698 §4.1)',
    zone: 'signed',
    isDenied: true,
    policy: { prooftypes: ['dane', 'pkix', 'posh'] },
    asked: 'dane no-tlsa-match!',
    offered: false,
  },
];

const skip = namesMissing;
const FURTHER = 'further.open.example';
const domainOf = ({ zone = 'open' }: Row, i: number): string => `row${i}.${zone}.example`;
/** Its names do not include any domain that is served with it. */
const shown = strange.issue({ dnsNames: ['hosting.example.net'] });
const leaf = shown.der[0] ?? Buffer.alloc(0);
const trust = { system: false, anchors: [trusted.certPem] };
const redirected: Record<number, number> = {};
const initiators: Provider[] = [];
let names: SignedNames;
let ours: Provider;
let web: Web;

before(async () => {
  if (skip !== false) return;
  web = await startWeb();
  for (const [i, row] of rows.entries()) {
    const domain = domainOf(row, i);
    const initiator = await startProvider({
      hosts: { [domain]: shown, ...(i === 0 ? { [FURTHER]: shown } : {}) },
      trust,
      dns: { servers: ['127.0.0.1@1'] },
      posh: { enabled: false },
      policy: { domains: { 'b.test': { target: { host: '127.0.0.1', port: 5269, tls: 'starttls' } } } },
      redirected,
    });
    initiators.push(initiator);
    web.serve(domain, row.says ?? says(writePoshDocument([leafOf(leaf)], 60)));
  }
  web.serve(FURTHER, says(writePoshDocument([leafOf(leaf)], 60)));
  names = await startSignedNames([
    ...[HOST, FURTHER].map((host) => `${host}. A 127.0.0.1`),
    ...rows.flatMap((row, i) => {
      const [domain, port] = [domainOf(row, i), initiators[i]?.port ?? 0];
      return [
        `${domain}. A 127.0.0.1`,
        `_xmpp-server._tcp.${domain}. SRV 0 0 ${port} ${HOST}.`,
        ...(row.isDenied === true ? [`_${port}._tcp.${HOST}. TLSA ${tlsaData(other, 3, 1, 1)}`] : []),
      ];
    }),
  ]);
  ours = await startProvider({
    hosts: { 'b.test': trusted.issue({ dnsNames: ['b.test'] }) },
    trust,
    dns: names.dns,
    posh: { system: false, anchors: [webAuthority.certPem], allowPrivate: true, port: web.port },
    policy: {
      prooftypes: ['pkix', 'posh'],
      domains: Object.fromEntries(rows.map((row, i) => [domainOf(row, i), row.policy ?? {}])),
    },
  });
  redirected[5269] = ours.port;
});

after(async () => {
  if (skip !== false) return;
  await Promise.all([ours, ...initiators].map((provider) => provider.stop()));
  await Promise.all([names.stop(), web.close()]);
});

const send = async (initiator: Provider | undefined, from: string): Promise<{ outcome: string; why: string }> => {
  const delivery = await initiator?.manager.send(xml('message', { from, to: 'b.test' }, xml('body', {}, 'hello')));
  const why = delivery?.outcome === 'returned' ? faultSentence(delivery.fault) : '';
  return { outcome: delivery?.outcome ?? '', why };
};

rows.forEach((row, i) => {
  test(row.row, { skip }, async () => {
    const domain = domainOf(row, i);
    const { outcome, why } = await send(initiators[i], domain);
    const asked = ours.outcomes.find((one) => one.domain === domain);
    assert.equal(asked && inWords(asked), row.asked, why);
    const { cameIn = row.offered } = row;
    assert.equal(outcome, cameIn ? 'sent' : 'returned', why);
    if (cameIn) assert.equal((await ours.next()).from, domain);
    assert.equal(ours.offeredTo(domain).includes('EXTERNAL'), row.offered);
    const fetched = web.asked.filter((question) => question.startsWith(`${domain} `));
    assert.deepEqual(fetched, row.isDenied === true ? [] : [`${domain} /.well-known/posh/xmpp-server.json`]);
  });
});

test('A8, M2: a further domain on the stream is proved by its own document (RFC 7712 §4.4.1)', { skip }, async () => {
  const before = ours.visits();
  const { outcome, why } = await send(initiators[0], FURTHER);
  assert.equal(outcome, 'sent', why);
  assert.equal((await ours.next()).from, FURTHER);
  assert.ok(web.asked.includes(`${FURTHER} /.well-known/posh/xmpp-server.json`));
  assert.equal(ours.visits(), before);
});
