import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fault } from '../../src/protocol/faults.ts';
import { bench, BufferedOutlet, CountingInlet, stanza } from '../support/routing.ts';

test('an inlet is paused when its write fills the outlet, and resumes when the outlet has drained', () => {
  const { router } = bench();
  const stream = new BufferedOutlet(200);
  const inlet = new CountingInlet();
  router.addStream(1, stream, new CountingInlet());
  router.setRoute('a.example', 'b.example', 1);
  router.inject(stanza('a.example', 'b.example', 1), inlet);
  assert.equal(inlet.paused, false);
  router.inject(stanza('a.example', 'b.example', 2, { padding: 200 }), inlet);
  assert.equal(inlet.paused, true);
  router.streamDrained(1); // not yet: it still accepts nothing
  assert.equal(inlet.paused, true);
  stream.flush();
  router.streamDrained(1);
  assert.equal(inlet.paused, false);
});

test('one slow receiver pauses only the inlets that write to it', () => {
  const { router } = bench();
  const [slow, quick] = [new BufferedOutlet(1), new BufferedOutlet()];
  const [toSlow, toQuick] = [new CountingInlet(), new CountingInlet()];
  router.attach(['a.example'], slow);
  router.attach(['a2.example'], quick);
  router.addStream(1, new BufferedOutlet(), toSlow);
  router.addStream(2, new BufferedOutlet(), toQuick);
  router.admit(1, 'b.example', 'a.example');
  router.admit(2, 'b.example', 'a2.example');
  router.arrived(1, stanza('b.example', 'a.example'));
  router.arrived(2, stanza('b.example', 'a2.example'));
  assert.deepEqual([toSlow.paused, toQuick.paused], [true, false]);
  router.outletDrained(slow); // not yet
  assert.equal(toSlow.paused, true);
  slow.flush();
  router.outletDrained(slow);
  assert.equal(toSlow.paused, false);
});

test('above half of a queue its senders pause; below a quarter they resume', () => {
  const { router, wanted } = bench({ queueStanzas: 8 });
  const inlet = new CountingInlet();
  const stream = new BufferedOutlet(1); // one stanza per drain
  for (let id = 0; id < 4; id += 1) router.inject(stanza('a.example', 'b.example', id), inlet);
  assert.equal(inlet.paused, false);
  router.inject(stanza('a.example', 'b.example', 4), inlet);
  assert.equal(inlet.paused, true);
  router.addStream(1, stream, new CountingInlet());
  router.setRoute('a.example', 'b.example', 1);
  const left: [number, boolean][] = [];
  for (let i = 0; i < 5; i += 1) {
    left.push([router.snapshot().queues[0]?.stanzas ?? 0, inlet.paused]);
    stream.flush();
    router.streamDrained(1);
  }
  assert.deepEqual(left, [
    [4, true],
    [3, true],
    [2, false],
    [1, false],
    [0, false],
  ]);
  assert.deepEqual([wanted.length, inlet.pauses], [1, 1]);
});

test('the bytes of a queue pause its senders as the count does, and a returned queue lets them go', () => {
  const { router } = bench({ queueBytes: 1000 });
  const inlet = new CountingInlet();
  router.inject(stanza('a.example', 'b.example', 1, { padding: 600 }), inlet);
  assert.equal(inlet.paused, true);
  router.returnQueue('a.example', 'b.example', fault('tcp', 'refused', 'peer'), 'remote-server-timeout');
  assert.equal(inlet.paused, false);
});

test('an inlet paused for several reasons resumes when all are gone', () => {
  const { router } = bench();
  const inlet = new CountingInlet();
  const streams = [1, 2].map((stream) => {
    const outlet = new BufferedOutlet(1);
    router.addStream(stream, outlet, new CountingInlet());
    router.setRoute('a.example', `b${stream}.example`, stream);
    router.inject(stanza('a.example', `b${stream}.example`), inlet);
    return outlet;
  });
  assert.equal(router.snapshot().pausedInlets, 1);
  streams[0]?.flush();
  router.streamDrained(1);
  assert.equal(inlet.paused, true);
  router.withdrawStream(2); // a closed stream holds nobody up
  assert.equal(inlet.paused, false);
  assert.deepEqual([router.snapshot().pausedInlets, inlet.pauses], [0, 1]);
});

test('a stream that is withdrawn while its inlet is paused reads on, to its end', () => {
  const { router } = bench();
  const [local, inlet] = [new BufferedOutlet(1), new CountingInlet()];
  router.attach(['a.example'], local);
  router.addStream(1, new BufferedOutlet(), inlet);
  router.admit(1, 'b.example', 'a.example');
  router.arrived(1, stanza('b.example', 'a.example'));
  assert.equal(inlet.paused, true);
  router.withdrawStream(1);
  assert.equal(inlet.paused, false);
  local.flush();
  router.outletDrained(local); // does not resume a second time
  assert.equal(inlet.paused, false);
});

test('a stream of which our half is closed is paused as before, while it is paused as well, and reads on when it ends', () => {
  const { router } = bench();
  const [local, inlet] = [new BufferedOutlet(1), new CountingInlet()];
  router.attach(['a.example'], local);
  router.addStream(1, new BufferedOutlet(), inlet);
  router.admit(1, 'b.example', 'a.example');
  router.arrived(1, stanza('b.example', 'a.example'));
  assert.equal(inlet.paused, true);
  router.closeOutgoing(1);
  assert.equal(inlet.paused, true);
  local.flush();
  router.outletDrained(local);
  assert.equal(inlet.paused, false);
  router.arrived(1, stanza('b.example', 'a.example'));
  assert.deepEqual([inlet.paused, inlet.pauses], [true, 2]);
  router.withdrawStream(1);
  assert.equal(inlet.paused, false);
  assert.equal(router.snapshot().pausedInlets, 0);
});

test('an outlet that is detached holds nobody; an inlet that is forgotten is held by nothing', () => {
  const { router } = bench();
  const [local, inlet, other] = [new BufferedOutlet(1), new CountingInlet(), new CountingInlet()];
  const detach = router.attach(['a.example'], local);
  router.inject(stanza('a2.example', 'a.example'), inlet);
  router.inject(stanza('a2.example', 'a.example'), other);
  router.forgetInlet(other);
  assert.deepEqual([inlet.paused, other.paused], [true, false]);
  detach();
  assert.equal(inlet.paused, false);
});

test('S7: what a resumed inlet brings at once goes behind what is being flushed', () => {
  const { router } = bench({ queueStanzas: 4 });
  const [inlet, stream] = [new CountingInlet(), new BufferedOutlet()];
  for (const id of [1, 2, 3]) router.inject(stanza('a.example', 'b.example', id), inlet);
  assert.equal(inlet.paused, true);
  inlet.onResume = () => router.inject(stanza('a.example', 'b.example', 4), inlet);
  router.addStream(1, stream, new CountingInlet());
  router.setRoute('a.example', 'b.example', 1);
  assert.deepEqual(stream.ids, [1, 2, 3, 4]);
});

test('S7: the same when the resumed one is the last of its queue', () => {
  const { router } = bench({ queueBytes: 300 });
  const [inlet, stream] = [new CountingInlet(), new BufferedOutlet()];
  router.inject(stanza('a.example', 'b.example', 1, { padding: 150 }), inlet);
  inlet.onResume = () => router.inject(stanza('a.example', 'b.example', 2), inlet);
  router.addStream(1, stream, new CountingInlet());
  router.setRoute('a.example', 'b.example', 1);
  assert.deepEqual(stream.ids, [1, 2]);
});

test('L6: what a resumed inlet brings while its queue is returned stays, and wants a route again', () => {
  const { router, wanted } = bench({ queueStanzas: 4 });
  const inlet = new CountingInlet();
  for (const id of [1, 2, 3]) router.inject(stanza('a.example', 'b.example', id), inlet);
  inlet.onResume = () => router.inject(stanza('a.example', 'b.example', 4), inlet);
  assert.equal(
    router.returnQueue('a.example', 'b.example', fault('tcp', 'refused', 'peer'), 'remote-server-timeout'),
    3,
  );
  assert.equal(router.snapshot().queues[0]?.stanzas, 1);
  assert.deepEqual(wanted, ['a.example b.example', 'a.example b.example']);
});
