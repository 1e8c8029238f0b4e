/** Where the dialback prooftype asks: no request outlives its stream or its requester (XEP-0220 §2.2). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../machines/limits.ts';
import { fault, toFault } from '../../src/protocol/faults.ts';
import type { Wanted } from '../../src/control/standing-streams.ts';
import { type DeskPorts, type Question, VerifyDesk } from '../../src/control/verify-desk.ts';
import { endpoint } from '../support/samples.ts';

const question: Question = { from: 'b.example', to: 'a.example', id: 'x', key: 'k' };
const isClosed = (thrown: unknown): boolean => toFault(thrown, 'internal').condition === 'closed';
const patient = new AbortController().signal;

function stage(changes: Partial<DeskPorts> = {}) {
  const asked: Question[] = [];
  const wanted: string[] = [];
  const desk = new VerifyDesk({
    stands: (stream) => stream === 1,
    ask: (_, what) => asked.push(what),
    forget: () => undefined,
    standing: () => null,
    locate: () => null,
    standingAt: () => null,
    want: (remote) => wanted.push(remote),
    unwant: () => null,
    farAddress: () => '192.0.2.1',
    ...changes,
  });
  return { desk, asked, wanted };
}

test('a question on a stream that is gone is rejected at once, and not asked (XEP-0220 §2.2.1)', async () => {
  const { desk, asked } = stage();
  await assert.rejects(desk.ask(2, question, patient), isClosed);
  assert.deepEqual(asked, []);
  assert.equal(desk.streamsAskedOn, 0);
});

test('an answer, the end of the stream and impatience each settle a question, and nothing is kept of it', async () => {
  const { desk } = stage();
  const answered = desk.ask(1, question, patient);
  const { from: to, to: from, id } = question;
  desk.answered({ type: 'verify.answered', stream: 1, from, to, id, answer: { type: 'valid' } });
  assert.deepEqual(await answered, { type: 'valid' });
  assert.deepEqual(desk.streamsAskedOn, 0);

  const unanswered = desk.ask(1, question, patient);
  desk.streamEnds(1, null);
  await assert.rejects(unanswered, isClosed);
  assert.deepEqual(desk.streamsAskedOn, 0);

  const impatient = new AbortController();
  void desk.ask(1, question, impatient.signal);
  assert.deepEqual(desk.streamsAskedOn, 1);
  impatient.abort();
  assert.deepEqual(desk.streamsAskedOn, 0);
});

test('whoever gives up in the moment that his turn comes has no stream opened', async () => {
  const { desk, wanted } = stage();
  const occupy = (n: number): void => void desk.openStream(`d${n}.example`, 'b.example', 1, patient);
  for (let n = 0; n < limits.verifyStreamsPerAddress; n += 1) occupy(n);
  await new Promise(setImmediate);
  assert.equal(wanted.length, limits.verifyStreamsPerAddress);
  // The turn is passed on through several promises: the abort must be handled at each of them.
  for (let ticks = 0; ticks < 12; ticks += 1) {
    const late = `late${ticks}.example`;
    const impatient = new AbortController();
    desk.openStream(late, 'b.example', 1, impatient.signal).catch(() => undefined);
    await Promise.resolve();
    desk.streamStands(`d${ticks}.example`, 'b.example', 7);
    for (let n = 0; n < ticks; n += 1) await Promise.resolve();
    const before = wanted.includes(late);
    impatient.abort();
    await new Promise(setImmediate);
    assert.equal(wanted.includes(late), before, `after ${ticks} ticks`);
    occupy(limits.verifyStreamsPerAddress + ticks);
  }
});

test('a stream that leads where the domain is served is asked on, and no other is wished for (M8, L3)', async () => {
  const known = { kind: 'resolved', endpoint, further: [] } as const;
  const sought: Wanted[] = [];
  const { desk, wanted } = stage({
    locate: () => Promise.resolve(known),
    standingAt: (what) => {
      sought.push(what);
      return 7;
    },
  });
  assert.equal(await desk.openStream('a.example', 'b.example', 1, patient), 7);
  assert.deepEqual(wanted, []);
  // S6: never the stream that brought the request.
  assert.deepEqual(sought, [{ remote: 'a.example', purpose: 'verification', avoid: [1], endpoints: [endpoint] }]);
});

test('what was found out goes along with the wish, so that nothing is looked up twice', async () => {
  const unknown = { kind: 'failed', fault: fault('dns', 'no-address', 'dns') } as const;
  for (const known of [unknown, { kind: 'resolved', endpoint, further: [] } as const, null]) {
    const wishes: unknown[] = [];
    const { desk } = stage({
      locate: () => Promise.resolve(known),
      want: (remote, wish, found) => wishes.push([remote, wish.local, found]),
    });
    const stream = desk.openStream('a.example', 'b.example', 1, patient);
    await new Promise(setImmediate);
    assert.deepEqual(wishes, [['a.example', 'b.example', known]]);
    desk.streamStands('a.example', 'b.example', 9);
    assert.equal(await stream, 9);
  }
});

test('whoever asserts and leaves has no further stream dialled before the one that is left is gone', async () => {
  let dialled = 0;
  const { desk, wanted } = stage({ unwant: () => (dialled += 1) + 10 });
  const asserted = async (domain: string): Promise<void> => {
    const impatient = new AbortController();
    const opening = desk.openStream(domain, 'b.example', 1, impatient.signal).catch(() => undefined);
    await new Promise(setImmediate);
    impatient.abort();
    await opening;
  };
  for (let n = 0; n < 3 * limits.verifyStreamsPerAddress; n += 1) await asserted(`d${n}.example`);
  assert.equal(wanted.length, limits.verifyStreamsPerAddress);
  desk.streamGone(11);
  desk.streamGone(12);
  for (let n = 0; n < 5; n += 1) await asserted(`e${n}.example`);
  assert.equal(wanted.length, limits.verifyStreamsPerAddress + 2);
});
