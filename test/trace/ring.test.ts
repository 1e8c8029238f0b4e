/** The trace in memory is bounded, and forgotten records are counted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createActor, setup } from 'xstate';
import { systemClock } from '../../src/adapters/clock.ts';
import { Recorder } from '../../src/control/recorder.ts';
import { greeting } from '../../src/demo/greeting.ts';
import type { TraceBody, TraceRecord } from '../../src/trace/record.ts';
import { Ring } from '../../src/trace/ring.ts';
import { createDuo } from '../support/duo.ts';

const push = (ring: Ring, seq: number, body: TraceBody): void => ring.push(seq, seq, 'peer:x', null, body);

const heard = (text = ''): TraceBody => ({
  kind: 'wire',
  direction: 'in',
  element: { kind: 'streamError', condition: 'reset', text },
  bytes: 100 + text.length,
});

test('the newest records stay, in their order, and those that made room are counted', () => {
  const ring = new Ring(4, 1_000_000);
  for (let seq = 0; seq < 11; seq++) push(ring, seq, heard());
  assert.deepEqual(
    ring.records().map(({ seq }) => seq),
    [7, 8, 9, 10],
  );
  assert.deepEqual([ring.size, ring.lost], [4, 7]);
});

test('what a peer makes long makes room by its weight; one record is kept however long', () => {
  const ring = new Ring(100, 10_000);
  for (let seq = 0; seq < 10; seq++) push(ring, seq, heard());
  push(ring, 10, heard('x'.repeat(4_000)));
  assert.ok(ring.bytes <= 10_000);
  assert.ok(ring.size < 8);
  assert.equal(ring.records().at(-1)?.seq, 10);
  push(ring, 11, heard('x'.repeat(40_000)));
  assert.deepEqual(
    ring.records().map(({ seq }) => seq),
    [11],
  );
  push(ring, 12, heard());
  assert.deepEqual(
    ring.records().map(({ seq }) => seq),
    [12],
  );
  assert.ok(ring.bytes < 1_000);
});

test('a word that a peer chooses has its weight, also where most of them are short', () => {
  const mechanism = 'X'.repeat(4_000);
  const ring = new Ring(100, 10_000);
  const element = { kind: 'auth', mechanism, initialResponse: null } as const;
  for (let seq = 0; seq < 10; seq++) push(ring, seq, { kind: 'wire', direction: 'in', element, bytes: 4_100 });
  assert.ok(ring.size <= 2, `${ring.size} of 4 kB each in 10 kB`);
});

test('names weigh what they hold, though their namespace was declared elsewhere', () => {
  const ring = new Ring(1_000, 100_000);
  const name = `{${'n'.repeat(200)}}${'a'.repeat(100)}`;
  const features = { kind: 'features', startTls: 'absent', mechanisms: [], dialback: false } as const;
  const element = { ...features, dialbackErrors: false, bidi: false, unknown: Array.from({ length: 16 }, () => name) };
  for (let seq = 0; seq < 100; seq++) push(ring, seq, { kind: 'wire', direction: 'in', element, bytes: 200 });
  assert.ok(ring.size <= 20, `${ring.size} of 5 kB each in 100 kB`);
  for (let seq = 100; seq < 1_000; seq++)
    push(ring, seq, { kind: 'wire', direction: 'in', element: { kind: 'unsupported', name }, bytes: 6 });
  assert.ok(ring.size <= 200, `${ring.size} of 500 bytes each in 100 kB`);
});

test('a list is weighed to its end: short names in front hide no long ones', () => {
  const dnsNames = [...Array.from({ length: 16 }, () => 'a.b'), ...Array.from({ length: 240 }, () => 'n'.repeat(250))];
  const ring = new Ring(100, 150_000);
  for (let seq = 0; seq < 10; seq++) {
    push(ring, seq, {
      ...{ kind: 'event', machine: 'receivingStream', passed: [], states: [], untilMs: null },
      event: { type: 'transport.secured', session: { certificate: { presented: { dnsNames } } } },
    });
  }
  assert.ok(ring.size <= 2, `${ring.size} of 60 kB each in 150 kB`);
});

test('a ring without room keeps nothing', () => {
  const ring = new Ring(0, 5_000);
  push(ring, 1, heard());
  assert.deepEqual(ring.records(), []);
});

test('records are remembered although nobody listens; those that have ended are shown as long as they are remembered (O2)', async () => {
  const duo = await createDuo();
  duo.send('a.example', 'b.example');
  await duo.settle();
  await duo.simulation.clock.advance(10_000);
  const view = duo.providers.B.view();
  const ended = [...view.actors.values()].filter(({ ended: end }) => end !== null);
  assert.ok(ended.some(({ machine, ended: end }) => machine === 'association' && end?.how === 'done'));
  const verdicts = view.records.flatMap((one) => (one.kind === 'verdict' ? [`${one.prooftype} ${one.verdict}`] : []));
  assert.ok(verdicts.includes('pkix proved'), verdicts.join());
  await duo.stop();
});

test('no record tells an earlier time than the one before it, whoever was born meanwhile', () => {
  let nowMs = 0;
  const clock = { ...systemClock, now: () => ++nowMs };
  const recorder = new Recorder({ clock });
  const child = setup({}).createMachine({ id: 'child', initial: 'there', states: { there: {} } });
  const parent = setup({ actors: { child: recorder.watch(child) } }).createMachine({
    id: 'parent',
    initial: 'alone',
    states: { alone: { on: { next: 'together' } }, together: { invoke: { src: 'child', id: 'child' } } },
  });
  const actor = createActor(recorder.watch(parent), { id: 'parent' }).start();
  actor.send({ type: 'next' });
  actor.stop();
  const records = recorder.ring.records();
  assert.deepEqual(
    records.map(({ kind }) => kind),
    ['born', 'event', 'born', 'ended', 'ended'],
  );
  const times = records.map(({ atMs }) => atMs);
  assert.deepEqual(
    times,
    times.toSorted((one, other) => one - other),
  );
});

/** Records of something that does not originate in an actor: incoming bytes and stanzas, awaited answers, and time. */
function comesFromOutside(record: TraceRecord): boolean {
  switch (record.kind) {
    case 'wire':
      return record.direction === 'in';
    case 'event':
      return /^(transport\.|xstate\.(after|done|error)\.|local\.closeRequested$)/.test(record.event.type);
    case 'born':
      return record.parent === null && ['pair', 'receivingStream'].includes(record.machine);
    default:
      return ['dns', 'certificate', 'queue', 'connection'].includes(record.kind);
  }
}

test('records follow each other without a gap, and each that does not come from outside is caused by one before it', async () => {
  const duo = await createDuo();
  duo.send('a.example', 'b.example');
  await duo.settle();
  duo.providers.B.router.inject(greeting('b.example', 'nobody.example', 1), null, () => undefined);
  await duo.settle();
  await duo.stop();
  for (const manager of Object.values(duo.providers)) {
    const { records } = manager.view();
    records.forEach(({ seq, cause }, index) => {
      assert.equal(seq, index);
      assert.ok(cause === null || cause < seq);
    });
    const causeless = records.filter((record) => record.cause === null && !comesFromOutside(record));
    assert.deepEqual(causeless, []);
    const ends = records.filter(({ kind }) => kind === 'ended');
    assert.ok(ends.length > 0 && ends.every(({ cause }) => cause !== null));
  }
});

test('a stanza that waits, and what became of its pair, are records; a stanza on an open way is none (O10)', async () => {
  const duo = await createDuo();
  duo.send('a.example', 'b.example');
  await duo.settle();
  const queue = duo.providers.A.view().records.filter(({ kind }) => kind === 'queue');
  assert.deepEqual(
    queue.map((one) => (one.kind === 'queue' ? [one.change, one.stanzas] : [])),
    [
      ['waiting', 1],
      ['flushed', 1],
    ],
  );
  const before = duo.timeline.length;
  for (let n = 0; n < 100; n++) duo.send('a.example', 'b.example');
  await duo.settle();
  assert.equal(duo.timeline.length, before);
  await duo.stop();
});
