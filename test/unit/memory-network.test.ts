import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createMemoryNetwork } from '../../src/simulation/memory-network.ts';
import type { MemoryNetworkOptions, WireChunk } from '../../src/simulation/memory-network.ts';
import { createRandom, createSeededRandom } from '../../src/adapters/random.ts';
import { SimulatedClock } from '../../src/simulation/simulated-clock.ts';
import {
  clientTls,
  closeBoth,
  credentialOf,
  networkContract,
  openPair,
  Recorder,
  secure,
  serving,
} from '../support/network-contract.ts';
import type { World } from '../support/network-contract.ts';

type Options = Partial<MemoryNetworkOptions>;

function makeFabric(options: Options = {}, seed = 1) {
  const clock = new SimulatedClock(0);
  const fabric = createMemoryNetwork({ clock, random: createSeededRandom(seed), latencyMs: 20, ...options });
  const b = fabric.network(serving('b.example'));
  const world: World = {
    network: (credentials) => fabric.network(credentials),
    until: async (predicate) => {
      await clock.runUntil(predicate, 60_000);
    },
    address: b.address,
    closedPort: () => Promise.resolve(9),
  };
  return { clock, fabric, world, b };
}

networkContract('memory', () => makeFabric({ jitterMs: 5, lossPercent: 2 }).world);
networkContract(
  'memory, torn into small segments',
  () => makeFabric({ segmentBytes: 1_000, windowBytes: 1_500 }).world,
);

test('everything takes its time: connecting one round trip, a handshake two, a byte half of one', async () => {
  const { clock, world } = makeFabric();
  const pair = await openPair(world);
  assert.equal(clock.now(), 60, 'SYN, SYN-ACK, and the first segment that makes the listener accept');
  const startedMs = clock.now();
  await secure(world, pair, clientTls('b.example'));
  assert.equal(clock.now() - startedMs, 80);
  const sentMs = clock.now();
  pair.client.connection.write('x');
  await world.until(() => pair.server.events.text === 'x');
  assert.equal(clock.now() - sentMs, 20);
});

test('a lost segment holds up what is behind it and reorders nothing', async () => {
  const { clock, world } = makeFabric({ lossPercent: 30, retransmitMs: 200 });
  const { client, server } = await openPair(world);
  const startedMs = clock.now();
  const arrivals: number[] = [];
  server.events.onData = () => arrivals.push(clock.now() - startedMs);
  for (let n = 0; n < 50; n++) client.connection.write(`${n} `);
  await clock.advance(60_000);
  assert.equal(server.events.text, Array.from({ length: 50 }, (_, n) => `${n} `).join(''));
  assert.ok(
    arrivals.some((ms) => ms >= 220),
    'something was lost',
  );
  assert.deepEqual(
    arrivals,
    arrivals.toSorted((x, y) => x - y),
  );
});

/** Two hosts that talk over a bad line; the events at each end, and their times. */
async function conversation(seed: number): Promise<string[]> {
  const { clock, fabric, world } = makeFabric({ jitterMs: 15, lossPercent: 10 }, seed);
  const pair = await openPair(world);
  const log: string[] = [];
  for (const [who, { events }] of Object.entries({ client: pair.client, server: pair.server })) {
    events.onData = (bytes) => log.push(`${clock.now()} ${who} ${bytes.toString()}`);
  }
  await secure(world, pair, clientTls('b.example', { credential: credentialOf('a.example') }));
  log.push(`${clock.now()} secured`);
  for (let n = 0; n < 20; n++) {
    pair.client.connection.write(`q${n}`);
    pair.server.connection.write(`a${n}`);
    await clock.advance(7);
  }
  await closeBoth(world, pair);
  return [...log, ...pair.client.events.log, ...pair.server.events.log, JSON.stringify(fabric.history)];
}

test('same seed, same events at the same milliseconds; another seed, another course', async () => {
  const first = await conversation(7);
  assert.deepEqual(await conversation(7), first);
  assert.notDeepEqual(await conversation(8), first);
});

test('a cut passes nothing and tells nobody; mended, what was stopped arrives', async () => {
  const { clock, fabric, world, b } = makeFabric();
  const a = fabric.network(serving());
  const { client, server } = await openPair(world, { clientNetwork: a });
  fabric.cut(a.address, b.address);
  client.connection.write('one');
  client.connection.write('two');
  await clock.advance(100_000);
  assert.equal(server.events.text, '');
  assert.deepEqual([client.events.isClosed, server.events.isClosed], [false, false]);
  fabric.mend(a.address, b.address);
  const mendedMs = clock.now();
  client.connection.write('three');
  await world.until(() => server.events.text === 'onetwothree');
  assert.equal(clock.now() - mendedMs, 220, 'a retransmission and the way');
});

test('who connects over a cut hears nothing, and gets through once it is mended', async () => {
  const { clock, fabric, b } = makeFabric();
  const a = fabric.network(serving());
  const listening = await b.listen({ address: b.address, port: 0, tls: 'starttls' }, () => new Recorder());
  fabric.partition([a.address], [b.address]);
  const events = new Recorder();
  a.connect({ addresses: [{ family: 4, address: b.address }], port: listening.port }, events);
  await clock.advance(10_000);
  assert.deepEqual(events.log, []);
  fabric.mend();
  await clock.runUntil(() => events.log.includes('connected'), 30_000);
});

test('the fabric counts each connection once, until both of its ends are closed', async () => {
  const { fabric, world } = makeFabric();
  assert.equal(fabric.sockets, 0);
  const first = await openPair(world);
  const second = await openPair(world);
  assert.equal(fabric.sockets, 2);
  await closeBoth(world, first);
  assert.equal(fabric.sockets, 1);
  assert.equal(
    fabric.reset(({ server }) => server === 'nobody'),
    0,
  );
  assert.equal(fabric.reset(), 1);
  await world.until(() => second.client.events.isClosed && second.server.events.isClosed);
  assert.deepEqual(
    [second.client.events.fault?.condition, second.server.events.fault?.condition],
    ['connection-reset', 'connection-reset'],
  );
  assert.equal(fabric.sockets, 0);
  assert.deepEqual(
    fabric.history.map(({ event }) => event),
    ['connected', 'connected', 'closed', 'closed'],
  );
});

test('an address that nobody has is unreachable, and the next one is tried', async () => {
  const { clock, fabric, b } = makeFabric();
  const listening = await b.listen({ address: '0.0.0.0', port: 5269, tls: 'starttls' }, () => new Recorder());
  const events = new Recorder();
  const addresses = ['192.0.2.1', b.address].map((address) => ({ family: 4, address }) as const);
  fabric.network(serving()).connect({ addresses, port: 5269 }, events);
  await clock.runUntil(() => events.log.includes('connected'));
  assert.deepEqual(
    fabric.history.map(({ event, server }) => `${event} ${server}`),
    ['unreachable 192.0.2.1', `connected ${b.address}`],
  );
  await listening.close();
});

test('the wire can be watched, changed and silenced, each way for itself', async () => {
  const { clock, fabric, world } = makeFabric();
  const pair = await openPair(world);
  const seen: string[] = [];
  fabric.intercept(({ from, kind, bytes }: WireChunk) => {
    seen.push(`${from} ${kind}`);
    if (kind === 'handshake') return bytes;
    return from === 'client' ? Buffer.from(bytes.toString().toUpperCase()) : null;
  });
  await secure(world, pair, clientTls('b.example'));
  pair.client.connection.write('loud');
  pair.server.connection.write('swallowed');
  await clock.advance(1_000);
  assert.deepEqual([pair.server.events.text, pair.client.events.text], ['LOUD', '']);
  assert.deepEqual(seen, [
    'client handshake',
    'server handshake',
    'client handshake',
    'server handshake',
    'client encrypted',
    'server encrypted',
  ]);
});

test('a damaged handshake fails at both ends', async () => {
  const { fabric, world } = makeFabric();
  const { client, server } = await openPair(world);
  fabric.intercept(({ kind, bytes }) => (kind === 'handshake' ? bytes.subarray(1) : bytes));
  server.connection.startTlsServer({ streamTo: null });
  client.connection.startTlsClient(clientTls('b.example'));
  await world.until(() => client.events.isClosed && server.events.isClosed);
  assert.deepEqual([client.events.fault?.layer, server.events.fault?.condition], ['tls', 'handshake-failed']);
});

test('a host that speaks TLS 1.2 at most is told apart from one that fails (T6)', async () => {
  const { fabric, world } = makeFabric();
  const old = fabric.network(serving('b.example'), { maxVersion: 'TLSv1.2' });
  const fine = await openPair(world, { serverNetwork: old });
  await secure(world, fine, clientTls('b.example'));
  assert.equal(fine.client.events.session.protocol, 'TLSv1.2');
  const { client, server } = await openPair(world, { serverNetwork: old });
  server.connection.startTlsServer({ streamTo: null });
  client.connection.startTlsClient(clientTls('b.example', { minVersion: 'TLSv1.3' }));
  await world.until(() => client.events.isClosed && server.events.isClosed);
  assert.deepEqual(
    [client.events.fault?.condition, server.events.fault?.condition],
    ['no-shared-protocol', 'no-shared-protocol'],
  );
});

test('who says nothing to a detecting port is dropped unheard, and no timer is left', async () => {
  const { clock, fabric, b } = makeFabric({ firstByteTimeoutMs: 500 });
  let calls = 0;
  const listening = await b.listen({ address: b.address, port: 0, tls: 'detect' }, () => {
    calls += 1;
    return new Recorder();
  });
  const events = new Recorder();
  fabric.network(serving()).connect({ addresses: [{ family: 4, address: b.address }], port: listening.port }, events);
  await clock.runUntil(() => events.isClosed);
  assert.equal(clock.now(), 60 + 500 + 20);
  await clock.runUntilIdle();
  assert.deepEqual([calls, fabric.sockets, clock.pending], [0, 0, 0]);
});

test('timers run by time, then in the order of their setting; promises settle between them', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(20), { maxLength: 40 }),
      fc.infiniteStream(fc.boolean()),
      async (delays, cancelled) => {
        const clock = new SimulatedClock(0);
        const ran: number[] = [];
        const expected: [number, number][] = [];
        let inside = 0;
        for (const [index, delayMs] of delays.entries()) {
          const handle = clock.setTimeout(() => {
            assert.equal(clock.now(), delayMs);
            assert.equal(inside, 0, 'the chain of the timer before has ended');
            inside += 1;
            void Promise.resolve()
              .then(() => undefined)
              .then(() => (inside -= 1));
            ran.push(index);
          }, delayMs);
          if (cancelled.next().value === true) clock.clearTimeout(handle);
          else expected.push([delayMs, index]);
        }
        await clock.advance(20);
        assert.deepEqual(
          ran,
          expected.toSorted(([a, i], [b, j]) => a - b || i - j).map(([, index]) => index),
        );
        assert.deepEqual([clock.now(), clock.pending], [20, 0]);
      },
    ),
    { numRuns: 50 },
  );
});

test('`runUntil` says when it cannot come to that', async () => {
  const clock = new SimulatedClock(0);
  clock.setTimeout(() => undefined, 50);
  await assert.rejects(
    clock.runUntil(() => false, 100),
    /50 ms passed, 0 timers/,
  );
  const endless = (): void => void clock.setTimeout(endless, 10);
  endless();
  assert.equal(await clock.runUntilIdle(100), false);
  assert.equal(await clock.runUntil(() => clock.now() >= 200), 50);
});

test('seeded chance repeats, covers its range evenly, and differs by seed', () => {
  const draw = (seed: number): number[] => {
    const random = createSeededRandom(seed);
    return Array.from({ length: 10_000 }, () => random.integer(9));
  };
  assert.deepEqual(draw(1), draw(1));
  assert.notDeepEqual(draw(1), draw(2));
  for (let value = 0; value <= 9; value++) {
    const share = draw(3).filter((drawn) => drawn === value).length;
    assert.ok(share > 850 && share < 1_150, `${value} came ${share} times in 10000`);
  }
  assert.match(createSeededRandom(1).hex(16), /^[0-9a-f]{32}$/);
  assert.match(createRandom().hex(16), /^[0-9a-f]{32}$/);
  assert.equal(createRandom().integer(0), 0);
});
