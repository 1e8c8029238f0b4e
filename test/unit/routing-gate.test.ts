import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FaultError } from '../../src/protocol/faults.ts';
import { bench, BufferedOutlet, CountingInlet, idOf, stanza } from '../support/routing.ts';

function gated() {
  const it = bench();
  const stream = new BufferedOutlet();
  const local = new BufferedOutlet();
  it.router.addStream(1, stream, new CountingInlet());
  it.router.attach(['a.example', 'a2.example'], local);
  return { ...it, stream, local, condition: () => it.refused.at(-1)?.[1].condition };
}

test('S1: a stanza passes while its (stream, from, to) holds a fact, and not a moment longer', () => {
  const { router, local, condition } = gated();
  router.admit(1, 'b.example', 'a.example');
  assert.equal(router.arrived(1, stanza('romeo@b.example/x', 'juliet@a.example', 1)), true);
  router.revoke(1, 'b.example', 'a.example');
  assert.equal(router.arrived(1, stanza('romeo@b.example/x', 'juliet@a.example', 2)), false);
  assert.deepEqual(local.ids, [1]);
  assert.equal(condition(), 'not-authorized');
  assert.deepEqual([router.counters.admitted, router.counters.delivered, router.counters.refused], [1, 1, 1]);
});

test('S1: the pair is checked per stream, not two sets of domains (XEP-0220 §1.2)', () => {
  const { router, refused } = gated();
  router.addStream(2, new BufferedOutlet(), new CountingInlet());
  router.admit(1, 'b.example', 'a.example');
  router.admit(1, 'c.example', 'a2.example');
  router.admit(2, 'b.example', 'a2.example');
  assert.equal(router.arrived(1, stanza('b.example', 'a2.example')), false);
  assert.equal(router.arrived(1, stanza('c.example', 'a.example')), false);
  assert.equal(router.arrived(2, stanza('b.example', 'a.example')), false);
  assert.deepEqual(
    refused.map(([stream, { condition }]) => `${stream} ${condition}`),
    ['1 invalid-from', '1 invalid-from', '2 invalid-from'],
  );
});

test('a stanza before anything is proved is refused with not-authorized (RFC 6120 §4.9.3.12)', () => {
  const { router, condition } = gated();
  assert.equal(router.arrived(1, stanza('b.example', 'a.example')), false);
  assert.equal(condition(), 'not-authorized');
});

test('missing, empty and impossible addresses are improper-addressing (RFC 6120 §8.1.1.2, §8.1.2.2)', () => {
  const { router, refused, local } = gated();
  router.admit(1, 'b.example', 'a.example');
  for (const [from, to] of [
    ['b.example', undefined],
    [undefined, 'a.example'],
    ['b.example', ''],
    ['b.example', '@a.example'],
    ['..', 'a.example'],
  ] as const) {
    assert.equal(router.arrived(1, stanza(from, to)), false);
    assert.equal(refused.at(-1)?.[1].condition, 'improper-addressing');
  }
  assert.deepEqual(local.ids, []);
});

test('S3: a sender domain that is not proved is invalid-from; a target that is not ours, host-unknown', () => {
  const { router, condition } = gated();
  router.admit(1, 'b.example', 'a.example');
  router.arrived(1, stanza('x.b.example', 'a.example'));
  assert.equal(condition(), 'invalid-from');
  router.arrived(1, stanza('b.example', 'elsewhere.example'));
  assert.equal(condition(), 'host-unknown');
});

test('S1: addresses are compared in canonical form, so another spelling neither fails nor passes by accident', () => {
  const { router, local } = gated();
  router.admit(1, 'xn--bcher-kva.example', 'a.example');
  assert.equal(router.arrived(1, stanza('x@Bücher.EXAMPLE', 'A.Example/r', 7)), true);
  assert.deepEqual(local.ids, [7]);
});

test('a stanza from a stream never goes to another server, even if a route and a fact for it exist (RFC 6120 §10.4)', () => {
  const { router, condition } = gated();
  const other = new BufferedOutlet();
  router.addStream(2, other, new CountingInlet());
  router.setRoute('b.example', 'c.example', 2);
  router.admit(1, 'b.example', 'c.example');
  assert.equal(router.arrived(1, stanza('b.example', 'c.example')), false);
  assert.equal(condition(), 'host-gone');
  assert.deepEqual(other.ids, []);
});

test('S1: a withdrawn stream holds no facts, and late facts about it are ignored', () => {
  const { router, local, condition } = gated();
  router.admit(1, 'b.example', 'a.example');
  router.withdrawStream(1);
  router.admit(1, 'b.example', 'a.example');
  assert.equal(router.arrived(1, stanza('b.example', 'a.example')), false);
  assert.equal(condition(), 'not-authorized');
  assert.deepEqual(local.ids, []);
  assert.deepEqual(router.snapshot().facts, []);
});

test('S1: what was just admitted is refused at once after the fact or the stream is withdrawn', () => {
  const { router, local, condition } = gated();
  const arrive = (id: number) => router.arrived(1, stanza('b.example', 'a.example', id));
  router.admit(1, 'b.example', 'a.example');
  assert.equal(arrive(1), true);
  router.revoke(1, 'b.example', 'a.example');
  router.admit(1, 'b.example', 'a.example');
  assert.equal(arrive(2), true);
  router.withdrawStream(1);
  assert.equal(arrive(3), false);
  assert.equal(condition(), 'not-authorized');
  assert.deepEqual(local.ids, [1, 2]);
});

test('where nobody is attached, stanzas$ gets the stanza; without an observer the sender gets service-unavailable', () => {
  const { router, stream, settleTasks } = gated();
  router.admit(1, 'b.example', 'x.a.example');
  router.setRoute('x.a.example', 'b.example', 1);
  assert.equal(router.arrived(1, stanza('b.example', 'x.a.example', 1)), true);
  settleTasks();
  assert.match(
    stream.stanzas.join(),
    /<message type='error' id='1' to='b.example' from='x.a.example'>.*<service-unavailable/,
  );
  const seen: number[] = [];
  const watching = router.unattended$.subscribe(({ bytes }) => seen.push(idOf(bytes.toString())));
  router.arrived(1, stanza('b.example', 'x.a.example', 2));
  settleTasks();
  watching.unsubscribe();
  assert.deepEqual(seen, [2]);
  assert.equal(stream.stanzas.length, 1);
});

test('a second attachment of a domain is a conflict, and attaches none of its domains (XEP-0114 §3)', () => {
  const { router } = bench();
  const [first, second] = [new BufferedOutlet(), new BufferedOutlet()];
  const detach = router.attach(['a.example'], first);
  assert.throws(
    () => router.attach(['x.a.example', 'A.example.'], second),
    (thrown) => thrown instanceof FaultError && thrown.fault.condition === 'conflict',
  );
  assert.equal(router.attachedTo('x.a.example'), null);
  assert.equal(router.attachedTo('a.example'), first);
  detach();
  router.attach(['a.example'], second);
  detach(); // calling it a second time changes nothing
  assert.equal(router.attachedTo('a.example'), second);
  assert.throws(() => router.attach(['not a domain'], first), TypeError);
});

test('a chunk becomes one write per outlet, also when batches nest', () => {
  const { router } = bench();
  const [a, a2] = [new BufferedOutlet(), new BufferedOutlet()];
  router.attach(['a.example'], a);
  router.attach(['a2.example'], a2);
  router.batch(() => {
    router.inject(stanza('a2.example', 'a.example', 1), null);
    router.batch(() => router.inject(stanza('a.example', 'a2.example', 2), null));
    router.inject(stanza('a2.example', 'a.example', 3), null);
  });
  router.inject(stanza('a2.example', 'a.example', 4), null);
  assert.deepEqual([a.chunks, a2.chunks], [[2, 1], [1]]);
  assert.throws(() => router.batch(() => assert.fail('within')), /within/);
  router.inject(stanza('a2.example', 'a.example', 5), null);
  assert.deepEqual(a.chunks, [2, 1, 1]); // a batch that throws has ended too
  router.batch(() => {
    for (const id of [6, 7]) router.inject(stanza('a2.example', 'a.example', id), null);
  });
  assert.deepEqual(a.chunks, [2, 1, 1, 2]);
});

test('S1: what is proved may cover a further pair of a proved sender; a sender that is not proved is never asked about', () => {
  const asked: string[] = [];
  const { router } = bench({
    events: {
      routeWanted: () => undefined,
      refused: () => undefined,
      coversPair: (stream, from, to) => {
        asked.push(`${stream} ${from} ${to}`);
        return to === 'a2.example';
      },
    },
  });
  router.addStream(1, new BufferedOutlet(), new CountingInlet());
  router.attach(['a.example', 'a2.example', 'a3.a.example'], new BufferedOutlet());
  router.admit(1, 'b.example', 'a.example');
  assert.equal(router.arrived(1, stanza('b.example', 'a2.example')), true);
  assert.equal(router.arrived(1, stanza('b.example', 'a2.example')), true);
  assert.equal(router.arrived(1, stanza('b.example', 'a3.a.example')), false);
  assert.equal(router.arrived(1, stanza('c.example', 'a2.example')), false);
  assert.deepEqual(asked, ['1 b.example a2.example', '1 b.example a3.a.example']);
});

test('S1, L5: what a withdrawn domain had sent before it heard of that is dropped, and closes nothing (ProtoXEP §6.8)', () => {
  const { router, local, refused } = gated();
  router.admit(1, 'b.example', 'a.example');
  router.admit(1, 'b.example', 'a2.example');
  router.admit(1, 'c.example', 'a.example');
  router.withdrawRemote(1, 'b.example');
  router.withdrawRemote(1, 'd.example'); // was never there
  assert.equal(router.arrived(1, stanza('b.example', 'a.example', 1)), true);
  assert.equal(router.arrived(1, stanza('b.example', 'a2.example', 2)), true);
  assert.equal(router.arrived(1, stanza('c.example', 'a.example', 3)), true);
  assert.deepEqual([local.ids, refused, router.counters.refused], [[3], [], 2]);
  assert.equal(router.arrived(1, stanza('d.example', 'a.example', 4)), false, 'nobody else is let off');
  router.admit(1, 'b.example', 'a.example');
  assert.equal(router.arrived(1, stanza('b.example', 'a.example', 5)), true);
  assert.deepEqual(local.ids, [3, 5]);
});

test('S2: routes of a withdrawn domain are gone, of this stream alone; what waits wants another', () => {
  const { router, stream, wanted } = gated();
  const other = new BufferedOutlet();
  router.addStream(2, other, new CountingInlet());
  router.setRoute('a.example', 'b.example', 1);
  router.setRoute('a2.example', 'b.example', 1);
  router.setRoute('a.example', 'c.example', 1);
  router.setRoute('a.example', 'd.example', 2);
  router.withdrawRemote(1, 'b.example');
  assert.deepEqual(
    router.snapshot().routes.map(({ local, remote }) => `${local} ${remote}`),
    ['a.example c.example', 'a.example d.example'],
  );
  router.withdrawLocal(1, 'a.example');
  assert.deepEqual(
    router.snapshot().routes.map(({ local, remote }) => `${local} ${remote}`),
    ['a.example d.example'],
  );
  router.inject(stanza('juliet@a.example', 'romeo@c.example', 1), null);
  assert.deepEqual([stream.ids, wanted], [[], ['a.example c.example']]);
});

test('S1: a stanza for a domain that is attached here goes there, though a stream has a route for that domain', () => {
  for (const id of [2, 3]) {
    const { router } = bench();
    const [here, there] = [new BufferedOutlet(), new BufferedOutlet()];
    router.addStream(1, there, new CountingInlet());
    router.attach(['chat.a.example'], here);
    router.setRoute('a.example', 'chat.a.example', 1);
    router.inject(stanza('u@a.example', 'v@chat.a.example', id), null);
    assert.deepEqual([here.ids, there.ids], [[id], []]);
  }
});

test('who comes and goes is known to the next stanza, from a stream and from here', () => {
  const { router } = bench();
  router.addStream(1, new BufferedOutlet(), new CountingInlet());
  router.admit(1, 'b.example', 'a.example');
  const unattended: number[] = [];
  router.unattended$.subscribe((one) => unattended.push(idOf(one.bytes.toString())));
  const outlets = [new BufferedOutlet(), new BufferedOutlet()];
  let id = 0;
  const come = (): void => {
    // Both kinds: with addresses as text, and as positions in the bytes.
    for (let kind = 0; kind < 2; kind += 1) router.arrived(1, stanza('u@b.example', 'v@a.example', (id += 1)));
    for (let kind = 0; kind < 2; kind += 1) router.inject(stanza('u@a2.example', 'v@a.example', (id += 1)), null);
  };
  come();
  for (const outlet of outlets) {
    const detach = router.attach(['a.example'], outlet);
    come();
    detach();
    come();
  }
  assert.deepEqual(
    [unattended, ...outlets.map(({ ids }) => ids)],
    [
      [1, 2, 3, 4, 9, 10, 11, 12, 17, 18, 19, 20],
      [5, 6, 7, 8],
      [13, 14, 15, 16],
    ],
  );
});
