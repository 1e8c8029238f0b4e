/** The file that records are written to: bounded, and never in the way. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Subject } from 'rxjs';
import type { Fault } from '../../src/protocol/faults.ts';
import { FaultError } from '../../src/protocol/faults.ts';
import { readTraceFile } from '../../src/trace/read-file.ts';
import type { TraceRecord } from '../../src/trace/record.ts';
import { replay } from '../../src/trace/view/replay.ts';
import { TraceFile, type TraceFileOptions } from '../../src/trace/trace-file.ts';
import { createDuo } from '../support/duo.ts';

const folder = mkdtempSync(join(tmpdir(), 'trace-'));
after(() => rmSync(folder, { recursive: true }));

const record = (seq: number, type = 'x'): TraceRecord => ({
  seq,
  atMs: seq,
  actor: 'peer:x',
  cause: null,
  kind: 'report',
  report: { type },
});

const options = (path: string, more: Partial<TraceFileOptions> = {}): TraceFileOptions => ({
  path,
  header: () => ({ software: 'test', startedAtMs: 0, role: 'test', hosts: ['a.example'] }),
  snapshots: () => [],
  failed: (why) => assert.fail(why.text),
  ...more,
});

test('what a manager does is in the file when it is closed, and replays without a difference', async () => {
  const path = join(folder, 'whole.dnalog');
  const duo = await createDuo();
  const { A } = duo.providers;
  const file = await TraceFile.open(options(path, { snapshots: () => A.traceSnapshots() }));
  file.follow(A.records$);
  duo.send('a.example', 'b.example');
  await duo.settle();
  await duo.stop();
  await file.close();
  const { records, header, isCutOff } = await readTraceFile(path);
  assert.deepEqual([header.hosts, isCutOff], [['a.example'], false]);
  assert.equal(records.length, A.view().records.length);
  assert.deepEqual(replay(records).diverged, []);
  assert.equal(statSync(path).mode & 0o077, 0, 'nobody else may read it');
});

test('a file that is full is kept as NAME.1, and the next begins with a header and with everybody who lives', async () => {
  const path = join(folder, 'rotated.dnalog');
  const snapshot: TraceRecord = { ...record(0), kind: 'lost', records: 7 };
  const records$ = new Subject<TraceRecord>();
  const file = await TraceFile.open(options(path, { fileBytes: 10_000, snapshots: () => [snapshot] }));
  file.follow(records$);
  for (let seq = 0; seq < 400; seq++) {
    records$.next(record(seq));
    if (seq % 10 === 0) await new Promise(setImmediate);
  }
  await file.close();
  const [newer, older] = [await readTraceFile(path), await readTraceFile(`${path}.1`)];
  for (const { records } of [newer, older]) assert.deepEqual(records[0], snapshot);
  assert.ok(statSync(`${path}.1`).size < 20_000);
  const seqs = [...older.records.slice(1), ...newer.records.slice(1)].map(({ seq }) => seq);
  assert.deepEqual(
    seqs,
    seqs.map((_, index) => 400 - seqs.length + index),
    'nothing is missing between the two',
  );
});

test('where more live than a file has room for, it still takes records until it is full, and is not begun anew by each', async () => {
  const path = join(folder, 'crowded.dnalog');
  const records$ = new Subject<TraceRecord>();
  let begun = 0;
  const snapshots = (): TraceRecord[] => {
    begun += 1;
    return Array.from({ length: 200 }, (_, seq) => record(seq));
  };
  const file = await TraceFile.open(options(path, { fileBytes: 10_000, snapshots }));
  file.follow(records$);
  for (let seq = 0; seq < 100; seq++) {
    records$.next(record(seq));
    await new Promise(setImmediate);
  }
  await file.close();
  assert.equal(begun, 1, 'a hundred records are less than 10,000 bytes');
  assert.equal((await readTraceFile(path)).records.length, 300);
});

test('a disk that is too slow loses records, and the file says how many', async () => {
  const path = join(folder, 'slow.dnalog');
  const records$ = new Subject<TraceRecord>();
  const file = await TraceFile.open(options(path, { unwrittenBytes: 2_000 }));
  file.follow(records$);
  for (let seq = 0; seq < 1_000; seq++) records$.next(record(seq)); // no event loop turn for the disk
  await new Promise((resolve) => setImmediate(resolve));
  while (statSync(path).size === 0) await new Promise((resolve) => setImmediate(resolve));
  records$.next(record(1_000));
  await file.close();
  const { records } = await readTraceFile(path);
  const lost = records.find(({ kind }) => kind === 'lost');
  assert.ok(lost?.kind === 'lost');
  assert.equal(records.length - 1 + lost.records, 1_001);
  assert.equal(replay(records).lost, lost.records);
});

test('a file of an earlier run is kept', async () => {
  const path = join(folder, 'earlier.dnalog');
  writeFileSync(path, 'the earlier run');
  const file = await TraceFile.open(options(path));
  file.follow(new Subject());
  await file.close();
  assert.equal(readFileSync(`${path}.1`, 'utf8'), 'the earlier run');
  assert.ok(readFileSync(path, 'utf8').startsWith('{"trace":"xmpp-dna","version":1,'));
});

test('a path that cannot be written is a fault that says so', async () => {
  await assert.rejects(TraceFile.open(options(join(folder, 'no-such-folder', 'x.dnalog'))), (error: unknown) => {
    assert.ok(error instanceof FaultError);
    assert.equal(error.fault.condition, 'trace-unwritable');
    assert.match(error.fault.text ?? '', /no-such-folder/);
    return true;
  });
});

test('a file that can no longer be written to costs a fault, and a minute; then it is begun anew (L6)', async () => {
  const inner = mkdtempSync(join(folder, 'gone-'));
  const path = join(inner, 'x.dnalog');
  const failures: Fault[] = [];
  let failed = (): void => undefined;
  const failure = new Promise<void>((resolve) => (failed = resolve));
  const records$ = new Subject<TraceRecord>();
  const file = await TraceFile.open(
    options(path, {
      fileBytes: 10_000,
      failed: (why) => {
        failures.push(why);
        failed();
      },
    }),
  );
  file.follow(records$);
  records$.next(record(0));
  await new Promise((resolve) => setImmediate(resolve));
  rmSync(inner, { recursive: true });
  for (let seq = 1; seq < 400; seq++) records$.next(record(seq));
  await failure;
  mkdirSync(inner);
  // As a full disk leaves them: the earlier file, and a stub.
  writeFileSync(`${path}.1`, 'x'.repeat(1_000));
  writeFileSync(path, 'a stub');
  for (let seq = 400; seq < 500; seq++) records$.next(record(seq));
  assert.equal(readFileSync(path, 'utf8'), 'a stub', 'not before the minute is over');
  records$.next(record(61_000)); // judged by the time of records; this one is lost as well
  await new Promise((resolve) => setImmediate(resolve));
  records$.next(record(61_001));
  await file.close();
  assert.deepEqual(
    failures.map(({ condition }) => condition),
    ['trace-unwritable'],
  );
  assert.equal(readFileSync(`${path}.1`, 'utf8').length, 1_000, 'no stub takes the place of what was written before');
  const { records, header } = await readTraceFile(path);
  assert.deepEqual([header.hosts, records.map(({ kind }) => kind)], [['a.example'], ['lost', 'report']]);
});

test('what is no file and takes nothing is not tried again: whoever opens a pipe that nobody reads waits for ever', async () => {
  const failures: Fault[] = [];
  const records$ = new Subject<TraceRecord>();
  const file = await TraceFile.open(options('/dev/full', { failed: (why) => failures.push(why) }));
  file.follow(records$);
  for (const seq of [0, 61_000, 122_000, 183_000]) {
    records$.next(record(seq));
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }
  await file.close();
  assert.deepEqual(
    failures.map(({ text }) => /ENOSPC/.test(text ?? '')),
    [true],
  );
});
