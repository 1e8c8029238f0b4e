/**
 * The trace format (docs/trace-format.md): everything written can be read again, and errors are reported with their
 * line.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FaultError, fault } from '../../src/protocol/faults.ts';
import { readTrace, TraceError, type ReadBounds } from '../../src/trace/read.ts';
import type { TraceRecord } from '../../src/trace/record.ts';
import { replay } from '../../src/trace/view/replay.ts';
import { chunksOf, readText, traceText } from '../support/traces.ts';

const HEADER = '{"trace":"xmpp-dna","version":1,"software":"x","startedAtMs":0,"role":"test","hosts":["a.example"]}';
const LOST = '{"seq":1,"atMs":2,"actor":"","cause":null,"kind":"lost","records":3}';
const head = { seq: 1, atMs: 2, actor: 'stream:1', cause: null };

const read = (text: string, bounds: ReadBounds = {}) => readTrace(chunksOf(Buffer.from(text), 7), bounds);

test('one record of every kind is read as it was written', async () => {
  const stay = { machine: 'peer', states: ['resting'], untilMs: null };
  const finding = {
    sha256: '00',
    subject: 'CN=b',
    issuer: 'CN=ca',
    names: ['b.example'],
    notBeforeMs: 1,
    notAfterMs: 2,
  };
  const why = fault('tcp', 'reset', 'peer', 'why');
  const proved = { prooftype: 'pkix', expiresAtMs: null };
  const records: TraceRecord[] = [
    { ...head, kind: 'born', ...stay, parent: null, input: { remote: 'b.example' } },
    { ...head, kind: 'event', ...stay, event: { type: 'local.retryRequested' }, passed: [['a', 'b']] },
    { ...head, kind: 'ended', machine: 'peer', how: 'errored', fault: why },
    { ...head, kind: 'snapshot', machine: 'peer', snapshot: { status: 'active' }, bornMs: 1, entered: [] },
    { ...head, kind: 'wire', direction: 'in', element: { kind: 'proceed' }, bytes: 10 },
    {
      ...head,
      kind: 'dns',
      question: 'b.example',
      type: 'addresses',
      status: 'bogus',
      reason: 'signature',
      count: 0,
      data: [],
      ttlSeconds: 1,
      ms: 3,
    },
    { ...head, kind: 'certificate', stream: 1, end: 'remote', ...finding },
    {
      ...head,
      kind: 'posh',
      domain: 'b.example',
      outcome: 'failed',
      url: null,
      fingerprints: 0,
      expiresAtMs: null,
      fault: why,
      ms: 1,
    },
    {
      ...head,
      kind: 'verdict',
      domain: 'b.example',
      verdict: 'proved',
      evidence: { sha256: '0' },
      fault: null,
      ...proved,
    },
    {
      ...head,
      kind: 'fact',
      change: 'published',
      stream: 1,
      direction: 'in',
      from: 'b.example',
      to: 'a.example',
      ...proved,
    },
    {
      ...head,
      kind: 'queue',
      local: 'a.example',
      remote: 'b.example',
      change: 'returned',
      stanzas: 2,
      fault: why,
    },
    { ...head, kind: 'report', report: { type: 'stream.established' } },
    { ...head, kind: 'lost', records: 3 },
  ];
  const { records: found, unknown, isCutOff } = await readText(traceText(records));
  assert.deepEqual(found, records);
  assert.deepEqual([unknown, isCutOff], [0, false]);
});

test('what JSON does not know comes back: numbers without end, faults that were thrown', async () => {
  const error = new FaultError(fault('dns', 'timeout', 'dns', 'late'));
  const event = { type: 'xstate.error.actor.x', error, until: Infinity, plain: new Error('boom') };
  const record: TraceRecord = { ...head, kind: 'event', machine: 'peer', states: [], untilMs: null, passed: [], event };
  const { records } = await readText(traceText([record]));
  const [found] = records;
  assert.ok(found?.kind === 'event');
  assert.ok(found.event['error'] instanceof FaultError);
  assert.deepEqual(found.event['error'].fault, error.fault);
  assert.equal(found.event['until'], Infinity);
  assert.ok(found.event['plain'] instanceof Error);
});

test('what all streams share is written once, and is one object again', async () => {
  const settings = {
    hosted: [{ size: 1, entries: { 'a.example': true, key: true } }],
    policy: { federation: 'verified' },
  };
  const born = (seq: number): TraceRecord => {
    const input = { settings, stream: seq };
    return { ...head, seq, kind: 'born', machine: 'peer', states: [], untilMs: null, parent: null, input };
  };
  const text = traceText([born(1), born(2), born(3)]);
  assert.equal(text.split('"federation"').length, 2);
  const { records } = await readText(text);
  const [first, , third] = records.map((record) => record.kind === 'born' && (record.input as { settings: object }));
  assert.ok(first && third);
  assert.deepEqual(first.settings, settings);
  assert.equal(first.settings, third.settings);
});

const WRONG: readonly (readonly [what: string, text: string, message: RegExp, bounds?: ReadBounds])[] = [
  ['an empty file', '', /^line 1: expected the header of a trace, got nothing$/],
  ['something else', '<xml/>\n', /^line 1: expected the header of a trace/],
  ['JSON of another kind', '{"a":1}\n', /^line 1: expected the header of a trace/],
  ['a list', '[]\n', /^line 1: expected the header of a trace/],
  ['a later version', `${HEADER.replace('"version":1', '"version":2')}\n`, /^line 1: expected version 1, got 2$/],
  ['hosts that are none', `${HEADER.replace('["a.example"]', '[1]')}\n`, /^line 1: expected "hosts" as names$/],
  ['half a record in the middle', `${HEADER}\n${LOST.slice(0, 30)}\n${LOST}\n`, /^line 2: expected JSON$/],
  ['a record without a kind', `${HEADER}\n{"seq":1}\n`, /^line 2: expected "kind" to be a text$/],
  [
    'a record without a time',
    `${HEADER}\n${LOST.replace('"atMs":2,', '')}\n`,
    /^line 2: expected "atMs" to be a number$/,
  ],
  [
    'a field of another type',
    `${HEADER}\n${LOST.replace('3}', '"3"}')}\n`,
    /^line 2: expected "records" to be a whole/,
  ],
  [
    'an element that nobody knows',
    `${HEADER}\n{"seq":1,"atMs":2,"actor":"","cause":null,"kind":"wire","direction":"in","bytes":1,"element":{"kind":"__proto__"}}\n`,
    /^line 2: expected "element" to be an element$/,
  ],
  ['a reference to nothing', `${HEADER}\n{"kind":"born","input":{"$shared":7}}\n`, /^line 2: expected less depth, /],
  [
    'what is shared twice, and that twice again, forty times over',
    [
      HEADER,
      '{"kind":"shared","id":0,"value":{"a":{}}}',
      ...Array.from(
        { length: 40 },
        (_, id) => `{"kind":"shared","id":${id + 1},"value":[{"$shared":${id}},{"$shared":${id}}]}`,
      ),
      '',
    ].join('\n'),
    /^line 18: expected less depth, fewer objects/,
  ],
  ['depth without end', `${HEADER}\n${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}\n`, /^line 2: expected less depth/],
  ['bytes that are no UTF-8', `${HEADER}\n`, /^line 2: expected UTF-8$/],
  [
    'a line that is too long',
    `${HEADER}\n${LOST}\n`,
    /^line 1: expected a line of at most 50 bytes$/,
    { lineBytes: 50 },
  ],
  ['a file that is too large', `${HEADER}\n${LOST}\n`, /^expected a trace of at most 120 bytes$/, { bytes: 120 }],
  ['too many records', `${HEADER}\n${LOST}\n${LOST}\n`, /^line 3: expected at most 1 records$/, { records: 1 }],
];

test('a certificate is written once, however many actors hold it, and read into each of them', async () => {
  const certificate = { sha256: 'ab', presented: { dnsNames: ['only.once.example'] } };
  const born = (seq: number): TraceRecord => ({
    ...{ seq, atMs: seq, actor: `stream:${seq}`, cause: null, kind: 'born', machine: 'receivingStream', parent: null },
    ...{ input: { certificate }, states: [], untilMs: null },
  });
  const text = traceText([born(1), born(2), born(3)]);
  assert.equal(text.split('only.once.example').length, 2);
  const { records } = await readText(text);
  assert.deepEqual(
    records.map((record) => record.kind === 'born' && record.input),
    Array.from({ length: 3 }, () => ({ certificate })),
  );
});

for (const [what, text, message, bounds] of WRONG) {
  test(`${what} is refused, by its line and what was expected there`, async () => {
    const bytes = what.startsWith('bytes')
      ? Buffer.concat([Buffer.from(text), Buffer.from([0xff, 0x0a])])
      : Buffer.from(text);
    await assert.rejects(readTrace(chunksOf(bytes, 11), bounds), (error: unknown) => {
      assert.ok(error instanceof TraceError);
      assert.match(error.message, message);
      return true;
    });
  });
}

test('a trace whose writer was cut off is read as far as it goes', async () => {
  const { records, isCutOff } = await read(`${HEADER}\n${LOST}\n${LOST.slice(0, 20)}`);
  assert.deepEqual([records.length, isCutOff], [1, true]);
});

test('records of kinds that a later version may have are counted and left out; fields that it may have are let be', async () => {
  const { records, unknown } = await read(
    `${HEADER}\n${LOST.replace('"lost"', '"weather"')}\n${LOST.replace('}', ',"mood":"good"}')}\n`,
  );
  assert.deepEqual([records.length, unknown], [1, 1]);
});

test('no line, whatever it says, does more than be refused; what is let through can be replayed', async () => {
  const kinds = ['born', 'event', 'ended', 'snapshot', 'report', 'shared'];
  const machines = ['peer', 'pair', 'initiatingStream', 'resolution', 'toString'];
  const line = fc.record({
    kind: fc.constantFrom(...kinds),
    machine: fc.constantFrom(...machines),
    actor: fc.constantFrom('peer:x', 'stream:1', 'stream:1/association', '__proto__'),
    states: fc.array(fc.constantFrom('resting', 'connecting')),
    passed: fc.constant([]),
    entered: fc.constant([]),
    seq: fc.nat(),
    atMs: fc.nat(),
    bornMs: fc.nat(),
    id: fc.nat(3),
    cause: fc.constant(null),
    untilMs: fc.constant(null),
    parent: fc.constant(null),
    fault: fc.constant(null),
    how: fc.constant('done'),
    input: fc.jsonValue(),
    value: fc.jsonValue(),
    snapshot: fc.oneof(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.record({
        status: fc.constant('active'),
        value: fc.jsonValue(),
        context: fc.jsonValue(),
        children: fc.jsonValue(),
      }),
    ),
    event: fc.oneof(
      fc.record({ type: fc.constantFrom('local.streamWanted', 'stream.closing', 'transport.closed', 'xstate.init') }),
      fc.jsonValue(),
    ),
    report: fc.jsonValue(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 8 }), async (lines) => {
      const text = [HEADER, ...lines.map((one) => JSON.stringify(one)), ''].join('\n');
      const trace = await read(text).catch((error: unknown) => {
        assert.ok(error instanceof TraceError);
        return null;
      });
      if (trace === null) return;
      JSON.stringify([...replay(trace.records).actors]);
    }),
    { numRuns: 300 },
  );
});
