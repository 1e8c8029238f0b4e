import assert from 'node:assert/strict';
import test from 'node:test';
import { MAX_CHARACTERS, rememberAnswers, type AnswerCacheOptions } from '../../src/adapters/dns/answer-cache.ts';
import type { Resolver } from '../../src/ports.ts';
import type { DnsStatus } from '../../src/protocol/dns.ts';
import { SimulatedClock } from '../../src/simulation/simulated-clock.ts';
import { createTableResolver, type DnsTable } from '../../src/simulation/table-dns.ts';

const never = new AbortController().signal;
const OWNER = '_xmpp-server._tcp.a.example';
const HOST = 'x.example';
const record = { priority: 0, weight: 0, port: 5269, target: HOST };
const home = { family: 4, address: '192.0.2.1' } as const;

/** A cache in front of a table that records its queries; each answer takes 20 ms of simulated time. */
function stage(table: DnsTable, options: AnswerCacheOptions = {}) {
  const clock = new SimulatedClock();
  const resolver = createTableResolver(table, { clock, delayMs: 20 });
  const asked: string[] = [];
  const noticed: Resolver = {
    ...resolver,
    srv: (name, signal) => (asked.push(name), resolver.srv(name, signal)),
    addresses: (host, signal) => (asked.push(host), resolver.addresses(host, signal)),
  };
  const memory = rememberAnswers(noticed, { clock, ...options });
  const whenAnswered = async <T>(answer: Promise<T>): Promise<T> => {
    await clock.advance(20);
    return answer;
  };
  return { clock, resolver, asked, memory, whenAnswered };
}

test('an answer is remembered as long as it says, its time runs out, and then it is asked for again (RFC 1035 §3.2.1)', async () => {
  const { clock, asked, memory, whenAnswered } = stage({ [HOST]: { addresses: [home], ttlSeconds: 60 } });
  assert.equal((await whenAnswered(memory.addresses(HOST, never))).ttlSeconds, 60);
  await clock.advance(45_000);
  const { records, ttlSeconds } = await memory.addresses(HOST, never);
  assert.deepEqual([records, ttlSeconds, asked.length], [[home], 15, 1]);
  await clock.advance(15_000);
  await whenAnswered(memory.addresses(HOST, never));
  assert.equal(asked.length, 2);
});

test('services and hosts of the same name are two things', async () => {
  const { asked, memory, whenAnswered } = stage({ [HOST]: { addresses: [home], srv: [record] } });
  assert.deepEqual((await whenAnswered(memory.addresses(HOST, never))).records, [home]);
  assert.deepEqual((await whenAnswered(memory.srv(HOST, never))).records, [record]);
  assert.equal(asked.length, 2);
});

test('a remembered answer keeps its security status (D3); bogus and failed ones are not remembered (S4)', async () => {
  const kept: Partial<Record<DnsStatus, number>> = {
    secure: 1,
    insecure: 1,
    'nodata-secure': 1,
    'nodata-insecure': 1,
    bogus: 2,
    error: 2,
  };
  for (const [status, questions] of Object.entries(kept)) {
    const entry = { srv: [record], status: status as DnsStatus, reason: 'as it is' };
    const { asked, memory, whenAnswered } = stage({ [OWNER]: entry });
    const first = await whenAnswered(memory.srv(OWNER, never));
    const second = await whenAnswered(memory.srv(OWNER, never));
    assert.deepEqual([first.status, second.status, second.reason], [status, status, 'as it is']);
    assert.equal(asked.length, questions, status);
  }
});

test('equal questions that are asked at once are one; who leaves does not take it from the others', async () => {
  const { asked, memory, whenAnswered } = stage({ [OWNER]: { srv: [record], ttlSeconds: 0 } });
  const leaver = new AbortController();
  const answers = [leaver.signal, never, never].map((signal) => memory.srv(OWNER, signal));
  leaver.abort();
  assert.equal((await answers[0])?.reason, 'cancelled');
  const heard = await whenAnswered(Promise.all(answers.slice(1)));
  assert.deepEqual(
    heard.map(({ records }) => records),
    [[record], [record]],
  );
  assert.equal(asked.length, 1);
});

test('a question for which nobody waits any more is given up, and the next one is a new one', async () => {
  const { clock, asked, memory, whenAnswered } = stage({ [OWNER]: { srv: [record] } });
  const askers = [new AbortController(), new AbortController()];
  const answers = askers.map(({ signal }) => memory.srv(OWNER, signal));
  for (const asker of askers) asker.abort();
  await Promise.all(answers);
  assert.equal(clock.pending, 0, 'the resolver has stopped');
  assert.deepEqual((await whenAnswered(memory.srv(OWNER, never))).records, [record]);
  assert.deepEqual([asked.length, (await memory.srv(OWNER, askers[0]!.signal)).reason], [2, 'cancelled']);
});

test('L6: what is wanted fresh is asked for, and what comes of it is believed from then on', async () => {
  const { resolver, asked, memory, whenAnswered } = stage({});
  assert.equal((await whenAnswered(memory.srv(OWNER, never))).status, 'nodata-insecure');
  resolver.set(OWNER, { srv: [record] });
  assert.equal((await memory.srv(OWNER, never)).status, 'nodata-insecure', 'remembered');
  assert.deepEqual((await whenAnswered(memory.srv(OWNER, never, { fresh: true }))).records, [record]);
  assert.deepEqual((await memory.srv(OWNER, never)).records, [record]);
  resolver.set(OWNER, { status: 'error' });
  await whenAnswered(memory.srv(OWNER, never, { fresh: true }));
  assert.equal((await whenAnswered(memory.srv(OWNER, never))).status, 'error', 'no answer outlives its refutation');
  assert.equal(asked.length, 4);
});

test('no TTL is believed beyond a bound, and that of "there is none" less (RFC 2308 §5)', async () => {
  const bounds = { maxTtlSeconds: 600, maxNegativeTtlSeconds: 30 };
  const { clock, asked, memory, whenAnswered } = stage(
    { [HOST]: { addresses: [home], ttlSeconds: 1e6 }, [OWNER]: { ttlSeconds: 1e6 } },
    bounds,
  );
  await whenAnswered(Promise.all([memory.addresses(HOST, never), memory.srv(OWNER, never)]));
  await clock.advance(30_000);
  await whenAnswered(Promise.all([memory.addresses(HOST, never), memory.srv(OWNER, never)]));
  assert.deepEqual(asked, [HOST, OWNER, OWNER]);
  await clock.advance(570_000);
  await whenAnswered(memory.addresses(HOST, never));
  assert.equal(asked.filter((name) => name === HOST).length, 2);
});

test('answers kept are bounded; the one used longest ago is forgotten', async () => {
  const { asked, memory, whenAnswered } = stage({}, { maxAnswers: 2 });
  const look = (name: string) => whenAnswered(memory.srv(name, never));
  for (const name of ['a', 'b', 'a', 'c', 'a', 'b']) await look(name);
  assert.deepEqual(asked, ['a', 'b', 'c', 'b']);
});

test('a resolver that breaks is an answer too, and is asked again', async () => {
  let asked = 0;
  const breaks = (): Promise<never> => ((asked += 1), Promise.reject(new Error('no such library')));
  const memory = rememberAnswers({ validates: false, srv: breaks, addresses: breaks, tlsa: breaks });
  for (let i = 1; i <= 2; i += 1) {
    const { status, reason } = await memory.srv(OWNER, never);
    assert.deepEqual([status, asked], ['error', i]);
    assert.match(reason ?? '', /no such library/);
  }
});

test('what our stanzas wait for is not put behind the same question of a claim; a claim may wait for theirs', async () => {
  const { asked, memory, whenAnswered } = stage({ [OWNER]: { srv: [record], ttlSeconds: 0 } });
  const claim = { purpose: 'verification' } as const;
  const answers = [claim, claim, {}, {}, claim].map((options) => memory.srv(OWNER, never, options));
  assert.equal(asked.length, 2);
  const heard = await whenAnswered(Promise.all(answers));
  assert.ok(heard.every(({ records }) => records.length === 1));
  const [leaver, stays] = [new AbortController(), memory.srv(OWNER, never)];
  const left = memory.srv(OWNER, leaver.signal, claim);
  leaver.abort();
  assert.equal((await left).reason, 'cancelled');
  assert.deepEqual((await whenAnswered(stays)).records, [record]);
  assert.equal(asked.length, 3);
});

test('TLSA answers are remembered like the others; one that is long is asked for again: strangers publish what fills memory', async () => {
  const asked: string[] = [];
  const { resolver } = stage({});
  const memory = rememberAnswers({
    ...resolver,
    tlsa: (name) => {
      asked.push(name);
      const data = 'ab'.repeat(name.startsWith('_1.') ? MAX_CHARACTERS / 2 : MAX_CHARACTERS / 2 + 1);
      return Promise.resolve({
        status: 'secure',
        records: [{ usage: 3, selector: 0, matching: 0, data }],
        ttlSeconds: 60,
      });
    },
  });
  for (const name of ['_1._tcp.x.example', '_2._tcp.x.example']) {
    for (let i = 0; i < 2; i += 1) assert.equal((await memory.tlsa(name, never)).status, 'secure');
  }
  assert.deepEqual(asked, ['_1._tcp.x.example', '_2._tcp.x.example', '_2._tcp.x.example']);
});
