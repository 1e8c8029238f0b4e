/** The pair: each state and each event has its cell; a new one without a cell does not compile. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createActor } from 'xstate';
import { superseded } from '../../../machines/failures.ts';
import { limits, pair, type PairEvent } from '../../../machines/index.ts';
import { fault } from '../../../src/protocol/faults.ts';
import { SimulatedClock } from '../../../src/simulation/simulated-clock.ts';
import { PureActor, type RestingState } from '../../support/pure.ts';
import { provedFor, refutedFor, strong, wordsOf } from '../../support/samples.ts';

type State = RestingState<typeof pair>;
/** The next state and the requested effects; `=` where nothing happens. */
type Cell = '=' | [State, ...string[]];
type Row = Record<PairEvent['type'] | 'late', Cell>;

const why = fault('tcp', 'connect-timeout', 'peer');
const samples: { [Type in PairEvent['type']]: Extract<PairEvent, { type: Type }> } = {
  'local.routeWanted': { type: 'local.routeWanted' },
  'route.offered': { type: 'route.offered', stream: 1, manner: 'supposition' },
  'route.refused': { type: 'route.refused', fault: why },
  'association.settled': { type: 'association.settled', stream: 1, outcome: provedFor('b.example') },
  'pair.asserted': { type: 'pair.asserted', stream: 1 },
  'pair.accepted': { type: 'pair.accepted', stream: 1, proof: strong },
  'pair.refused': { type: 'pair.refused', stream: 1, fault: fault('dialback', 'item-not-found', 'peer') },
  'stream.closing': { type: 'stream.closing', stream: 1, fault: why },
};
const toAssertion = [samples['local.routeWanted'], { type: 'route.offered', stream: 1, manner: 'assertion' }] as const;
const pathTo: Record<State, readonly PairEvent[]> = {
  resting: [],
  awaitingRoute: [samples['local.routeWanted']],
  piggybackingSupposition: [samples['local.routeWanted'], samples['route.offered']],
  'piggybackingAssertion.awaitingTurn': toAssertion,
  'piggybackingAssertion.awaitingAnswer': [...toAssertion, samples['pair.asserted']],
  routed: [samples['pair.accepted']],
  failed: [...toAssertion, samples['pair.refused']],
};

const ignored: Row = {
  'local.routeWanted': '=',
  'route.offered': '=',
  'route.refused': '=',
  'association.settled': '=',
  'pair.asserted': '=',
  'pair.refused': '=',
  'stream.closing': '=',
  'pair.accepted': ['routed', 'report pair.routed'],
  late: '=',
};
const asserted: Row = {
  ...ignored,
  'pair.refused': ['failed', 'report pair.failed'],
  'stream.closing': ['awaitingRoute', 'report route.requested'],
  late: ['failed', 'report pair.failed'],
};
const table: Record<State, Row> = {
  resting: { ...ignored, 'local.routeWanted': ['awaitingRoute', 'report route.requested'] },
  awaitingRoute: {
    ...ignored,
    'route.offered': ['piggybackingSupposition', 'report association.requested'],
    'route.refused': ['resting', 'report pair.failed'],
    late: ['failed', 'report pair.failed'],
  },
  piggybackingSupposition: {
    ...ignored,
    'association.settled': ['piggybackingAssertion.awaitingTurn', 'report assertion.requested'],
    'stream.closing': ['awaitingRoute', 'report route.requested'],
    late: ['awaitingRoute', 'report route.requested'],
  },
  'piggybackingAssertion.awaitingTurn': { ...asserted, 'pair.asserted': ['piggybackingAssertion.awaitingAnswer'] },
  'piggybackingAssertion.awaitingAnswer': asserted,
  routed: { ...ignored, 'pair.accepted': '=', 'stream.closing': ['resting'] },
  failed: { ...ignored, 'local.routeWanted': ['failed', 'report pair.failed'], late: ['resting'] },
};

const at = (state: State): PureActor<typeof pair> => {
  const actor = new PureActor(pair, { local: 'a.example', remote: 'b.example' });
  for (const event of pathTo[state]) actor.send(event);
  assert.equal(actor.state, state);
  return actor;
};

for (const [state, row] of Object.entries(table) as [State, Row][]) {
  test(`pair, ${state}: every event (RFC 7712 §4.4, XEP-0220 §2.5)`, () => {
    for (const [type, cell] of Object.entries(row) as [keyof Row, Cell][]) {
      if (type === 'late' && cell === '=') continue; // it has no deadline
      const actor = at(state);
      if (type === 'late') actor.late();
      else actor.send(samples[type]);
      assert.deepEqual([actor.state, ...actor.effects.map(wordsOf)], cell === '=' ? [state] : cell, type);
    }
  });
}

test('what concerns another stream, or another domain, changes nothing (S3)', () => {
  for (const state of [
    'piggybackingSupposition',
    'piggybackingAssertion.awaitingTurn',
    'piggybackingAssertion.awaitingAnswer',
    'routed',
  ] as const) {
    for (const event of [
      { ...samples['association.settled'], stream: 7 },
      { ...samples['association.settled'], outcome: provedFor('c.example') },
      { ...samples['pair.asserted'], stream: 7 },
      { ...samples['pair.refused'], stream: 7 },
      { ...samples['stream.closing'], stream: 7 },
    ]) {
      assert.equal(at(state).send(event).state, state, `${state} ${event.type}`);
    }
  }
});

test('a stream that is not proved for the domain is left for another, and resource-constraint asks for one more and no third', () => {
  const unproved = at('piggybackingSupposition').send({
    ...samples['association.settled'],
    outcome: refutedFor('b.example'),
  });
  assert.deepEqual([unproved.state, unproved.snapshot.context.avoid], ['awaitingRoute', [1]]);
  const full = fault('dialback', 'resource-constraint', 'peer');
  const refused = at('piggybackingAssertion.awaitingAnswer').send({ type: 'pair.refused', stream: 1, fault: full });
  assert.deepEqual([refused.state, refused.snapshot.context.avoid], ['awaitingRoute', [1]]);
  refused
    .send({ type: 'route.offered', stream: 2, manner: 'assertion' })
    .send({ type: 'pair.refused', stream: 2, fault: full });
  assert.equal(refused.state, 'failed');
});

test('XEP-0220 §2.5: a stream that was left for another reason is no refusal, and the second one is still tried', () => {
  const full = fault('dialback', 'resource-constraint', 'peer');
  const refused = (actor: PureActor<typeof pair>, stream: number) =>
    actor
      .send({ type: 'route.offered', stream, manner: 'assertion' })
      .send({ type: 'pair.refused', stream, fault: full });
  const unproved = { ...samples['association.settled'], outcome: refutedFor('b.example') };
  const leftFor = {
    'a failed supposition': () => at('piggybackingSupposition').send(unproved),
    'an association that is late': () => at('piggybackingSupposition').late(),
    'a stream that takes leave': () =>
      at('piggybackingAssertion.awaitingTurn').send({ type: 'stream.closing', stream: 1, fault: superseded }),
  };
  for (const [reason, left] of Object.entries(leftFor)) {
    const actor = refused(left(), 2);
    assert.deepEqual([actor.state, actor.snapshot.context.avoid], ['awaitingRoute', [1, 2]], reason);
    assert.equal(refused(actor, 3).state, 'failed', `${reason}: no third`);
  }
});

test('the answer is awaited from the moment of the assertion, however long its turn took (XEP-0220 §2.1.1, L2)', () => {
  const clock = new SimulatedClock();
  const actor = createActor(pair, { input: { local: 'a.example', remote: 'b.example' }, clock }).start();
  for (const event of toAssertion) actor.send(event);
  clock.increment(limits.routeMs - 1);
  actor.send(samples['pair.asserted']);
  clock.increment(limits.assertionMs);
  assert.ok(actor.getSnapshot().matches({ piggybackingAssertion: 'awaitingAnswer' }));
  clock.increment(limits.headerMs);
  assert.deepEqual(
    [actor.getSnapshot().value, actor.getSnapshot().context.fault?.text],
    ['failed', 'no answer to db:result'],
  );
  actor.stop();
});

test('a turn that never comes has an end too (L2)', () => {
  const actor = at('piggybackingAssertion.awaitingTurn').late();
  assert.deepEqual([actor.state, actor.snapshot.context.fault?.text], ['failed', 'other assertions were not answered']);
});

test('L4: streams that take leave of the pair are left for others, and not for ever (limits.attemptsPerWish)', () => {
  const actor = at('awaitingRoute');
  let streams = 0;
  while (actor.state === 'awaitingRoute' && streams <= 2 * limits.attemptsPerWish) {
    streams += 1;
    actor.send({ type: 'route.offered', stream: streams, manner: 'assertion' });
    actor.send({ type: 'stream.closing', stream: streams, fault: null });
  }
  assert.equal(actor.state, 'failed');
  assert.ok(streams > 2 && streams <= limits.attemptsPerWish + 1, String(streams));
});
