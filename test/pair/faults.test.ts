/** Liveness when the network misbehaves: L1, L4, L5, L6, L3 between two providers in a simulation. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../machines/limits.ts';
import type { Seen } from '../../src/demo/facts.ts';
import type { ProviderSetup } from '../../src/demo/scenario.ts';
import { createSeededRandom } from '../../src/adapters/random.ts';
import { createDuo, type Duo } from '../support/duo.ts';
import { weather } from '../support/simulation.ts';

const A: ProviderSetup = { hosts: ['a.example', 'c.example'] };
const B: ProviderSetup = { hosts: ['b.example', 'd.example'] };
/** B proves the domains of A only by dialback. */
const A_WITHOUT: ProviderSetup = { ...A, certificate: { shownAsClient: false } };
const B_LENIENT: ProviderSetup = { ...B, policy: { federation: 'encrypted' } };

const PAIRS = [
  ['a.example', 'b.example'],
  ['c.example', 'b.example'],
  ['a.example', 'd.example'],
  ['c.example', 'd.example'],
  ['b.example', 'a.example'],
  ['d.example', 'c.example'],
] as const;

/** Longer than any wait after a failure: the backoff of a peer, the hold-off of a pair. */
const RECOVERY_MS = limits.backoffMaxMs + limits.pairHoldOffMs;

/**
 * L1: exactly one outcome for each; what came back did not arrive; nothing arrives twice. L6: then all traffic works
 * again.
 */
async function settlesAndRecovers(duo: Duo, what: string): Promise<void> {
  await duo.settle();
  await duo.simulation.clock.advance(RECOVERY_MS);
  for (const { from, to, deliveries, id } of duo.sent) {
    const told = `${what}: L1: message ${id}, ${from} → ${to}`;
    const arrivals = duo.arrived.filter((one) => one.id === id).length;
    assert.equal(deliveries.length, 1, `${told}, was settled ${deliveries.length} times`);
    assert.ok(arrivals <= 1, `${told}, arrived ${arrivals} times`);
    if (deliveries[0]?.outcome === 'returned') assert.equal(arrivals, 0, `${told}, came back and arrived`);
  }
  const before = duo.arrived.length;
  const again = PAIRS.map(([from, to]) => duo.send(from, to));
  await duo.settle();
  await duo.simulation.clock.advance(5_000);
  assert.deepEqual(
    again.map(({ deliveries }) => deliveries[0]?.outcome),
    again.map(() => 'sent'),
    `${what}: L6: traffic flows again`,
  );
  assert.equal(duo.arrived.length - before, PAIRS.length, `${what}: L6: everything arrives`);
}

const arrivalsOf = ({ arrived }: Duo, from: string, to: string): number =>
  arrived.filter((one) => one.from === from && one.to === to).length;

test('L1, L6: resets at random moments: every stanza is settled once, and traffic flows again (X1)', async () => {
  for (let seed = 1; seed <= 25; seed++) {
    const random = createSeededRandom(seed);
    const dialback = seed % 2 === 0;
    const bidi = seed % 3 === 0;
    const duo = await createDuo({
      seed,
      A: { ...(dialback ? A_WITHOUT : A), bidi },
      B: { ...(dialback ? B_LENIENT : B), bidi },
      link: weather(seed),
    });
    const { clock, fabric } = duo.simulation;
    for (let n = 0; n < 20; n++) {
      const [from, to] = PAIRS[random.integer(PAIRS.length - 1)]!;
      clock.setTimeout(() => duo.send(from, to), random.integer(10_000));
    }
    for (let n = 0; n < 5; n++) clock.setTimeout(() => fabric.reset(), random.integer(10_000));
    await clock.advance(10_000);
    await settlesAndRecovers(duo, `seed ${seed}`);
    await duo.stop();
  }
});

test('L1, L6: a line that is cut and mended at random: every stanza is settled once, and traffic flows again (X1)', async () => {
  for (let seed = 1; seed <= 15; seed++) {
    const random = createSeededRandom(seed);
    const dialback = seed % 2 === 1;
    const duo = await createDuo({
      seed,
      A: dialback ? A_WITHOUT : A,
      B: dialback ? B_LENIENT : B,
      link: weather(seed),
    });
    const { clock, fabric } = duo.simulation;
    const [left, right] = ['10.0.0.1', '10.0.0.2'] as const;
    for (let n = 0; n < 20; n++) {
      const [from, to] = PAIRS[random.integer(PAIRS.length - 1)]!;
      clock.setTimeout(() => duo.send(from, to), random.integer(60_000));
    }
    for (let n = 0; n < 3; n++) {
      const at = random.integer(60_000);
      clock.setTimeout(() => fabric.cut(left, right), at);
      clock.setTimeout(() => fabric.mend(), at + random.integer(40_000));
    }
    await clock.advance(101_000);
    fabric.mend();
    // TCP does not notice the cut: existing streams continue, or were closed by their own deadlines.
    await settlesAndRecovers(duo, `seed ${seed}`);
    await duo.stop();
  }
});

/** A box of the flow chart, at either end of the first stream. */
const MOMENTS = [
  { name: 'before TLS', machine: 'initiatingStream', state: 'streamHeaders' },
  { name: 'during the handshake', machine: 'receivingStream', state: 'awaitingHandshake' },
  { name: 'after TLS, while the far end is proved', machine: 'initiatingStream', state: 'association' },
  { name: 'after TLS, before SASL', machine: 'receivingStream', state: 'authentication' },
  { name: 'while SASL EXTERNAL is answered', machine: 'initiatingStream', state: 'saslExternal' },
  { name: 'after SASL', machine: 'receivingStream', state: 'established' },
  { name: 'while a further domain is asserted', machine: 'pair', state: 'piggybackingAssertion' },
  { name: 'while a further domain is supposed', machine: 'pair', state: 'piggybackingSupposition' },
  { name: 'during dialback: the key is being verified', machine: 'verification', state: 'association', dialback: true },
  {
    name: 'during dialback: the authoritative server is asked',
    machine: 'dialback',
    state: 'awaitingVerifyAnswer',
    dialback: true,
  },
  {
    name: 'during dialback: the asking stream is opened',
    machine: 'dialback',
    state: 'awaitingVerifyStream',
    dialback: true,
  },
] as const;

for (const moment of MOMENTS) {
  test(`L1, L6: the connection is reset ${moment.name}: every stanza is settled once, and traffic flows again`, async () => {
    const dialback = 'dialback' in moment;
    for (let seed = 1; seed <= 6; seed++) {
      const duo = await createDuo({
        seed,
        A: dialback ? A_WITHOUT : A,
        B: dialback ? B_LENIENT : B,
        link: weather(seed),
      });
      const { clock, fabric, random } = duo.simulation;
      let resets = 0;
      let armed = true;
      duo.onRecord(({ record }: Seen) => {
        if ((record.kind !== 'born' && record.kind !== 'event') || resets >= 3 || !armed) return;
        if (!record.machine.startsWith(moment.machine) || !record.states.includes(moment.state)) return;
        resets += 1;
        clock.setTimeout(() => fabric.reset(), random.integer(30));
      });
      for (const [from, to] of PAIRS) duo.send(from, to);
      await clock.advance(5_000);
      await duo.settle();
      armed = false;
      assert.ok(resets > 0, `seed ${seed}: the moment came`);
      await settlesAndRecovers(duo, `seed ${seed}`);
      await duo.stop();
    }
  });
}

test('L3, L4: both sides open at once, on any line: they converge on one socket each way, or on one with bidi', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    for (const bidi of [false, true]) {
      const duo = await createDuo({ seed, A: { ...A, bidi }, B: { ...B, bidi }, link: weather(seed) });
      for (const [from, to] of PAIRS) duo.send(from, to);
      await duo.settle();
      await duo.simulation.clock.advance(30_000);
      const what = `seed ${seed}, bidi ${bidi}`;
      assert.equal(duo.arrived.length, PAIRS.length, `${what}: all arrive`);
      assert.equal(duo.sockets.standing, bidi ? 1 : 2, `${what}: sockets standing`);
      await duo.stop();
    }
  }
});

test('L5: a pair that fails again and again never closes the stream of the others (M7)', async () => {
  const duo = await createDuo({ A, B: { ...B, policy: { deny: ['c.example'] } } });
  const { clock } = duo.simulation;
  const good = [];
  const bad = [];
  for (let n = 0; n < 60; n++) {
    good.push(duo.send('a.example', 'b.example'));
    if (n % 10 === 0) bad.push(duo.send('c.example', 'b.example'));
    await clock.advance(1_000);
  }
  await duo.settle();
  assert.ok(good.every(({ deliveries }) => deliveries[0]?.outcome === 'sent'));
  assert.ok(bad.every(({ deliveries }) => deliveries[0]?.outcome === 'returned'));
  assert.equal(arrivalsOf(duo, 'a.example', 'b.example'), 60);
  assert.equal(duo.sockets.opened, 1);
  await duo.stop();
});

const CAUSES = {
  'the domain was not in DNS': (duo: Duo) => {
    const name = '_xmpp-server._tcp.b.example';
    const { resolver } = duo.simulation;
    const { port } = duo.providers.B.listening[0]!;
    resolver.set(name, null);
    return () => resolver.set(name, { srv: [{ priority: 1, weight: 1, port, target: 'xmpp.provider-b.example' }] });
  },
  'DNS failed': (duo: Duo) => {
    const name = '_xmpp-server._tcp.b.example';
    const { resolver } = duo.simulation;
    const { port } = duo.providers.B.listening[0]!;
    resolver.set(name, { status: 'error', reason: 'SERVFAIL' });
    return () => resolver.set(name, { srv: [{ priority: 1, weight: 1, port, target: 'xmpp.provider-b.example' }] });
  },
  'the line was cut': ({ simulation: { fabric } }: Duo) => {
    fabric.cut('10.0.0.1', '10.0.0.2');
    return () => fabric.mend();
  },
  'the policy of the far end forbade us': ({ providers: { B: far } }: Duo) => {
    far.setPolicy({ deny: ['a.example'] });
    return () => far.setPolicy({});
  },
  'our own policy forbade it': ({ providers: { A: near } }: Duo) => {
    near.setPolicy({ deny: ['b.example'] });
    return () => near.setPolicy({});
  },
} satisfies Record<string, (duo: Duo) => () => void>;

for (const [cause, happen] of Object.entries(CAUSES)) {
  test(`L6: ${cause}: the stanza comes back, and the next one arrives once that is over`, async () => {
    const duo = await createDuo();
    const mend = happen(duo);
    const first = duo.send('a.example', 'b.example');
    await duo.settle();
    assert.equal(first.deliveries[0]?.outcome, 'returned');
    mend();
    await duo.simulation.clock.advance(RECOVERY_MS);
    const second = duo.send('a.example', 'b.example');
    await duo.settle();
    await duo.simulation.clock.advance(1_000);
    assert.equal(second.deliveries[0]?.outcome, 'sent');
    assert.equal(arrivalsOf(duo, 'a.example', 'b.example'), 1);
    await duo.stop();
  });
}

test('M8: db:verify never goes down the stream that brought the db:result, nor down one that was opened to us', async () => {
  let asked = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const bidi = seed % 2 === 0;
    const both: ProviderSetup = {
      hosts: B.hosts,
      certificate: { shownAsClient: false },
      policy: { federation: 'encrypted' },
      bidi,
    };
    const duo = await createDuo({ seed, A: { ...both, hosts: A.hosts }, B: both, link: weather(seed) });
    for (const [from, to] of PAIRS) duo.send(from, to);
    await duo.settle();
    await duo.simulation.clock.advance(5_000);
    assert.equal(duo.arrived.length, PAIRS.length, `seed ${seed}`);
    const brought = new Map<string, string>();
    const initiating = new Set<string>();
    for (const { at, record } of duo.timeline) {
      const stream = `${at} ${record.actor}`;
      if (record.kind === 'born' && record.machine === 'initiatingStream') initiating.add(stream);
      if (record.kind !== 'wire') continue;
      const { element, direction } = record;
      if (direction === 'in' && element.kind === 'result' && element.answer === null) {
        brought.set(`${at} ${element.from}>${element.to}`, stream);
      }
      if (direction === 'out' && element.kind === 'verify' && element.answer === null) {
        asked += 1;
        assert.notEqual(brought.get(`${at} ${element.to}>${element.from}`), stream, `seed ${seed}: same stream`);
        assert.ok(initiating.has(stream), `seed ${seed}: a stream that we opened`);
      }
    }
    await duo.stop();
  }
  assert.ok(asked > 20, 'questions were asked');
});
