/**
 * The queries to the signed DNS about a client, and their order: its own TLSA records first, then those at its targets.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findSecureDelegation } from '../../src/control/secure-delegation.ts';
import type { Resolver } from '../../src/ports.ts';
import type { DnsAnswer } from '../../src/protocol/dns.ts';
import { MAX_TLSA_TARGETS, TLSA_TARGETS_AT_ONCE } from '../../src/protocol/secure-delegation.ts';
import type { TlsaRecord } from '../../src/protocol/tlsa.ts';
import { SimulatedClock } from '../../src/simulation/simulated-clock.ts';

const record: TlsaRecord = { usage: 3, selector: 1, matching: 1, data: 'ab'.repeat(32) };
const none: DnsAnswer<never> = { status: 'nodata-secure', records: [], ttlSeconds: 60 };
const tlsa = (...records: TlsaRecord[]): DnsAnswer<TlsaRecord> => ({ status: 'secure', records, ttlSeconds: 60 });
const OWN = '_xmpp-server.a.example';

function stage(targets: number, answers: Readonly<Record<string, DnsAnswer<TlsaRecord>>>) {
  const asked: string[] = [];
  let [underWay, most] = [0, 0];
  const records = Array.from({ length: targets }, (_, n) => ({
    priority: 0,
    weight: 0,
    port: 5269,
    target: `h${n}.example`,
  }));
  const resolver: Resolver = {
    validates: true,
    srv: (name) =>
      Promise.resolve(name.startsWith('_xmpp-server.') ? { status: 'secure', records, ttlSeconds: 60 } : none),
    addresses: () => Promise.reject(new Error('no address is needed where nothing is dialled')),
    tlsa: async (name) => {
      asked.push(name);
      underWay += 1;
      most = Math.max(most, underWay);
      await new Promise((resolve) => setImmediate(resolve));
      underWay -= 1;
      return answers[name] ?? none;
    },
  };
  const question = {
    domain: 'a.example',
    service: 'xmpp-server',
    endpoint: null,
    asksForTlsa: true,
    fresh: false,
    purpose: 'verification',
  } as const;
  const find = () =>
    findSecureDelegation({ resolver, clock: new SimulatedClock() }, question, new AbortController().signal);
  return { find, asked, most: () => most };
}

const daneOf = async ({ find }: ReturnType<typeof stage>) => {
  const finding = await find();
  return finding.kind === 'found' ? finding.delegation.dane : assert.fail(finding.kind);
};
const at = (n: number): string => `_5269._tcp.h${n}.example`;

test('A6: all targets of a signed SRV are asked, so many at once and one round after the other', async () => {
  const made = stage(20, { [at(19)]: tlsa(record) });
  const dane = await daneOf(made);
  assert.deepEqual(dane.kind === 'tlsa' && dane.sets.map(({ owner }) => owner), [at(19)]);
  assert.equal(made.asked.length, 1 + 20);
  assert.equal(made.most(), TLSA_TARGETS_AT_ONCE);
});

test('A6: of more targets than a stranger may have us ask, the finding says how many were not asked', async () => {
  const further = 7;
  const some = stage(MAX_TLSA_TARGETS + further, { [at(3)]: tlsa(record) });
  const found = await daneOf(some);
  assert.equal(found.kind === 'tlsa' && found.unasked, further);
  assert.equal(some.asked.length, 1 + MAX_TLSA_TARGETS);
  const nothing = await daneOf(stage(MAX_TLSA_TARGETS + further, {}));
  assert.match((nothing.kind === 'none' && nothing.why.text) || '', /the first 32 targets, and 7 further ones/);
});

test('S4: an answer that is withheld ends it: the targets behind are not asked', async () => {
  const bogus: DnsAnswer<TlsaRecord> = { status: 'bogus', records: [], ttlSeconds: 0, reason: 'signature' };
  for (const owner of [OWN, at(2)]) {
    const made = stage(30, { [owner]: bogus, [at(3)]: tlsa(record) });
    const finding = await made.find();
    assert.equal(finding.kind === 'withheld' && finding.fault.condition, 'bogus');
    assert.equal(made.asked.length, owner === OWN ? 1 : 1 + TLSA_TARGETS_AT_ONCE);
  }
});

test('A6: what the domain says of its clients at _xmpp-server.<domain> decides alone: the targets are not asked', async () => {
  const made = stage(2, { [OWN]: tlsa(record), [at(0)]: tlsa({ ...record, data: 'cd'.repeat(32) }) });
  const dane = await daneOf(made);
  assert.deepEqual(dane.kind === 'tlsa' && dane.sets.map(({ owner }) => owner), [OWN]);
  assert.deepEqual(made.asked, [OWN]);
});

test('A6: where nothing there can be used, the records at the targets decide', async () => {
  for (const useless of [
    tlsa({ ...record, usage: 1 }),
    tlsa({ ...record, selector: 9 }),
    { ...tlsa(record), status: 'insecure' as const },
    none,
  ]) {
    const made = stage(1, { [OWN]: useless, [at(0)]: tlsa(record) });
    const dane = await daneOf(made);
    assert.ok(dane.kind === 'tlsa' && dane.sets.some(({ owner }) => owner === at(0)));
  }
});

test('records of another usage do not count for a client, and the reason says that they are not missing', async () => {
  const named = stage(1, { [at(0)]: tlsa({ ...record, usage: 2 }) });
  const dane = await daneOf(named);
  assert.ok(dane.kind === 'none');
  assert.equal(dane.why.text, 'no signed TLSA record of usage 3 (DANE-EE) at the targets of the domain');
  const absent = await daneOf(stage(1, {}));
  assert.ok(absent.kind === 'none');
  assert.equal(absent.why.text, 'no signed TLSA record at the targets of the domain');
});
