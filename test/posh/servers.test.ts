/**
 * POSH for servers that we connect to: every case of RFC 7711 over real HTTPS, DNS, TCP and TLS. One provider serves
 * all domains with certificates that prove nothing; what the web servers of the domains say about these decides.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { after, before, test } from 'node:test';
import xml from '@xmpp/xml';
import type { Credential } from '../../src/ports.ts';
import { faultSentence } from '../../src/protocol/faults.ts';
import type { DomainPolicy } from '../../src/protocol/policy.ts';
import { anything, HOST, other, trusted, unknown, wrongAndOld } from '../support/dane-table.ts';
import {
  answers,
  type Handler,
  redirects,
  says,
  startWeb,
  strangeAuthority,
  type Web,
  webAuthority,
} from '../support/https-server.ts';
import { inWords, type Provider, startProvider } from '../support/provider.ts';
import { namesMissing, type SignedNames, startSignedNames, tlsaData } from '../support/signed-names.ts';

interface Place {
  readonly domain: string;
  readonly port: number;
  /** The certificate that the XMPP server presents. */
  readonly leaf: Uint8Array;
  readonly web: Web;
}

interface Row {
  readonly row: string;
  readonly zone?: 'signed' | 'open';
  readonly shows?: (domain: string) => Credential;
  /** The answers of the web servers: that of the domain, and others that it serves. */
  readonly web: (at: Place) => Handler | null;
  readonly records?: (at: Place) => readonly string[];
  /** The domain itself, whose web server is asked, has no address. @defaultValue false */
  readonly hasNoAddress?: boolean;
  readonly policy?: DomainPolicy;
  /** The prooftypes that were asked, in the words of {@link inWords}. */
  readonly asked: string;
  /** Whether the message was sent. */
  readonly sent: boolean;
  /** Why it was not sent, in words. */
  readonly why?: RegExp;
  /** How many documents were fetched. @defaultValue 1 */
  readonly fetched?: number;
  /** The latest expiry of the proof, in seconds from now. */
  readonly endsWithin?: number;
}

const weekAgo = Date.now() - 7 * 86_400_000;
const digest = (der: Uint8Array, hash = 'sha256'): string => createHash(hash).update(der).digest('base64');
const listing = (...certificates: readonly Uint8Array[]) => ({
  fingerprints: certificates.map((der) => ({ 'sha-256': digest(der), 'sha-512': digest(der, 'sha512') })),
  expires: 3600,
});
const dialbackAfter: DomainPolicy = { federation: 'encrypted', prooftypes: ['pkix', 'posh', 'dialback'] };

/** A certificate that an operator without an authority makes: for a domain, signed by its own key. */
function selfSigned(domain: string): Credential {
  const name = ['-subj', `/CN=${domain}`, '-addext', `subjectAltName=DNS:${domain}`];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', '-'];
  const pem = execFileSync('openssl', ['req', '-x509', ...key, ...name, '-days', '30', '-out', '-'], {
    encoding: 'utf8',
    stdio: 'pipe',
  });
  const block = (label: string): string =>
    new RegExp(`-----BEGIN ${label}-----[^]*?-----END ${label}-----\n`).exec(pem)?.[0] ?? '';
  return { cert: block('CERTIFICATE'), key: block('PRIVATE KEY') };
}

/** The domain lists the certificate that its XMPP server presents. */
const itself: Row['web'] = (at) => says(listing(at.leaf));
/** The domain publishes this document, which contains nothing usable. */
const useless = (row: string, document: (at: Place) => unknown, condition: string): Row => ({
  row,
  web: (at) => says(document(at)),
  asked: `pkix unknown-issuer, posh ${condition}`,
  sent: false,
});

const rows: readonly Row[] = [
  {
    row: 'A8: a self-signed certificate is proved by the document of its domain (RFC 7711 §3.1)',
    shows: selfSigned,
    web: itself,
    asked: 'pkix self-signed, posh proved',
    sent: true,
    endsWithin: 3600,
  },
  {
    row: 'A8: whatever names the certificate has: it is this one (RFC 7711 §3.3)',
    shows: () => unknown('hosting.example.net'),
    web: itself,
    asked: 'pkix name-mismatch, posh proved',
    sent: true,
  },
  {
    row: 'A8: a certificate that was rolled over is the second one listed (RFC 7711 §3.1)',
    web: (at) => says(listing(other, at.leaf)),
    asked: 'pkix unknown-issuer, posh proved',
    sent: true,
  },
  ...(['sha256', 'sha512'] as const).map((hash): Row => ({
    row: `A8: one hash that is known is enough: ${hash}, without its padding, beside one that nobody knows (RFC 7711 §3.1)`,
    web: (at) => {
      const known = { [hash.replace('sha', 'sha-')]: digest(at.leaf, hash).replaceAll('=', ''), 'sha-1024': 'AAAA' };
      return says({ fingerprints: [{ 'sha-1024': 'AAAA' }, known], expires: 60 });
    },
    asked: 'pkix unknown-issuer, posh proved',
    sent: true,
    endsWithin: 60,
  })),
  {
    row: 'A8: a reference leads to the document of the hosting provider; the proof ends with the first of both (RFC 7711 §3.2, §6)',
    web: (at) => {
      at.web.serve('hosting.open.example', says(listing(at.leaf)));
      return says({ url: `https://hosting.open.example:${at.web.port}/certificates.json`, expires: 30 });
    },
    asked: 'pkix unknown-issuer, posh proved',
    sent: true,
    fetched: 2,
    endsWithin: 30,
  },
  {
    row: 'A8: a redirect to https is followed (RFC 7711 §10)',
    web: (at) => {
      at.web.serve('moved.open.example', says(listing(at.leaf)));
      return redirects(`https://moved.open.example:${at.web.port}/`);
    },
    asked: 'pkix unknown-issuer, posh proved',
    sent: true,
    fetched: 2,
  },
  {
    row: 'A8: a redirect to http is not (RFC 7711 §10)',
    web: () => redirects('http://moved.open.example/'),
    asked: 'pkix unknown-issuer, posh insecure-redirect',
    sent: false,
  },
  {
    row: 'A8: an expired certificate of the XMPP server is never valid, though it is listed (RFC 7711 §6)',
    shows: wrongAndOld,
    web: itself,
    asked: 'pkix name-mismatch, posh certificate-expired',
    sent: false,
  },
  {
    row: 'A8: a document that lists other certificates refutes; the next prooftype may prove the domain (RFC 7711 §3.3)',
    web: () => says(listing(other)),
    policy: dialbackAfter,
    asked: 'pkix unknown-issuer, posh no-fingerprint-match',
    sent: true,
  },
  {
    row: 'A8: where there is no other, the domain is not proved (RFC 7711 §3.3)',
    web: () => says(listing(other)),
    asked: 'pkix unknown-issuer, posh no-fingerprint-match',
    sent: false,
    why: /lists other certificates/,
  },
  {
    row: 'A8: 404 is "no POSH": the next prooftype is asked (RFC 7711 §3)',
    web: () => answers(404),
    policy: dialbackAfter,
    asked: 'pkix unknown-issuer, posh document-missing',
    sent: true,
  },
  {
    row: 'A8: any other status leaves it open (RFC 7711 §3)',
    web: () => answers(503),
    asked: 'pkix unknown-issuer, posh document-unavailable',
    sent: false,
  },
  {
    row: 'A8: a domain without a web server leaves it open (RFC 7712 §5.2)',
    web: () => null,
    hasNoAddress: true,
    asked: 'pkix unknown-issuer, posh no-address',
    sent: false,
    fetched: 0,
  },
  useless(
    'A8: `expires` 0 makes a document invalid (RFC 7711 §3.1)',
    (at) => ({ ...listing(at.leaf), expires: 0 }),
    'expires-zero',
  ),
  useless(
    'A8: `expires` of a string makes a document invalid (RFC 7711 §3.1)',
    (at) => ({ ...listing(at.leaf), expires: '60' }),
    'document-invalid',
  ),
  useless(
    'A8: `url` beside `fingerprints` makes a document invalid (RFC 7711 §3.1)',
    (at) => ({ ...listing(at.leaf), url: 'https://a.example/' }),
    'document-invalid',
  ),
  useless(
    'A8: an empty list makes a document invalid (RFC 7711 §3.1)',
    () => ({ fingerprints: [], expires: 60 }),
    'document-invalid',
  ),
  useless(
    'A8: a reference to http makes a document invalid (RFC 7711 §3.2)',
    () => ({ url: 'http://hosting.open.example/', expires: 60 }),
    'document-invalid',
  ),
  useless(
    'A8: hashes that nobody knows are of no use (RFC 7711 §3.3)',
    () => ({ fingerprints: [{ 'sha-1': 'AAAA' }], expires: 60 }),
    'no-known-hash',
  ),
  useless('A8: what is no JSON is no document', () => '<html/>', 'document-invalid'),
  useless(
    'A8: what is larger than 64 kB is not read',
    (at) => ({ ...listing(at.leaf), filler: 'x'.repeat(70_000) }),
    'too-large',
  ),
  {
    row: 'A8: `expires` 0 of a reference makes the material invalid (RFC 7711 §3.2)',
    web: (at) => says({ url: `https://hosting.open.example:${at.web.port}/`, expires: 0 }),
    asked: 'pkix unknown-issuer, posh expires-zero',
    sent: false,
  },
  {
    row: 'A8: a reference to a reference is refused (RFC 7711 §3.2)',
    web: (at) => {
      const further = { url: `https://further.open.example:${at.web.port}/`, expires: 60 };
      at.web.serve('further.open.example', says(further));
      return says(further);
    },
    asked: 'pkix unknown-issuer, posh reference-to-reference',
    sent: false,
    fetched: 2,
  },
  ...(
    [
      [
        'expired',
        'web-certificate-expired',
        (host: string) => webAuthority.issue({ dnsNames: [host], notAfter: weekAgo }),
      ],
      ['of another host', 'web-certificate-name-mismatch', () => webAuthority.issue({ dnsNames: ['other.example'] })],
      [
        'of an unknown authority',
        'web-certificate-untrusted',
        (host: string) => strangeAuthority.issue({ dnsNames: [host] }),
      ],
    ] as const
  ).map(([what, condition, issue]): Row => ({
    row: `A8: a web server with a certificate ${what} is not heard (RFC 7711 §3)`,
    web: (at) => {
      at.web.serve(at.domain, says(listing(at.leaf)), issue(at.domain));
      return null;
    },
    asked: `pkix unknown-issuer, posh ${condition}`,
    sent: false,
    fetched: 0,
  })),
  {
    row: 'A8: what PKIX proves is not asked for',
    shows: (domain) => trusted.issue({ dnsNames: [domain] }),
    web: () => says(listing(other)),
    asked: 'pkix proved',
    sent: true,
    fetched: 0,
  },
  {
    row: 'A8: in a signed zone without TLSA records POSH proves as it does elsewhere (RFC 7712 §8)',
    zone: 'signed',
    web: itself,
    policy: { prooftypes: ['dane', 'pkix', 'posh'] },
    asked: 'dane no-tlsa, pkix unknown-issuer, posh proved',
    sent: true,
  },
  {
    row: 'S8: a document never overrides a mismatch of DANE: it is not even asked for (RFC 6698 §4.1)',
    zone: 'signed',
    web: itself,
    records: (at) => [`_${at.port}._tcp.${HOST}. TLSA ${tlsaData(other, 3, 1, 1)}`],
    policy: anything,
    asked: 'dane no-tlsa-match!',
    sent: false,
    fetched: 0,
  },
  {
    row: 'S4: a web server whose address is bogus is not asked (RFC 4035 §4.3)',
    zone: 'signed',
    web: itself,
    hasNoAddress: true,
    records: (at) => [`${at.domain}. CNAME web.late.example.`],
    asked: 'pkix unknown-issuer, posh address-bogus',
    sent: false,
    fetched: 0,
  },
];

const skip = namesMissing;
const domainOf = ({ zone = 'open' }: Row, i: number): string => `row${i}.${zone}.example`;
const shown = rows.map((row, i) => (row.shows ?? unknown)(domainOf(row, i)));
const trust = { system: false, anchors: [trusted.certPem] };
let hoster: Provider;
let names: SignedNames;
let sender: Provider;
let web: Web;

before(async () => {
  if (skip !== false) return;
  web = await startWeb();
  hoster = await startProvider({
    hosts: Object.fromEntries(rows.map((row, i) => [domainOf(row, i), shown[i] ?? null])),
    trust,
    dns: { servers: ['127.0.0.1@1'] },
    posh: { enabled: false },
    listeners: rows.length,
  });
  const places = rows.map(placeOf);
  for (const [i, row] of rows.entries()) {
    const place = places[i] ?? placeOf(row, i);
    const handler = row.web(place);
    if (handler !== null) web.serve(place.domain, handler);
  }
  names = await startSignedNames([
    ...[
      HOST,
      'xmpp.open.example',
      'hosting.open.example',
      'moved.open.example',
      'further.open.example',
      'web.late.example',
    ].map((host) => `${host}. A 127.0.0.1`),
    ...rows.flatMap((row, i) => {
      const place = places[i] ?? placeOf(row, i);
      const host = row.zone === 'signed' ? HOST : 'xmpp.open.example';
      return [
        `_xmpp-server._tcp.${place.domain}. SRV 0 0 ${place.port} ${host}.`,
        ...(row.hasNoAddress === true ? [] : [`${place.domain}. A 127.0.0.1`]),
        ...(row.records?.(place) ?? []),
      ];
    }),
  ]);
  sender = await startProvider({
    hosts: { 'a.test': trusted.issue({ dnsNames: ['a.test'] }) },
    trust,
    dns: names.dns,
    posh: { system: false, anchors: [webAuthority.certPem], allowPrivate: true, port: web.port },
    policy: {
      prooftypes: ['pkix', 'posh'],
      domains: Object.fromEntries(rows.map((row, i) => [domainOf(row, i), row.policy ?? {}])),
    },
  });
});

after(async () => {
  if (skip !== false) return;
  await Promise.all([sender, hoster].map((provider) => provider.stop()));
  await Promise.all([names.stop(), web.close()]);
});

function placeOf(row: Row, i: number): Place {
  const pem = shown[i]?.cert ?? '';
  return { domain: domainOf(row, i), port: hoster.listeners[i] ?? 0, leaf: new X509Certificate(pem).raw, web };
}

rows.forEach((row, i) => {
  test(row.row, { skip }, async () => {
    const domain = domainOf(row, i);
    const askedBefore = web.asked.length;
    const sentAt = Date.now();
    const delivery = await sender.manager.send(
      xml('message', { from: 'a.test', to: domain }, xml('body', {}, 'hello')),
    );
    const outcome = sender.outcomes.find((one) => one.domain === domain);
    const why = delivery.outcome === 'returned' ? faultSentence(delivery.fault) : delivery.outcome;
    assert.ok(outcome, why);
    assert.equal(inWords(outcome), row.asked, why);
    assert.equal(delivery.outcome, row.sent ? 'sent' : 'returned', why);
    if (row.why !== undefined) assert.match(why, row.why);
    const { verdict } = outcome;
    if (verdict.kind === 'proved' && verdict.prooftype === 'posh') {
      assert.match(String(verdict.evidence['url']), /^https:/);
      assert.ok(Number(verdict.expiresAtMs) <= Date.now() + (row.endsWithin ?? 3600) * 1_000);
      assert.ok(Number(verdict.expiresAtMs) > sentAt);
    }
    assert.equal(web.asked.length - askedBefore, row.fetched ?? 1, web.asked.slice(askedBefore).join());
    if (row.fetched !== 0) assert.equal(web.asked[askedBefore], `${domain} /.well-known/posh/xmpp-server.json`);
  });
});
