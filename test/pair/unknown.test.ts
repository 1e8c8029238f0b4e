/**
 * L1: stanzas that were written and never left are reported as unknown; between two managers, in a simulation and over
 * sockets.
 */
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

/** A narrow line: a few stanzas are under way, a few in our buffer, the others wait. */
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

/** Passes bytes on to `port` until told to stop reading, and then to break. */
async function relay(port: number) {
  const ends: net.Socket[] = [];
  let takenBytes = 0;
  const server = net.createServer((near) => {
    const far = net.connect(port, '127.0.0.1');
    for (const end of [near, far]) end.on('error', () => undefined);
    near.on('data', (bytes) => (takenBytes += bytes.length));
    near.pipe(far).pipe(near);
    ends.push(near, far);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as net.AddressInfo).port,
    /** Bytes from the side that connects. */
    takenBytes: () => takenBytes,
    stick: () => {
      for (const end of ends) end.unpipe().pause();
    },
    /** Immediately: anything written to it from this moment on fails. */
    reset: () => {
      for (const end of ends.splice(0)) end.resetAndDestroy();
    },
    close: () => {
      for (const end of ends) end.destroy();
      server.close();
    },
  };
}

test(
  'L1: over TLS, a peer that stops reading and resets: what it took has arrived, what is lost is counted, none arrives twice',
  { timeout: 60_000 },
  async () => {
    const authority = createCertificateAuthority({ name: 'Of this test' });
    const trust = { system: false, anchors: [authority.certPem] };
    const hostsOf = (domain: string) => ({ [domain]: authority.issue({ dnsNames: [domain] }) });
    const [ours, theirs] = [hostsOf('a.example'), hostsOf('b.example')];
    const far = new ConnectionManager(
      { hosts: theirs, listen: [{ address: '127.0.0.1', port: 0, tls: 'detect' }] },
      createNodePorts({ hosts: theirs, trust }),
    );
    const arrived: string[] = [];
    const arrivedOnce = new Set<string>();
    let onArrival = (): void => undefined;
    far.stanzas$.subscribe(({ id = '' }) => {
      arrived.push(id);
      arrivedOnce.add(id);
      onArrival();
    });
    const haveArrived = (ids: readonly string[]): Promise<void> =>
      new Promise((resolve) => {
        onArrival = () => {
          if (ids.every((id) => arrivedOnce.has(id))) resolve();
        };
        onArrival();
      });
    await far.start();
    const line = await relay(far.listening[0]!.port);
    const target = { host: '127.0.0.1', port: line.port, tls: 'direct' as const };
    const near = new ConnectionManager(
      { hosts: ours, policy: { domains: { 'b.example': { target } } } },
      createNodePorts({ hosts: ours, trust }),
    );
    await near.start();
    const padding = 'x'.repeat(16_384);
    const sent: { readonly id: string; readonly told: Promise<Delivery> }[] = [];
    const send = (): Promise<Delivery> => {
      const id = `m${sent.length}`;
      const told = near.send(xml('message', { from: 'x@a.example', to: 'y@b.example', id }, xml('body', {}, padding)));
      sent.push({ id, told });
      return told;
    };
    const idsOf = (some: typeof sent): string[] => some.map(({ id }) => id);
    /** Until our buffer is full, so that some stanzas have to wait for it. */
    const fill = (): void => {
      while ((near.snapshot().tables.queues[0]?.stanzas ?? 0) < 5) void send();
    };
    try {
      await send();
      await Promise.all(Array.from({ length: 20 }, send));
      const early = [...sent];
      await haveArrived(idsOf(early)); // and nothing is on the line
      const taken = line.takenBytes();
      assert.ok(taken > early.length * padding.length);
      line.stick();
      fill();
      assert.equal((await sent[early.length]!.told).outcome, 'sent'); // the kernel accepts it, and the relay never will
      fill();
      line.reset();
      const told = await Promise.all(sent.map(async (one) => ({ ...one, outcome: (await one.told).outcome })));
      const inRun = (outcome: string): string[] => idsOf(told.filter((one) => one.outcome === outcome));
      const unknown = inRun('unknown');
      const first = told.findIndex(({ outcome }) => outcome === 'unknown');
      assert.deepEqual(new Set(told.map(({ outcome }) => outcome)), new Set(['sent', 'unknown']));
      assert.deepEqual(idsOf(told.slice(first, first + unknown.length)), unknown, 'one run');
      const later = told.slice(first + unknown.length);
      assert.ok(later.length >= 5, 'what waited goes another way');
      await haveArrived(idsOf(later));
      const lost = idsOf(told.slice(early.length, first));
      // Stanzas that the relay accepted or that went another way have arrived once; none of the rest has, and all of it
      // is counted.
      assert.deepEqual(arrived, idsOf([...early, ...later]));
      assert.ok(lost.length > 0);
      const { counters } = near.router;
      assert.ok(counters.unknown >= lost.length + unknown.length, `${counters.unknown} counted`);
    } finally {
      await Promise.all([near.stop(), far.stop()]);
      line.close();
    }
  },
);
