/**
 * Tables of domains with different set-ups, and the results of DNSSEC and DANE for them, over real DNS, TCP and TLS.
 * One provider serves all of the domains, each on its own port with its own certificate; another one sends a message to
 * each.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { after, before, test } from 'node:test';
import xml from '@xmpp/xml';
import type { DomainPolicy } from '../../src/protocol/policy.ts';
import { faultSentence } from '../../src/protocol/faults.ts';
import type { Evidence } from '../../src/protocol/proof.ts';
import { createCertificateAuthority, type IssuedCredential } from '../../src/simulation/certificate-authority.ts';
import { inWords, type Provider, startProvider } from './provider.ts';
import { namesMissing, type SignedNames, startSignedNames, tlsaData } from './signed-names.ts';

export const trusted = createCertificateAuthority({ name: 'Everybody trusts it' });
/** In nobody's trust store: only DANE can prove the certificates that it issues. */
export const strange = createCertificateAuthority({ name: 'Nobody knows it' });
export const middle = strange.intermediate({ name: 'Between' });
export const weekAgo = Date.now() - 7 * 86_400_000;

/** Where the domain of a row is served, and how its records are written. */
export interface Place {
  readonly domain: string;
  readonly port: number;
  /** A port that nobody may ever connect to. */
  readonly trap: number;
  srv(host: string, options?: { priority?: number; port?: number; service?: 'xmpp' | 'xmpps' }): string;
  /** A TLSA record at the port of the row, for the certificate that is presented there or for another one. */
  tlsa(host: string, usage: number, selector: number, matching: number, of?: Uint8Array): string;
  /** The owner name of its TLSA records. */
  owner(host: string, port?: number): string;
  /** The certificate that is presented there. */
  readonly leaf: Uint8Array;
}

export interface DaneRow {
  readonly row: string;
  /** Zone below `example` that contains the domain. @defaultValue signed.example */
  readonly zone?: 'signed' | 'hashed' | 'open' | 'late' | 'lame';
  readonly shows?: (domain: string) => IssuedCredential;
  /** What a server sends instead of the chain that was issued to it. */
  readonly sends?: (issued: IssuedCredential) => string;
  readonly records: (at: Place) => readonly string[];
  readonly policy?: DomainPolicy;
  /** What proves the domain, or the condition of the fault with which the stanza comes back. */
  readonly ends:
    { readonly by: 'dane' | 'pkix'; readonly evidence?: Evidence } | { readonly fault: string; readonly text?: RegExp };
  /** The prooftypes that were asked, in the words of {@link inWords}; null if no stream got that far. */
  readonly asked: string | null;
  /** Target hosts whose TLSA records were queried, in order. */
  readonly tlsaOf?: readonly string[];
  /** How often the provider was dialled. @defaultValue 1, or 0 if no prooftype was asked */
  readonly visits?: number;
  /** Served where the sender looks for a domain without SRV records. @defaultValue false */
  readonly on5269?: boolean;
}

export const HOST = 'xmpp.signed.example';
export const NEXT = 'next.signed.example';

export const itsOwn = (domain: string): IssuedCredential => trusted.issue({ dnsNames: [domain] });
export const unknown = (domain: string): IssuedCredential => strange.issue({ dnsNames: [domain] });
export const wrongAndOld = (): IssuedCredential =>
  strange.issue({ dnsNames: ['who.knows.example'], notAfter: weekAgo });
export const leafAndRoot = ({ certPem }: IssuedCredential): string => certPem + strange.certPem;
export const other = strange.issue({ dnsNames: ['other.example'] }).der[0] ?? Buffer.alloc(0);
/** Every prooftype, including dialback: everything that could be asked instead of DANE. */
export const anything: DomainPolicy = { federation: 'permissive', prooftypes: ['dane', 'pkix', 'posh', 'dialback'] };

/** One target, with TLSA records of the certificate that is presented there. */
export const served =
  (host: string, ...records: [usage: number, selector: number, matching: number][]): DaneRow['records'] =>
  (at) => [at.srv(host), ...records.map(([usage, selector, matching]) => at.tlsa(host, usage, selector, matching))];

/** One target, with TLSA records of another certificate. */
export const ofAnother =
  (...records: [usage: number, selector: number, matching: number][]): DaneRow['records'] =>
  (at) => [
    at.srv(HOST),
    ...records.map(([usage, selector, matching]) => at.tlsa(HOST, usage, selector, matching, other)),
  ];

export const domainOf = ({ zone = 'signed' }: DaneRow, i: number): string => `row${i}.${zone}.example`;
/** Runs each row as a test of its own. */
export function playDane(rows: readonly DaneRow[]): void {
  const skip = namesMissing;
  const shown = rows.map((row, i) => (row.shows ?? itsOwn)(domainOf(row, i)));
  const on5269 = rows.findIndex((row) => row.on5269 === true);

  const trap = createServer((socket) => {
    caught += 1;
    socket.destroy();
  });
  let caught = 0;
  let hoster: Provider;
  let names: SignedNames;
  let sender: Provider;
  const running: { stop(): Promise<void> }[] = [];

  before(async () => {
    if (skip !== false) return;
    trap.listen(0, '127.0.0.1');
    await once(trap, 'listening');
    hoster = await startProvider({
      hosts: Object.fromEntries(
        rows.map((row, i) => {
          const issued = shown[i] ?? itsOwn('');
          return [domainOf(row, i), { key: issued.key, cert: row.sends?.(issued) ?? issued.cert }];
        }),
      ),
      trust: { system: false, anchors: [trusted.certPem] },
      dns: { servers: ['127.0.0.1@1'] },
      listeners: rows.length,
    });
    running.push(hoster);
    names = await startSignedNames([
      ...[HOST, NEXT, 'xmpp.hashed.example', 'xmpp.open.example', 'xmpp.late.example'].map(
        (host) => `${host}. A 127.0.0.1`,
      ),
      'alias.signed.example. CNAME xmpp.signed.example.',
      'toopen.signed.example. CNAME xmpp.open.example.',
      'back.late.example. CNAME xmpp.signed.example.',
      ...rows.flatMap((row, i) => row.records(placeOf(row, i))),
    ]);
    running.push(names);
    sender = await startProvider({
      hosts: { 'a.test': trusted.issue({ dnsNames: ['a.test'] }) },
      trust: { system: false, anchors: [trusted.certPem] },
      dns: names.dns,
      policy: {
        prooftypes: ['dane', 'pkix'],
        domains: Object.fromEntries(rows.map((row, i) => [domainOf(row, i), row.policy ?? {}])),
      },
      // A domain without SRV records is dialled at port 5269, which may be in use on this machine.
      redirected: { 5269: hoster.listeners[on5269] ?? 0 },
    });
    running.push(sender);
  });

  after(async () => {
    for (const one of running.reverse()) await one.stop();
    trap.close();
  });

  function placeOf(row: DaneRow, i: number): Place {
    const domain = domainOf(row, i);
    const port = hoster.listeners[i] ?? 0;
    const owner = (host: string, at = port): string => `_${at}._tcp.${host}.`;
    const leaf = shown[i]?.der[0] ?? Buffer.alloc(0);
    return {
      domain,
      port,
      trap: (trap.address() as AddressInfo).port,
      leaf,
      srv: (host, { priority = 0, port: to = port, service = 'xmpp' } = {}) =>
        `_${service}-server._tcp.${domain}. SRV ${priority} 0 ${to} ${host}.`,
      owner,
      tlsa: (host, usage, selector, matching, of = leaf) =>
        `${owner(host)} TLSA ${tlsaData(of, usage, selector, matching)}`,
    };
  }

  rows.forEach((row, i) => {
    test(row.row, { skip }, async () => {
      const domain = domainOf(row, i);
      const { ends } = row;
      const caughtBefore = caught;
      const delivery = await sender.manager.send(
        xml('message', { from: 'a.test', to: domain }, xml('body', {}, 'hello')),
      );
      const outcome = sender.outcomes.findLast((one) => one.domain === domain);

      const why = delivery.outcome === 'returned' ? faultSentence(delivery.fault) : delivery.outcome;
      assert.equal(outcome === undefined ? null : inWords(outcome), row.asked, why);
      if ('fault' in ends) {
        const { condition, text } = delivery.outcome === 'returned' ? delivery.fault : { condition: delivery.outcome };
        assert.equal(condition, ends.fault, text);
        if (ends.text !== undefined) assert.match(text ?? '', ends.text);
      } else {
        assert.equal(delivery.outcome, 'sent');
        const verdict = outcome?.verdict;
        assert.ok(verdict?.kind === 'proved' && verdict.prooftype === ends.by);
        for (const [key, value] of Object.entries(ends.evidence ?? {})) assert.equal(verdict.evidence[key], value);
        // A proof based on signed answers expires with them.
        if (ends.by === 'dane') assert.ok(Number(verdict.expiresAtMs) <= Date.now() + 120_000);
      }

      const port = hoster.listeners[i] ?? 0;
      assert.equal(
        hoster.visits(port),
        row.visits ?? (row.asked === null ? 0 : 1),
        'how often the provider was dialled',
      );
      assert.equal(caught, caughtBefore, 'somebody came where nobody may come');
      if (row.tlsaOf === undefined) return;
      const wanted = row.tlsaOf.map((host) => `_${port}._tcp.${host}`);
      const ofRow = (name: string): boolean => name.startsWith(`_${port}._tcp.`);
      assert.deepEqual(sender.tlsaAsked.filter(ofRow), wanted);
      // The queries that the name servers see: no others, and fewer where an earlier denial covers them (RFC 8198).
      const seen = names.asked.filter((question) => ofRow(question.replace('TLSA ', '')));
      assert.deepEqual(
        seen.filter((question) => !wanted.includes(question.replace('TLSA ', ''))),
        [],
      );
    });
  });
}
