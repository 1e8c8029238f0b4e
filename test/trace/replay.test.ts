/** A trace that is read back and replayed through the charts gives the same view as the live one. */
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
  return JSON.parse(JSON.stringify(rows)) as [string, ActorView][]; // properties that JSON does not keep are ignored
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
    // And the whole life, up to the end of all actors.
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

/** Like `/api/trace`: the ring without its first records, and snapshots at its end of the actors created before it. */
function savedLate(manager: ConnectionManager, lost: number): TraceRecord[] {
  const records = manager.view().records.slice(lost);
  const born = new Set(records.filter(({ kind }) => kind === 'born').map(({ actor }) => actor));
  return [...records, ...manager.traceSnapshots().filter(({ kind, actor }) => kind === 'snapshot' && !born.has(actor))];
}

/**
 * Early on, two of the actors created in it move to states where their charts do not lead; one of them continues until
 * late.
 */
function altered(records: readonly TraceRecord[]): TraceRecord[] {
  const born = new Set(records.filter(({ kind }) => kind === 'born').map(({ actor }) => actor));
  const moves = records.flatMap((record, at) =>
    record.kind === 'event' && born.has(record.actor) ? [{ at, actor: record.actor }] : [],
  );
  const late = moves.findLast(({ actor }) => moves.filter((one) => one.actor === actor).length > 2)?.actor;
  const first = moves.findIndex(({ actor }) => actor === late);
  const places = [moves[first]?.at, moves.slice(first).find(({ actor }) => actor !== late)?.at];
  return records.map((record, at) =>
    record.kind === 'event' && places.includes(at) ? { ...record, states: ['elsewhere'] } : record,
  );
}

for (const lost of [0, 5, 12, 20]) {
  test(`whoever goes forth and back in time, ${lost} records after the beginning, sees at every moment what a replay up to there shows (V3)`, async () => {
    const duo = await createDuo({ seed: 9, A: { hosts: ['a.example'] }, B: { hosts: ['b.example', 'c.example'] } });
    for (const to of ['b.example', 'c.example']) duo.send('a.example', to);
    await duo.settle();
    const records = altered(savedLate(duo.providers.A, lost));
    await duo.stop();
    const [first] = records;
    assert.ok(first !== undefined);
    const missing = { seq: first.seq, atMs: first.atMs, actor: '', cause: null, kind: 'lost', records: 3 } as const;
    records.splice(records.length >> 1, 0, missing);
    assert.equal(replay(records).diverged.length, 2);
    const replayer = new Replayer(records);
    const random = createSeededRandom(4);
    let index = records.length;
    for (let step = 0; step < 150; step += 1) {
      replayer.moveTo(index);
      const [walked, straight] = [replayer.view(), replay(records.slice(0, index))];
      assert.deepEqual(actorsOf(walked), actorsOf(straight), `record ${index}`);
      assert.deepEqual([...walked.actors.keys()], [...straight.actors.keys()], 'in the order of their birth');
      assert.deepEqual([walked.atMs, walked.lost, walked.diverged], [straight.atMs, straight.lost, straight.diverged]);
      assert.deepEqual(walked.records, straight.records);
      const own = records.slice(0, index).filter(({ actor }) => actor === 'stream:1');
      assert.deepEqual(walked.recordsOf('stream:1'), own);
      assert.deepEqual(walked.recordsOf('stream:1', 5), own.slice(-5));
      assert.deepEqual(walked.attempts('b.example'), straight.attempts('b.example'));
      // Sometimes far, otherwise a record or two, mostly back.
      index = step % 4 === 0 ? random.integer(records.length) : Math.max(0, index - 2 + random.integer(3));
    }
  });
}

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
