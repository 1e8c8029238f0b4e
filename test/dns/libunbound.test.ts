/** Validated DNS: libunbound against a real nsd with zones that are signed here (RFC 4035 §4.3). */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createUnboundSource } from '../../src/adapters/dns/unbound/source.ts';
import { createValidatingResolver, type ValidatingResolver } from '../../src/adapters/dns/validating-resolver.ts';
import type { DnsAnswer } from '../../src/protocol/dns.ts';
import { FaultError } from '../../src/protocol/faults.ts';
import {
  assertAnswers,
  behaviours,
  DIGEST,
  type DnssecWorld,
  startDnssecWorld,
  worldMissing,
} from '../support/dnssec-world.ts';
import { signZone } from '../support/signed-zone.ts';
import { unboundMissing } from '../support/unbound.ts';

const never = new AbortController().signal;
const skip = worldMissing ?? unboundMissing ?? false;

let world: DnssecWorld;
let resolver: ValidatingResolver;

before(async () => {
  if (skip !== false) return;
  world = await startDnssecWorld();
  resolver = createValidatingResolver({ stubs: world.stubs, trustAnchors: [world.anchor], rootAnchorFiles: [] });
});
after(async () => {
  if (skip !== false) return;
  resolver.close();
  await world.stop();
});

for (const [behaviour, expected] of Object.entries(behaviours)) {
  test(`D3: ${behaviour}`, { skip }, () => assertAnswers(resolver, expected, { reasons: true }));
}

test('L5: names whose servers keep silent leave room for the others, asked about or given up', { skip }, async () => {
  const silent = createSocket('udp4').bind(0, '127.0.0.1');
  await once(silent, 'listening');
  const stubs = { ...world.stubs, 'silent.example': `127.0.0.1@${silent.address().port}` };
  const own = createValidatingResolver({ stubs, trustAnchors: [world.anchor], rootAnchorFiles: [] });
  const asking = new AbortController();
  const strangers = Array.from({ length: 40 }, (_, n) =>
    own.srv(`_xmpp-server._tcp.d${n}.silent.example`, AbortSignal.any([asking.signal]), { purpose: 'verification' }),
  );
  await once(silent, 'message');
  assert.equal((await own.srv('_xmpp-server._tcp.good.example', never)).status, 'secure');
  asking.abort();
  await Promise.all(strangers);
  assert.equal((await own.tlsa('_5269._tcp.xmpp.good.example', never)).status, 'secure');
  own.close();
  silent.close();
});

test('D3: services, addresses and certificates come as they stand in the zone', { skip }, async () => {
  const { records: services } = await resolver.srv('_xmpp-server._tcp.good.example', never);
  assert.deepEqual(
    [...services].sort((x, y) => x.priority - y.priority),
    [
      { priority: 10, weight: 5, port: 5269, target: 'xmpp.good.example' },
      { priority: 20, weight: 0, port: 5269, target: 'backup.elsewhere.example' },
    ],
  );
  assert.deepEqual((await resolver.addresses('xmpp.good.example', never)).records, [
    { family: 6, address: '2001:db8::1' },
    { family: 4, address: '192.0.2.1' },
  ]);
  assert.equal(resolver.validates, true);
  const { records: certificates } = await resolver.tlsa('_5269._tcp.xmpp.good.example', never);
  assert.deepEqual(
    [...certificates].sort((x, y) => x.usage - y.usage),
    [
      { usage: 2, selector: 0, matching: 1, data: DIGEST.ca },
      { usage: 3, selector: 1, matching: 1, data: DIGEST.spki },
    ],
  );
  assert.deepEqual((await resolver.tlsa('_5269._tcp.v4only.good.example', never)).records, [
    { usage: 255, selector: 254, matching: 253, data: '01' },
  ]);
});

test('another trust anchor than that of the zone makes all of it bogus', { skip }, async () => {
  const soa = '$ORIGIN example.\n$TTL 60\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n';
  const stranger = signZone('example', soa).ds;
  const mistaken = createValidatingResolver({
    stubs: world.stubs,
    trustAnchors: [`; as in a file\n${stranger.replace(/ (\w+)$/, ' ( $1 )')}\n`],
    rootAnchorFiles: [],
  });
  try {
    assert.equal((await mistaken.addresses('xmpp.good.example', never)).status, 'bogus');
  } finally {
    mistaken.close();
  }
});

test('without a trust anchor, and where no file has one, there is no validator', { skip }, () => {
  const open = (rootAnchorFiles: readonly string[]) => createUnboundSource({ rootAnchorFiles });
  assert.throws(() => open(['/nowhere/root.key']), /validator-unavailable.*no trust anchor is given or at \/nowhere/);
});

test('without a trust anchor everything is insecure', { skip }, async () => {
  const trusting = createValidatingResolver({ stubs: world.stubs, rootAnchorFiles: [] });
  try {
    assert.equal((await trusting.addresses('xmpp.good.example', never)).status, 'insecure');
    assert.equal((await trusting.addresses('xmpp.late.example', never)).status, 'insecure');
  } finally {
    trusting.close();
  }
});

test('a question ends with its signal, and with the resolver; none is asked afterwards', { skip }, async () => {
  const silent = createSocket('udp4').bind(0, '127.0.0.1');
  await once(silent, 'listening');
  const heard = once(silent, 'message');
  const waiting = createValidatingResolver({ servers: [`127.0.0.1@${silent.address().port}`], rootAnchorFiles: [] });
  const controller = new AbortController();
  const cancelled = waiting.srv('_xmpp-server._tcp.a.example', controller.signal);
  const abandoned = waiting.srv('_xmpp-server._tcp.b.example', never);
  await heard;
  controller.abort();
  assert.deepEqual([(await cancelled).status, (await cancelled).reason], ['error', 'cancelled']);
  waiting.close();
  assert.deepEqual([(await abandoned).status, (await abandoned).reason], ['error', 'the validator is closed']);
  assert.equal((await waiting.srv('_xmpp-server._tcp.c.example', never)).reason, 'the validator is closed');
  waiting.close();
  silent.close();
});

test(
  'answers leave nothing behind, nor do questions that were given up: 10,000 do not grow the heap',
  { skip },
  async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const kinds: ((signal: AbortSignal) => Promise<DnsAnswer<unknown>>)[] = [
      (signal) => resolver.srv('_xmpp-server._tcp.good.example', signal),
      (signal) => resolver.tlsa('_5269._tcp.xmpp.good.example', signal),
      (signal) => resolver.tlsa('_5269._tcp.many.good.example', signal),
      (signal) => resolver.tlsa('_1._tcp.xmpp.good.example', signal),
      (signal) => resolver.addresses('long.good.example', signal),
      (signal) => resolver.srv('_xmpp-server._tcp.late.example', signal),
    ];
    const PARALLEL = 96;
    const QUESTIONS = 2_000;
    const ROUNDS = 16;
    const CANCELLED = PARALLEL / 4;
    const ask = async (): Promise<number> => {
      for (let i = 0; i < QUESTIONS; i += PARALLEL) {
        const askers = Array.from({ length: PARALLEL }, () => new AbortController());
        const answers = askers.map(async ({ signal }, j) => kinds[j % kinds.length]?.(signal));
        for (const asker of askers.slice(0, CANCELLED)) asker.abort();
        const statuses = (await Promise.all(answers)).map((answer) => answer?.status ?? 'error');
        assert.ok(statuses.slice(0, CANCELLED).every((status) => status === 'error'));
        assert.ok(statuses.slice(CANCELLED).every((status) => status !== 'error'));
      }
      // Objects whose finalizers free C memory are released one collection later.
      for (let i = 0; i < 4; i += 1) {
        collect();
        await turn();
      }
      return process.memoryUsage().heapUsed;
    };
    // The first two rounds compile and fill caches. Later rounds vary by up to 250 kB regardless of leaks, so the
    // minimum of the last ones is compared with the maximum of the first ones.
    await ask();
    await ask();
    const heap: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) heap.push(await ask());
    const growth = Math.min(...heap.slice(-5)) - Math.max(...heap.slice(0, 5));
    // Memory leaked by an answer is leaked every time: a number in a list takes 40 bytes, and a type made by koffi took
    // 270.
    assert.ok(growth < 100_000, `${growth} bytes`);
  },
);

test('a wrong server or trust anchor is a fault of the configuration', { skip }, () => {
  const wrong = [
    ['example. IN DS nonsense', 'trust-anchor-malformed'],
    ['example. IN DS 1 13 2 zz', 'trust-anchor-malformed'],
    ['example. IN A 192.0.2.1', 'trust-anchor-malformed'],
    [`example. IN DS 70000 13 2 ${'ab'.repeat(32)}`, 'trust-anchor-malformed'],
    [`${'x'.repeat(64)}. IN DS 1 13 2 ${'ab'.repeat(32)}`, 'validator-misconfigured'],
  ] as const;
  for (const [anchor, condition] of wrong) {
    assert.throws(
      () => createValidatingResolver({ trustAnchors: [anchor], rootAnchorFiles: [] }),
      (thrown) => thrown instanceof FaultError && thrown.fault.condition === condition,
      anchor,
    );
  }
  assert.throws(() => createValidatingResolver({ servers: ['nonsense'], rootAnchorFiles: [] }), TypeError);
});
