/** What happens to open streams when the policy changes: policy before × policy after × stream (S1, S2). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import xml from '@xmpp/xml';
import { createPathValidator } from '../../src/adapters/pkix/path-validator.ts';
import { ConnectionManager } from '../../src/manager.ts';
import type { PolicyOptions } from '../../src/options.ts';
import type { Fault } from '../../src/protocol/faults.ts';
import type { Delivery } from '../../src/routing/types.ts';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import { createSimulation } from '../support/simulation.ts';

const trusted = createCertificateAuthority({ name: 'Trusted' });
const stranger = createCertificateAuthority({ name: 'Trusted by nobody' });
const pathValidator = createPathValidator({ system: false, anchors: [trusted.certPem] });

/** How a.example proves its identity, and how far the stream is secured. */
interface Line {
  /** The certificate of a.example comes from an authority that b.example does not trust. */
  readonly untrusted?: boolean;
  /** a.example cannot be found in the DNS: its key cannot be verified. */
  readonly unreachable?: boolean;
  /** A man in the middle removes STARTTLS from the features. */
  readonly plain?: boolean;
  readonly maxVersion?: 'TLSv1.2';
  readonly bidi?: boolean;
}

/** a.example and c.example, of one provider, send to b.example, whose policy changes. */
async function stage(line: Line, atA: PolicyOptions, atB: PolicyOptions) {
  const simulation = createSimulation(1);
  const { clock, fabric, resolver } = simulation;
  if (line.plain === true) {
    fabric.intercept(({ bytes }) => Buffer.from(bytes.toString().replace(/<starttls[^>]*(\/>|>.*?<\/starttls>)/, '')));
  }
  const manager = async (domains: readonly string[], authority: typeof trusted, policy: PolicyOptions) => {
    const credential = authority.issue({ dnsNames: domains });
    const maxVersion = line.maxVersion ?? 'TLSv1.3';
    const network = fabric.network({ forServerName: () => credential }, { maxVersion });
    const { address } = network;
    const made = new ConnectionManager(
      {
        hosts: Object.fromEntries(domains.map((domain) => [domain, credential])),
        listen: [{ address, port: 5269, tls: 'detect' }],
        policy,
        bidi: line.bidi === true,
      },
      { ...simulation, pathValidator, network },
    );
    await made.start();
    return { made, address };
  };
  const { made: a, address: ofA } = await manager(
    ['a.example', 'c.example'],
    line.untrusted === true ? stranger : trusted,
    atA,
  );
  const { made: b, address: ofB } = await manager(['b.example'], trusted, atB);
  if (line.unreachable !== true) {
    for (const domain of ['a.example', 'c.example']) resolver.set(domain, { addresses: [{ family: 4, address: ofA }] });
  }
  resolver.set('b.example', { addresses: [{ family: 4, address: ofB }] });
  const heard: string[] = [];
  b.stanzas$.subscribe(({ from }) => heard.push(String(from)));
  /** Whether a message from this domain arrives at b.example. */
  const arrives = async (from = 'a.example'): Promise<boolean> => {
    heard.length = 0;
    let settled = false;
    void a.send(xml('message', { from: `u@${from}`, to: 'v@b.example' })).then(() => (settled = true));
    await clock.runUntil(() => settled, 200_000);
    await clock.advance(1_000);
    return heard.length > 0;
  };
  const stop = async (): Promise<void> => {
    const stopped = Promise.all([a.stop(), b.stop()]);
    await clock.advance(20_000);
    await stopped;
  };
  return { simulation, a, b, heard, arrives, stop };
}

const byCertificate: Line = {};
const byDialback: Line = { untrusted: true };
const unproved: Line = { untrusted: true, unreachable: true };
const inPlainText: Line = { plain: true };
const underTls12: Line = { maxVersion: 'TLSv1.2' };

/**
 * `stands`: the stream stays open; `anew`: it is closed, and another one carries the next stanza; `ends`: none does.
 */
type Fate = 'stands' | 'anew' | 'ends';

const permissive: PolicyOptions = { federation: 'permissive' };
const verified: PolicyOptions = { federation: 'verified' };
const encrypted: PolicyOptions = { federation: 'encrypted' };
const authenticated: PolicyOptions = { federation: 'authenticated' };
const tls13 = { minTls: '1.3' } as const;

const rows: readonly (readonly [what: string, line: Line, from: PolicyOptions, to: PolicyOptions, fate: Fate])[] = [
  ['proved by certificate', byCertificate, permissive, authenticated, 'stands'],
  ['proved by certificate', byCertificate, authenticated, permissive, 'stands'],
  ['proved by certificate', byCertificate, authenticated, { prooftypes: ['pkix'] }, 'stands'],
  ['proved by certificate', byCertificate, authenticated, { prooftypes: ['dane'] }, 'ends'],
  [
    'proved by certificate',
    byCertificate,
    authenticated,
    { federation: 'encrypted', prooftypes: ['dane', 'dialback'] },
    'anew',
  ],
  ['proved by certificate', byCertificate, authenticated, { deny: ['a.example'] }, 'ends'],
  ['proved by certificate', byCertificate, authenticated, { deny: ['A.Example.'] }, 'ends'],
  ['proved by certificate', byCertificate, authenticated, { allow: ['b.example'] }, 'ends'],
  ['proved by certificate', byCertificate, authenticated, { deny: ['z.example'] }, 'stands'],
  ['under TLS 1.3', byCertificate, authenticated, tls13, 'stands'],
  ['under TLS 1.2', underTls12, authenticated, { minTls: '1.2' }, 'stands'],
  ['under TLS 1.2', underTls12, authenticated, tls13, 'ends'],
  ['under TLS 1.2', underTls12, authenticated, { domains: { 'A.example': tls13 } }, 'ends'],
  ['under TLS 1.2', underTls12, authenticated, { domains: { 'z.example': tls13 } }, 'stands'],
  ['under TLS 1.2', underTls12, permissive, { ...permissive, ...tls13 }, 'ends'],
  ['proved by dialback', byDialback, encrypted, verified, 'stands'],
  ['proved by dialback', byDialback, encrypted, permissive, 'stands'],
  ['proved by dialback', byDialback, encrypted, authenticated, 'ends'],
  ['proved by dialback', byDialback, encrypted, { federation: 'encrypted', prooftypes: ['pkix'] }, 'ends'],
  ['proved by dialback', byDialback, encrypted, { ...encrypted, domains: { '*.example': authenticated } }, 'ends'],
  ['in plain text', inPlainText, verified, permissive, 'stands'],
  ['in plain text', inPlainText, verified, encrypted, 'ends'],
  ['in plain text', inPlainText, permissive, authenticated, 'ends'],
  ['proved by nothing', unproved, permissive, { ...permissive, deny: ['z.example'] }, 'stands'],
  ['proved by nothing', unproved, permissive, verified, 'ends'],
  ['proved by nothing', unproved, permissive, encrypted, 'ends'],
  ['proved by nothing', unproved, permissive, authenticated, 'ends'],
];

const shown = (policy: PolicyOptions): string => JSON.stringify(policy).replaceAll('"', '');

for (const [what, line, from, to, fate] of rows) {
  test(`a stream ${what}, when ${shown(from)} becomes ${shown(to)}: it ${fate === 'anew' ? 'is made anew' : fate} (P2)`, async () => {
    // The requirements of a.example for b.example do not matter here.
    const { simulation, b, arrives, stop } = await stage(line, line.plain === true ? verified : encrypted, from);
    assert.ok(await arrives(), 'the policy before lets it in');
    const [stream] = b.snapshot().streams;
    b.setPolicy(to);
    await simulation.clock.advance(30_000);
    const isLive = b.snapshot().streams.some(({ id }) => id === stream?.id);
    assert.equal(isLive, fate === 'stands', 'the stream that stood');
    assert.equal(await arrives(), fate !== 'ends', 'the next stanza');
    await stop();
  });
}

for (const [what, line, from, to] of [
  ['in plain text', inPlainText, verified, encrypted],
  ['under TLS 1.2', underTls12, authenticated, tls13],
  ['proved by certificate', byCertificate, authenticated, { deny: ['b.example'] }],
] as const) {
  test(`a stream of ours ${what}, when ${shown(from)} becomes ${shown(to)}: nothing more is sent on it (P2, S2)`, async () => {
    const { simulation, a, arrives, stop } = await stage(line, from, from);
    assert.ok(await arrives());
    a.setPolicy(to);
    await simulation.clock.advance(10_000);
    assert.deepEqual(a.snapshot().streams, []);
    assert.equal(await arrives(), false);
    await stop();
  });
}

test('a policy with a mistake is refused with a TypeError, and the one before stays in force', async () => {
  const { b, arrives, stop } = await stage(byCertificate, {}, {});
  assert.ok(await arrives());
  assert.throws(() => b.setPolicy({ deny: ['a.example', '*.evil.example'] }), TypeError);
  assert.throws(
    () => new ConnectionManager({ hosts: { 'b.example': null }, policy: { deny: ['*.evil.example'] } }, createPorts()),
    TypeError,
  );
  assert.ok(await arrives());
  await stop();
});

function createPorts() {
  const simulation = createSimulation(1);
  const { network } = simulation.host({ forServerName: () => null });
  return { ...simulation, network };
}

/**
 * The number of stanzas received within ten seconds of an end that the other provider does not notice, so that it
 * continues.
 */
async function heardAfter(end: (b: ConnectionManager) => void): Promise<number> {
  const { simulation, a, b, heard, arrives } = await stage(byCertificate, {}, {});
  assert.ok(await arrives());
  heard.length = 0;
  simulation.fabric.intercept(({ from, bytes }) => (from === 'server' ? null : bytes));
  end(b);
  for (let i = 0; i < 20; i += 1) {
    void a.send(xml('message', { from: 'u@a.example', to: 'v@b.example' }));
    await simulation.clock.advance(500);
  }
  return heard.length;
}

test('a domain that is denied is heard no more from that moment, whether or not it takes note (S1, P2)', async () => {
  assert.equal(await heardAfter((b) => b.setPolicy({ deny: ['a.example'] })), 0);
});

test('a stream that ends for nobody’s fault is heard to its end: what was under way is not lost', async () => {
  assert.ok((await heardAfter((b) => b.closeStream(b.snapshot().streams[0]!.id))) > 0);
});

test('a pair that had no part in the closing of its stream goes on over another one (L5, L6)', async () => {
  const { simulation, b, arrives, stop } = await stage(byCertificate, {}, {});
  assert.ok((await arrives('a.example')) && (await arrives('c.example')));
  assert.equal(b.snapshot().streams.length, 1, 'they share a stream');
  b.setPolicy({ deny: ['a.example'] });
  await simulation.clock.advance(1_000);
  assert.deepEqual([await arrives('a.example'), await arrives('c.example')], [false, true]);
  await stop();
});

/**
 * The outcome of a stanza from a.example when `change` comes `atMs` after it was sent; and the streams that b.example
 * sees.
 */
async function underWay(atMs: number, change: (of: Awaited<ReturnType<typeof stage>>) => void, line = byCertificate) {
  const staged = await stage(line, encrypted, encrypted);
  const { simulation, a, b, stop } = staged;
  let delivery: Delivery | null = null;
  void a.send(xml('message', { from: 'u@a.example', to: 'v@b.example' })).then((it) => (delivery = it));
  await simulation.clock.advance(atMs);
  assert.equal(delivery, null, 'it waits still');
  const changedAt = simulation.clock.now();
  change(staged);
  await simulation.clock.runUntil(() => delivery !== null, 200_000);
  const tookMs = simulation.clock.now() - changedAt;
  const opened = b.snapshot().streams.filter(({ role }) => role === 'receiving').length;
  await stop();
  const { outcome, fault } = delivery! as Delivery & { fault?: Fault };
  return { became: fault === undefined ? outcome : `${outcome}: ${fault.condition}`, opened, tookMs };
}

/** In order: DNS, TCP and TLS, the assertion; by dialback, the last one takes its time. */
const MOMENTS_MS = [0, 3, 8, 12, 20, 30];

for (const [how, line] of [
  ['by certificate', byCertificate],
  ['by dialback', byDialback],
] as const) {
  test(`a policy that changes while stanzas wait for a stream, ${how}: they wait on, for the same one (P2, L5)`, async () => {
    for (const atMs of MOMENTS_MS) {
      const { became, opened, tookMs } = await underWay(
        atMs,
        ({ a, b }) => {
          for (const manager of [a, b]) manager.setPolicy({ ...encrypted, deny: ['unrelated.example'] });
        },
        line,
      );
      assert.deepEqual([became, opened], ['sent', 1], `after ${atMs} ms`);
      assert.ok(tookMs < 1_000, `after ${atMs} ms: it takes ${tookMs} ms`);
    }
  });
}

test('a domain that the new policy denies: what waits for a stream to it is returned at once (P2, S2)', async () => {
  for (const atMs of [0, 3, 8, 12]) {
    const { became, tookMs } = await underWay(atMs, ({ a }) => a.setPolicy({ deny: ['b.example'] }));
    assert.deepEqual([became, tookMs], ['returned: policy-violation', 0], `after ${atMs} ms`);
  }
});

test('a target that the new policy fixes is where those go who waited under the old one (P2)', async () => {
  const { became } = await underWay(3, ({ a, b, simulation }) => {
    const { address, port } = b.listening[0]!;
    simulation.resolver.set('b.example', { status: 'error', reason: 'this look-up fails' });
    a.setPolicy({ domains: { 'b.example': { target: { host: address, port, tls: 'starttls' } } } });
  });
  assert.equal(became, 'sent');
});
