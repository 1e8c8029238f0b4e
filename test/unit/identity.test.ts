import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { noDane } from '../../src/protocol/secure-delegation.ts';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import { readCertificate } from '../../src/adapters/pkix/certificates.ts';
import type { PresentedIdentifiers } from '../../src/protocol/certificate.ts';
import { canonicalDomain } from '../../src/protocol/names.ts';
import { type AssociationInput, initiatingStream } from '../../machines/index.ts';
import { matchIdentity } from '../../src/protocol/identity.ts';
import { PureActor } from '../support/pure.ts';
import { certificateOf, endpoint, initiatingInput, tlsWith } from '../support/samples.ts';

interface IdentityCase {
  readonly reference_domain: string;
  readonly service: 'xmpp-server';
  readonly presented: readonly { readonly type: string; readonly value: string }[];
  readonly rfc9525: boolean;
  readonly source: string;
}

const fixture = JSON.parse(readFileSync(new URL('../fixtures/identity-cases.json', import.meta.url), 'utf8')) as {
  readonly cases: readonly IdentityCase[];
  readonly srv_secure_rule: {
    readonly service_domain: string;
    readonly target: string;
    readonly srv_insecure_reference_ids: readonly string[];
    readonly srv_secure_reference_ids: readonly string[];
  };
};

const authority = createCertificateAuthority({ name: 'Identity Test Authority' });
const nobody: PresentedIdentifiers = { dnsNames: [], srvNames: [], xmppAddrs: [], ipAddresses: [] };
const reference = (sourceDomain: string, derivedDomains: readonly string[] = []) =>
  ({ service: 'xmpp-server', sourceDomain, derivedDomains }) as const;

/** Goes through a real certificate, so that it contains a subject name, which must be ignored. */
function presentedBy(names: IdentityCase['presented']): PresentedIdentifiers {
  const valuesOf = (type: string): string[] => names.filter((name) => name.type === type).map(({ value }) => value);
  const subject = [...valuesOf('CN'), ...valuesOf('OU').map((value) => `OU=${value}`)].join(', ');
  const [der] = authority.issue({
    dnsNames: valuesOf('dNSName'),
    srvNames: valuesOf('SRVName'),
    xmppAddrs: valuesOf('xmppAddr'),
    commonName: subject,
  }).der;
  return readCertificate(der!).presented;
}

const KNOWN_TYPES = new Set(['dNSName', 'SRVName', 'xmppAddr', 'CN', 'OU']);
let casesRun = 0;

for (const { reference_domain, presented, rfc9525, service, source } of fixture.cases) {
  const names = presented.map(({ type, value }) => `${type} ${JSON.stringify(value)}`).join(', ');
  test(`${names} ${rfc9525 ? 'names' : 'does not name'} ${reference_domain} (${source})`, () => {
    assert.ok(presented.every(({ type }) => KNOWN_TYPES.has(type)));
    const found = matchIdentity(
      { service, sourceDomain: reference_domain, derivedDomains: [] },
      presentedBy(presented),
    );
    assert.equal(found.kind, rfc9525 ? 'match' : 'mismatch');
    casesRun += 1;
  });
}

test('every case of the fixture was run', () => assert.equal(casesRun, 22));

test('a target counts as reference only when the SRV answer is secure (RFC 7673 §4.1)', () => {
  const { service_domain, target, srv_insecure_reference_ids, srv_secure_reference_ids } = fixture.srv_secure_rule;
  const ids = (secureDelegation: boolean): readonly string[] => {
    const directTls = {
      remote: service_domain,
      directTls: true,
      endpoint: { ...endpoint, host: target, secureDelegation },
    };
    const stream = new PureActor(initiatingStream, initiatingInput(directTls))
      .send({ type: 'transport.connected', remoteAddress: '127.0.0.1', remotePort: 5269 })
      .send({ type: 'transport.secured', tls: tlsWith(certificateOf(target)) });
    const asked = stream.effects.find((effect) => effect.kind === 'spawned' && effect.id === 'association');
    assert.ok(asked?.kind === 'spawned');
    const { domain, delegation } = asked.input as AssociationInput;
    return [domain, ...(delegation?.derivedDomains ?? [])];
  };
  assert.deepEqual(ids(false), srv_insecure_reference_ids);
  assert.deepEqual(ids(true), srv_secure_reference_ids);
});

test('without a validator DANE is told to be without one, on streams of ours too (RFC 7712 §5.1)', () => {
  const whyNoDane = (secureDns: boolean) => {
    const input = initiatingInput({ directTls: true });
    const settings = { ...input.settings, material: { secureDns, posh: false } };
    const dane = noDane('insecure-delegation', 'not signed');
    const stream = new PureActor(initiatingStream, { ...input, settings, endpoint: { ...endpoint, dane } })
      .send({ type: 'transport.connected', remoteAddress: '127.0.0.1', remotePort: 5269 })
      .send({ type: 'transport.secured', tls: tlsWith(certificateOf('b.example')) });
    const asked = stream.effects.find((effect) => effect.kind === 'spawned' && effect.id === 'association');
    const { delegation } = (asked?.kind === 'spawned' ? asked.input : {}) as AssociationInput;
    return delegation?.dane.kind === 'none' ? delegation.dane.why.condition : delegation?.dane.kind;
  };
  assert.deepEqual([whyNoDane(true), whyNoDane(false)], ['insecure-delegation', 'no-validator']);
});

test('a derived domain matches as DNS-ID and in no other way (RFC 7673 §4.1)', () => {
  const target = reference('im.example.com', ['xmpp23.hosting.example.net']);
  assert.deepEqual(matchIdentity(target, { ...nobody, dnsNames: ['xmpp23.hosting.example.net'] }), {
    kind: 'match',
    by: 'dNSName',
    identifier: 'xmpp23.hosting.example.net',
    reference: 'xmpp23.hosting.example.net',
  });
  const others = { srvNames: ['_xmpp-server.xmpp23.hosting.example.net'], xmppAddrs: ['xmpp23.hosting.example.net'] };
  assert.equal(matchIdentity(target, { ...nobody, ...others }).kind, 'mismatch');
});

test('a match says by which identifier, and which domain is validated (RFC 9525 §6.6)', () => {
  const presented = {
    ...nobody,
    dnsNames: ['im.example.com'],
    xmppAddrs: ['im.example.com'],
    srvNames: ['_xmpp-server.im.example.com'],
  };
  const found = matchIdentity(reference('im.example.com'), presented);
  assert.deepEqual(found, {
    kind: 'match',
    by: 'SRVName',
    identifier: '_xmpp-server.im.example.com',
    reference: 'im.example.com',
  });
});

test('a mismatch names what was presented, for the operator', () => {
  const presented = { ...nobody, dnsNames: ['a.example'], xmppAddrs: ['b.example'] };
  assert.deepEqual(matchIdentity(reference('c.example'), presented), {
    kind: 'mismatch',
    presentedNames: ['b.example', 'a.example'],
  });
});

test('xmppAddr in U-labels is compared by A-labels (RFC 6120 §13.7.1.4)', () => {
  const found = matchIdentity(reference('xn--bcher-kva.example'), { ...nobody, xmppAddrs: ['Bücher.example'] });
  assert.equal(found.kind === 'match' && found.by, 'xmppAddr');
});

test('the address of a user or of a resource proves no server', () => {
  for (const address of ['juliet@im.example.com', 'im.example.com/x', '@im.example.com'])
    assert.equal(matchIdentity(reference('im.example.com'), { ...nobody, xmppAddrs: [address] }).kind, 'mismatch');
});

test('the other service has its own SRVName (RFC 6120 §13.7.1.2.1)', () => {
  const presented = { ...nobody, srvNames: ['_xmpp-client.im.example.com'] };
  const asClient = { ...reference('im.example.com'), service: 'xmpp-client' } as const;
  assert.equal(matchIdentity(asClient, presented).kind, 'match');
  assert.equal(matchIdentity(reference('im.example.com'), presented).kind, 'mismatch');
});

test('a wildcard in an SRVName follows the rule of dNSName', () => {
  const presented = { ...nobody, srvNames: ['_xmpp-server.*.example.com'] };
  assert.equal(matchIdentity(reference('a.example.com'), presented).kind, 'match');
  assert.equal(matchIdentity(reference('a.b.example.com'), presented).kind, 'mismatch');
  assert.equal(matchIdentity(reference('example.com'), presented).kind, 'mismatch');
});

test('a wildcard is a whole left-most label and nothing else (RFC 9525 §6.3)', () => {
  for (const pattern of ['*', '*.', '**.example.com', 'f*.example.com', '*o.example.com', 'foo.*.com', '*.*.com'])
    assert.equal(matchIdentity(reference('foo.example.com'), { ...nobody, dnsNames: [pattern] }).kind, 'mismatch');
});

test('an address matches iPAddress only, however either is written (RFC 9525 §6.4)', () => {
  const six = { ...nobody, ipAddresses: ['2001:db8::1'] };
  assert.equal(matchIdentity(reference('[2001:db8::1]'), six).kind, 'match');
  assert.equal(matchIdentity(reference('2001:0DB8:0::1'), six).kind, 'match');
  const four = matchIdentity(reference('192.0.2.1'), { ...nobody, ipAddresses: ['192.0.2.1'] });
  assert.equal(four.kind === 'match' && four.by, 'iPAddress');
  assert.equal(
    matchIdentity(reference('192.0.2.1'), { ...nobody, dnsNames: ['192.0.2.1', '*.0.2.1'] }).kind,
    'mismatch',
  );
  assert.equal(matchIdentity(reference('a.example'), { ...nobody, ipAddresses: ['192.0.2.1'] }).kind, 'mismatch');
});

test('what is no domain matches nothing, not even itself', () => {
  for (const name of ['', '.', 'a..example', 'a b.example', 'a.example.', '_x.example']) {
    const source = canonicalDomain(name) ?? name;
    assert.equal(matchIdentity(reference(source), { ...nobody, dnsNames: [name] }).kind, 'mismatch', name);
  }
});
