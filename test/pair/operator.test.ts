/** The commands of an operator, with two providers: connect, retry, close, block, unblock. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connecting } from '../../src/control/operator.ts';
import { FaultError } from '../../src/protocol/faults.ts';
import { createDuo, type Duo } from '../support/duo.ts';

const PAIR = ['a.example', 'b.example'] as const;

async function duo(
  options: Parameters<typeof createDuo>[0] = {},
): Promise<Duo & { passes: (ms: number) => Promise<void> }> {
  const made = await createDuo(options);
  return { ...made, passes: (ms) => made.simulation.clock.advance(ms) };
}
const fates = ({ sent }: Duo): string[] =>
  sent.map(({ deliveries: [one] }) => (one?.outcome === 'returned' ? one.fault.condition : (one?.outcome ?? 'waits')));
const policyViolation = (error: unknown): boolean =>
  error instanceof FaultError && error.fault.layer === 'policy' && error.fault.condition === 'policy-violation';

test('connect opens what a stanza would have opened, and sends none (V4)', async () => {
  const it = await duo();
  const { A } = it.providers;
  assert.deepEqual(A.connect(...PAIR), { outcome: 'opening' });
  assert.deepEqual(A.connect(...PAIR), { outcome: 'opening' }, 'it is under way');
  await it.passes(2_000);
  const [stream] = A.snapshot().streams;
  assert.equal(stream?.state, 'established');
  assert.deepEqual(A.snapshot().tables.routes, [{ local: 'a.example', remote: 'b.example', stream: stream.id }]);
  assert.deepEqual(A.connect('A.example', 'B.example.'), { outcome: 'stands', stream: stream.id });
  assert.deepEqual([it.arrived, A.snapshot().streams.length], [[], 1]);
  it.send(...PAIR);
  await it.settle();
  assert.deepEqual(fates(it), ['sent']);
  await it.stop();
});

test('whom to connect is looked at first: a local domain that is served here, a remote one that is not', async () => {
  const it = await duo();
  const { A } = it.providers;
  for (const ask of [A.connect.bind(A), A.retry.bind(A)]) {
    assert.throws(() => ask('z.example', 'b.example'), { name: 'TypeError', message: /z\.example is not served here/ });
    assert.throws(() => ask('a.example', 'a.example'), { name: 'TypeError', message: /a\.example is served here/ });
    assert.throws(() => ask('a.example', 'no domain'), { name: 'TypeError', message: /"no domain" is no domain/ });
  }
  assert.throws(() => A.block('no domain'), TypeError);
  assert.throws(() => A.unblock('no domain'), TypeError);
  assert.throws(() => A.block('a.example'), { name: 'TypeError', message: /is served here/ });
  assert.equal(A.closeStream(99), false, 'no such stream');
  await it.stop();
  assert.throws(() => A.connect(...PAIR), /system-shutdown/);
});

test('retry ends the hold-off of a remote domain that failed, and tries anew (V4, L6)', async () => {
  const it = await duo();
  const { A } = it.providers;
  const name = '_xmpp-server._tcp.b.example';
  const { address, port } = it.providers.B.listening[0]!;
  it.simulation.resolver.set(name, { status: 'bogus', reason: 'the signature has expired' });
  it.send(...PAIR);
  await it.settle();
  assert.deepEqual(fates(it), ['bogus']);
  const held: Connecting = A.connect(...PAIR);
  assert.equal(held.outcome === 'held-off' ? held.fault?.layer : held.outcome, 'dns');

  it.simulation.resolver.set('host.example', { addresses: [{ family: 4, address }] });
  it.simulation.resolver.set(name, { srv: [{ priority: 0, weight: 0, port, target: 'host.example' }] });
  assert.equal(A.retry(...PAIR), true);
  assert.equal(A.retry(...PAIR), false, 'it is under way, and holds off no more');
  await it.passes(2_000);
  assert.equal(A.connect(...PAIR).outcome, 'stands');
  await it.stop();
});

test('retry ends the hold-off of a pair that was refused on a stream which others use (V4, L5)', async () => {
  const it = await duo({ A: { hosts: ['a.example', 'c.example'] } });
  const { A, B } = it.providers;
  B.block('c.example');
  it.send(...PAIR);
  await it.settle();
  it.send('c.example', 'b.example');
  await it.settle();
  assert.equal(fates(it)[0], 'sent');
  assert.notEqual(fates(it)[1], 'sent');
  assert.equal(A.connect('c.example', 'b.example').outcome, 'held-off');
  assert.equal(A.retry(...PAIR), false, 'the other pair has nothing to end');
  B.unblock('c.example');
  assert.equal(A.retry('c.example', 'b.example'), true);
  await it.passes(2_000);
  assert.equal(A.connect('c.example', 'b.example').outcome, 'stands');
  assert.equal(A.snapshot().streams.length, 1);
  await it.stop();
});

test('what is blocked is neither heard nor sent to, nor what is below it, until it is unblocked (V4, S1, S2)', async () => {
  for (const domain of ['b.example', 'sub.b.example']) {
    const it = await duo({ B: { hosts: [domain] } });
    const { A } = it.providers;
    it.send('a.example', domain);
    it.send(domain, 'a.example');
    await it.settle();
    assert.deepEqual(fates(it), ['sent', 'sent'], 'before');
    assert.equal(A.block('B.example'), true);
    assert.equal(A.block('b.example'), false, 'it is blocked');
    assert.deepEqual(A.blocked, ['b.example']);
    await it.passes(10_000);
    assert.deepEqual(A.snapshot().streams, [], 'the streams that stood are closed');
    assert.throws(() => A.connect('a.example', domain), policyViolation);
    assert.throws(() => A.retry('a.example', domain), policyViolation);
    const heard = it.arrived.length;
    it.send('a.example', domain);
    it.send(domain, 'a.example');
    await it.settle();
    assert.equal(fates(it)[2], 'policy-violation');
    assert.equal(it.arrived.length, heard);

    assert.equal(A.unblock('b.example'), true);
    assert.equal(A.unblock('b.example'), false);
    assert.deepEqual(A.blocked, []);
    it.send('a.example', domain);
    await it.settle();
    assert.equal(fates(it)[4], 'sent', 'after');
    await it.stop();
  }
});

test('what waits for a stream to a domain is returned when the domain is blocked (V4, L1)', async () => {
  const it = await duo();
  it.send(...PAIR);
  it.providers.A.block('b.example');
  await it.settle();
  assert.deepEqual(fates(it), ['policy-violation']);
  await it.stop();
});

test('what a block does not concern goes on with the stream that is being opened for it (V4, L5)', async () => {
  const it = await duo();
  const { A } = it.providers;
  it.send(...PAIR);
  const isOpening = (): boolean => A.snapshot().streams.length === 1;
  await it.simulation.clock.runUntil(isOpening, 1_000);
  const before = A.view().actors.get('peer:b.example');
  A.block('evil.example');
  const after = A.view().actors.get('peer:b.example');
  assert.deepEqual([after?.bornMs, after?.state], [before?.bornMs, ['connecting']]);
  assert.equal(after?.ended ?? null, null);
  await it.settle();
  assert.deepEqual(fates(it), ['sent']);
  const opened = A.view().records.filter(({ kind, ...of }) => kind === 'born' && /^stream:\d+$/.test(of.actor));
  assert.equal(opened.length, 1, 'and no other is opened');
  await it.stop();
});

test('another policy takes no block away, and the end of a block no policy (V4, P2)', async () => {
  const it = await duo();
  const { A } = it.providers;
  A.block('b.example');
  A.setPolicy({ deny: ['c.example'] });
  assert.throws(() => A.connect(...PAIR), policyViolation);
  assert.throws(() => A.connect('a.example', 'c.example'), policyViolation);
  A.unblock('b.example');
  assert.throws(() => A.connect('a.example', 'c.example'), policyViolation);
  A.block('c.example');
  A.unblock('c.example');
  assert.throws(() => A.connect('a.example', 'c.example'), policyViolation);
  assert.deepEqual(A.connect(...PAIR), { outcome: 'opening' });
  await it.stop();
});

test('what is under way on a stream that closes already is not heard either, once its domain is blocked (V4, S1)', async () => {
  for (const isBlocked of [false, true]) {
    const it = await duo();
    const { A, B } = it.providers;
    it.send('b.example', 'a.example');
    await it.passes(5_000);
    assert.equal(it.arrived.length, 1);
    // The far end does not receive our closing tag, and continues.
    it.simulation.fabric.intercept(({ from, bytes }) => (from === 'server' ? null : bytes));
    A.closeStream(A.snapshot().streams[0]?.id ?? -1);
    if (isBlocked) A.block('b.example');
    const heard = it.arrived.length;
    for (let i = 0; i < 3; i += 1) it.send('b.example', 'a.example');
    await it.passes(1_000);
    assert.equal(it.arrived.length - heard, isBlocked ? 0 : 3);
    await Promise.all([A.stop(1), B.stop(1), it.passes(20_000)]);
  }
});

test('a stream that the operator closes is taken leave of, and the next stanza opens another (V4, L6)', async () => {
  const it = await duo();
  const { A } = it.providers;
  it.send(...PAIR);
  await it.settle();
  const [first] = A.snapshot().streams;
  assert.equal(A.closeStream(first?.id ?? -1), true);
  await it.passes(10_000);
  assert.deepEqual(A.snapshot().streams, []);
  it.send(...PAIR);
  await it.settle();
  assert.deepEqual(fates(it), ['sent', 'sent']);
  await it.stop();
});
