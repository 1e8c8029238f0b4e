/** Queries to real name servers: silent, failing, wrong, and signed in every invalid way. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { createResolver } from '../../src/adapters/dns/resolver.ts';
import { createValidatingResolver } from '../../src/adapters/dns/validating-resolver.ts';
import { certificateParts } from '../../src/protocol/certificate-parts.ts';
import { tlsaFor, type TlsaRecord } from '../../src/protocol/tlsa.ts';
import { startDnsServer, type DnsServer } from '../support/dns-server.ts';
import { type DnssecWorld, startDnssecWorld } from '../support/dnssec-world.ts';
import { freePort } from '../support/processes.ts';
import type { Case, Expected, Produced } from './case.ts';
import { Caller, farEnd, good, sends } from './far-ends.ts';
import { signedDns, signedDnsMissing } from './signed-dns.ts';
import { A, B, type Stage } from './stage.ts';

const section = 'DNS (RFC 6120 §3.2, RFC 4035)';
/** Longer than the DNS usually takes, and shorter than the resolver waits. */
const LATE_MS = 3_000;
const SRV = `_xmpp-server._tcp.${B}`;

const failed = (cause: RegExp, fix: RegExp, made: Partial<Expected> = {}): Expected => ({
  ...{ state: 'dnsResolution', mover: 'dns', diagnosis: 'failed', cause, fix },
  ...made,
});

/** Our server queries a name server that `says` sets up. */
async function asks(stage: Stage, says: (dns: DnsServer) => void): Promise<Produced> {
  const dns = await startDnsServer();
  stage.atEnd(() => dns.close());
  says(dns);
  return sends(stage, { ports: { resolver: createResolver({ servers: [dns.address], clock: stage.clock }) } });
}

let world: Promise<DnssecWorld> | null = null;
export const closeWorld = async (): Promise<void> => (await world)?.stop();

/** The TLSA record of b.example's certificate. */
const tlsa = ((): TlsaRecord => {
  const parts = certificateParts(new X509Certificate(good.cert).raw);
  assert.ok(parts);
  return tlsaFor(parts, { usage: 3, selector: 1, matching: 1 });
})();

/** Everything is correct except for one digit of the TLSA record, changed after the zone was signed. */
async function forgedTlsa(stage: Stage): Promise<Produced> {
  const { port } = await farEnd(stage);
  const spoil = (text: string): string => {
    const forged = text.replace(/(TLSA\s+3 1 1 )(\w)/, (_, before, digit) => `${before}${digit === '0' ? '1' : '0'}`);
    assert.notEqual(forged, text, 'the record stands in the zone');
    return forged;
  };
  const { resolver } = await signedDns(stage, port, { tlsa: [tlsa], spoil });
  return sends(stage, { ports: { resolver } });
}

/** Our server validates the answers from the DNSSEC world. */
async function validates(stage: Stage, domain: string): Promise<Produced> {
  const { stubs, anchor } = await (world ??= startDnssecWorld());
  const resolver = createValidatingResolver({ stubs, trustAnchors: [anchor] });
  stage.atEnd(() => resolver.close());
  const at = await stage.provider({ ports: { resolver } });
  at.send(A, domain);
  return { at, local: A, remote: domain };
}

const bogus = (name: string, domain: string, cause: RegExp, fix: RegExp): Case => ({
  ...{ section, name, skip: signedDnsMissing },
  produce: (stage) => validates(stage, domain),
  expect: failed(cause, fix),
});

export const dns: readonly Case[] = [
  {
    ...{ section, name: 'nobody answers for the SRV records', lateMs: LATE_MS },
    produce: (stage) => asks(stage, (server) => server.fail(SRV, 'silent')),
    expect: {
      ...{ state: 'awaitingServiceRecords', mover: 'dns', diagnosis: 'dns-silent' },
      cause: /has not answered for b\.example \(its SRV records\) for 3 s; silence is not absence/,
      fix: /each has to answer over UDP and over TCP/,
    },
    over: failed(/No name server answered for b\.example in time/, /each has to answer over UDP and over TCP/),
  },
  {
    ...{ section, name: 'nobody answers for the addresses', lateMs: LATE_MS },
    produce: (stage) =>
      asks(stage, (server) => {
        server.serve(B, { port: 5269, target: 'xmpp.b.example' });
        server.fail('xmpp.b.example', 'silent');
      }),
    expect: {
      ...{ state: 'awaitingAddresses', mover: 'dns', diagnosis: 'dns-silent' },
      cause: /has not answered for b\.example \(the addresses of its server\) for 3 s/,
      fix: /each has to answer over UDP and over TCP/,
    },
  },
  {
    ...{ section, name: 'nobody answers for the TLSA records', lateMs: 2_500, skip: signedDnsMissing },
    produce: async (stage) => {
      const { port } = await farEnd(stage);
      const { resolver, unanswered } = await signedDns(stage, port, { tlsa: [tlsa], silentFor: 'TLSA' });
      const produced = await sends(stage, { ports: { resolver } });
      await unanswered();
      return produced;
    },
    expect: {
      ...{ state: 'awaitingTlsa', mover: 'dns', diagnosis: 'dns-silent' },
      cause: /has not answered for b\.example \(the TLSA records of its server\)/,
      fix: /each has to answer over UDP and over TCP/,
    },
  },
  {
    ...{
      section,
      name: 'nobody answers about a domain that has connected to us',
      lateMs: LATE_MS,
      skip: signedDnsMissing,
    },
    produce: async (stage) => {
      const { port } = await farEnd(stage);
      const { resolver, unanswered } = await signedDns(stage, port, { silentFor: 'SRV' });
      const at = await stage.provider({ ports: { resolver } });
      await (await Caller.of(stage, at)).securing();
      await unanswered();
      return { at, direction: 'incoming', local: A, remote: B };
    },
    expect: {
      ...{ state: 'awaitingSecureDelegation', mover: 'dns', diagnosis: 'dns-silent' },
      cause: /has not answered for b\.example \(its signed records\) for 3 s; silence is not absence/,
      fix: /each has to answer over UDP and over TCP/,
    },
  },
  {
    ...{ section, name: 'the name servers of the zone fail (SERVFAIL)' },
    produce: (stage) => asks(stage, (server) => server.fail(SRV, 'servfail')),
    expect: failed(
      /name servers could not answer for b\.example/,
      /log of the name servers of the zone: the zone may not be loaded there, may have expired, or may be delegated elsewhere/,
    ),
  },
  {
    ...{ section, name: 'neither SRV records nor an address' },
    produce: (stage) => asks(stage, () => undefined),
    expect: failed(
      /has neither SRV records nor an address/,
      /Publish an SRV record .*_xmpp-server\._tcp\.b\.example\. SRV 0 0 5269/,
    ),
  },
  {
    ...{ section, name: 'the SRV record says that there is no such service' },
    produce: (stage) => asks(stage, (server) => server.set(SRV, [{ type: 'SRV', target: '.', port: 0 }])),
    expect: failed(
      /publishes that it has no such XMPP service: the target of its SRV record is "\."/,
      /publish its host instead of the "\."/,
    ),
  },
  {
    ...{ section, name: 'the target of the SRV record has no address' },
    produce: (stage) =>
      asks(stage, (server) => server.set(SRV, [{ type: 'SRV', target: 'nowhere.example', port: 5269 }])),
    expect: failed(
      /No host that the SRV records of b\.example name has an address/,
      /Give the target of the SRV record an A or AAAA record/,
    ),
  },
  {
    ...{ section, name: 'the target of the SRV record is an IP address' },
    produce: (stage) => asks(stage, (server) => server.set(SRV, [{ type: 'SRV', target: '192.0.2.1', port: 5269 }])),
    expect: failed(
      /The SRV records of b\.example name no usable host: they have an IP address/,
      /The target of an SRV record is the name of a host/,
    ),
  },
  {
    ...{ section, name: 'no name server can be reached from here' },
    produce: async (stage) => {
      const resolver = createResolver({ servers: [`127.0.0.1@${await freePort()}`] });
      return sends(stage, { ports: { resolver } });
    },
    expect: failed(
      /No name server could be reached from here/,
      /network of this machine and at the servers that it asks: .*dns\.servers/,
      { mover: 'operator' },
    ),
  },
  bogus(
    'the signatures have expired',
    'late.example',
    /signatures of the zone have expired/,
    /Sign the zone again, and make sure that this happens before the signatures expire/,
  ),
  bogus(
    'the signatures begin in the future',
    'early.example',
    /signatures of the zone begin in the future/,
    /clock of the machine that signs the zone.*or set the clock of this machine/,
  ),
  bogus(
    'the parent names another key (DS)',
    'stranger.example',
    /DS record in the parent zone matches none of the keys/,
    /Have the parent publish the DS record of the key that signs the zone now/,
  ),
  bogus(
    'the parent says that the zone is signed, and it is not',
    'bare.example',
    /or the zone is not signed although there is one/,
    /or remove it/,
  ),
  {
    ...{ section, name: 'the TLSA record was forged, and nothing else', skip: signedDnsMissing },
    produce: forgedTlsa,
    expect: failed(
      /TLSA records of the server do not validate, so no connection to it is allowed .*signature verification failed/,
      /If only this machine is affected, look at what is between/,
    ),
  },
  bogus(
    'a record was forged',
    'mixed.example',
    /do not validate: they are signed incorrectly, or forged on the way/,
    /If only this machine is affected, look at what is between/,
  ),
];
