/** Two traces, one from each end, compared with each other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StreamFeatures, WireElement } from '../../src/protocol/wire.ts';
import { join } from '../../src/trace/join/join.ts';
import { overlapOf } from '../../src/trace/join/overlap.ts';
import { sharedStreams } from '../../src/trace/join/streams.ts';
import type { View } from '../../src/trace/view/view.ts';
import { type ActorMade, NOW_MS, type RecordMade, viewMade, wireMade } from '../support/explain-views.ts';

const FEATURES: StreamFeatures = {
  kind: 'features',
  startTls: 'optional',
  mechanisms: ['EXTERNAL'],
  dialback: true,
  dialbackErrors: true,
  bidi: false,
  unknown: [],
};
const HEADER = {
  kind: 'streamHeader',
  to: 'b.example',
  from: 'a.example',
  id: null,
  version: '1.0',
  dialback: true,
} as const;
const ANSWER = { ...HEADER, to: 'a.example', from: 'b.example', id: 'one' } as const;
const RESULT = { kind: 'result', from: 'a.example', to: 'b.example', key: null, answer: null } as const;
const VERIFY = { kind: 'verify', from: 'b.example', to: 'a.example', id: 'one', key: null, answer: null } as const;

interface Line {
  readonly from: 'a' | 'b';
  readonly element: WireElement;
  /** How long ago it was sent. */
  readonly agoMs: number;
  /** What the other end read; null: nothing. @defaultValue the same */
  readonly read?: WireElement | null;
}

const TALK: readonly Line[] = [
  { from: 'a', element: HEADER, agoMs: 20_000 },
  { from: 'b', element: ANSWER, agoMs: 19_900 },
  { from: 'b', element: FEATURES, agoMs: 19_890 },
  { from: 'a', element: RESULT, agoMs: 19_800 },
];

interface Ends {
  readonly talk?: readonly Line[];
  readonly a?: Partial<ActorMade>;
  readonly b?: Partial<ActorMade>;
  readonly moreA?: readonly RecordMade[];
  readonly moreB?: readonly RecordMade[];
  /** How far the clock of B is ahead. */
  readonly aheadMs?: number;
}

function ends({ talk = TALK, a = {}, b = {}, moreA = [], moreB = [], aheadMs = 0 }: Ends): [View, View] {
  const recordsA: RecordMade[] = [...moreA];
  const recordsB: RecordMade[] = moreB.map((one) => ({ ...one, agoMs: (one.agoMs ?? 10_000) - aheadMs }));
  for (const { from, element, agoMs, read = element } of talk) {
    // Each direction takes 50 ms.
    const [sentAgo, readAgo] = from === 'a' ? [agoMs, agoMs - 50 - aheadMs] : [agoMs - aheadMs, agoMs - 50];
    (from === 'a' ? recordsA : recordsB).push(
      wireMade(from === 'a' ? 'stream:3' : 'stream:9', 'out', element, sentAgo),
    );
    if (read !== null)
      (from === 'a' ? recordsB : recordsA).push(wireMade(from === 'a' ? 'stream:9' : 'stream:3', 'in', read, readAgo));
  }
  const here: ActorMade = {
    ...{ id: 'stream:3', machine: 'initiatingStream', state: 'established.open' },
    context: { local: 'a.example', remote: 'b.example' },
    ...a,
  };
  const there: ActorMade = {
    ...{ id: 'stream:9', machine: 'receivingStream', state: 'established' },
    context: { local: 'b.example', remote: 'a.example' },
    ...b,
  };
  const viewB = viewMade([{ ...there, agoMs: (there.agoMs ?? 20_000) - aheadMs }], recordsB, NOW_MS + aheadMs);
  return [viewMade([here], recordsA), { ...viewB, host: 'b.example', hosts: ['b.example'] }];
}

const idsOf = (made: Ends): string[] => join(...ends(made)).map(({ id }) => id);
const first = (made: Ends): string => join(...ends(made))[0]?.cause ?? '';

test('O5: two ends that saw the same have nothing to disagree about', () => {
  assert.deepEqual(join(...ends({})), []);
});

test('O5: A has sent db:result, and B never saw it', () => {
  const lost = { talk: TALK.map((line) => (line.element === RESULT ? { ...line, read: null } : line)) };
  assert.deepEqual(idsOf(lost), ['sent-not-seen']);
  assert.equal(first(lost), 'a.example sent db:result from a.example to b.example, and b.example never saw it.');
});

test('O5: B asked db:verify, and A never received it', () => {
  const lost = { talk: [...TALK, { from: 'b' as const, element: VERIFY, agoMs: 10_000, read: null }] };
  assert.equal(first(lost), 'b.example sent db:verify from b.example to a.example, and a.example never saw it.');
});

test('O5: what was sent just before the end of the trace may be on its way', () => {
  assert.deepEqual(idsOf({ talk: [...TALK, { from: 'a', element: VERIFY, agoMs: 500, read: null }] }), []);
});

test('O5: records that had no room are not held against anybody', () => {
  const [a, b] = ends({ talk: TALK.map((line) => (line.element === RESULT ? { ...line, read: null } : line)) });
  assert.deepEqual(join(a, { ...b, lost: 5 }), []);
});

test('O5: STARTTLS stripped on the way (RFC 7590 §3.1)', () => {
  const stripped = {
    talk: TALK.map((line) =>
      line.element === FEATURES ? { ...line, read: { ...FEATURES, startTls: 'absent' as const } } : line,
    ),
  };
  assert.deepEqual(idsOf(stripped), ['altered-on-the-way']);
  assert.match(first(stripped), /with STARTTLS optional, .* and a\.example saw STARTTLS absent/);
});

test('O5: an answer that is changed on the way is told as such, and not as swallowed', () => {
  const valid = { kind: 'result', from: 'b.example', to: 'a.example', key: null, answer: { type: 'valid' } } as const;
  const invalid = { ...valid, answer: { type: 'invalid' } } as const;
  const changed = { talk: [...TALK, { from: 'b' as const, element: valid, agoMs: 10_000, read: invalid }] };
  assert.deepEqual(idsOf(changed), ['altered-on-the-way']);
  assert.match(first(changed), /with the answer valid, and a\.example saw the answer invalid/);
  const otherId = {
    talk: TALK.map((line) => (line.element === ANSWER ? { ...line, read: { ...ANSWER, id: 'two' } } : line)),
  };
  assert.deepEqual(idsOf(otherId), ['altered-on-the-way']);
  assert.match(first(otherId), /id one, and a\.example saw .*id two/);
});

test('O5: of two that are alike, the one that was lost is lost, and the other is not altered', () => {
  const question = (id: string, read?: null): Line => ({
    ...{ from: 'b', element: { ...VERIFY, id }, agoMs: 10_000 },
    ...(read === undefined ? {} : { read }),
  });
  const talk = [...TALK, question('x', null), question('y')];
  assert.deepEqual(idsOf({ talk }), ['sent-not-seen']);
});

test('O5: what one end read and the other never sent was put in on the way', () => {
  const [a, b] = ends({});
  const conflict = { kind: 'streamError', condition: 'conflict', text: null } as const;
  const injected = viewMade([], [wireMade('stream:3', 'in', conflict, 15_000)]).records;
  const read = { ...a, recordsOf: (id: string) => [...a.recordsOf(id), ...(id === 'stream:3' ? injected : [])] };
  const [told, ...others] = join(read, b);
  assert.deepEqual([told?.id, others], ['seen-not-sent', []]);
  assert.equal(
    told?.cause,
    'a.example read a stream error (conflict), and b.example never sent it: somebody on the way has inserted it.',
  );
});

test('O5: what a trace does not cover is not held against it: not what came before, and not what came after', () => {
  const closed = { state: 'closed', before: ['established', 'closing'], ended: {}, agoMs: 15_000 };
  const lost = TALK.map((line) => (line.element === RESULT ? { ...line, read: null } : line));
  const [a, b] = ends({ talk: lost, b: closed });
  assert.deepEqual(
    join(a, b).map(({ id }) => id),
    ['sent-not-seen', 'half-open'],
  );
  const early = { sinceMs: 0, untilMs: NOW_MS - 19_700 };
  for (const [one, other] of [
    [a, { ...b, covers: early }],
    [{ ...a, covers: early }, b],
  ] as const) {
    assert.deepEqual(join(one, other), []);
    assert.deepEqual(join(other, one), []);
    const { shorter } = overlapOf(one, other);
    assert.deepEqual(shorter, { which: one.covers === undefined ? 'second' : 'first', byMs: 19_700 });
  }
  assert.deepEqual(
    join(a, { ...b, covers: { sinceMs: NOW_MS - 19_000, untilMs: NOW_MS } }).map(({ id }) => id),
    ['half-open'],
  );
});

test('O5: A thinks that the stream stands, B has closed it', () => {
  const closed = { b: { state: 'closed', before: ['established', 'closing'], ended: {}, agoMs: 15_000 } };
  assert.deepEqual(idsOf(closed), ['half-open']);
  assert.match(first(closed), /^a\.example thinks that the stream is open; b\.example has closed it/);
});

const certificate = (stream: number, end: 'local' | 'remote', sha256: string): RecordMade => ({
  ...{ kind: 'certificate', actor: `stream:${stream}`, stream, end, sha256, subject: '', issuer: '', names: [] },
  ...{ notBeforeMs: 0, notAfterMs: 0 },
});

test('O5: the certificate that A saw is not the one that B presented: somebody stands between', () => {
  const moreB = [certificate(9, 'local', 'aa'.repeat(32))];
  assert.deepEqual(idsOf({ moreA: [certificate(3, 'remote', 'aa'.repeat(32))], moreB }), []);
  assert.deepEqual(idsOf({ moreA: [certificate(3, 'remote', 'bb'.repeat(32))], moreB }), ['certificates-differ']);
});

const secured = (resumed: boolean): RecordMade => ({
  ...{
    kind: 'event',
    actor: 'stream:9',
    machine: 'receivingStream',
    states: ['association'],
    passed: [],
    untilMs: null,
  },
  event: { type: 'transport.secured', tls: { certificate: null, resumed } },
});

test('O5: B saw no certificate in a full handshake, though A presented one; a resumed one brings none', () => {
  const moreA = [certificate(3, 'local', 'aa'.repeat(32))];
  assert.deepEqual(idsOf({ moreA, moreB: [secured(false)] }), ['certificates-differ']);
  assert.match(first({ moreA, moreB: [secured(false)] }), /^a\.example presented .* and b\.example saw none: somebody/);
  assert.deepEqual(idsOf({ moreA, moreB: [secured(true)] }), []);
});

test('O5: what a trace does not cover is judged by one clock, however far the clocks are apart', () => {
  const lost = { talk: [...TALK, { from: 'a' as const, element: VERIFY, agoMs: 10_000, read: null }] };
  for (const aheadMs of [-90_000, 90_000]) {
    const [a, b] = ends({ ...lost, aheadMs });
    const until = (agoMs: number): View => ({ ...b, covers: { sinceMs: 0, untilMs: NOW_MS + aheadMs - agoMs } });
    const told = (other: View): string[] => join(a, other).map(({ id }) => id);
    assert.deepEqual(told(until(5_000)), ['clocks-apart', 'sent-not-seen']);
    assert.deepEqual(told(until(11_000)), ['clocks-apart']);
  }
});

for (const aheadMs of [-90_000, 90_000]) {
  test(`O5: clocks apart by ${aheadMs / 1_000} s are told, and disturb nothing else`, () => {
    const told = join(...ends({ aheadMs }));
    assert.deepEqual(
      told.map(({ id }) => id),
      ['clocks-apart'],
    );
    const [behind, ahead] = aheadMs > 0 ? ['a.example', 'b.example'] : ['b.example', 'a.example'];
    assert.equal(told[0]?.cause, `The clock of ${ahead} is 1 min 30 s ahead of that of ${behind}.`);
  });
}

test('O5: A has a stream to B of which B has never heard: it is connected to somebody else, or never arrived', () => {
  const [a, b] = ends({ talk: [] });
  const elsewhere = {
    ...b,
    actors: new Map(),
    records: viewMade([], [wireMade('stream:1', 'in', HEADER, 60_000)]).records,
  };
  assert.deepEqual(
    join(a, elsewhere).map(({ id }) => id),
    ['connected-elsewhere'],
  );
  const [dialling] = ends({ talk: [], a: { state: 'connecting' } });
  assert.deepEqual(
    join(dialling, elsewhere).map(({ id }) => id),
    ['never-arrived'],
  );
});

const fact = (
  change: 'published' | 'withdrawn',
  direction: 'in' | 'out',
  stream: number,
  agoMs: number,
): RecordMade => ({
  ...{ kind: 'fact', actor: `stream:${stream}`, change, direction, stream, agoMs },
  ...{ from: 'a.example', to: 'b.example', prooftype: 'dialback', expiresAtMs: null },
});

test('O5: A sends for a pair that B lets in no more', () => {
  const moreA = [fact('published', 'out', 3, 15_000)];
  const lets = [fact('published', 'in', 9, 15_000)];
  assert.deepEqual(idsOf({ moreA, moreB: lets }), []);
  const withdrawn = { moreA, moreB: [...lets, fact('withdrawn', 'in', 9, 9_000)] };
  assert.deepEqual(idsOf(withdrawn), ['pair-not-admitted']);
  assert.match(
    first(withdrawn),
    /^a\.example sends a\.example>b\.example on the stream; b\.example does not admit that there/,
  );
});

test('O5: a pair that was withdrawn after the end of the shorter trace was let in as long as both tell', () => {
  const [a, b] = ends({
    moreA: [fact('published', 'out', 3, 15_000)],
    moreB: [fact('published', 'in', 9, 15_000), fact('withdrawn', 'in', 9, 4_000)],
  });
  assert.deepEqual(
    join(a, b).map(({ id }) => id),
    ['pair-not-admitted'],
  );
  assert.deepEqual(join({ ...a, covers: { sinceMs: 0, untilMs: NOW_MS - 6_000 } }, b), []);
});

test('O5: of streams without ids those are one that were born together', () => {
  const born = (id: string, machine: string, agoMs: number, names: object): ActorMade => ({
    ...{ id, machine, state: 'streamHeaders.awaitingHeader', agoMs },
    context: { ...names },
  });
  const ours = { local: 'a.example', remote: 'b.example' };
  const theirs = { local: 'b.example', remote: 'a.example' };
  const a = viewMade([
    born('stream:1', 'initiatingStream', 30_000, ours),
    born('stream:2', 'initiatingStream', 5_000, ours),
  ]);
  const b = viewMade([
    born('stream:7', 'receivingStream', 5_000, theirs),
    born('stream:8', 'receivingStream', 30_000, theirs),
  ]);
  assert.deepEqual(sharedStreams(a, b), [
    { idA: 'stream:1', idB: 'stream:8' },
    { idA: 'stream:2', idB: 'stream:7' },
  ]);
});
