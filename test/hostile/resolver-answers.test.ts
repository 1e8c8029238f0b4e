/**
 * A trusted resolver that somebody else impersonates: forged, oversized and malformed answers are errors, never "there
 * is none" (S4).
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { type Answer, encode, TRUNCATED_RESPONSE } from 'dns-packet';
import { createTrustedResolver } from '../../src/adapters/dns/trusted-resolver.ts';
import { scriptedResolver, type ScriptedQuery, VOUCHES } from '../support/scripted-resolver.ts';

const OWNER = '_5269._tcp.x.example';
const tlsa = (byte: number, name = OWNER, ttl = 60, bytes = 32): Answer => ({
  type: 'TLSA',
  name,
  ttl,
  data: { usage: 3, selector: 1, matchingType: 1, certificate: Buffer.alloc(bytes, byte) },
});
const HEADER = 12;
const COUNTS = { questions: 4, answers: 6, authorities: 8, additionals: 10 } as const;

/** Damages a valid answer. Its question comes first, so it is still an answer to that question. */
type Spoil = (bytes: Buffer, questionEnd: number) => Buffer;
const claiming =
  (part: keyof typeof COUNTS, count: number): Spoil =>
  (bytes) => {
    bytes.writeUInt16BE(count, COUNTS[part]);
    return bytes;
  };
/** A record after the question, made of these octets. */
const followedBy =
  (...octets: number[]): Spoil =>
  (bytes, questionEnd) => {
    bytes.writeUInt16BE(1, COUNTS.answers);
    return Buffer.concat([bytes.subarray(0, questionEnd), Buffer.from(octets)]);
  };
const [TYPE_TLSA, CLASS_IN, TTL] = [
  [0, 52],
  [0, 1],
  [0, 0, 0, 60],
];

const malformed: readonly (readonly [string, Spoil])[] = [
  ['more answers than there are', claiming('answers', 65_535)],
  ['more authorities than there are', claiming('authorities', 65_535)],
  ['more additional records than there are', claiming('additionals', 65_535)],
  ['nothing after its header and question, though it says so', (bytes, end) => bytes.subarray(0, end)],
  ['half a record', (bytes) => bytes.subarray(0, bytes.length - 17)],
  ['a name that points to itself', followedBy(0xc0, HEADER + 26, ...TYPE_TLSA, ...CLASS_IN, ...TTL, 0, 0)],
  ['a name that points to what comes after it', followedBy(0xc0, 0xff, ...TYPE_TLSA, ...CLASS_IN, ...TTL, 0, 0)],
  ['a label of a kind that is none', followedBy(0x80, 1, 2, ...TYPE_TLSA, ...CLASS_IN, ...TTL, 0, 0)],
  ['a name without end', followedBy(...Array.from({ length: 300 }, () => [1, 97]).flat())],
  ['data that is longer than the message', followedBy(0xc0, HEADER, ...TYPE_TLSA, ...CLASS_IN, ...TTL, 0xff, 0xff, 3)],
];

async function answerTo(t: TestContext, script: (query: ScriptedQuery) => void) {
  const server = await scriptedResolver(t, script);
  const signal = AbortSignal.timeout(10_000);
  return await createTrustedResolver({ servers: [server] }).tlsa(OWNER, signal);
}

const spoiled = (query: ScriptedQuery, spoil: Spoil): Buffer => {
  const questionEnd = encode(query.reply(VOUCHES)).length;
  return spoil(encode(query.reply(VOUCHES, [tlsa(1)])), questionEnd);
};
const overTcp = (bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);

for (const [what, spoil] of malformed) {
  test(`S4: an answer with ${what} is an error, over UDP and over TCP`, async (t) => {
    const udp = await answerTo(t, (query) => query.sendBytes(spoiled(query, spoil)));
    const tcp = await answerTo(t, (query) => {
      if (query.over === 'udp') query.send(query.reply(VOUCHES | TRUNCATED_RESPONSE));
      else query.sendBytes(overTcp(spoiled(query, spoil)));
    });
    for (const { status, records, reason } of [udp, tcp]) {
      assert.deepEqual([status, records], ['error', []]);
      assert.ok((reason ?? '').length < 600, 'a reason is a sentence');
    }
  });
}

test('S4: octets changed one by one never make a secure answer of other records than were sent', async (t) => {
  const sound = encode({
    type: 'response',
    flags: VOUCHES,
    questions: [{ type: 'TLSA', name: OWNER }],
    answers: [tlsa(1)],
  });
  // Every octet except the id, without which the answer would be ignored, and the certificate itself, which only the
  // path to us protects.
  const places = Array.from({ length: sound.length - 2 - 35 }, (_, n) => 2 + n);
  let next = 0;
  const server = await scriptedResolver(t, (query) => {
    if (query.over === 'tcp') {
      query.hangUp();
      return;
    }
    const bytes = encode(query.reply(VOUCHES, [tlsa(1)]));
    const at = places[next % places.length] ?? 2;
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (next % 8));
    next += 1;
    query.sendBytes(bytes);
    query.send(query.reply(VOUCHES, [tlsa(1)])); // the true answer, in case the damaged one is ignored
  });
  const resolver = createTrustedResolver({ servers: [server] });
  const answers = await Promise.all(places.map(() => resolver.tlsa(OWNER, AbortSignal.timeout(8_000))));
  for (const { status, records } of answers) {
    if (status !== 'secure') continue;
    const said = records.map(({ usage, selector, matching, data }) => `${usage} ${selector} ${matching} ${data}`);
    assert.deepEqual(said, [`3 1 1 ${'01'.repeat(32)}`]);
  }
  assert.ok(next >= places.length, 'each place was tried');
});

test('forgeries with other ids before the answer, and with its own after it, are not heard (RFC 5452 §9.1)', async (t) => {
  const answer = await answerTo(t, (query) => {
    const forged = query.reply(VOUCHES, [tlsa(6)]);
    for (let n = 1; n < 100; n += 1) query.send({ ...forged, id: ((forged.id ?? 0) + n) % 2 ** 16 });
    query.send(query.reply(VOUCHES, [tlsa(1)]));
    for (let n = 1; n < 100; n += 1) query.send(forged);
  });
  assert.deepEqual([answer.status, answer.records[0]?.data], ['secure', '01'.repeat(32)]);
});

test('a message of 64 kB over TCP, full of records: what is kept of it has an end, or it is an error', async (t) => {
  const many = Array.from({ length: 950 }, (_, n) => tlsa(n % 256));
  const huge = [tlsa(1, OWNER, 60, 60_000)];
  for (const records of [many, huge]) {
    const answer = await answerTo(t, (query) => {
      if (query.over === 'udp') query.send(query.reply(VOUCHES | TRUNCATED_RESPONSE));
      else query.send(query.reply(VOUCHES, records));
    });
    assert.ok(answer.status === 'error' || answer.records.length <= 256, `${answer.status} ${answer.records.length}`);
  }
});

test('S4: a chain of aliases that is endless, or bites its tail, is an error', async (t) => {
  const cname = (name: string, data: string): Answer => ({ type: 'CNAME', name, ttl: 60, data });
  const endless = Array.from({ length: 100 }, (_, n) => cname(n === 0 ? OWNER : `n${n}.example`, `n${n + 1}.example`));
  for (const answers of [[cname(OWNER, OWNER)], [cname(OWNER, 'b.example'), cname('b.example', OWNER)], endless]) {
    const { status } = await answerTo(t, (query) => {
      if (query.over === 'udp') query.send(query.reply(VOUCHES | TRUNCATED_RESPONSE));
      else query.send(query.reply(VOUCHES, answers));
    });
    assert.equal(status, 'error');
  }
});

test('a TTL of 68 years and more is not believed for so long (RFC 2181 §8)', async (t) => {
  for (const ttl of [2 ** 31, 2 ** 32 - 1]) {
    const { status, ttlSeconds } = await answerTo(t, (query) =>
      query.send(query.reply(VOUCHES, [tlsa(1, OWNER, ttl)])),
    );
    assert.deepEqual([status, ttlSeconds], ['secure', 0]);
  }
});
