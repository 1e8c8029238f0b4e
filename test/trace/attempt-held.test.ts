/** A successful attempt is put into words only when it is read, and the words are those of any other verdict. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AttemptHeld } from '../../src/trace/attempt-held.ts';
import { type Found, type Seen, textsOf, verdictKept } from '../../src/trace/attempt.ts';
import { history } from '../../src/trace/queries/history.ts';
import type { RecordOf } from '../../src/trace/record.ts';
import { replay } from '../../src/trace/view/replay.ts';
import { weigh } from '../../src/trace/weigh.ts';
import { createDuo } from '../support/duo.ts';
import { readText, traceText } from '../support/traces.ts';

const seen: Seen = {
  certificate: { sha256: 'ab'.repeat(32), subject: 'CN=b.example', issuer: 'CN=CA', notAfterMs: Date.UTC(2027, 0, 1) },
  endpoint: { host: 'host.b.example', port: 5269, secureDelegation: true, delegatedUntilMs: 9 },
};
const pair = { local: 'a.example', remote: 'b.example', direction: 'outgoing', startedMs: 5 } as const;

function held(evidence: Found['evidence'], prooftype = 'pkix') {
  const found: Found = {
    ...{ prooftype, domain: pair.remote, verdict: 'proved', fault: null, expiresAtMs: 9, evidence, atMs: 7 },
  };
  const by = { prooftype, expiresAtMs: 9, atMs: 7, ...textsOf(found, seen) };
  return { found, attempt: new AttemptHeld(pair, 1, by) };
}
const recordOf = (attempt: AttemptHeld): RecordOf<'attempt'> => ({
  ...{ seq: 0, atMs: 8, actor: 'pair:a.example>b.example', cause: null, kind: 'attempt', attempt },
});

test('what a held attempt rests on reads as any other verdict, of each prooftype', () => {
  const evidence = { sha256: 'cd'.repeat(32), by: 'DNS-ID', derivedDomain: null, sameCertificate: true };
  for (const prooftype of ['pkix', 'dialback', 'none', 'posh', 'dane', 'own']) {
    const { found, attempt } = held(evidence, prooftype);
    assert.deepEqual(attempt.verdicts, [verdictKept(found, seen)], prooftype);
  }
  assert.deepEqual(
    held({ issuer: 'x'.repeat(40) }).attempt.verdicts[0]?.evidence.at(-1)?.text,
    `issuer ${'x'.repeat(40)}`,
  );
});

test('long evidence is cut, and what is kept of it has its weight', () => {
  const short = held({ url: 'u' });
  const long = held({ url: 'u'.repeat(100_000) });
  const [shorter, longer] = [short, long].map(({ attempt }) => weigh(recordOf(attempt)));
  assert.ok(shorter !== undefined && longer !== undefined);
  assert.ok(longer - shorter > 250 && longer < 2_000, `${shorter} and ${longer}`);
});

test('as JSON it is the plain record, with its verdicts', () => {
  const { found, attempt } = held({ by: 'DNS-ID' });
  const plain: unknown = JSON.parse(JSON.stringify(recordOf(attempt)));
  const verdicts = [verdictKept(found, seen)];
  const ended = { ...pair, outcome: 'holds', stream: 1, fault: null, cause: '', fix: '', verdicts };
  assert.deepEqual(plain, { ...recordOf(attempt), attempt: ended });
});

test('a trace of pairs that hold says of them what the manager said; those of one stream share its verdicts', async () => {
  const duo = await createDuo({ seed: 2, A: { hosts: ['a.example', 'other.example', 'third.example'] } });
  for (const from of ['a.example', 'other.example', 'third.example']) {
    duo.send(from, 'b.example');
    await duo.settle();
  }
  const [ours, theirs] = [duo.providers.A.view(), duo.providers.B.view()];
  const live = history(ours, 'b.example').attempts;
  const admitted = history(theirs, 'other.example').attempts;
  await duo.stop();
  const attemptsIn = ({ records }: typeof ours) => records.filter((record) => record.kind === 'attempt');
  const kept = attemptsIn(theirs).filter(({ attempt }) => attempt instanceof AttemptHeld);
  assert.equal(kept.length, 2); // another prooftype was tried for the first one
  const [first, ...others] = attemptsIn(ours).map(({ attempt }) => attempt.verdicts);
  assert.equal(others.length, 2);
  for (const verdicts of others) assert.deepEqual(verdicts, first);
  for (const [view, domain, said] of [
    [ours, 'b.example', live],
    [theirs, 'other.example', admitted],
  ] as const) {
    const { records, unknown } = await readText(traceText(attemptsIn(view)));
    assert.equal(unknown, 0);
    assert.ok(said.every(({ verdicts }) => verdicts.at(-1)?.verdict === 'proved'));
    assert.deepEqual(history(replay(records), domain).attempts, said);
  }
});
