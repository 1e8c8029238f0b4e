/** The invariants of the data plane under random orders of actions by the control plane, senders, peers and time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fault } from '../../src/protocol/faults.ts';
import type { StreamId } from '../../src/routing/types.ts';
import { bench, BufferedOutlet, CountingInlet, idOf, stanza } from '../support/routing.ts';

const STREAMS = [1, 2] as const;
const stream = fc.constantFrom(...STREAMS);

// ——— inbound

const REMOTES = ['b.example', 'c.example'] as const;
/** e.example is not served here, whatever the facts say. */
const triple = fc.record({ stream, from: fc.constantFrom(...REMOTES), to: fc.constantFrom('a.example', 'e.example') });
const incoming = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('admit' as const), of: triple }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('revoke' as const), of: triple }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('withdraw' as const), of: triple }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('arrive' as const), of: triple }) },
);

test('S1, S3: a stanza reaches the program if and only if its (stream, from, to) holds a fact at that moment', () => {
  fc.assert(
    fc.property(fc.array(incoming, { maxLength: 60 }), (steps) => {
      const { router, refused } = bench();
      const local = new BufferedOutlet();
      router.attach(['a.example'], local);
      for (const id of STREAMS) router.addStream(id, new BufferedOutlet(), new CountingInlet());
      const gone = new Set<StreamId>();
      const facts = new Set<string>(); // the model: one flat set
      const holds = (prefix: string): boolean => [...facts].some((fact) => fact.startsWith(prefix));
      let id = 0;
      for (const { do: what, of } of steps) {
        const key = `${of.stream} ${of.from} ${of.to}`;
        if (what === 'admit') {
          router.admit(of.stream, of.from, of.to);
          if (!gone.has(of.stream)) facts.add(key);
        } else if (what === 'revoke') {
          router.revoke(of.stream, of.from, of.to);
          facts.delete(key);
        } else if (what === 'withdraw') {
          router.withdrawStream(of.stream);
          gone.add(of.stream);
          for (const fact of facts) if (fact.startsWith(`${of.stream} `)) facts.delete(fact);
        } else {
          id += 1;
          const passed = router.arrived(of.stream, stanza(`x@${of.from}`, `y@${of.to}/z`, id));
          assert.equal(passed, facts.has(key) && of.to !== 'e.example');
          assert.equal(local.ids.includes(id), passed);
          if (passed) continue;
          const expected = facts.has(key)
            ? 'host-gone'
            : !holds(`${of.stream} `)
              ? 'not-authorized'
              : !holds(`${of.stream} ${of.from} `) || of.to !== 'e.example'
                ? 'invalid-from'
                : 'host-unknown';
          assert.deepEqual([refused.at(-1)?.[0], refused.at(-1)?.[1].condition], [of.stream, expected]);
        }
      }
      assert.equal(refused.length + local.ids.length, id);
      assert.deepEqual(new Set(router.snapshot().facts.map((f) => `${f.stream} ${f.from} ${f.to}`)), facts);
    }),
    { numRuns: 300 },
  );
});

// ——— outbound

const QUEUE = { queueStanzas: 4, queueBytes: 1200, queueAgeMs: 1000 };
const HIGH_WATER_BYTES = 400;
const ERROR_TYPES = new Set(['error', 'result']);
const remote = fc.constantFrom('b.example', 'c.example');
const sender = fc.constantFrom('a.example', 'a2.example');
const padding = fc.constantFrom(0, 0, 0, 300, 1300);

const outgoing = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('inject' as const),
      local: sender,
      remote,
      padding,
      type: fc.constantFrom('chat', 'chat', 'chat', 'error', 'result'),
      fromInlet: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('setRoute' as const), local: sender, remote, newest: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('withdrawRoute' as const), local: sender, remote }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('returnQueue' as const), local: sender, remote }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('open', 'withdraw', 'lose'), nth: fc.nat(2) }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('flush' as const), nth: fc.nat(2), bytes: fc.nat(900), late: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(0, 1, 400, 1000) }) },
);

interface Sent {
  readonly stream: StreamId;
  readonly endsAt: number;
}

/**
 * One world: a router, the streams of a network, two attached domains that share an inlet, and the outcome of each
 * stanza.
 */
function world() {
  const it = bench(QUEUE);
  const { router } = it;
  const inlet = new CountingInlet();
  const program = new BufferedOutlet();
  router.attach(['a.example', 'a2.example'], program);
  const streams = new Map<StreamId, BufferedOutlet>();
  const pairOf = new Map<number, string>();
  const answerable = new Set<number>();
  const sent = new Map<number, Sent>();
  const lastSentOf = new Map<string, number>();
  let lastStream = 0;
  let lastId = 0;

  const open = (): void => {
    lastStream += 1;
    const id = lastStream;
    const outlet = new BufferedOutlet(HIGH_WATER_BYTES);
    outlet.onWrite = (xml) => {
      const written = idOf(xml);
      const pair = pairOf.get(written) ?? '';
      const [local = '', far = ''] = pair.split(' ');
      assert.equal(router.routeOf(local, far), id, 'S2: sent on a stream that does not serve the pair');
      assert.ok(!sent.has(written), 'L1: sent twice');
      assert.ok((lastSentOf.get(pair) ?? 0) < written, 'S7: sent after a newer stanza of its pair');
      lastSentOf.set(pair, written);
      sent.set(written, { stream: id, endsAt: outlet.writtenBytes });
    };
    streams.set(id, outlet);
    router.addStream(id, outlet, new CountingInlet());
  };

  type Injection = [local: string, far: string, type: string, bytes: number, fromInlet: boolean];
  const held: Injection[] = [];
  const inject = (...injection: Injection): void => {
    const [local, far, type, bytes, fromInlet] = injection;
    if (fromInlet && inlet.paused) return void held.push(injection);
    lastId += 1;
    pairOf.set(lastId, `${local} ${far}`);
    if (!ERROR_TYPES.has(type)) answerable.add(lastId);
    const it2 = stanza(`x@${local}`, `y@${far}`, lastId, { type, padding: bytes, kind: 'iq' });
    router.inject(it2, fromInlet ? inlet : null, it.settleAs(lastId));
  };
  // Like a socket that still holds a stanza: it injects the stanza within `resume`.
  inlet.onResume = () => {
    if (held.length > 0) inject(...(held.shift() ?? assert.fail()));
  };

  const undeclared = new Set<StreamId>();
  const declareDrains = (): void => {
    for (const id of undeclared) router.streamDrained(id);
    undeclared.clear();
  };
  /** Real sockets may have room some time before they announce it: `late`. */
  const flush = (id: StreamId, bytes: number, late = false): void => {
    const outlet = streams.get(id);
    if (outlet === undefined) return;
    const was = outlet.writable;
    outlet.flush(bytes);
    if (outlet.flushedBytes === outlet.writtenBytes || (outlet.writable && !was)) undeclared.add(id);
    if (!late) declareDrains();
  };

  const checkBounds = (): void => {
    for (const queue of router.snapshot().queues) {
      assert.ok(queue.stanzas > 0 && queue.stanzas <= QUEUE.queueStanzas, 'L3: count');
      assert.ok(queue.bytes <= QUEUE.queueBytes, 'L3: bytes');
      assert.ok(it.clock.now() - queue.oldestMs <= QUEUE.queueAgeMs, 'L3: age');
    }
  };

  /** After all tasks have run: a waiting stanza either wants a route, or has one that cannot accept more. */
  const checkProgress = (): void => {
    for (const { local, remote: far, routeWanted } of router.snapshot().queues) {
      const route = router.routeOf(local, far);
      if (route === null) assert.ok(routeWanted, 'L1: waits, and nobody was asked for a route');
      else assert.equal(streams.get(route)?.writable, false, 'L1: waits for a stream that has room');
    }
  };

  return {
    ...it,
    inlet,
    program,
    streams,
    pairOf,
    answerable,
    sent,
    open,
    inject,
    flush,
    declareDrains,
    checkBounds,
    checkProgress,
  };
}

test('S2, S7, L1, L3: every stanza ends exactly once, in order, on its route or back at its sender, whatever happens', () => {
  fc.assert(
    fc.property(fc.array(outgoing, { maxLength: 80 }), (steps) => {
      const it = world();
      const { router, streams } = it;
      const open = (): StreamId[] => [...streams.keys()].slice(-3);
      const at = (nth: number): StreamId => open()[nth % open().length]!;
      const lost = new Map<StreamId, number>(); // the bytes that each had flushed when it broke
      const lose = (id: StreamId): void => {
        lost.set(id, streams.get(id)?.flushedBytes ?? 0);
        if (id % 3 === 0) streams.get(id)?.break(); // in either order
        router.withdrawStream(id);
        streams.get(id)?.break();
        streams.delete(id);
      };
      const withdrawn = new Set<StreamId>();
      it.open();
      for (const step of steps) {
        if (open().length === 0) it.open();
        switch (step.do) {
          case 'inject':
            it.inject(step.local, step.remote, step.type, step.padding, step.fromInlet);
            break;
          case 'setRoute': {
            // A pair moves only when its old stream is withdrawn: the router requires it, and the control plane
            // complies.
            const route = router.routeOf(step.local, step.remote);
            if (route === null || step.newest) router.setRoute(step.local, step.remote, route ?? at(open().length - 1));
            break;
          }
          case 'withdrawRoute':
            router.withdrawRoute(step.local, step.remote);
            break;
          case 'returnQueue':
            router.returnQueue(step.local, step.remote, fault('tcp', 'refused', 'peer'), 'remote-server-timeout');
            break;
          case 'open':
            it.open();
            break;
          case 'withdraw':
            router.withdrawStream(at(step.nth));
            withdrawn.add(at(step.nth));
            break;
          case 'lose':
            lose(at(step.nth));
            break;
          case 'flush':
            it.flush(at(step.nth), step.bytes, step.late);
            break;
          case 'pass':
            it.declareDrains();
            it.clock.increment(step.ms);
            it.checkProgress();
            break;
        }
        it.checkBounds();
      }
      // At the end, everything that may still flush does, except on streams that break.
      for (const id of [...streams.keys()]) {
        if (id % 2 === 0 && !withdrawn.has(id)) lose(id);
        else it.flush(id, Infinity);
      }
      it.clock.increment(3 * QUEUE.queueAgeMs);
      // Stanzas held by a socket come in as room is made, and one may fill a buffer: as many flushes as there were
      // steps.
      for (let i = 0; i < steps.length; i += 1) for (const id of [...streams.keys()]) it.flush(id, Infinity);
      it.clock.increment(3 * QUEUE.queueAgeMs);

      assert.deepEqual(router.snapshot().queues, [], 'L1: nothing waits for ever');
      assert.equal(it.clock.pending, 0, 'nothing is left that waits for time to pass');
      assert.equal(it.inlet.paused, false, 'an inlet is paused and nothing holds it');
      const bounced = it.program.ids;
      assert.equal(new Set(bounced).size, bounced.length, 'L1: one error per stanza');
      for (const id of it.pairOf.keys()) {
        const [delivery, ...more] = it.deliveries.get(id) ?? [];
        assert.ok(
          delivery !== undefined && more.length === 0,
          `L1: ${id} ended ${more.length + (delivery ? 1 : 0)} times`,
        );
        const written = it.sent.get(id);
        assert.equal(written !== undefined, delivery.outcome !== 'returned', 'L1: sent or returned, not both');
        assert.equal(bounced.includes(id), delivery.outcome === 'returned' && it.answerable.has(id));
        if (delivery.outcome === 'returned') assert.equal(delivery.reply !== null, it.answerable.has(id));
        else assert.equal(delivery.stream, written?.stream);
        if (delivery.outcome === 'sent' && written !== undefined && lost.has(written.stream)) {
          assert.ok(written.endsAt <= lost.get(written.stream)!, 'L1: sent, and never flushed');
        }
        if (delivery.outcome === 'unknown' && written !== undefined && lost.has(written.stream)) {
          assert.ok(written.endsAt > lost.get(written.stream)!, 'L1: unknown, and yet flushed');
        }
      }
    }),
    { numRuns: 400 },
  );
});
