/** Look-ups that strangers cause: each address has its share of them, and no more. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../machines/limits.ts';
import { AddressShare, type AddressShareQuestion } from '../../src/control/address-share.ts';
import { toFault } from '../../src/protocol/faults.ts';

const patient = new AbortController().signal;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const on = (stream: number): AddressShareQuestion => ({ stream, purpose: 'verification', layer: 'posh' });

/** Streams 1 and 2 are from the same /64, stream 3 from another address; stream 0 is ours. */
function stage() {
  const addresses = [null, '2001:db8::1', '2001:db8::2:1', '192.0.2.1'];
  const share = new AddressShare({ atOnce: 100, perAddress: 2, openedFrom: (stream) => addresses[stream] ?? null });
  const underWay: (() => void)[] = [];
  const lookUp = (): Promise<void> => new Promise((resolve) => underWay.push(resolve));
  const ask = (question: AddressShareQuestion, signal = patient) => share.use(question, lookUp, signal);
  return { ask, underWay, share };
}

test('an address has its share of look-ups, over all its streams; another has its own, and ours wait for nobody', async () => {
  const { ask, underWay } = stage();
  for (const stream of [1, 2, 1, 2]) void ask(on(stream));
  await turn();
  assert.equal(underWay.length, 2);
  void ask(on(3));
  void ask(on(0));
  void ask({ ...on(1), purpose: 'stanzas' });
  await turn();
  assert.equal(underWay.length, 5);
  underWay[0]?.();
  await turn();
  assert.equal(underWay.length, 6, 'the next is looked up when one is done');
});

test('a look-up that fails gives its turn back; the fault is told as it is', async () => {
  const { ask, underWay, share } = stage();
  const broken = (): Promise<never> => Promise.reject(new Error('broken'));
  for (let n = 0; n < 5; n += 1) await assert.rejects(share.use(on(1), broken, patient), /broken/);
  void ask(on(1));
  await turn();
  assert.equal(underWay.length, 1);
});

test('whoever gives up gives his turn back, in whatever moment, though the look-up does not heed it', async () => {
  const { ask, underWay } = stage();
  // The turn is passed on through several promises: the abort must be handled at each of them.
  for (let ticks = 0; ticks < 12; ticks += 1) {
    const impatient = new AbortController();
    const given = Promise.allSettled([1, 1, 1].map((stream) => ask(on(stream), impatient.signal)));
    for (let tick = 0; tick < ticks; tick += 1) await Promise.resolve();
    impatient.abort();
    assert.deepEqual(new Set((await given).map(({ status }) => status)), new Set(['rejected']));
  }
  const before = underWay.length;
  for (const stream of [1, 1, 1]) void ask(on(stream));
  await turn();
  assert.equal(underWay.length - before, 2);
});

test('so many wait, and no more; a further one is told so', async () => {
  const { ask } = stage();
  for (let n = 0; n < 2 + limits.waitingAssertionsPerAddress; n += 1) void ask(on(1));
  await assert.rejects(ask(on(2)), (thrown) => {
    const { layer, condition, origin } = toFault(thrown, 'internal');
    assert.deepEqual([layer, condition, origin], ['posh', 'resource-constraint', 'local']);
    return true;
  });
});
