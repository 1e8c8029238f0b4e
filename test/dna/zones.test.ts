import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { AnchoredZones, type AnchoredQuestion } from '../../src/adapters/dna/dnssec-ta/anchored-zones.ts';
import { dsRecord, isZoneKey, keyTag, zoneKeyFiles, zoneKeyOf } from '../../src/adapters/dna/dnssec-ta/zone-key.ts';
import type { Outcome, SrvFields } from '../../src/adapters/dns/outcome.ts';
import type { UnboundSource } from '../../src/adapters/dns/unbound/source.ts';
import { FaultError, fault } from '../../src/protocol/faults.ts';
import { SimulatedClock } from '../../src/simulation/simulated-clock.ts';

const base64url = (base64: string): string => Buffer.from(base64, 'base64').toString('base64url');
const pemOf = (jwk: Record<string, string>): string =>
  createPrivateKey({ key: jwk, format: 'jwk' }).export({ type: 'pkcs8', format: 'pem' }).toString();

test('A12: keys of certificates become keys of zones: the examples of the RFCs (RFC 6605 §6.1, RFC 8080 §6.1)', () => {
  const p256 = Buffer.from(
    'GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==',
    'base64',
  );
  const x = p256.subarray(0, 32).toString('base64url');
  const y = p256.subarray(32).toString('base64url');
  const d = base64url('GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O/ok1s38Et6mQ=');
  assert.deepEqual(zoneKeyFiles('example.net', pemOf({ kty: 'EC', crv: 'P-256', x, y, d })), {
    name: 'Kexample.net.+013+55648',
    publicFile: `example.net. IN DNSKEY 257 3 13 ${p256.toString('base64')}\n`,
    privateFile:
      'Private-key-format: v1.2\nAlgorithm: 13 (ECDSAP256SHA256)\n' +
      'PrivateKey: GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O/ok1s38Et6mQ=\n',
    ds: 'example.net. IN DS 55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17',
  });
  const ed25519 = 'l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=';
  const seed = base64url('ODIyNjAzODQ2MjgwODAxMjI2NDUxOTAyMDQxNDIyNjI=');
  const files = zoneKeyFiles('example.com', pemOf({ kty: 'OKP', crv: 'Ed25519', x: base64url(ed25519), d: seed }));
  assert.equal(files.publicFile, `example.com. IN DNSKEY 257 3 15 ${ed25519}\n`);
  assert.equal(
    files.ds,
    'example.com. IN DS 3613 15 2 3aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b',
  );
});

test('A12: key tag and DS of an RSA key (RFC 4034 §5.4, RFC 4509 §2.3)', () => {
  const key =
    'AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvxegXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==';
  const rdata = Buffer.concat([Buffer.from([1, 0, 3, 5]), Buffer.from(key, 'base64')]);
  assert.equal(keyTag(rdata), 60485);
  const digest = 'd4b7d520e7bb5f0f67674a0cceb1e3e0614b93c4f9e99b8383f6a1e4469da50a';
  assert.equal(dsRecord('DsKey.example.com', rdata), `DsKey.example.com. IN DS 60485 5 2 ${digest}`);
  // RFC 5702 §6.1: the key as printed in that RFC, made from its numbers.
  const rsa = 'AwEAAcFcGsaxxdgiuuGmCkVImy4h99CqT7jwY3pexPGcnUFtR2Fh36BponcwtkZ4cAgtvd4Qs8PkxUdp6p/DlUmObdk=';
  const n = Buffer.from(rsa, 'base64').subarray(4).toString('base64url');
  const octets = zoneKeyOf(createPublicKey({ key: { kty: 'RSA', n, e: 'AQAB' }, format: 'jwk' })).octets;
  assert.equal(octets.toString('base64'), rsa);
});

test('A12: a DNSKEY counts as a key of the zone, not as revoked, and with its algorithm (RFC 4034 §2.1, RFC 5011 §2.1)', () => {
  const key = zoneKeyOf(generateKeyPairSync('ed25519').publicKey);
  const record = (flags: number, protocol = 3, algorithm = 15): Buffer =>
    Buffer.concat([Buffer.of(flags >> 8, flags & 0xff, protocol, algorithm), key.octets]);
  assert.deepEqual(
    [256, 257].map((flags) => isZoneKey(record(flags), key)),
    [true, true],
  );
  for (const [name, rdata] of Object.entries({
    'no zone key': record(1),
    revoked: record(257 | 128),
    'another protocol': record(257, 2),
    'another algorithm': record(257, 3, 13),
    'RSA with SHA-1': record(257, 3, 5),
    'another key': Buffer.concat([record(257), Buffer.of(0)]),
    short: record(257).subarray(0, 3),
    empty: Buffer.alloc(0),
  }))
    assert.equal(isZoneKey(rdata, key), false, name);
});

test('A12: no zone is signed with keys of other types', () => {
  const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' });
  const unsupported = (thrown: unknown) =>
    thrown instanceof FaultError && thrown.fault.condition === 'algorithm-unsupported';
  assert.throws(() => zoneKeyOf(p521.publicKey), unsupported);
  const ed25519 = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  assert.throws(() => zoneKeyFiles('a.example', ed25519, 8), unsupported);
});

// A validator whose answers are written by the tests.

const SRV = '_xmpp-server._tcp.a.example';
const key = zoneKeyOf(generateKeyPairSync('ed25519').publicKey);
const rdata = Buffer.concat([Buffer.from([1, 1, 3, 15]), key.octets]);
const absent = { kind: 'absent', secure: false, ttlSeconds: 60 } as const;
const found = <Found>(...records: Found[]): Outcome<Found> => ({
  kind: 'found',
  found: records,
  secure: true,
  ttlSeconds: 60,
  canonicalName: null,
});
const record: SrvFields = { priority: 0, weight: 0, port: 5269, target: 'xmpp.provider.example' };

interface Written {
  readonly dnskeys?: (name: string) => Outcome<Buffer> | Promise<Outcome<Buffer>>;
  readonly srv?: (stop: AbortSignal) => Outcome<SrvFields> | Promise<Outcome<SrvFields>>;
}

function zonesOver(
  { dnskeys = (name) => (name === 'a.example' ? found(rdata) : absent), srv = () => found(record) }: Written,
  bounds = {},
) {
  const clock = new SimulatedClock();
  const contexts: { anchors: readonly string[]; closed: boolean }[] = [];
  const open = (anchors: readonly string[]): UnboundSource => {
    const context = { anchors, closed: false };
    contexts.push(context);
    return {
      dnskeys: async (name) => dnskeys(name),
      srv: async (_, stop) => srv(stop),
      addresses: () => Promise.reject(new Error('no addresses are asked for')),
      tlsa: null,
      close: () => (context.closed = true),
    };
  };
  const zones = new AnchoredZones({ open, clock, ...bounds });
  const ask = (signal = new AbortController().signal, rest: Partial<AnchoredQuestion> = {}): Promise<string> =>
    zones.delegation({ names: [SRV], key, leafSha256: 'aa', ...rest }, signal).then(
      ({ targets }) => targets.map(({ host, port }) => `${host}:${port}`).join(),
      (thrown: unknown) => (thrown instanceof FaultError ? thrown.fault.condition : String(thrown)),
    );
  return { zones, clock, contexts, ask };
}

/** As libunbound does when it is told to stop. */
const silence = (stop: AbortSignal): Promise<Outcome<SrvFields>> =>
  new Promise((resolve) =>
    stop.addEventListener('abort', () => resolve({ kind: 'failed', reason: String(stop.reason) }), { once: true }),
  );
/** Lets those continue who wait only for each other. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('A12: the context of a check knows one anchor, and is closed whatever comes of it (rule 9)', async () => {
  const wrong: [Written, string][] = [
    [{}, 'xmpp.provider.example:5269'],
    [{ srv: () => ({ kind: 'bogus', reason: 'bad' }) }, 'zone-bogus'],
    [{ srv: () => ({ kind: 'failed', reason: 'SERVFAIL' }) }, 'dns-failed'],
    [{ srv: () => absent }, 'delegation-insecure'],
    [{ srv: () => ({ ...found(record), secure: false }) as Outcome<SrvFields> }, 'delegation-insecure'],
    [{ srv: () => ({ ...absent, secure: true }) }, ''],
    [{ srv: () => found({ ...record, target: '.' }, { ...record, target: '\ufffd' }) }, ''],
    [{ srv: () => Promise.reject(new Error('broken')) }, 'Error: broken'],
  ];
  for (const [written, expected] of wrong) {
    const { ask, contexts, zones } = zonesOver(written);
    assert.equal(await ask(), expected);
    assert.deepEqual(contexts, [
      { anchors: [], closed: false },
      { anchors: [dsRecord('a.example', rdata)], closed: true },
    ]);
    zones.close();
    assert.ok(contexts.every(({ closed }) => closed));
  }
});

test('A12: finding the zone fails with a reason, before any anchor is believed (rule 5)', async () => {
  for (const [dnskeys, expected] of [
    [() => absent, 'zone-unsigned'],
    [() => ({ kind: 'failed', reason: 'SERVFAIL' }), 'dns-failed'],
    [(name: string) => (name === 'a.example' ? found(Buffer.alloc(0)) : absent), 'anchor-not-in-zone'],
    // An alias shows the keys of another zone.
    [(name: string) => (name === SRV ? { ...found(rdata), canonicalName: 'b.example' } : absent), 'zone-unsigned'],
  ] as [(name: string) => Outcome<Buffer>, string][]) {
    const { ask, contexts } = zonesOver({ dnskeys });
    assert.equal(await ask(), expected);
    assert.equal(contexts.length, 1);
  }
});

test('A12: so many contexts are open at one time, so many checks wait, and no more are begun', async () => {
  const stop = new AbortController();
  const { ask, contexts } = zonesOver({ srv: silence }, { maxContexts: 2, maxWaiting: 3 });
  const asked = Array.from({ length: 5 }, (_, i) => ask(stop.signal, { leafSha256: String(i) }));
  await settled();
  assert.equal(contexts.filter(({ closed }) => !closed).length, 3, 'two, and the one that finds zones');
  assert.equal(await ask(stop.signal, { leafSha256: 'x' }), 'too-many-checks');
  stop.abort();
  assert.deepEqual(
    await Promise.all(asked),
    Array.from({ length: 5 }, () => 'cancelled'),
  );
  assert.equal(contexts.filter(({ closed }) => !closed).length, 1);
  assert.equal(
    await ask(new AbortController().signal, { leafSha256: 'y', names: [] }),
    'zone-unsigned',
    'turns are given back',
  );
});

test('A12: a zone that does not answer costs ten seconds of one check, waiting for its turn included', async () => {
  const { ask, clock, contexts } = zonesOver({ srv: silence }, { maxContexts: 1 });
  const both = [ask(), ask(undefined, { leafSha256: 'bb' })];
  await settled();
  clock.increment(9_999);
  await settled();
  assert.equal(contexts.filter(({ closed }) => !closed).length, 2);
  clock.increment(1);
  assert.deepEqual(await Promise.all(both), ['timeout', 'timeout']);
  assert.equal(contexts.filter(({ closed }) => !closed).length, 1);
});

test('A12: what is under way ends when all of it is closed', async () => {
  const { ask, zones, contexts } = zonesOver({ srv: silence });
  const asked = ask();
  await settled();
  zones.close();
  assert.equal(await asked, 'cancelled');
  assert.ok(contexts.every(({ closed }) => closed));
});

test('A12: a delegation is remembered by certificate and names for half of its first TTL, so that proofs can be renewed; a failure is not (rule 9, A14)', async () => {
  let isUp = false;
  const { ask, clock, contexts } = zonesOver({
    srv: () => (isUp ? found(record) : { kind: 'failed', reason: 'SERVFAIL' }),
  });
  const asks = () => contexts.length - 1;
  assert.equal(await ask(), 'dns-failed');
  isUp = true;
  assert.equal(await ask(), 'xmpp.provider.example:5269');
  assert.equal(asks(), 2);
  clock.increment(29_999);
  await ask();
  assert.equal(asks(), 2);
  await ask(undefined, { leafSha256: 'bb' });
  await ask(undefined, { names: ['_xmpp-client._tcp.a.example'] });
  assert.equal(asks(), 4);
  clock.increment(1);
  await ask();
  assert.equal(asks(), 5);
});

test('A12: it lasts as long as the shortest of its answers, the keys of the zone included (rule 8)', async () => {
  const lasting = (ttlSeconds: number) => ({ ttlSeconds }) as const;
  for (const [keys, records] of [
    [30, 60],
    [60, 30],
  ] as const) {
    const { zones, clock } = zonesOver({
      dnskeys: (name) => (name === 'a.example' ? { ...found(rdata), ...lasting(keys) } : absent),
      srv: () => ({ ...found(record), ...lasting(records) }),
    });
    const { untilMs } = await zones.delegation({ names: [SRV], key, leafSha256: 'aa' }, new AbortController().signal);
    assert.equal(untilMs, clock.now() + 30_000);
  }
});

test('A12: without libunbound the question stays open', async () => {
  const unavailable = () => {
    throw new FaultError(fault('dns', 'validator-unavailable', 'local', 'no libunbound'));
  };
  const zones = new AnchoredZones({ open: unavailable, clock: new SimulatedClock() });
  const asked = zones.delegation({ names: [SRV], key, leafSha256: 'aa' }, new AbortController().signal);
  await assert.rejects(
    asked,
    (thrown) => thrown instanceof FaultError && thrown.fault.condition === 'validator-unavailable',
  );
});
