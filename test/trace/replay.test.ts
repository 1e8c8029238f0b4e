/** A trace that is read back and replayed through the charts shows what was lived (O4). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConnectionManager } from '../../src/manager.ts';
import type { Side } from '../../src/demo/scenario.ts';
import { play } from '../../src/demo/play.ts';
import { scenarios } from '../../src/demo/scenarios.ts';
import { divergedWords } from '../../src/trace/explain/words.ts';
import { replay, Replayer } from '../../src/trace/view/replay.ts';
import type { TraceRecord } from '../../src/trace/record.ts';
import type { ActorView, View } from '../../src/trace/view/view.ts';
import { createSeededRandom } from '../../src/adapters/random.ts';
import { createDuo } from '../support/duo.ts';
import { createSimulation } from '../support/simulation.ts';
import { readText, traceText } from '../support/traces.ts';

const SIDES: readonly Side[] = ['A', 'B'];

/** Every actor of a view, as plain data. */
function actorsOf({ actors }: View, isMeant: (actor: ActorView) => boolean = () => true): [string, ActorView][] {
  const rows = [...actors].filter(([, actor]) => isMeant(actor)).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.parse(JSON.stringify(rows)) as [string, ActorView][]; // what JSON does not hold does not count
}

const lives = ({ ended }: ActorView): boolean => ended === null;

for (const scenario of scenarios) {
  test(`${scenario.id}: its trace replays through the charts to the same states, and to the same view as live (O4)`, async () => {
    const ran = await play(scenario, createSimulation(1));
    const live = SIDES.map((side) => {
      const manager: ConnectionManager = ran.providers[side];
      const view = manager.view();
      return { side, actors: actorsOf(view), records: [...view.records] };
    });
    await ran.stop();
    for (const { side, actors, records } of live) {
      const { records: read, unknown } = await readText(traceText(records));
      assert.equal(unknown, 0);
      const view = replay(read);
      assert.deepEqual(view.diverged, [], side);
      assert.deepEqual(actorsOf(view), actors, side);
      assert.equal(actors.length > 0, scenario.acts.length > 0);
    }
    // And as long as it lasted, to the end of all actors.
    for (const side of SIDES) {
      const lived = ran.providers[side].view();
      const { records } = await readText(traceText(lived.records));
      const view = replay(records);
      assert.deepEqual(view.diverged, []);
      assert.deepEqual(actorsOf(view, lives), []);
    }
  });
}

test('at every moment of a negotiation, a replay of the records so far is the view that was live then (O4)', async () => {
  const duo = await createDuo({
    seed: 3,
    A: { hosts: ['a.example'], bidi: true },
    B: { hosts: ['b.example'], bidi: true },
  });
  duo.send('a.example', 'b.example');
  let moments = 0;
  for (let step = 0; step < 40; step++) {
    await duo.simulation.clock.advance(2);
    for (const side of SIDES) {
      const live = duo.providers[side].view();
      const { records } = await readText(traceText(live.records));
      assert.deepEqual(actorsOf(replay(records)), actorsOf(live), `step ${step}, ${side}`);
      if (actorsOf(live, lives).some(([, { waits }]) => waits !== null)) moments += 1;
    }
  }
  assert.ok(moments > 10, `${moments} moments with somebody who waits`);
  await duo.settle();
  await duo.stop();
});

test('whoever goes forth and back in time sees at every moment what a replay up to there shows (V3)', async () => {
  const duo = await createDuo({ seed: 9, A: { hosts: ['a.example'] }, B: { hosts: ['b.example', 'c.example'] } });
  for (const to of ['b.example', 'c.example']) duo.send('a.example', to);
  await duo.settle();
  await duo.stop();
  const records: TraceRecord[] = [...duo.providers.A.view().records];
  const first = records[0];
  const half = records.length >> 1;
  assert.ok(first !== undefined);
  records.splice(half, 0, { ...first, kind: 'lost', actor: '', records: 3 });
  const wrong = records.findLastIndex(({ kind, actor }) => kind === 'event' && actor === 'stream:1');
  const altered = records[wrong];
  assert.ok(altered?.kind === 'event');
  records[wrong] = { ...altered, states: ['closed'] };
  const replayer = new Replayer(records);
  const random = createSeededRandom(4);
  let index = 0;
  for (let step = 0; step < 120; step += 1) {
    // Far at times, and else a record or two, mostly back.
    index = step % 4 === 0 ? random.integer(records.length) : Math.max(0, index - 2 + random.integer(3));
    replayer.moveTo(index);
    const [walked, straight] = [replayer.view(), replay(records.slice(0, index))];
    assert.deepEqual(actorsOf(walked), actorsOf(straight), `record ${index}`);
    assert.deepEqual([...walked.actors.keys()], [...straight.actors.keys()], 'in the order of their birth');
    assert.deepEqual([walked.atMs, walked.lost, walked.diverged], [straight.atMs, straight.lost, straight.diverged]);
    assert.deepEqual(walked.records, straight.records);
    assert.deepEqual(walked.recordsOf('stream:1', 5), straight.recordsOf('stream:1', 5));
    assert.deepEqual(walked.attempts('b.example'), straight.attempts('b.example'));
  }
});

test('a trace that begins in mid-life replays from its snapshots on (O4)', async () => {
  const duo = await createDuo({ seed: 5 });
  duo.send('a.example', 'b.example');
  await duo.simulation.clock.advance(30);
  const manager = duo.providers.A;
  const before = manager.traceSnapshots();
  assert.ok(before.length > 1, 'somebody lives by then');
  const after: TraceRecord[] = [];
  manager.records$.subscribe((record) => after.push(record));
  await duo.settle();
  const { records } = await readText(traceText([...before, ...after]));
  const view = replay(records);
  assert.deepEqual(view.diverged, []);
  const live = manager.view();
  const shown = (of: View): unknown[] =>
    actorsOf(of, lives).map(([id, { state, waits, context, children, effects, waitsOn }]) => {
      return { id, state, waits, context, children, effects, waitsOn };
    });
  assert.deepEqual(shown(view), shown(live));
  assert.ok(shown(live).length > 0);
  await duo.stop();
});

test('a record that the chart does not lead to is told as a divergence, and believed from there on', async () => {
  const duo = await createDuo();
  duo.send('a.example', 'b.example');
  await duo.settle();
  const records = [...duo.providers.A.view().records];
  await duo.stop();
  const at = records.findIndex((record) => record.kind === 'event' && record.actor === 'stream:1');
  const record = records[at];
  assert.ok(record?.kind === 'event');
  records[at] = { ...record, states: ['authentication', 'saslExternal'] };
  const view = replay(records);
  assert.deepEqual(
    view.diverged.map(({ seq, actor, lived }) => [seq, actor, lived]),
    [[record.seq, 'stream:1', ['authentication', 'saslExternal']]],
  );
  const place = `at record no. ${record.seq} (stream:1)`;
  assert.equal(divergedWords(1, record), `once, ${place}`);
  assert.equal(divergedWords(2, record), `2 times, first ${place}`);
  const last = records.findLast((one) => one.kind === 'event' && one.actor === 'stream:1');
  assert.ok(last?.kind === 'event');
  assert.deepEqual(view.actors.get('stream:1')?.state, last.states);
});

test('a replay stops at the record that it is told to stop at: time can be moved through', async () => {
  const duo = await createDuo();
  duo.send('a.example', 'b.example');
  await duo.settle();
  const { records } = duo.providers.A.view();
  await duo.stop();
  const secured = records.find((record) => record.kind === 'event' && record.event.type === 'transport.secured');
  assert.ok(secured?.kind === 'event');
  const view = replay(records, { until: secured.seq });
  assert.equal(view.atMs, secured.atMs);
  assert.deepEqual(view.actors.get('stream:1')?.state, secured.states);
});
