/** Many pairs on one stream: turns, repeats and failures of some, and how they must not affect the others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createActor, fromCallback, fromPromise, waitFor } from 'xstate';
import {
  initiatingStream,
  limits,
  receivingStream,
  type TransportCommand,
  type TransportInput,
} from '../../../machines/index.ts';
import type { PolicyOptions } from '../../../src/protocol/policy.ts';
import { SimulatedClock } from '../../../src/simulation/simulated-clock.ts';
import { PureActor } from '../../support/pure.ts';
import {
  certificateOf,
  features,
  header,
  initiatingInput,
  provedFor,
  receivingInput,
  refutedFor,
  responseHeader,
  strong,
  tlsWith,
  verified,
  wordsOf,
} from '../../support/samples.ts';

type Initiating = PureActor<typeof initiatingStream>;
const words = (stream: { effects: PureActor<typeof initiatingStream>['effects'] }): string[] =>
  stream.effects.map(wordsOf);

/** A stream to b.example over which assertions may be sent, proved as the policy allows. */
function established(policy: PolicyOptions = {}): Initiating {
  const stream = new PureActor(initiatingStream, initiatingInput({}, policy));
  stream.send({ type: 'transport.connected', remoteAddress: '127.0.0.1', remotePort: 5269 });
  const hear = (startTls: 'absent' | 'required') =>
    stream
      .send({ type: 'peer.streamOpened', header: responseHeader(), freshId: 'unused' })
      .send({ type: 'peer.featuresReceived', features: features({ startTls }) });
  hear('required').send({ type: 'peer.proceedReceived' });
  stream.send({ type: 'transport.secured', tls: tlsWith(certificateOf('b.example')) });
  stream.done('association', policy.federation === undefined ? provedFor('b.example') : refutedFor('b.example'));
  hear('absent');
  assert.equal(stream.state, 'established.open');
  return stream;
}

const sender = (n: number): string => `s${String(n)}.example`;
const ask = (stream: Initiating, from: string): Initiating =>
  stream.send({ type: 'local.assertionRequested', from, to: 'b.example' });
const overdue = (stream: Initiating, from: string): Initiating =>
  stream.send({ type: 'assertion.overdue', from, to: 'b.example' });
const answered = (stream: Initiating, from: string): Initiating =>
  stream.done(`assertion.${from}>b.example`, { from, to: 'b.example', answer: { type: 'valid' } });
const refusalOf = (stream: Initiating) =>
  stream.effects.flatMap((effect) =>
    effect.kind === 'emitted' && effect.event.type === 'pair.refused' ? [effect.event['fault']] : [],
  );

/** The maximum number of unanswered assertions, and one that waits for its turn. */
function full(): Initiating {
  const stream = established();
  for (let n = 0; n < limits.pendingAssertions; n += 1) ask(stream, sender(n));
  assert.deepEqual(words(ask(stream, 'a.example')), []);
  return stream;
}

test('L5: a peer that is silent about some pairs does not keep the others waiting (XEP-0220 §2.1.1)', () => {
  const stream = overdue(full(), sender(7));
  assert.deepEqual(words(stream), ['spawn assertion.a.example>b.example', 'say result', 'report pair.asserted']);
  answered(stream, sender(7));
  assert.ok(words(stream).includes('report pair.accepted'), 'what is overdue still counts when it comes');
});

test('what was overdue and is answered frees no second turn', () => {
  const stream = overdue(full(), sender(0));
  answered(stream, sender(0));
  assert.deepEqual(words(ask(stream, 'a2.example')), []);
});

test('a stream with as many targets as it may have, or as many pairs, takes none of our assertions any more (L2)', () => {
  const target = (size: number) => ({ theirs: [{ size, entries: {} }] });
  for (const many of [{ size: limits.pairsPerStream }, target(limits.domainsPerStream)]) {
    const stream = established();
    const { context } = stream.snapshot;
    Object.assign(context, { validPairs: { ...context.validPairs, ...many } });
    const [why] = refusalOf(ask(stream, 'a.example'));
    assert.equal((why as { condition?: string } | undefined)?.condition, 'too-many-assertions');
  }
});

test('overdue assertions are actors: so many, and no more', () => {
  const stream = established();
  const most = limits.pendingAssertions + limits.overdueAssertions;
  for (let n = 0; n < most; n += 1) {
    ask(stream, sender(n));
    overdue(stream, sender(n));
  }
  const { pending } = stream.snapshot.context;
  assert.equal(pending.assertions.length, most);
  assert.deepEqual(words(ask(stream, 'a.example')), []);
});

test('turns pass on by the clock: patience runs from the moment at which db:result was sent', async () => {
  const clock = new SimulatedClock();
  const said: string[] = [];
  const transport = fromCallback<TransportCommand, TransportInput>(({ receive }) => {
    receive((command) => {
      if (command.type === 'transport.send' && command.element.kind === 'result') said.push(command.element.from);
    });
  });
  const association = fromPromise(() => Promise.resolve(provedFor('b.example')));
  const actor = createActor(initiatingStream.provide({ actors: { transport, association: association as never } }), {
    input: initiatingInput({ directTls: true }),
    clock,
  });
  actor.start();
  actor.send({ type: 'transport.connected', remoteAddress: '127.0.0.1', remotePort: 5269 });
  actor.send({ type: 'transport.secured', tls: tlsWith(certificateOf('b.example')) });
  await waitFor(actor, (stream) => stream.matches('streamHeaders'));
  actor.send({ type: 'peer.streamOpened', header: responseHeader(), freshId: 'unused' });
  actor.send({ type: 'peer.featuresReceived', features: features() });
  const request = (from: string) => actor.send({ type: 'local.assertionRequested', from, to: 'b.example' });
  for (let n = 0; n < limits.pendingAssertions; n += 1) request(sender(n));
  clock.increment(limits.assertionPatienceMs - 1);
  for (let n = 0; n < limits.pendingAssertions + 1; n += 1) request(`later-${sender(n)}`);
  assert.equal(said.length, limits.pendingAssertions, 'not yet');
  clock.increment(1);
  assert.equal(said.length, limits.pendingAssertions * 2);
  clock.increment(limits.assertionPatienceMs - 1);
  assert.equal(said.length, limits.pendingAssertions * 2);
  clock.increment(1);
  assert.equal(said.length, limits.pendingAssertions * 2 + 1);
  actor.stop();
});

test('an assertion whose actor fails gives its turn to the next', () => {
  const stream = full();
  stream.failed(`assertion.${sender(0)}>b.example`);
  assert.deepEqual(words(stream), [
    `stop assertion.${sender(0)}>b.example`,
    'report pair.refused',
    'spawn assertion.a.example>b.example',
    'say result',
    'report pair.asserted',
  ]);
});

test('assertions that wait for their turn are bounded; beyond it the sender is told so', () => {
  const stream = full();
  for (let n = 1; n < limits.waitingAssertions; n += 1) ask(stream, `w${String(n)}.example`);
  assert.deepEqual(refusalOf(stream), []);
  ask(stream, 'one-more.example');
  assert.deepEqual(
    refusalOf(stream).map((why) => (why as { layer: string }).layer),
    ['queue'],
  );
});

test('a pair that asks again while it waits is asserted once', () => {
  const stream = ask(full(), 'a.example');
  answered(stream, sender(0));
  assert.equal(words(stream).filter((word) => word === 'say result').length, 1);
  answered(stream, sender(1));
  assert.ok(!words(stream).includes('say result'));
  assert.ok(words(stream).includes('report pair.asserted'), 'but hears that it was');
});

test('nothing is asserted on a stream that closes, whoever waits (RFC 6120 §4.4)', () => {
  const stream = full().send({ type: 'local.closeRequested', fault: null });
  answered(stream, sender(0));
  assert.deepEqual(
    words(stream).filter((word) => word.startsWith('say')),
    [],
  );
});

test('S2: the names of what every object has are domains like any other, and not proved by it', () => {
  const stream = established().send({ type: 'local.assertionRequested', from: 'a.example', to: 'constructor' });
  assert.deepEqual(words(stream), ['report pair.refused']);
});

// ——— the receiving side

const toUs = (from: string) => ({ type: 'peer.resultRequested', from, to: 'b.example', key: 'k' }) as const;
function receiving() {
  const stream = new PureActor(receivingStream, receivingInput());
  const open = () => stream.send({ type: 'peer.streamOpened', header: header(), freshId: 'id' });
  open().send({ type: 'peer.startTlsRequested' });
  stream.send({ type: 'transport.secured', tls: tlsWith(null) });
  return open();
}

test('one pair is one pair, however often the peer asserts it', () => {
  const stream = receiving();
  for (let n = 0; n < 3; n += 1)
    stream.send(toUs('a.example')).done('verification.a.example>b.example', verified('a.example', 'b.example', strong));
  assert.equal(stream.snapshot.context.validPairs.size, 1);
});
