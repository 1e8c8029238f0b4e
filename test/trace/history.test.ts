/** The last attempts of a domain, live and from a trace: they survive when other records do not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AttemptKeep } from '../../src/trace/attempt-keep.ts';
import type { AttemptEnded } from '../../src/trace/attempt.ts';
import { history } from '../../src/trace/queries/history.ts';
import { traceLimits } from '../../src/trace/limits.ts';
import type { RecordOf } from '../../src/trace/record.ts';
import { replay } from '../../src/trace/view/replay.ts';
import { createDuo } from '../support/duo.ts';
import { readText, traceText } from '../support/traces.ts';

let seq = 0;
function ended(remote: string, change: Partial<AttemptEnded> = {}): RecordOf<'attempt'> {
  const attempt: AttemptEnded = {
    ...{ local: 'a.example', remote, direction: 'outgoing', startedMs: seq, outcome: 'holds', stream: 1 },
    ...{ fault: null, cause: '', fix: '', verdicts: [], ...change },
  };
  return { seq: seq++, atMs: seq, actor: `pair:a.example>${remote}`, cause: null, kind: 'attempt', attempt };
}
const claim = { direction: 'incoming', outcome: 'failed' } as const;

test('both ends remember an attempt that holds, with the verdict and what it rests on', async () => {
  const duo = await createDuo({ seed: 2 });
  duo.send('a.example', 'b.example');
  await duo.settle();
  const [ours] = history(duo.providers.A.view(), 'b.example').attempts;
  const [theirs] = history(duo.providers.B.view(), 'a.example').attempts;
  await duo.stop();
  assert.deepEqual(
    [ours?.id, ours?.direction, ours?.outcome, ours?.fault],
    ['pair:a.example>b.example', 'outgoing', 'holds', null],
  );
  assert.deepEqual([theirs?.direction, theirs?.outcome, theirs?.local], ['incoming', 'holds', 'b.example']);
  for (const [attempt, domain] of [
    [ours, 'b.example'],
    [theirs, 'a.example'],
  ] as const) {
    const verdict = attempt?.verdicts.at(-1);
    assert.deepEqual([verdict?.domain, verdict?.prooftype, verdict?.verdict], [domain, 'pkix', 'proved']);
    const texts = verdict?.evidence.filter(({ kind }) => kind === 'certificate').map(({ text }) => text) ?? [];
    assert.match(texts.join(' '), /SHA-256 [0-9a-f]{64}, .*issued by .*until \d{4}-/);
    assert.ok(attempt !== undefined && attempt.endedMs !== null && attempt.startedMs <= attempt.endedMs);
  }
});

test('what failed is remembered with its fault, cause and fix; a trace of which nothing else is left says the same', async () => {
  const duo = await createDuo({
    seed: 2,
    B: { hosts: ['b.example'], certificate: { names: ['mallory.example'] } },
  });
  duo.send('a.example', 'b.example');
  await duo.settle();
  const view = duo.providers.A.view();
  const live = history(view, 'b.example');
  await duo.stop();
  const [attempt] = live.attempts;
  assert.deepEqual(
    [attempt?.outcome, attempt?.fault?.layer, attempt?.fault?.condition],
    ['failed', 'pkix', 'name-mismatch'],
  );
  assert.match(attempt?.cause ?? '', /b\.example/);
  assert.notEqual(attempt?.fix, '');
  const verdicts = attempt?.verdicts.map(({ prooftype, verdict }) => `${prooftype} ${verdict}`) ?? [];
  assert.ok(verdicts.includes('pkix refuted'), verdicts.join());
  const evidence = attempt?.verdicts.flatMap((verdict) => verdict.evidence.map(({ text }) => text)).join('\n') ?? '';
  assert.match(evidence, /port \d+/);
  assert.match(evidence, /mallory\.example/);

  const left = view.records.filter(({ kind }) => kind === 'attempt');
  const { records, unknown } = await readText(traceText(left));
  assert.equal(unknown, 0);
  assert.deepEqual(history(replay(records), 'b.example'), live);
});

test('stanzas that hear of the same failure once more are no attempts', async () => {
  const duo = await createDuo({
    seed: 2,
    B: { hosts: ['b.example'], certificate: { names: ['mallory.example'] } },
  });
  for (let sent = 0; sent < 5; sent += 1) {
    duo.send('a.example', 'b.example');
    await duo.settle();
  }
  const { attempts } = history(duo.providers.A.view(), 'b.example');
  await duo.stop();
  assert.equal(attempts.length, 1);
});

test('an attempt that opens no stream has no evidence of one that failed before it began', async () => {
  const duo = await createDuo({
    seed: 2,
    A: { hosts: ['a.example', 'a2.example'] },
    B: { hosts: ['b.example'], certificate: { names: ['mallory.example'] } },
  });
  duo.send('a.example', 'b.example');
  await duo.settle();
  await duo.simulation.clock.advance(30 * 60_000);
  for (const name of ['_xmpp-server._tcp.b.example', '_xmpps-server._tcp.b.example', 'b.example'])
    duo.simulation.resolver.set(name, null);
  duo.send('a2.example', 'b.example');
  await duo.settle();
  const { attempts } = history(duo.providers.A.view(), 'b.example');
  await duo.stop();
  const [last, first] = attempts;
  assert.deepEqual([first?.local, first?.stream, first?.verdicts.length], ['a.example', 1, 3]);
  assert.deepEqual([last?.local, last?.stream, last?.verdicts.length], ['a2.example', null, 0]);
  assert.equal(last?.fault?.layer, 'dns');
});

test('an attempt that is not decided is in the history, and says what it waits for', async () => {
  const duo = await createDuo({ seed: 2 });
  duo.send('a.example', 'b.example');
  await duo.simulation.clock.advance(3);
  const view = duo.providers.A.view();
  const { attempts } = history(view, 'b.example');
  assert.deepEqual([attempts.length, attempts[0]?.outcome, attempts[0]?.endedMs], [1, 'waits', null]);
  assert.match(attempts[0]?.cause ?? '', /has waited for/);
  assert.deepEqual(history(replay((await readText(traceText(view.records))).records), 'b.example'), {
    domain: 'b.example',
    attempts,
    forgotten: 0,
  });
  await duo.settle();
  await duo.stop();
});

test('of a domain the last eight are kept; false claims to be it leave room for others', () => {
  const keep = new AttemptKeep();
  const real = ended('b.example');
  keep.add(real);
  for (let made = 0; made < 100; made += 1) keep.add(ended('b.example', claim));
  assert.ok(keep.of('b.example').includes(real));
  for (let made = 0; made < 100; made += 1) keep.add(ended('b.example', { outcome: 'failed' }));
  assert.equal(keep.of('b.example').length, traceLimits.attempts);
  assert.ok(!keep.of('b.example').includes(real));
});

test('who makes up domains pushes out others of that kind, and nobody whom we know; there is an end to all of it', () => {
  const keep = new AttemptKeep(100_000);
  keep.add(ended('b.example'));
  keep.add(ended('c.example', { direction: 'incoming' }));
  for (let made = 0; made < 10_000; made += 1) {
    keep.add(ended(`x${made}.example`, { ...claim, cause: 'x'.repeat(300) }));
    assert.ok(keep.bytes <= 100_000);
  }
  assert.deepEqual([keep.of('b.example').length, keep.of('c.example').length], [1, 1]);
  assert.deepEqual([keep.of('x0.example').length, keep.of('x9999.example').length], [0, 1]);
  assert.ok(keep.all().length > 50);
  assert.equal(keep.forgotten, 10_002 - new Set(keep.all().map(({ attempt }) => attempt.remote)).size);
  // A wildcard proves as many domains as somebody likes: they displace only each other, not the domains that we wanted
  // to send to.
  for (let made = 0; made < 10_000; made += 1) keep.add(ended(`r${made}.c.example`, { direction: 'incoming' }));
  assert.deepEqual([keep.of('b.example').length, keep.of('c.example').length], [1, 0]);
  for (let made = 0; made < 10_000; made += 1) keep.add(ended(`y${made}.example`));
  assert.ok(keep.bytes <= 100_000);
  assert.equal(keep.of('b.example').length, 0);
});
