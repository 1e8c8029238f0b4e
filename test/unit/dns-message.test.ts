/** The reader of DNS messages: it reads what dns-packet writes, and nothing that a stranger writes breaks it. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { type Answer as Packed, encode } from 'dns-packet';
import fc from 'fast-check';
import { readAnswer, encodeQuery, TYPE } from '../../src/adapters/dns/message.ts';
import { nameIn, srvFields } from '../../src/adapters/dns/rdata.ts';

const QUESTION = { name: 'x.example', type: TYPE.srv };
const ID = 4711;
const HEADER_BYTES = 12;
const QUESTION_BYTES = 11 + 4;

function message(answers: Packed[], authorities: Packed[] = []): Buffer {
  const questions = [{ name: QUESTION.name, type: 'SRV' as const }];
  return encode({ id: ID, type: 'response', flags: 0x01a0, questions, answers, authorities });
}

const whole = message(
  [
    { type: 'CNAME', name: 'x.example', ttl: 60, data: 'y.example' },
    { type: 'SRV', name: 'y.example', ttl: 60, data: { priority: 1, weight: 2, port: 3, target: 'h.example' } },
    { type: 'A', name: 'h.example', ttl: 60, data: '192.0.2.1' },
    {
      type: 'TLSA',
      name: 'y.example',
      ttl: 60,
      data: { usage: 3, selector: 1, matchingType: 1, certificate: Buffer.alloc(32, 7) },
    },
  ],
  [
    {
      type: 'SOA',
      name: 'example',
      ttl: 60,
      data: { mname: 'ns.example', rname: 'h.example', serial: 1, refresh: 2, retry: 3, expire: 4, minimum: 5 },
    },
  ],
);

/** The header of `whole` with other counts, its question, and then `rest`. */
function withAnswers(count: number, rest: Buffer): Buffer {
  const start = Buffer.from(whole.subarray(0, HEADER_BYTES + QUESTION_BYTES));
  start.writeUInt16BE(count, 6);
  start.writeUInt16BE(0, 8);
  return Buffer.concat([start, rest]);
}

/** A record with this owner and RDATA, as bytes. */
function record(owner: readonly number[], type: number, rdata: Buffer, length = rdata.length): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(60, 4);
  fixed.writeUInt16BE(length, 8);
  return Buffer.concat([Buffer.from(owner), fixed, rdata]);
}

const pointer = (at: number): number[] => [0xc0 | (at >> 8), at & 0xff];

test('records of all sections are read, with their names in lower case', () => {
  const { answers = [], authorities = [], authentic, recursive, rcode } = readAnswer(whole, ID, QUESTION) ?? {};
  assert.deepEqual(
    answers.map(({ owner, type, ttlSeconds }) => [owner, type, ttlSeconds]),
    [
      ['x.example', TYPE.cname, 60],
      ['y.example', TYPE.srv, 60],
      ['h.example', TYPE.a, 60],
      ['y.example', TYPE.tlsa, 60],
    ],
  );
  const [cname, srv] = answers.map(({ rdata }) => rdata);
  assert.equal(nameIn(cname ?? Buffer.alloc(0)), 'y.example');
  assert.deepEqual(srvFields(srv ?? Buffer.alloc(0)), { priority: 1, weight: 2, port: 3, target: 'h.example' });
  assert.equal(authorities[0]?.rdata.readUInt32BE(authorities[0].rdata.length - 4), 5);
  assert.deepEqual([authentic, recursive, rcode], [true, true, 0]);
});

test('names are put together again where they were compressed (RFC 1035 §4.1.4)', () => {
  const [atName, atExample] = [pointer(HEADER_BYTES), pointer(HEADER_BYTES + 2)];
  const bytes = withAnswers(
    2,
    Buffer.concat([
      record(atName, TYPE.cname, Buffer.from([1, 0x59, ...atExample])),
      record([1, 0x59, ...atExample], TYPE.srv, Buffer.from([0, 1, 0, 2, 0, 3, ...atName])),
    ]),
  );
  const [cname, srv] = readAnswer(bytes, ID, QUESTION)?.answers ?? [];
  assert.deepEqual([cname?.owner, cname && nameIn(cname.rdata)], ['x.example', 'Y.example']);
  assert.deepEqual([srv?.owner, srv && srvFields(srv.rdata).target], ['y.example', 'x.example']);
});

test('what is malformed is refused with a reason, and what answers another question is no answer', () => {
  const ends = HEADER_BYTES + QUESTION_BYTES;
  const owner = pointer(HEADER_BYTES);
  const malformed: [Buffer, RegExp][] = [
    [withAnswers(1, Buffer.alloc(0)), /cut off/],
    [withAnswers(1, record(owner, TYPE.a, Buffer.alloc(4)).subarray(0, 11)), /cut off/],
    [withAnswers(1, record(owner, TYPE.a, Buffer.alloc(4), 5)), /cut off/],
    [withAnswers(600, Buffer.alloc(0)), /more than 512 records/],
    [withAnswers(1, record(pointer(ends), TYPE.a, Buffer.alloc(4))), /points at nothing/],
    [withAnswers(1, record(pointer(ends + 2), TYPE.a, Buffer.alloc(4))), /points at nothing/],
    [withAnswers(1, record(pointer(3), TYPE.a, Buffer.alloc(4))), /points at nothing/],
    [withAnswers(1, record([0x80], TYPE.a, Buffer.alloc(4))), /cannot be read/],
    [withAnswers(1, record([0xc0], TYPE.a, Buffer.alloc(0)).subarray(0, 1)), /cannot be read/],
    [
      withAnswers(1, record([...Array.from({ length: 130 }, () => [1, 0x61]).flat(), 0], 1, Buffer.alloc(4))),
      /too long/,
    ],
    [withAnswers(1, record(owner, TYPE.cname, Buffer.from([1, 0x61, 0, 0]))), /longer or shorter/],
    [withAnswers(1, record(owner, TYPE.cname, Buffer.from([1, 0x61, 0]), 2)), /longer or shorter/],
    [withAnswers(1, record(owner, TYPE.srv, Buffer.from([0, 0, 0, 0, 0, 0, 1, 0x61, 0, 0]))), /longer or shorter/],
  ];
  for (const [bytes, reason] of malformed) assert.throws(() => readAnswer(bytes, ID, QUESTION), reason);

  assert.equal(readAnswer(whole, ID + 1, QUESTION), null);
  assert.equal(readAnswer(whole, ID, { ...QUESTION, name: 'y.example' }), null);
  assert.equal(readAnswer(whole, ID, { ...QUESTION, type: TYPE.a }), null);
  assert.equal(readAnswer(whole.subarray(0, HEADER_BYTES - 1), ID, QUESTION), null);
  assert.notEqual(readAnswer(whole, ID, { ...QUESTION, name: 'X.eXample.' }), null);
});

test('a chain of pointers is followed only so far: a name has no more labels than 127', () => {
  const START = HEADER_BYTES + QUESTION_BYTES + 12;
  // Each points at the previous one; the last, used as an owner, leads through all of them.
  const chain = Array.from({ length: 8_000 }, (_, i) => pointer(i === 0 ? HEADER_BYTES : START + 2 * (i - 1)));
  const hidden = record(pointer(HEADER_BYTES), 65_280, Buffer.from(chain.flat()));
  const after = (links: number): Buffer =>
    withAnswers(2, Buffer.concat([hidden, record(pointer(START + 2 * (links - 1)), TYPE.a, Buffer.alloc(4))]));
  assert.throws(() => readAnswer(after(8_000), ID, QUESTION), /cannot be read/);
  assert.equal(readAnswer(after(100), ID, QUESTION)?.answers[1]?.owner, 'x.example');
});

test('bytes changed, cut or added at random give an answer, none, or a refusal; never anything else', () => {
  const change = fc.record({ at: fc.nat(whole.length - 1), to: fc.integer({ min: 0, max: 255 }) });
  const broken = fc
    .record({
      changes: fc.array(change, { maxLength: 12 }),
      length: fc.nat(whole.length),
      tail: fc.uint8Array({ maxLength: 40 }),
    })
    .map(({ changes, length, tail }) => {
      const bytes = Buffer.from(whole);
      for (const { at, to } of changes) bytes[at] = to;
      return Buffer.concat([bytes.subarray(0, Math.max(length, HEADER_BYTES + QUESTION_BYTES)), tail]);
    });
  const outcomes = { answered: 0, ignored: 0, refused: 0 };
  fc.assert(
    fc.property(broken, (bytes) => {
      try {
        const answer = readAnswer(bytes, ID, QUESTION);
        outcomes[answer === null ? 'ignored' : 'answered'] += 1;
        for (const { owner, rdata } of answer?.answers ?? []) {
          assert.ok(owner.length <= 255 && rdata.length <= bytes.length + 255);
          nameIn(rdata);
          srvFields(rdata);
        }
      } catch (thrown) {
        assert.match(String(thrown), /^Error: (a record|a name|more than)/);
        outcomes.refused += 1;
      }
    }),
    { numRuns: 20_000, seed: 7712 },
  );
  for (const [outcome, count] of Object.entries(outcomes)) assert.ok(count > 100, `${outcome}: ${count}`);
});

test('a question is written as it is read; what is no name is not written', () => {
  const bytes = encodeQuery(ID, QUESTION, false);
  assert.ok(bytes !== null);
  bytes.writeUInt16BE(bytes.readUInt16BE(2) | 0x8000, 2);
  assert.deepEqual(readAnswer(bytes, ID, QUESTION), {
    rcode: 0,
    truncated: false,
    recursive: false,
    authentic: true,
    answers: [],
    authorities: [],
    errors: [],
  });
  assert.equal(encodeQuery(ID, { ...QUESTION, name: 'a..example' }, false), null);
});
