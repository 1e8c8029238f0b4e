/** L1: what was written and never left is said to be unknown; between two managers, in a simulation and over sockets. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as net from 'node:net';
import { test } from 'node:test';
import xml from '@xmpp/xml';
import { createSeededRandom } from '../../src/adapters/random.ts';
import { ConnectionManager } from '../../src/manager.ts';
import { createNodePorts } from '../../src/node-ports.ts';
import type { Delivery } from '../../src/routing/types.ts';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import { createDuo } from '../support/duo.ts';
import { weather } from '../support/simulation.ts';

/** A narrow line: a few stanzas are on their way, a few in our buffer, the others wait. */
const NARROW = { windowBytes: 2_000, highWaterBytes: 4_000 };

test('L1: a line that is stuck and then breaks: what left is sent, what did not is unknown, what waited goes another way', async () => {
  const duo = await createDuo({ link: { ...NARROW, latencyMs: 20 } });
  const { clock, fabric } = duo.simulation;
  duo.send('a.example', 'b.example');
  await duo.settle();
  await clock.advance(1_000); // it has been read, and the window is open
  fabric.cut('10.0.0.1', '10.0.0.2');
  const burst = Array.from({ length: 60 }, () => duo.send('a.example', 'b.example'));
  await clock.advance(100);
  const outcome = ({ deliveries }: { readonly deliveries: readonly Delivery[] }): string =>
    deliveries.map((one) => one.outcome).join() || 'open';
  const before = burst.map(outcome);
  const left = before.lastIndexOf('sent') + 1;
  assert.ok(left > 0 && left < burst.length, before.join(' '));
  assert.ok(
    before.slice(left).every((one) => one === 'open'),
    before.join(' '),
  );
  fabric.mend();
  fabric.reset();
  await duo.settle();
  await clock.advance(1_000);
  const after = burst.map(outcome);
  const unknown = after.filter((one) => one === 'unknown').length;
  assert.ok(unknown > 0, after.join(' '));
  const { length } = burst;
  const sent = (count: number): string[] => Array<string>(count).fill('sent');
  const expected = [...sent(left), ...Array<string>(unknown).fill('unknown'), ...sent(length - left - unknown)];
  assert.deepEqual(after, expected);
  const arrivals = (of: typeof burst): number[] =>
    of.map(({ id }) => duo.arrived.filter((one) => one.id === id).length);
  assert.deepEqual(arrivals(burst.slice(0, left + unknown)), Array<number>(left + unknown).fill(0));
  assert.deepEqual(arrivals(burst.slice(left + unknown)), Array<number>(length - left - unknown).fill(1));
  await duo.stop();
});

test('L1: bursts over narrow lines that break at random: each is settled once, and none arrives twice', async () => {
  const outcomes = new Map<string, number>();
  for (let seed = 1; seed <= 20; seed++) {
    const random = createSeededRandom(seed);
    const duo = await createDuo({ seed, link: { ...weather(seed), ...NARROW } });
    const { clock, fabric } = duo.simulation;
    for (let burst = 0; burst < 4; burst++) {
      const atMs = random.integer(4_000);
      clock.setTimeout(() => {
        for (let n = random.integer(60); n >= 0; n--) duo.send('a.example', 'b.example');
      }, atMs);
      clock.setTimeout(() => fabric.reset(), atMs + random.integer(300));
    }
    await clock.advance(5_000);
    await duo.settle();
    await clock.advance(5_000);
    for (const { id, deliveries } of duo.sent) {
      const [delivery, ...more] = deliveries;
      assert.ok(
        delivery !== undefined && more.length === 0,
        `seed ${seed}: ${id} was settled ${deliveries.length} times`,
      );
      const arrivals = duo.arrived.filter((one) => one.id === id).length;
      assert.ok(arrivals <= (delivery.outcome === 'sent' ? 1 : 0), `seed ${seed}: ${id}, ${delivery.outcome}, arrived`);
      outcomes.set(delivery.outcome, (outcomes.get(delivery.outcome) ?? 0) + 1);
    }
    await duo.stop();
  }
  assert.ok((outcomes.get('sent') ?? 0) > 0 && (outcomes.get('unknown') ?? 0) > 0, JSON.stringify([...outcomes]));
});

/** Passes bytes on to `port` until told to read no more, and then to break. */
async function relay(port: number) {
  const ends: net.Socket[] = [];
  const server = net.createServer((near) => {
    const far = net.connect(port, '127.0.0.1');
    for (const end of [near, far]) end.on('error', () => undefined);
    near.pipe(far).pipe(near);
    ends.push(near, far);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as net.AddressInfo).port,
    stick: () => {
      for (const end of ends) end.unpipe().pause();
    },
    reset: () => {
      for (const end of ends.splice(0)) end.resetAndDestroy();
    },
    close: () => {
      for (const end of ends) end.destroy();
      server.close();
    },
  };
}

test('L1: over TLS, a peer that stops reading and resets: early ones are sent, stuck ones unknown, none lost, none twice', async () => {
  const authority = createCertificateAuthority({ name: 'Of this test' });
  const trust = { system: false, anchors: [authority.certPem] };
  const hostsOf = (domain: string) => ({ [domain]: authority.issue({ dnsNames: [domain] }) });
  const [ours, theirs] = [hostsOf('a.example'), hostsOf('b.example')];
  const far = new ConnectionManager(
    { hosts: theirs, listen: [{ address: '127.0.0.1', port: 0, tls: 'detect' }] },
    createNodePorts({ hosts: theirs, trust }),
  );
  const arrived: string[] = [];
  far.stanzas$.subscribe(({ id }) => arrived.push(id ?? ''));
  await far.start();
  const line = await relay(far.listening[0]!.port);
  const target = { host: '127.0.0.1', port: line.port, tls: 'direct' as const };
  const near = new ConnectionManager(
    { hosts: ours, policy: { domains: { 'b.example': { target } } } },
    createNodePorts({ hosts: ours, trust }),
  );
  await near.start();
  const padding = 'x'.repeat(16_384);
  const send = (id: string): Promise<Delivery> =>
    near.send(xml('message', { from: 'x@a.example', to: 'y@b.example', id }, xml('body', {}, padding)));
  try {
    assert.equal((await send('first')).outcome, 'sent');
    line.stick();
    const outcomes: string[][] = [];
    const settledAs = (wanted: string): number => outcomes.filter(([outcome]) => outcome === wanted).length;
    // Until nothing leaves any more: the kernel's buffers at both ends are full, ours as well, and some have to wait.
    for (let quietTurns = 0; quietTurns < 200 || settledAs('sent') === 0; quietTurns++) {
      const [queue] = near.snapshot().tables.queues;
      if (queue === undefined || queue.stanzas < 5) {
        const mine: string[] = [];
        outcomes.push(mine);
        void send(`m${outcomes.length}`).then(({ outcome }) => mine.push(outcome));
        quietTurns = 0;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    const before = settledAs('sent');
    line.reset();
    const deadline = Date.now() + 20_000;
    while (outcomes.some(({ length }) => length === 0) && Date.now() < deadline) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    const told = outcomes.map((mine) => mine.join());
    const stuck = told.filter((one) => one === 'unknown').length;
    // Our buffer was full (createNetwork: highWaterBytes), and none of it has left.
    assert.ok(stuck * padding.length > 262_144 - 2 * padding.length, `${stuck} unknown, ${before} sent before`);
    assert.deepEqual(new Set(told), new Set(['sent', 'unknown']));
    assert.ok(told.lastIndexOf('unknown') - told.indexOf('unknown') === stuck - 1, 'not one run');
    assert.equal(new Set(arrived).size, arrived.length, 'arrived twice');
    assert.ok(
      told.every((one, n) => one === 'sent' || !arrived.includes(`m${n + 1}`)),
      'unknown, and read by a dead end',
    );
  } finally {
    await Promise.all([near.stop(), far.stop()]);
    line.close();
  }
});
