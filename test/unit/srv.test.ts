import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import type { DnsAnswer, DnsStatus, SrvRecord } from '../../src/protocol/dns.ts';
import { decideTargets, MAX_TARGETS, orderSrv, pickByWeight, srvOwnerNames } from '../../src/protocol/srv.ts';

interface Vectors {
  draws: { weights: number[]; draw: number; pick: number }[];
  rfc2782_example_zone: { records: { p: number; w: number; port: number; t: string }[] };
  target_dot: { records?: string[]; xmpps?: string[]; xmpp?: string[] | string; result: string; source: string }[];
  multiplex_zone: { zone: string[] };
}
const vectors = JSON.parse(readFileSync(new URL('../fixtures/srv/vectors.json', import.meta.url), 'utf8')) as Vectors;

const zero = () => 0;
const srv = (target: string, priority = 0, weight = 0, port = 5269): SrvRecord => ({ priority, weight, port, target });
const answer = (records: SrvRecord[], status: DnsStatus = 'insecure'): DnsAnswer<SrvRecord> => ({
  status,
  records,
  ttlSeconds: 300,
});
const none = answer([], 'nodata-insecure');
const servfail: DnsAnswer<SrvRecord> = { status: 'error', records: [], ttlSeconds: 0, reason: 'SERVFAIL' };
const bogus: DnsAnswer<SrvRecord> = { status: 'bogus', records: [], ttlSeconds: 0, reason: 'signature expired' };

function targetsOf(xmpp: DnsAnswer<SrvRecord>, xmpps: DnsAnswer<SrvRecord>, draw = zero) {
  const decision = decideTargets(xmpp, xmpps, 'a.example', draw);
  assert.equal(decision.kind, 'targets');
  return decision;
}
function faultOf(xmpp: DnsAnswer<SrvRecord>, xmpps: DnsAnswer<SrvRecord>) {
  const decision = decideTargets(xmpp, xmpps, 'a.example', zero);
  assert.equal(decision.kind, 'fault');
  assert.equal(decision.fault.layer, 'dns');
  assert.equal(decision.fault.origin, 'dns');
  return decision.fault;
}

for (const { weights, draw, pick } of vectors.draws) {
  test(`of weights ${weights.join(', ')} a draw of ${draw} takes number ${pick} (RFC 2782)`, () => {
    assert.equal(pickByWeight(weights, draw), pick);
  });
}

test('the zone of RFC 2782: both boxes of priority 0 by weight, then the others', () => {
  const records = vectors.rfc2782_example_zone.records.map(({ p, w, port, t }) => srv(t, p, w, port));
  const order = (draw: (max: number) => number) => orderSrv(records, draw).map(({ target }) => target.split('-')[0]);
  assert.deepEqual(order(zero), ['old', 'new', 'server.example.com', 'sysadmins']);
  assert.deepEqual(
    order((max) => max),
    ['new', 'old', 'sysadmins', 'server.example.com'],
  );
});

test('weights are kept over many draws, and equal zeros take turns (RFC 2782)', () => {
  let state = 12_345;
  const random = (max: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor(((state >>> 8) / 2 ** 24) * (max + 1));
  };
  const first = (records: SrvRecord[], target: string) =>
    Array.from({ length: 4000 }, () => orderSrv(records, random)[0]?.target).filter((t) => t === target).length / 4000;
  const weighted = [srv('one', 0, 10), srv('three', 0, 30)];
  assert.ok(Math.abs(first(weighted, 'three') - 30 / 41) < 0.03, 'a draw of 0..sum inclusive favours the first by one');
  for (const target of ['x', 'y', 'z']) {
    assert.ok(Math.abs(first([srv('x'), srv('y'), srv('z')], target) - 1 / 3) < 0.03, target);
  }
});

for (const { records, xmpp, xmpps, result, source } of vectors.target_dot) {
  test(`target ".": ${result} (${source})`, () => {
    const toAnswer = (targets: string[] | string | undefined) =>
      Array.isArray(targets) ? answer(targets.map((t) => srv(t.split(':')[0] ?? ''))) : none;
    const decision = decideTargets(toAnswer(records ?? xmpp), toAnswer(xmpps), 'a.example', zero);
    if (result.startsWith('use only')) {
      assert.deepEqual(decision, {
        kind: 'targets',
        targets: [{ host: 'x.example', port: 5269, tls: 'starttls', secureDelegation: false }],
      });
    } else {
      assert.equal(decision.kind === 'fault' && decision.fault.condition, 'service-absent');
    }
  });
}

test('a domain that declines STARTTLS with "." but offers direct TLS is reached by direct TLS (XEP-0368 §3)', () => {
  const { targets } = targetsOf(answer([srv('.')]), answer([srv('x.example', 0, 0, 5270)]));
  assert.deepEqual(targets, [{ host: 'x.example', port: 5270, tls: 'direct', secureDelegation: false }]);
});

test('a "." beside real records says nothing (RFC 6120 §3.2.1(3): a single record)', () => {
  assert.deepEqual(
    targetsOf(answer([srv('.'), srv('x.example')]), none).targets.map(({ host }) => host),
    ['x.example'],
  );
});

test('both services are one list by priority and weight, each record with its own TLS mode (XEP-0368 §3)', () => {
  const xmpp = answer([srv('s1', 10), srv('s2', 30), srv('mixed', 20, 5)]);
  const xmpps = answer([srv('d1', 5), srv('mixed', 20, 5, 5270), srv('d2', 25)]);
  const inOrder = (draw: (max: number) => number) =>
    targetsOf(xmpp, xmpps, draw as typeof zero).targets.map(({ host, tls }) => `${host} ${tls}`);
  const rest = ['d1 direct', 's1 starttls', 'd2 direct', 's2 starttls'];
  assert.deepEqual(inOrder(zero), [...rest.slice(0, 2), 'mixed starttls', 'mixed direct', ...rest.slice(2)]);
  assert.deepEqual(
    inOrder((max) => max),
    [...rest.slice(0, 2), 'mixed direct', 'mixed starttls', ...rest.slice(2)],
    'one group of weights, whatever the service',
  );
});

test('only a secure answer makes its own targets secure delegations (RFC 7712 §5.1)', () => {
  const { targets } = targetsOf(answer([srv('s', 1)], 'secure'), answer([srv('d', 2)], 'insecure'));
  assert.deepEqual(
    targets.map(({ host, secureDelegation }) => [host, secureDelegation]),
    [
      ['s', true],
      ['d', false],
    ],
  );
});

test('no SRV record at all: the domain itself, 5269, STARTTLS (RFC 6120 §3.2.2)', () => {
  for (const status of ['nodata-insecure', 'nodata-secure'] as const) {
    assert.deepEqual(targetsOf(answer([], status), answer([], status)), {
      kind: 'targets',
      targets: [{ host: 'a.example', port: 5269, tls: 'starttls', secureDelegation: false }],
    });
  }
});

test('S4: a failed answer leads neither to a connection nor to the fallback, whatever the other answer says', () => {
  for (const other of [
    none,
    answer([srv('x.example')]),
    answer([srv('x.example')], 'secure'),
    answer([srv('.')]),
    servfail,
  ]) {
    assert.equal(faultOf(servfail, other).condition, 'lookup-failed');
    assert.equal(faultOf(other, servfail).condition, 'lookup-failed');
    assert.match(faultOf(servfail, other).text ?? '', /SERVFAIL/);
  }
});

test('S4: a bogus answer aborts the whole attempt, whatever the other answer says (RFC 7673 §3.1)', () => {
  for (const other of [none, answer([srv('x.example')]), answer([srv('x.example')], 'secure'), servfail, bogus]) {
    assert.equal(faultOf(bogus, other).condition, 'bogus');
    assert.equal(faultOf(other, bogus).condition, 'bogus');
  }
});

test('an RRset in which no record is usable is still an RRset: no fallback (RFC 6120 §3.2.1(8))', () => {
  const spoilt: DnsAnswer<SrvRecord> = { ...answer([]), reason: '2 of 2 records are invalid' };
  assert.deepEqual(faultOf(spoilt, none), {
    layer: 'dns',
    condition: 'lookup-failed',
    origin: 'dns',
    text: '2 of 2 records are invalid',
  });
  assert.deepEqual(
    targetsOf(spoilt, answer([srv('x.example')])).targets.map(({ host }) => host),
    ['x.example'],
  );
});

test('a target said twice is tried once, and no zone makes us try more than the bound', () => {
  const many = Array.from({ length: 60 }, (_, i) => srv(`t${i}.example`, i));
  assert.equal(targetsOf(answer([...many, ...many]), answer([])).targets.length, MAX_TARGETS);
  assert.equal(targetsOf(answer([srv('x', 1), srv('x', 2)]), answer([srv('x', 3)])).targets.length, 2);
});

test('IP literals have no SRV names (RFC 6120 §3.2)', () => {
  assert.equal(srvOwnerNames('192.0.2.1'), null);
  assert.equal(srvOwnerNames('[::1]'), null);
  assert.deepEqual(srvOwnerNames('a.example'), {
    xmpp: '_xmpp-server._tcp.a.example',
    xmpps: '_xmpps-server._tcp.a.example',
  });
});

test('the service for clients has names and a port of its own (RFC 6120 §3.2.1, XEP-0368 §3)', () => {
  assert.deepEqual(srvOwnerNames('a.example', 'xmpp-client'), {
    xmpp: '_xmpp-client._tcp.a.example',
    xmpps: '_xmpps-client._tcp.a.example',
  });
  const absent: DnsAnswer<SrvRecord> = { status: 'nodata-insecure', records: [], ttlSeconds: 60 };
  const decision = decideTargets(absent, absent, 'a.example', () => 0, 'xmpp-client');
  // STARTTLS only, without guessing port 5223.
  assert.deepEqual(decision, {
    kind: 'targets',
    targets: [{ host: 'a.example', port: 5222, tls: 'starttls', secureDelegation: false }],
  });
});
