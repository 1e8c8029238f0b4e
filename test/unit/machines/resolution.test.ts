/** The resolution as a table: SRV, then addresses; "could not find out" is never taken for "there is none". */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolution } from '../../../machines/index.ts';
import { noDane } from '../../../src/protocol/secure-delegation.ts';
import type { DnsStatus } from '../../../src/protocol/dns.ts';
import { PureActor } from '../../support/pure.ts';
import { wordsOf } from '../../support/samples.ts';
import { broken, checkTable, done, ended, rowOf } from '../../support/tables.ts';

const answer = (status: DnsStatus, ...records: readonly unknown[]) => ({ status, records, ttlSeconds: 60 });
const srv = answer('insecure', { priority: 0, weight: 0, port: 5269, target: 'h.example' });
const none = answer('nodata-insecure');
const address = { family: 4, address: '127.0.0.1' };
const services = (xmpp: unknown, xmpps: unknown = none) =>
  done('lookUpServices', { xmpp, xmpps, draws: [0], atMs: 1_000_000 });
const owner = '_5269._tcp.h.example';
const tlsaAnswer = (found: unknown) => done('lookUpTlsa', { owner, answer: found, atMs: 2_000_000 });
const record = { usage: 3, selector: 1, matching: 1, data: 'ab'.repeat(32) };
const addresses = (found: unknown) => done('lookUpAddresses', found);

const input = {
  remoteDomain: 'b.example',
  service: 'xmpp-server',
  fixedTarget: null,
  asksForTlsa: true,
  targets: [],
  fresh: false,
  purpose: 'verification',
} as const;
const events = {
  'SRV found': services(srv),
  'signed SRV': services({ ...srv, status: 'secure' }),
  'no SRV': services(none),
  'SRV says "."': services(answer('insecure', { priority: 0, weight: 0, port: 0, target: '.' })),
  'SRV bogus': services(answer('bogus')),
  'SRV look-up failed': services(answer('error')),
  'SRV broken': broken('lookUpServices'),
  'addresses found': addresses(answer('insecure', address)),
  'signed addresses': addresses(answer('secure', address)),
  'no address': addresses(none),
  'addresses bogus': addresses(answer('bogus', address)),
  'addresses broken': broken('lookUpAddresses'),
  'TLSA found': tlsaAnswer({ ...answer('secure', record), ttlSeconds: 30 }),
  'no TLSA': tlsaAnswer(answer('nodata-secure')),
  'TLSA bogus': tlsaAnswer(answer('bogus')),
  'TLSA failed': tlsaAnswer(answer('error')),
  'TLSA broken': broken('lookUpTlsa'),
};
const quiet = rowOf(events, '=');

checkTable({
  machine: resolution,
  spec: 'RFC 6120 §3.2, S4',
  input,
  events,
  ways: {
    awaitingServiceRecords: [],
    awaitingAddresses: ['signed SRV'],
    awaitingTlsa: ['signed SRV', 'signed addresses'],
    resolved: ['SRV found', 'addresses found'],
    failed: ['SRV bogus'],
  },
  table: {
    awaitingServiceRecords: {
      ...quiet,
      'SRV found': ['awaitingAddresses', 'spawn lookUpAddresses'],
      'signed SRV': ['awaitingAddresses', 'spawn lookUpAddresses'],
      'no SRV': ['awaitingAddresses', 'spawn lookUpAddresses'],
      'SRV says "."': ['failed'],
      'SRV bogus': ['failed'],
      'SRV look-up failed': ['failed'],
      'SRV broken': ['failed'],
      late: ['failed'],
    },
    awaitingAddresses: {
      ...quiet,
      'addresses found': ['resolved'],
      'signed addresses': ['awaitingTlsa', 'spawn lookUpTlsa'],
      'no address': ['failed'],
      'addresses bogus': ['failed'],
      'addresses broken': ['failed'],
      late: ['failed'],
    },
    awaitingTlsa: {
      ...quiet,
      'TLSA found': ['resolved'],
      'no TLSA': ['resolved'],
      'TLSA bogus': ['failed'],
      'TLSA failed': ['failed'],
      'TLSA broken': ['failed'],
      late: ['failed'],
    },
    resolved: ended(events),
    failed: ended(events),
  },
});

const resolved = (...steps: readonly (keyof typeof events)[]) => {
  const actor = new PureActor(resolution, input);
  for (const step of steps) actor.sendInternal(events[step]);
  const { output } = actor.snapshot;
  assert.ok(output !== undefined);
  return output;
};
const conditionOf = (...steps: readonly (keyof typeof events)[]): string => {
  const result = resolved(...steps);
  return result.kind === 'failed' ? result.fault.condition : 'resolved';
};

test('the fault says what DNS did: no such service, no address, a look-up that failed (RFC 6120 §10.4.3)', () => {
  assert.equal(conditionOf('SRV says "."'), 'service-absent');
  assert.equal(conditionOf('SRV found', 'no address'), 'no-address');
  assert.equal(conditionOf('SRV found', 'addresses bogus'), 'bogus');
});

const two = answer(
  'insecure',
  { priority: 0, weight: 0, port: 5269, target: 'h.example' },
  { priority: 1, weight: 0, port: 5269, target: 'i.example' },
);
const hostsOf = ({ snapshot: { output } }: PureActor<typeof resolution>) =>
  output?.kind === 'resolved' ? [output.endpoint.host, ...output.further.map(({ host }) => host)] : [];

test('S4: a target with bogus addresses is left out, and never dialled; its neighbours are (RFC 7673 §3.2)', () => {
  const actor = new PureActor(resolution, input).sendInternal(services(two)).sendInternal(events['addresses bogus']);
  assert.deepEqual(actor.effects.map(wordsOf), ['stop lookUpAddresses', 'spawn lookUpAddresses']);
  assert.deepEqual(hostsOf(actor.sendInternal(events['addresses found'])), ['i.example']);
});

test('the first target is enough to start with; the others are looked up when their turn comes (RFC 6120 §3.2.1)', () => {
  const actor = new PureActor(resolution, input).sendInternal(services(two));
  assert.deepEqual(hostsOf(actor.sendInternal(events['addresses found'])), ['h.example', 'i.example']);
  const { output } = actor.snapshot;
  const targets = output?.kind === 'resolved' ? output.further : [];
  const next = new PureActor(resolution, { ...input, targets });
  assert.equal(next.state, 'awaitingAddresses', 'SRV is not asked again');
  assert.deepEqual(hostsOf(next.sendInternal(events['addresses found'])), ['i.example']);
});

test('a host whose name servers keep silent costs its own deadline only: the next one has its turn', () => {
  const actor = new PureActor(resolution, input).sendInternal(services(two)).late();
  assert.equal(actor.state, 'awaitingAddresses');
  assert.deepEqual(hostsOf(actor.sendInternal(events['addresses found'])), ['i.example']);
  const { addressesTimeout } = resolution.implementations.delays as Record<string, (scope: unknown) => number>;
  const patienceMs = (targets: number) => addressesTimeout?.({ context: { targets: Array(targets).fill({}) } }) ?? 0;
  assert.ok(patienceMs(2) < patienceMs(1), 'the last one may take its time');
  assert.equal(conditionOf('SRV found', 'addresses broken'), 'lookup-failed', 'silence is not absence');
});

test('a target fixed by the operator is not looked up by SRV, and counts as securely derived (RFC 6125 §6.2.1)', () => {
  const fixedTarget = { host: 'h.example', port: 5270, tls: 'direct' } as const;
  const actor = new PureActor(resolution, { ...input, fixedTarget });
  assert.equal(actor.state, 'awaitingAddresses');
  const { output } = actor.sendInternal(events['addresses found']).snapshot;
  assert.deepEqual(output?.kind === 'resolved' && output.endpoint, {
    ...fixedTarget,
    secureDelegation: true,
    delegatedUntilMs: null,
    expandedHost: null,
    addresses: [address],
    dane: noDane('insecure-address', 'the addresses of the target host are not signed'),
  });
});

test('look-ups say whether they are for an assertion: that has no room of our own stanzas', () => {
  const actor = new PureActor(resolution, input);
  const purposes = () => actor.effects.flatMap((effect) => ('input' in effect ? [effect.input] : []));
  assert.deepEqual(purposes(), [
    { domain: 'b.example', service: 'xmpp-server', fresh: false, purpose: 'verification' },
  ]);
  actor.sendInternal(events['SRV found']);
  assert.deepEqual(purposes(), [{ host: 'h.example', fresh: false, purpose: 'verification' }]);
});

const daneOf = (...steps: readonly (keyof typeof events)[]) => {
  const result = resolved(...steps);
  return result.kind === 'resolved' ? result.endpoint.dane : null;
};
const whyNot = (dane: ReturnType<typeof daneOf>) => (dane?.kind === 'none' ? dane.why.condition : dane?.kind);

test('TLSA records are asked for at the end of a signed way only, and say why if not (RFC 7673 §3.1, §3.2)', () => {
  assert.equal(whyNot(daneOf('SRV found', 'signed addresses')), 'insecure-delegation');
  assert.equal(whyNot(daneOf('signed SRV', 'addresses found')), 'insecure-address');
  assert.equal(whyNot(daneOf('signed SRV', 'signed addresses', 'no TLSA')), 'no-tlsa');
  const without = new PureActor(resolution, { ...input, asksForTlsa: false }).sendInternal(events['signed SRV']);
  const { output } = without.sendInternal(events['signed addresses']).snapshot;
  assert.equal(output?.kind === 'resolved' && whyNot(output.endpoint.dane), 'not-asked');
});

test('A14: TLSA records end with the first of the answers that led to them (RFC 4035 §5.3.3)', () => {
  const dane = daneOf('signed SRV', 'signed addresses', 'TLSA found');
  assert.deepEqual(dane, { kind: 'tlsa', sets: [{ owner, records: [record] }], expiresAtMs: 1_060_000 });
});

test('S4: where the TLSA answer is bogus, or does not come, nothing is dialled; the next host is (RFC 7673 §3.4)', () => {
  for (const step of ['TLSA bogus', 'TLSA failed', 'TLSA broken'] as const) {
    const actor = new PureActor(resolution, input).sendInternal(services({ ...two, status: 'secure' }));
    actor.sendInternal(events['signed addresses']).sendInternal(events[step]);
    assert.deepEqual(hostsOf(actor.sendInternal(events['addresses found'])), ['i.example'], step);
  }
  assert.equal(conditionOf('signed SRV', 'signed addresses', 'TLSA bogus'), 'bogus');
  assert.equal(conditionOf('signed SRV', 'signed addresses', 'TLSA failed'), 'lookup-failed');
});

test('an alias leads to one more reference identifier, and to the TLSA records at its end (RFC 7671 §7)', () => {
  const alias = addresses({ ...answer('secure', address), canonicalName: 'real.example' });
  const actor = new PureActor(resolution, input).sendInternal(events['signed SRV']).sendInternal(alias);
  const asked = actor.effects.find((effect) => effect.kind === 'spawned' && effect.id === 'lookUpTlsa');
  const question = {
    host: 'h.example',
    expandedHost: 'real.example',
    port: 5269,
    fresh: false,
    purpose: 'verification',
  };
  assert.deepEqual(asked?.kind === 'spawned' && asked.input, question);
  const { output } = actor.sendInternal(events['TLSA found']).snapshot;
  assert.equal(output?.kind === 'resolved' && output.endpoint.expandedHost, 'real.example');
});
