import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fault } from '../../src/protocol/faults.ts';
import { Stanza } from '../../src/protocol/stanza.ts';
import { bench, BufferedOutlet, CountingInlet, idOf, stanza, type Bench } from '../support/routing.ts';

const A = 'juliet@a.example/balcony';
const B = 'romeo@b.example';
const unreachable = fault('dns', 'service-absent', 'dns', 'no such domain');

/** A bench with one stream, id 1, that is not a route yet, and the component of a.example. */
function waitingBench(options: Parameters<typeof bench>[0] = {}, highWaterBytes = Infinity) {
  const it = bench(options);
  const stream = new BufferedOutlet(highWaterBytes);
  const local = new BufferedOutlet();
  it.router.addStream(1, stream, new CountingInlet());
  it.router.attach(['a.example'], local);
  const send = (...ids: number[]) => {
    for (const id of ids) it.router.inject(stanza(A, B, id), null, it.settleAs(id));
  };
  return { ...it, stream, local, send };
}

const errorsIn = (outlet: BufferedOutlet) =>
  outlet.stanzas.map(
    (xml) => `${idOf(xml)} ${/<error type='(\w+)'>/.exec(xml)?.[1]} ${/<error[^>]*><([\w-]+)/.exec(xml)?.[1]}`,
  );

const outcomesOf = (it: Bench, ...ids: number[]) => ids.map((id) => it.outcomes(id).join());

test('S7: what waits for a route goes first and in order; the route is wanted once (XEP-0220 §2.1.1)', () => {
  const it = waitingBench();
  it.send(1, 2);
  assert.deepEqual(it.wanted, ['a.example b.example']);
  assert.deepEqual(it.stream.ids, []);
  it.router.setRoute('a.example', 'b.example', 1);
  it.send(3);
  assert.deepEqual(it.stream.ids, [1, 2, 3]);
  assert.equal(it.router.routeOf('a.example', 'b.example'), 1);
  assert.deepEqual(it.router.snapshot().queues, []);
  it.stream.flush();
  it.router.streamDrained(1);
  it.settleTasks();
  assert.deepEqual(outcomesOf(it, 1, 2, 3), ['sent', 'sent', 'sent']);
  assert.equal(it.clock.pending, 0);
});

test('S7: a stanza injected from within the flush goes behind what is being flushed', () => {
  const it = waitingBench();
  it.send(1, 2);
  it.stream.onWrite = (xml) => {
    if (idOf(xml) === 2) it.send(3);
  };
  it.router.setRoute('a.example', 'b.example', 1);
  assert.deepEqual(it.stream.ids, [1, 2, 3]);
});

test('S7: a stream whose buffer is full keeps the rest in the queue, and newer stanzas stay behind', () => {
  const it = waitingBench({}, 250);
  it.router.setRoute('a.example', 'b.example', 1);
  it.send(1, 2, 3, 4, 5);
  const first = it.stream.ids;
  assert.ok(first.length < 5);
  assert.equal(it.router.snapshot().queues[0]?.stanzas, 5 - first.length);
  while (it.stream.ids.length < 5) {
    it.stream.flush();
    it.router.streamDrained(1);
  }
  assert.deepEqual(it.stream.ids, [1, 2, 3, 4, 5]);
});

test('what waited for room, and was sent or given back, holds up nothing after it', () => {
  const it = waitingBench({}, 1);
  it.router.setRoute('a.example', 'b.example', 1);
  it.send(1, 2);
  it.stream.flush();
  it.router.streamDrained(1);
  it.send(3);
  it.router.returnQueue('a.example', 'b.example', unreachable, 'remote-server-not-found');
  it.stream.flush();
  it.send(4);
  assert.deepEqual(it.stream.ids, [1, 2, 4]);
  assert.equal(it.router.counters.queued, 2);
});

test('S7: a stanza that finds room before the drain was announced still goes behind those that wait', () => {
  const it = waitingBench({}, 1);
  it.router.setRoute('a.example', 'b.example', 1);
  it.send(1, 2);
  it.stream.flush();
  it.send(3);
  assert.deepEqual(it.stream.ids, [1, 2]);
  it.stream.flush();
  it.router.streamDrained(1);
  assert.deepEqual(it.stream.ids, [1, 2, 3]);
});

test('S2: a pair that waited for one stream and moves to another is not sent on the first', () => {
  const it = waitingBench({}, 1);
  const next = new BufferedOutlet(1);
  it.router.addStream(2, next, new CountingInlet());
  it.router.setRoute('a.example', 'b.example', 1);
  it.send(1, 2, 3, 4);
  it.router.setRoute('a.example', 'b.example', 2);
  it.stream.flush();
  it.router.streamDrained(1);
  assert.deepEqual([it.stream.ids, next.ids], [[1], [2]]);
  it.router.withdrawRoute('a.example', 'b.example');
  next.flush();
  it.router.streamDrained(2);
  assert.deepEqual(next.ids, [2]);
});

test('pairs that wait for one stream take turns', () => {
  const it = waitingBench({}, 1);
  const pairs = ['b.example', 'c.example'];
  for (const remote of pairs) it.router.setRoute('a.example', remote, 1);
  for (const id of [1, 2, 3]) for (const remote of pairs) it.router.inject(stanza(A, remote, id), null);
  for (let i = 0; i < 6; i += 1) {
    it.stream.flush();
    it.router.streamDrained(1);
  }
  assert.deepEqual(it.stream.ids, [1, 1, 2, 2, 3, 3]);
});

test('L3: too many stanzas, or too many bytes, go back with resource-constraint, type wait', () => {
  const count = waitingBench({ queueStanzas: 2 });
  count.send(1, 2, 3);
  const bytes = waitingBench({ queueBytes: 400 });
  for (const [id, padding] of [
    [1, 200],
    [2, 200],
    [3, 0],
  ] as const) {
    bytes.router.inject(stanza(A, B, id, { padding }), null, bytes.settleAs(id));
  }
  for (const it of [count, bytes]) it.settleTasks();
  assert.deepEqual(errorsIn(count.local), ['3 wait resource-constraint']);
  assert.deepEqual(errorsIn(bytes.local), ['2 wait resource-constraint']);
  assert.deepEqual(outcomesOf(bytes, 1, 2, 3), ['', 'returned queue-full', '']);
});

test('L3: what waits keeps nothing else alive that came in the same chunk: the bound on bytes is one on memory', () => {
  const it = waitingBench();
  const kept: Buffer[] = [];
  const write = it.stream.write.bind(it.stream);
  it.stream.write = (bytes, flushed) => {
    kept.push(bytes);
    write(bytes, flushed);
  };
  const { bytes } = stanza(A, B, 1);
  const chunk = Buffer.alloc(65_536);
  bytes.copy(chunk);
  it.router.inject(new Stanza('message', B, A, chunk.subarray(0, bytes.length), 'jabber:server'), null);
  it.router.setRoute('a.example', 'b.example', 1);
  assert.deepEqual(
    kept.map((one) => [one.toString(), one.buffer.byteLength]),
    [[bytes.toString(), bytes.length]],
  );
});

test('L3: what leaves a queue makes room for as many bytes', () => {
  const it = waitingBench({ queueBytes: 700 }, 1);
  const { bytes } = stanza(A, B, 1, { padding: 200 });
  it.router.setRoute('a.example', 'b.example', 1);
  for (let id = 1; id < 8; id += 1) {
    it.router.inject(stanza(A, B, id, { padding: 200 }), null, it.settleAs(id));
    if (id < 3) continue;
    assert.equal(it.router.snapshot().queues[0]?.bytes, 2 * bytes.length);
    it.stream.flush();
    it.router.streamDrained(1);
  }
  it.settleTasks();
  assert.deepEqual([it.stream.ids.length, it.local.ids], [6, []]);
});

test('L3: what has waited too long goes back with remote-server-timeout, by one timer, each at its own time', () => {
  const it = waitingBench({ queueAgeMs: 1000 });
  it.send(1);
  it.clock.increment(400);
  it.send(2);
  it.router.inject(stanza(A, 'c.example', 3), null, it.settleAs(3));
  assert.equal(it.clock.pending, 1);
  it.clock.increment(599);
  assert.deepEqual(errorsIn(it.local), []);
  it.clock.increment(1);
  assert.deepEqual(errorsIn(it.local), ['1 wait remote-server-timeout']);
  it.clock.increment(400);
  assert.deepEqual(outcomesOf(it, 1, 2, 3), ['returned queue-age', 'returned queue-age', 'returned queue-age']);
  assert.equal(it.clock.pending, 0);
  assert.deepEqual(it.router.snapshot().queues, []);
});

test('L1: a returned queue goes back to its senders in a fresh task, with the condition that was given', () => {
  const it = waitingBench();
  it.send(1, 2);
  const seen: string[] = [];
  const watching = it.router.returned$.subscribe(({ fault: why }) => seen.push(why.condition));
  assert.equal(it.router.returnQueue('a.example', 'b.example', unreachable, 'remote-server-not-found'), 2);
  assert.deepEqual([errorsIn(it.local), outcomesOf(it, 1, 2)], [[], ['', '']]);
  it.settleTasks();
  watching.unsubscribe();
  assert.deepEqual(errorsIn(it.local), ['1 cancel remote-server-not-found', '2 cancel remote-server-not-found']);
  assert.deepEqual(it.local.chunks, [2]);
  assert.deepEqual(seen, ['service-absent', 'service-absent']);
  assert.match(it.local.stanzas[0] ?? '', /to='juliet@a.example\/balcony' from='romeo@b.example'/);
});

test('L6: after a pair was given up, its next stanza wants a route again', () => {
  const it = waitingBench();
  it.send(1);
  it.router.returnQueue('a.example', 'b.example', unreachable, 'remote-server-not-found');
  it.send(2);
  assert.deepEqual(it.wanted, ['a.example b.example', 'a.example b.example']);
});

test('errors and iq results are dropped and counted, never bounced (RFC 6120 §8.3.1)', () => {
  const it = waitingBench();
  it.router.inject(stanza(A, B, 1, { type: 'error' }), null, it.settleAs(1));
  it.router.inject(stanza(A, B, 2, { type: 'result', kind: 'iq' }), null, it.settleAs(2));
  it.router.returnQueue('a.example', 'b.example', unreachable, 'remote-server-not-found');
  it.settleTasks();
  assert.deepEqual(it.local.stanzas, []);
  assert.deepEqual(it.deliveries.get(1), [{ outcome: 'returned', fault: unreachable, reply: null }]);
  assert.equal(it.outcomes(2).length, 1);
  assert.deepEqual([it.router.counters.dropped, it.router.counters.returned], [2, 0]);
});

test('a sender that answers each bounce with a new stanza neither recurses nor is starved', () => {
  const it = waitingBench({ queueStanzas: 0 });
  let depth = 0;
  let bounces = 0;
  const again = (): void => {
    bounces += 1;
    depth += 1;
    assert.equal(depth, 1);
    if (bounces < 5000) it.router.inject(stanza(A, B, bounces), null, again);
    depth -= 1;
  };
  it.router.inject(stanza(A, B), null, again);
  assert.equal(bounces, 0);
  it.settleTasks();
  assert.equal(bounces, 5000);
});

test('L1: a callback that throws does not keep the others from their answer', () => {
  const it = waitingBench();
  it.router.setRoute('a.example', 'b.example', 1);
  it.router.inject(stanza(A, 'a.example', 1), null, () => assert.fail('of the embedder'));
  it.router.inject(stanza(A, 'a.example', 2), null, it.settleAs(2));
  assert.throws(() => it.settleTasks(), /of the embedder/);
  it.settleTasks();
  assert.deepEqual(it.outcomes(2), ['sent']);
});

test('R7: what meets a stream that is withdrawn waits, wants a route once more, and is sent on the next stream, in order', () => {
  const it = waitingBench({}, 1);
  it.router.setRoute('a.example', 'b.example', 1);
  it.send(1, 2, 3);
  assert.deepEqual([...it.router.withdrawStream(1)], [{ local: 'a.example', remote: 'b.example' }]);
  assert.deepEqual(it.wanted, []); // not within the call: the control plane is still handling the end of the stream
  it.settleTasks();
  assert.deepEqual(it.wanted, ['a.example b.example']);
  it.send(4);
  assert.deepEqual(it.wanted, ['a.example b.example']);
  const next = new BufferedOutlet();
  it.router.addStream(2, next, new CountingInlet());
  it.router.setRoute('a.example', 'b.example', 2);
  assert.deepEqual([it.stream.ids, next.ids], [[1], [2, 3, 4]]);
  assert.deepEqual([...it.router.withdrawStream(1)], []);
  assert.equal(it.router.routeOf('a.example', 'b.example'), 2);
});

test('R7: a route to a stream that has ended meanwhile is no route, and is wanted again', () => {
  const it = waitingBench();
  it.send(1);
  it.router.withdrawStream(1);
  it.router.setRoute('a.example', 'b.example', 1);
  assert.equal(it.router.routeOf('a.example', 'b.example'), null);
  it.settleTasks();
  assert.deepEqual(it.wanted, ['a.example b.example', 'a.example b.example']);
  assert.deepEqual(it.stream.ids, []);
});

test('S2: a withdrawn route takes nothing more, while other pairs of the stream go on (L5)', () => {
  const it = waitingBench();
  it.router.setRoute('a.example', 'b.example', 1);
  it.router.setRoute('a.example', 'c.example', 1);
  it.router.withdrawRoute('a.example', 'b.example');
  it.send(1);
  it.router.inject(stanza(A, 'c.example', 2), null);
  assert.deepEqual(it.stream.ids, [2]);
  assert.deepEqual(it.wanted, ['a.example b.example']);
});

test('L1: bytes that a broken stream had not flushed are unknown; what it had flushed is sent', () => {
  const it = waitingBench();
  it.router.setRoute('a.example', 'b.example', 1);
  it.send(1, 2);
  it.stream.flush(stanza(A, B, 1).bytes.length);
  it.settleTasks();
  assert.deepEqual(outcomesOf(it, 1, 2), ['sent', '']);
  it.router.withdrawStream(1);
  it.settleTasks();
  assert.deepEqual(outcomesOf(it, 1, 2), ['sent', '']); // only the outlet knows
  it.stream.break();
  it.settleTasks();
  assert.deepEqual(outcomesOf(it, 1, 2), ['sent', 'unknown']);
  assert.deepEqual(it.deliveries.get(2), [{ outcome: 'unknown', stream: 1 }]);
  assert.equal(it.router.counters.unknown, 1);
  assert.equal(it.clock.pending, 0);
});

test('L1: what the outlet flushes while it is written is sent, with no word from the outlet', () => {
  const it = waitingBench();
  it.router.setRoute('a.example', 'b.example', 1);
  it.stream.onWrite = () => it.stream.flush();
  it.send(1);
  it.settleTasks();
  assert.deepEqual(it.outcomes(1), ['sent']);
});

test('L1: a stream that is taken leave of still flushes what it holds, and that is sent', () => {
  const it = waitingBench();
  it.router.setRoute('a.example', 'b.example', 1);
  it.send(1, 2);
  it.router.withdrawStream(1);
  it.stream.flush(stanza(A, B, 1).bytes.length);
  it.settleTasks();
  assert.deepEqual(outcomesOf(it, 1, 2), ['sent', '']);
  it.stream.flush();
  it.settleTasks();
  assert.deepEqual(outcomesOf(it, 1, 2), ['sent', 'sent']);
});

test('L1: what broke is counted once, whichever is heard of first: the stream, or those who waited', () => {
  for (const order of ['stream first', 'waiters first']) {
    const it = waitingBench();
    it.router.setRoute('a.example', 'b.example', 1);
    it.send(1, 2);
    it.router.inject(stanza(A, B, 3), null); // nobody waits for this one
    it.stream.flush(stanza(A, B, 1).bytes.length);
    if (order === 'waiters first') it.stream.break();
    it.router.withdrawStream(1);
    assert.equal(it.router.endStream(1), 3, order); // flushed does not mean arrived
    it.stream.break();
    it.settleTasks();
    assert.equal(it.router.counters.unknown, 3, order);
    assert.deepEqual(outcomesOf(it, 1, 2), ['sent', 'unknown']);
  }
});

test('L1: what was stuck in a stream for longer than the count goes back is unknown all the same', () => {
  const it = waitingBench({ queueAgeMs: 600_000 });
  it.router.setRoute('a.example', 'b.example', 1);
  it.send(1, 2);
  it.clock.increment(120_000);
  it.stream.break();
  assert.equal(it.router.endStream(1), 2);
  assert.equal(it.router.counters.unknown, 2);
});

test('L1: what was written to a stream that the far end has read to its end is not unknown, but what never left it is', () => {
  const it = waitingBench();
  it.router.setRoute('a.example', 'b.example', 1);
  it.send(1, 2);
  it.stream.flush(stanza(A, B, 1).bytes.length);
  it.router.closeOutgoing(1);
  it.router.streamFinished(1);
  it.stream.break();
  assert.equal(it.router.endStream(1), 1);
  assert.equal(it.router.counters.unknown, 1);
  assert.equal(it.router.endStream(1), 0); // it is forgotten
});

test('L1: what is lately written is reckoned from when a stream was withdrawn, however long its end takes', () => {
  const it = waitingBench();
  it.router.setRoute('a.example', 'b.example', 1);
  it.send(1, 2);
  it.stream.flush();
  it.router.closeOutgoing(1);
  it.clock.increment(120_000);
  assert.equal(it.router.endStream(1), 2);
});

test('a stanza for which nobody waits asks the stream for nothing', () => {
  const it = waitingBench();
  const asked: boolean[] = [];
  const outlet = new BufferedOutlet();
  const plain = outlet.write.bind(outlet);
  outlet.write = (bytes, flushed) => {
    asked.push(flushed !== undefined);
    plain(bytes, flushed);
  };
  it.router.addStream(2, outlet, new CountingInlet());
  it.router.setRoute('a.example', 'b.example', 2);
  it.router.inject(stanza(A, B, 1), null);
  it.router.inject(stanza(A, B, 2), null, it.settleAs(2));
  assert.deepEqual(asked, [false, true]);
});

test('wrong addresses from a local sender go back: no addressee, no domain, a sender that is not ours', () => {
  const it = waitingBench();
  it.router.inject(stanza(A, undefined, 1), null, it.settleAs(1));
  it.router.inject(stanza(A, 'not a domain', 2), null, it.settleAs(2));
  it.router.inject(stanza('x@b.example', 'c.example', 3), null, it.settleAs(3));
  it.router.inject(stanza('x@b.example', 'a.example', 4), null, it.settleAs(4));
  it.settleTasks();
  assert.deepEqual(errorsIn(it.local), ['1 modify bad-request', '2 modify jid-malformed']);
  assert.deepEqual(outcomesOf(it, 3, 4), ['returned not-allowed', 'returned not-allowed']);
  assert.deepEqual(it.wanted, []);
});

test('between local domains stanzas need no stream', () => {
  const it = waitingBench();
  const seen: number[] = [];
  const watching = it.router.unattended$.subscribe(({ bytes }) => seen.push(idOf(bytes.toString())));
  it.router.inject(stanza('a2.example', 'a.example', 1), null, it.settleAs(1));
  it.router.inject(stanza('a.example', 'a2.example', 2), null, it.settleAs(2));
  it.settleTasks();
  watching.unsubscribe();
  it.router.inject(stanza('a.example', 'a2.example', 3), null, it.settleAs(3));
  it.settleTasks();
  assert.deepEqual([it.local.ids, seen, it.wanted], [[1, 3], [2], []]);
  assert.deepEqual(outcomesOf(it, 1, 2, 3), ['sent', 'sent', 'returned service-unavailable']);
});

test('close returns all that waits, and leaves nothing that waits for time to pass', () => {
  const it = waitingBench();
  it.send(1);
  it.router.inject(stanza(A, 'c.example', 2), null, it.settleAs(2));
  it.router.close(fault('internal', 'shutting-down', 'local'), 'recipient-unavailable');
  it.settleTasks();
  assert.deepEqual(outcomesOf(it, 1, 2), ['returned shutting-down', 'returned shutting-down']);
  assert.equal(it.clock.pending, 0);
});

test('the snapshot shows queues, routes and facts as plain data', () => {
  const it = waitingBench();
  it.router.admit(1, 'b.example', 'a.example');
  it.router.setRoute('a.example', 'c.example', 1);
  it.send(1);
  const { bytes } = stanza(A, B, 1);
  const snapshot = it.router.snapshot();
  assert.deepEqual(structuredClone(snapshot), snapshot);
  assert.deepEqual(snapshot, {
    queues: [
      {
        local: 'a.example',
        remote: 'b.example',
        stanzas: 1,
        bytes: bytes.length,
        oldestMs: it.clock.now(),
        routeWanted: true,
      },
    ],
    routes: [{ local: 'a.example', remote: 'c.example', stream: 1 }],
    facts: [{ stream: 1, from: 'b.example', to: 'a.example' }],
    attached: ['a.example'],
    pausedInlets: 0,
  });
});
