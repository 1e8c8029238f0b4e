/**
 * Twenty domains on each side, all pairs talking: the number of sockets does not depend on the number of domains (L3).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import xml from '@xmpp/xml';
import { credentialOf } from '../../src/demo/certificates.ts';
import { ConnectionManager } from '../../src/manager.ts';
import type { Delivery } from '../../src/routing/types.ts';
import { createSimulation, type Simulation, weather } from '../support/simulation.ts';

const DOMAINS = 20;
const domainsOf = (letter: string): string[] => Array.from({ length: DOMAINS }, (_, i) => `${letter}${i}.example`);

interface Case {
  readonly title: string;
  readonly proof: 'certificate' | 'dialback';
  readonly bidi: boolean;
  readonly atOnce: boolean;
  /** Maximum number of open sockets once all is settled. */
  readonly sockets: number;
}

async function provider(
  simulation: Simulation,
  domains: readonly string[],
  { proof, bidi }: Case,
): Promise<ConnectionManager> {
  const issuer = proof === 'certificate' ? 'trusted' : 'stranger';
  const credential = credentialOf({ hosts: domains, certificate: { issuer } });
  const { network, address } = simulation.host({ forServerName: () => credential });
  const manager = new ConnectionManager(
    {
      hosts: Object.fromEntries(domains.map((domain) => [domain, credential])),
      listen: [{ address, port: 5269, tls: 'detect' }],
      policy: { federation: proof === 'certificate' ? 'authenticated' : 'encrypted' },
      bidi,
    },
    { ...simulation, network },
  );
  await manager.start();
  const target = `xmpp.${domains[0] ?? ''}`;
  simulation.resolver.set(target, { addresses: [{ family: 4, address }] });
  for (const domain of domains) {
    simulation.resolver.set(`_xmpp-server._tcp.${domain}`, { srv: [{ priority: 1, weight: 1, port: 5269, target }] });
  }
  return manager;
}

const message = (from: string, to: string) =>
  xml('message', { from: `u@${from}`, to: `v@${to}` }, xml('body', {}, 'hello'));

async function settleAll(simulation: Simulation, sends: readonly Promise<Delivery>[]): Promise<Delivery[]> {
  const deliveries: Delivery[] = [];
  for (const send of sends) void send.then((delivery) => deliveries.push(delivery));
  await simulation.clock.runUntil(() => deliveries.length === sends.length, 200_000);
  return deliveries;
}

async function talk(variant: Case, seed: number): Promise<void> {
  const simulation = createSimulation(seed, weather(seed));
  const as = domainsOf('a');
  const bs = domainsOf('b');
  const a = await provider(simulation, as, variant);
  const b = await provider(simulation, bs, variant);
  let heardByA = 0;
  let heardByB = 0;
  a.stanzas$.subscribe(() => (heardByA += 1));
  b.stanzas$.subscribe(() => (heardByB += 1));

  const pairs = as.flatMap((from) => bs.map((to) => ({ from, to })));
  const there = (): Promise<Delivery>[] => pairs.map(({ from, to }) => a.send(message(from, to)));
  const back = (): Promise<Delivery>[] => pairs.map(({ from, to }) => b.send(message(to, from)));
  const deliveries = variant.atOnce
    ? await settleAll(simulation, [...there(), ...back()])
    : [...(await settleAll(simulation, there())), ...(await settleAll(simulation, back()))];
  await simulation.clock.advance(20_000); // verify-only streams and losers of the race are closed by then

  assert.deepEqual(
    deliveries.filter(({ outcome }) => outcome !== 'sent'),
    [],
  );
  assert.equal(heardByB, pairs.length);
  assert.equal(heardByA, pairs.length);
  const standing = a.snapshot().streams.length;
  assert.ok(standing <= variant.sockets, `${standing} sockets stand, ${variant.sockets} may`);
  assert.equal(b.snapshot().streams.length, standing);
  // Settled pairs are rows, not actors.
  assert.deepEqual({ ...a.snapshot().actors, streams: 0 }, { streams: 0, pairs: 0, peers: 0 });
  const stopped = Promise.all([a.stop(), b.stop()]);
  await simulation.clock.advance(20_000);
  await stopped;
}

const cases: readonly Case[] = [
  { title: 'by certificate', proof: 'certificate', bidi: false, atOnce: false, sockets: 2 },
  { title: 'by certificate, both at once', proof: 'certificate', bidi: false, atOnce: true, sockets: 2 },
  { title: 'by certificate, bidirectional', proof: 'certificate', bidi: true, atOnce: false, sockets: 1 },
  { title: 'by certificate, bidirectional, both at once', proof: 'certificate', bidi: true, atOnce: true, sockets: 1 },
  { title: 'by dialback', proof: 'dialback', bidi: false, atOnce: false, sockets: 2 },
  { title: 'by dialback, both at once', proof: 'dialback', bidi: false, atOnce: true, sockets: 2 },
];

for (const variant of cases) {
  test(`400 pairs ${variant.title}: at most ${variant.sockets} sockets once settled, every stanza arrives (L3, L4, M1, M2, M3, M9)`, async () => {
    for (const seed of variant.atOnce && variant.bidi ? [1, 2, 3] : [1]) {
      try {
        await talk(variant, seed);
      } catch (error) {
        throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      }
    }
  });
}

test('20 domains that want one peer at once, which asks about each of them: one resolution, one stream each way, one write of all assertions', async () => {
  const simulation = createSimulation(1);
  const variant = { title: '', proof: 'dialback', bidi: false, atOnce: true, sockets: 2 } as const;
  const as = domainsOf('a');
  const a = await provider(simulation, as, variant);
  const b = await provider(simulation, ['b0.example'], variant);
  const born: string[] = [];
  for (const [name, manager] of Object.entries({ a, b }))
    manager.records$.subscribe((record) => {
      if (record.kind === 'born') born.push(`${name}: ${record.machine}`);
    });
  const writes: number[] = [];
  simulation.fabric.intercept(({ bytes, kind }) => {
    const assertions = bytes.toString('latin1').match(/<db:result [^>]*[^/]>/g) ?? [];
    if (kind === 'encrypted' && assertions.length > 0) writes.push(assertions.length);
    return bytes;
  });
  const sends = as.map((from) => a.send(message(from, 'b0.example')));
  const deliveries = await settleAll(simulation, sends);
  simulation.fabric.intercept(null);
  assert.ok(deliveries.every(({ outcome }) => outcome === 'sent'));
  const times = (one: string): number => born.filter((other) => other === one).length;
  assert.equal(times('a: resolution'), 1);
  assert.equal(times('a: initiatingStream'), 1);
  assert.equal(times('b: verification'), as.length);
  assert.equal(times('b: initiatingStream'), 1, 'all of them are served in one place');
  assert.deepEqual(writes, [as.length]);
  const stopped = Promise.all([a.stop(), b.stop()]);
  await simulation.clock.advance(20_000);
  await stopped;
});
