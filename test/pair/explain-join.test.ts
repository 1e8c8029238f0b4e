/** The traces of two managers, compared with each other; and a trace in a file, explained and bundled. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as pathOf } from 'node:path';
import { after, test } from 'node:test';
import { runCommandLine } from '../../src/cli/run.ts';
import type { Side } from '../../src/demo/scenario.ts';
import { explain } from '../../src/trace/explain/explain.ts';
import { TraceEncoder } from '../../src/trace/format.ts';
import { join } from '../../src/trace/join/join.ts';
import { replay } from '../../src/trace/view/replay.ts';
import type { TraceRecord } from '../../src/trace/record.ts';
import type { View } from '../../src/trace/view/view.ts';
import { createDuo, type Duo, type DuoOptions } from '../support/duo.ts';

const HOSTS: Readonly<Record<Side, string>> = { A: 'a.example', B: 'b.example' };
/** Messages that may still be under way at the end of a trace are not reported as missing. */
const LATER_MS = 5_000;

const folder = mkdtempSync(pathOf(tmpdir(), 'xmpp-dna-join-'));
after(() => rmSync(folder, { recursive: true }));

const recordsOf = ({ timeline }: Duo, side: Side): TraceRecord[] =>
  timeline.flatMap((seen) => (seen.at === side ? [seen.record] : []));

function viewOf(duo: Duo, side: Side): View {
  const view = replay(recordsOf(duo, side), { hosts: [HOSTS[side]] });
  assert.deepEqual(view.diverged, []);
  return { ...view, atMs: duo.simulation.clock.now() };
}

async function talked(options: DuoOptions = {}): Promise<Duo> {
  const duo = await createDuo(options);
  duo.send('a.example', 'b.example');
  await duo.settle();
  duo.send('b.example', 'a.example');
  await duo.settle();
  await duo.simulation.clock.advance(LATER_MS);
  return duo;
}

for (const [name, options] of [
  ['SASL EXTERNAL', {}],
  [
    'dialback',
    {
      A: { hosts: ['a.example'], policy: { federation: 'encrypted', prooftypes: ['dialback'] } },
      B: { hosts: ['b.example'], policy: { federation: 'encrypted', prooftypes: ['dialback'] } },
    },
  ],
] as const) {
  test(`O5: two ends that come together by ${name} agree in everything, and nothing is stuck`, async () => {
    const duo = await talked(options);
    const [a, b] = [viewOf(duo, 'A'), viewOf(duo, 'B')];
    assert.ok([...a.actors.keys()].some((id) => id.startsWith('stream:')));
    assert.deepEqual(join(a, b), []);
    assert.deepEqual(join(b, a), [], 'whichever is given first');
    for (const view of [a, b])
      assert.deepEqual(
        explain(view).filter(({ stuck }) => stuck),
        [],
      );
    await duo.stop();
  });
}

test('O5: what the trace of one end does not have of a stream is named: the record of its arrival is taken out', async () => {
  const duo = await talked();
  const a = viewOf(duo, 'A');
  const isFeatures = (record: TraceRecord): boolean =>
    record.kind === 'wire' && record.direction === 'in' && record.element.kind === 'auth';
  const b = viewOf(duo, 'B');
  const without = {
    ...b,
    recordsOf: (id: string, most?: number) => b.recordsOf(id, most).filter((one) => !isFeatures(one)),
  };
  assert.deepEqual(
    join(a, without).map(({ id, cause }) => [id, cause]),
    [['sent-not-seen', 'a.example sent <auth/>, and b.example never saw it.']],
  );
  await duo.stop();
});

async function run(
  ...args: readonly string[]
): Promise<{ code: number; events: Record<string, unknown>[]; told: string }> {
  const events: Record<string, unknown>[] = [];
  let told = '';
  const code = await runCommandLine(['explain', ...args, '--json'], () => ({
    json: true,
    print: () => undefined,
    event: (event) => void events.push(JSON.parse(JSON.stringify(event)) as Record<string, unknown>),
    tell: (text) => void (told += `${text}\n`),
    paint: (_colour, text) => text,
  }));
  return { code, events, told };
}

function save(name: string, records: readonly TraceRecord[], host: string): string {
  const encoder = new TraceEncoder();
  const file = pathOf(folder, name);
  const header = { software: 'test', startedAtMs: 0, role: 'test', hosts: [host] };
  writeFileSync(file, [encoder.header(header), ...records.map((record) => encoder.record(record))].join(''));
  return file;
}

test('O3 O5: a trace file, its bundle, and the live records have the same explanation; two files are joined', async () => {
  const duo = await createDuo();
  const { clock, resolver } = duo.simulation;
  resolver.srv = () => new Promise(() => undefined);
  duo.send('a.example', 'b.example');
  await clock.advance(3_000);
  const live = explain(viewOf(duo, 'A'));
  assert.deepEqual(
    live.map(({ diagnosis }) => diagnosis),
    ['dns-silent'],
  );
  const file = save('a.dnalog', recordsOf(duo, 'A'), 'a.example');
  const bundle = pathOf(folder, 'bundle.gz');
  const ofFile = await run(file, 'a.example>b.example', '--bundle', bundle);
  const again = await run(file, '--bundle', bundle);
  assert.deepEqual([again.code, /file already exists/.test(again.told)], [2, true], 'nothing is written over');
  assert.equal(ofFile.code, 1);
  const told = ({ events }: typeof ofFile): unknown[] =>
    events.map(({ event, diagnosis, state, remote }) => [event, diagnosis, state, remote]);
  assert.deepEqual(told(ofFile), [['explanation', 'dns-silent', 'awaitingServiceRecords', 'b.example']]);
  const ofBundle = await run(bundle);
  assert.deepEqual(ofBundle.events, ofFile.events, 'of the same moment, too');
  const other = save('b.dnalog', recordsOf(duo, 'B'), 'b.example');
  const both = await run(file, other);
  assert.deepEqual(told(both), told(ofFile), 'B has seen nothing, and nothing was sent');
  assert.match(both.told, /no stream is in both traces/);
  await duo.stop();
});

test('O5: two traces of which one says until when it is whole; and what cannot be joined', async () => {
  const duo = await createDuo();
  duo.send('a.example', 'b.example');
  await duo.settle();
  const copied = recordsOf(duo, 'B');
  await duo.simulation.clock.advance(30_000);
  duo.send('b.example', 'a.example');
  await duo.settle();
  await duo.stop(); // an orderly stop, which the copy does not contain
  const ours = save('ours.dnalog', recordsOf(duo, 'A'), 'a.example');
  const theirs = save('theirs.dnalog', copied, 'b.example');
  for (const files of [
    [ours, theirs],
    [theirs, ours],
  ]) {
    const { events, told } = await run(...files);
    assert.deepEqual(
      events.filter(({ event }) => event === 'disagreement'),
      [],
      'it was copied before they had done',
    );
    assert.match(
      told,
      /one stream is in both traces; 1 only in .*ours\.dnalog|; 0 only in .*theirs\.dnalog, 1 only in .*ours/,
    );
    assert.match(told, /theirs\.dnalog ends .* before .*ours\.dnalog: what came later is not compared/);
  }
  for (const [args, why] of [
    [[ours, ours], /are from the same end: both serve a\.example/],
    [[ours, 'absent.dnalog'], /absent\.dnalog: there is no such file/],
    [[ours, theirs, '--bundle', pathOf(folder, 'both.gz')], /--bundle takes one trace only/],
  ] as const) {
    const { code, told } = await run(...args);
    assert.deepEqual([code, why.test(told)], [2, true], told);
  }
});
