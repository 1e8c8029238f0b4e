/**
 * DANE for servers that connect to us: their client certificate is judged by what the signed DNS says about their
 * domain. Each row is a separate provider with a real listener and a real zone.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import xml from '@xmpp/xml';
import type { Credential } from '../../src/ports.ts';
import { faultSentence } from '../../src/protocol/faults.ts';
import type { DomainPolicy } from '../../src/protocol/policy.ts';
import type { IssuedCredential } from '../../src/simulation/certificate-authority.ts';
import { anything, HOST, itsOwn, NEXT, other, strange, trusted, unknown, wrongAndOld } from '../support/dane-table.ts';
import { inWords, type Provider, startProvider } from '../support/provider.ts';
import { namesMissing, type SignedNames, startSignedNames, tlsaData } from '../support/signed-names.ts';

interface Place {
  readonly domain: string;
  readonly port: number;
  /** The certificate that it presents on streams that it opens. */
  readonly leaf: Uint8Array;
  srv(host: string): string;
  /** A TLSA record of the presented certificate, or of another one. */
  tlsa(host: string, usage: number, selector: number, matching: number, of?: Uint8Array): string;
}

interface Row {
  readonly row: string;
  /** Zone below `example` that contains the domain. @defaultValue signed.example */
  readonly zone?: 'signed' | 'open' | 'late' | 'lame';
  readonly shows?: (domain: string) => IssuedCredential;
  /** Another process with its own certificate answers at the place that the DNS names. @defaultValue false */
  readonly answersElsewhere?: boolean;
  readonly records: (at: Place) => readonly string[];
  /** @defaultValue authenticated, by DANE and PKIX */
  readonly policy?: DomainPolicy;
  /**
   * The prooftypes asked about its certificate when it connected, and about its listener's when we dialled that: {@link
   * inWords}.
   */
  readonly asked: readonly string[];
  /** Whether SASL EXTERNAL was offered to it. */
  readonly offered: boolean;
  /** Whether its stanza came in. @defaultValue the value of `offered` */
  readonly cameIn?: boolean;
  /** How often we dialled it. @defaultValue 0 */
  readonly dialled?: number;
}

const withDialback: DomainPolicy = { federation: 'encrypted', prooftypes: ['dane', 'pkix', 'dialback'] };
/** The certificate of the listener, where that is another process. */
const listener = strange.issue({ dnsNames: ['listener.example'] });
const ofListener = tlsaData(listener.der[0] ?? Buffer.alloc(0), 3, 1, 1);

const rows: readonly Row[] = [
  {
    row: 'A6: the TLSA record at the target of a signed SRV names the certificate of the client, whatever stands in that',
    shows: wrongAndOld,
    records: (at) => [at.srv(HOST), at.tlsa(HOST, 3, 1, 1)],
    asked: ['dane proved'],
    offered: true,
  },
  {
    row: 'A6: the records of any target will do: who connects is not said to be the first of them',
    shows: unknown,
    records: (at) => [at.srv(HOST), at.tlsa(HOST, 3, 1, 1, other), at.srv(NEXT), at.tlsa(NEXT, 3, 0, 2)],
    asked: ['dane proved'],
    offered: true,
  },
  {
    row: 'A6: the TLSA record at _xmpp-server.<domain> names a client that listens nowhere',
    shows: wrongAndOld,
    records: (at) => [`_xmpp-server.${at.domain}. TLSA ${tlsaData(at.leaf, 3, 1, 1)}`],
    asked: ['dane proved'],
    offered: true,
  },
  {
    row: 'A6, S8: a mismatch: EXTERNAL is not offered, though PKIX would prove the domain',
    shows: itsOwn,
    records: (at) => [at.srv(HOST), at.tlsa(HOST, 3, 1, 1, other)],
    asked: ['dane no-tlsa-match!'],
    offered: false,
  },
  {
    row: 'A6, S8: nor where the record at _xmpp-server.<domain> names another',
    shows: itsOwn,
    records: (at) => [`_xmpp-server.${at.domain}. TLSA ${tlsaData(other, 3, 1, 1)}`],
    asked: ['dane no-tlsa-match!'],
    offered: false,
  },
  {
    row: 'A6: after a mismatch dialback decides, if policy knows it: the listener has the key that DNS names (RFC 7712 §4.3)',
    shows: itsOwn,
    answersElsewhere: true,
    records: (at) => [at.srv(HOST), `_${at.port}._tcp.${HOST}. TLSA ${ofListener}`],
    policy: withDialback,
    asked: ['dane no-tlsa-match!', 'dane proved'],
    offered: false,
    cameIn: true,
    dialled: 1,
  },
  {
    row: 'A6, S8: and decides against, if the listener has another key than DNS names, be policy permissive',
    shows: itsOwn,
    answersElsewhere: true,
    records: (at) => [at.srv(HOST), at.tlsa(HOST, 3, 1, 1, other)],
    policy: anything,
    asked: ['dane no-tlsa-match!'],
    offered: false,
    dialled: 1,
  },
  {
    row: 'A6: under an unsigned SRV PKIX decides, whatever the TLSA records say',
    zone: 'open',
    shows: itsOwn,
    records: (at) => [at.srv(HOST), at.tlsa(HOST, 3, 1, 1, other)],
    asked: ['dane insecure-delegation, pkix proved'],
    offered: true,
  },
  {
    row: 'A6: and decides against',
    zone: 'open',
    shows: unknown,
    records: (at) => [at.srv(HOST), at.tlsa(HOST, 3, 1, 1)],
    asked: ['dane insecure-delegation, pkix unknown-issuer'],
    offered: false,
  },
  {
    row: 'A6: records of other usages say nothing of a client',
    shows: itsOwn,
    records: (at) => [at.srv(HOST), at.tlsa(HOST, 1, 1, 1, other), at.tlsa(HOST, 2, 0, 1, other)],
    asked: ['dane no-tlsa, pkix proved'],
    offered: true,
  },
  {
    row: 'A6: nor do records that cannot be used',
    shows: itsOwn,
    records: (at) => [at.srv(HOST), `_${at.port}._tcp.${HOST}. TLSA 3 9 1 ${'ab'.repeat(32)}`],
    asked: ['dane no-usable-record, pkix proved'],
    offered: true,
  },
  {
    row: 'A6: TLSA records that are not signed are as none',
    shows: itsOwn,
    records: (at) => [at.srv('xmpp.open.example'), at.tlsa('xmpp.open.example', 3, 1, 1, other)],
    asked: ['dane no-tlsa, pkix proved'],
    offered: true,
  },
  {
    row: 'A7: the target of a signed SRV is a name that the client may show (RFC 7712 §5.1)',
    shows: () => trusted.issue({ dnsNames: [HOST] }),
    records: (at) => [at.srv(HOST)],
    asked: ['dane no-tlsa, pkix proved'],
    offered: true,
  },
  {
    row: 'A7: that of an unsigned SRV is not',
    zone: 'open',
    shows: () => trusted.issue({ dnsNames: [HOST] }),
    records: (at) => [at.srv(HOST)],
    asked: ['dane insecure-delegation, pkix name-mismatch'],
    offered: false,
  },
  {
    row: 'S4: a bogus SRV proves nothing, and nobody is dialled, be policy permissive (RFC 7673 §3.1)',
    zone: 'late',
    shows: itsOwn,
    records: (at) => [at.srv(HOST)],
    policy: anything,
    asked: ['dane bogus!'],
    offered: false,
  },
  {
    row: 'S4: no more does a bogus TLSA, though PKIX would prove the domain (RFC 7673 §3.4)',
    shows: itsOwn,
    records: (at) => [at.srv(HOST), `_${at.port}._tcp.${HOST}. CNAME tlsa.late.example.`],
    policy: anything,
    asked: ['dane bogus!'],
    offered: false,
  },
  {
    row: 'S4: nor does a domain that could not be asked about',
    zone: 'lame',
    shows: itsOwn,
    records: () => [],
    asked: ['dane lookup-failed!'],
    offered: false,
  },
];

const skip = namesMissing;
const domainOf = ({ zone = 'signed' }: Row, i: number): string => `row${i}.${zone}.example`;
const shown = rows.map((row, i) => (row.shows ?? itsOwn)(domainOf(row, i)));
const initiators: Provider[] = [];
/** The provider that answers for each domain. */
const listeners: Provider[] = [];
let names: SignedNames;
let ours: Provider;
const trust = { system: false, anchors: [trusted.certPem] };
/** Our port becomes known only after all the others. */
const redirected: Record<number, number> = {};

before(async () => {
  if (skip !== false) return;
  for (const [i, row] of rows.entries()) {
    const start = (credential: Credential): Promise<Provider> =>
      startProvider({
        hosts: { [domainOf(row, i)]: credential },
        trust,
        dns: { servers: ['127.0.0.1@1'] },
        dialback: { secret: 'known to both processes' },
        policy: { domains: { 'b.test': { target: { host: '127.0.0.1', port: 5269, tls: 'starttls' } } } },
        redirected,
      });
    const initiator = await start(shown[i] ?? itsOwn(''));
    initiators.push(initiator);
    listeners.push(row.answersElsewhere === true ? await start(listener) : initiator);
  }
  names = await startSignedNames([
    ...[HOST, NEXT, 'xmpp.open.example'].map((host) => `${host}. A 127.0.0.1`),
    ...rows.flatMap((row, i) => row.records(placeOf(row, i))),
  ]);
  ours = await startProvider({
    hosts: { 'b.test': trusted.issue({ dnsNames: ['b.test'] }) },
    trust,
    dns: names.dns,
    policy: {
      prooftypes: ['dane', 'pkix'],
      domains: Object.fromEntries(rows.map((row, i) => [domainOf(row, i), row.policy ?? {}])),
    },
  });
  redirected[5269] = ours.port;
});

after(async () => {
  if (skip !== false) return;
  await Promise.all([...new Set([ours, ...initiators, ...listeners])].map((provider) => provider.stop()));
  await names.stop();
});

function placeOf(row: Row, i: number): Place {
  const domain = domainOf(row, i);
  const port = listeners[i]?.port ?? 0;
  const leaf = shown[i]?.der[0] ?? Buffer.alloc(0);
  return {
    domain,
    port,
    leaf,
    srv: (host) => `_xmpp-server._tcp.${domain}. SRV 0 0 ${port} ${host}.`,
    tlsa: (host, usage, selector, matching, of = leaf) =>
      `_${port}._tcp.${host}. TLSA ${tlsaData(of, usage, selector, matching)}`,
  };
}

rows.forEach((row, i) => {
  test(row.row, { skip }, async () => {
    const domain = domainOf(row, i);
    const { cameIn = row.offered, dialled = 0 } = row;
    const delivery = await initiators[i]?.manager.send(
      xml('message', { from: domain, to: 'b.test' }, xml('body', {}, 'hello')),
    );
    const why = delivery?.outcome === 'returned' ? faultSentence(delivery.fault) : delivery?.outcome;
    const asked = ours.outcomes.filter((one) => one.domain === domain && one.attempts.length > 0).map(inWords);
    // A server that was refused tries once more on another stream (XEP-0220 §2.5).
    assert.deepEqual([...new Set(asked)], row.asked, why);
    assert.deepEqual(ours.offeredTo(domain), row.offered ? ['EXTERNAL'] : [], why);
    assert.equal(delivery?.outcome, cameIn ? 'sent' : 'returned', why);
    if (cameIn) assert.equal((await ours.next()).from, domain);
    assert.equal(listeners[i]?.visits(), dialled, 'how often it was dialled');
  });
});
