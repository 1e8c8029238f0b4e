/**
 * Where the association asks for proofs of delegation: one challenge for all who wait for it, and remembered results
 * (ProtoXEP §6.8).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChallengeOutcome } from '../../machines/index.ts';
import { ChallengeDesk } from '../../src/control/challenge-desk.ts';
import { fault, FaultError } from '../../src/protocol/faults.ts';
import type { ProofVerdict } from '../../src/protocol/proof.ts';
import { SimulatedClock } from '../../src/simulation/simulated-clock.ts';

const wish = { domain: 'a.example', prooftypes: ['attribute-cert'], fresh: false } as const;
const proved = (expiresAtMs: number | null): ProofVerdict => ({
  kind: 'proved',
  prooftype: 'attribute-cert',
  strength: 'strong',
  evidence: {},
  expiresAtMs,
});
const refuted: ProofVerdict = { kind: 'refuted', fault: fault('dna', 'holder-mismatch', 'peer') };
const open = (origin: 'peer' | 'dns', condition = 'proof-timeout'): ProofVerdict => ({
  kind: 'undetermined',
  fault: fault('dna', condition, origin),
});

function desk() {
  const clock = new SimulatedClock();
  const asked: string[] = [];
  const made = new ChallengeDesk({
    stands: (stream) => stream < 9,
    challenge: (stream, domain, prooftypes) => asked.push(`${stream} ${domain} ${prooftypes.join(' ')}`),
    clock,
  });
  const ask = (changes: Partial<Parameters<ChallengeDesk['ask']>[1]> = {}, stream = 1, signal = never) =>
    made.ask(stream, { ...wish, ...changes }, signal);
  const settle = (verdict: ProofVerdict, isImpossible = false, stream = 1): ChallengeOutcome => {
    const outcome = { domain: 'a.example', prooftype: 'attribute-cert', isImpossible, verdict } as const;
    made.settled({ type: 'challenge.settled', stream, outcome });
    return outcome;
  };
  return { desk: made, clock, asked, ask, settle };
}
const never = new AbortController().signal;

test('one challenge for all who wait, and for those who come later, as long as it holds', async () => {
  const { asked, ask, settle, clock } = desk();
  const waiting = [ask(), ask()];
  const outcome = settle(proved(clock.now() + 1_000));
  assert.deepEqual(await Promise.all([...waiting, ask()]), [outcome, outcome, outcome]);
  assert.deepEqual(asked, ['1 a.example attribute-cert']);
  void ask({}, 2);
  assert.equal(asked.length, 2, 'another stream, another challenge');
  void ask({ fresh: true });
  assert.equal(asked.length, 3, 'what is about to end is asked for anew');
  settle(outcome.verdict);
  await clock.advance(1_000);
  void ask();
  assert.equal(asked.length, 4, 'what has ended as well');
});

test('whoever joins with other types has an answer about his own: after that of the first, the far end is asked for them', async () => {
  const { asked, ask, settle } = desk();
  const first = ask();
  const other = ask({ prooftypes: ['dnssec-ta'] });
  const both = ask({ prooftypes: ['attribute-cert', 'dnssec-ta'] });
  const outcome = settle(proved(null));
  assert.deepEqual([await first, await both], [outcome, outcome], 'a type of theirs was proved');
  assert.deepEqual(asked, ['1 a.example attribute-cert', '1 a.example dnssec-ta']);
  const its = settle(refuted);
  assert.equal(await other, its);
});

test('where the first asked for fewer types, that he was refused is no answer to the others; where for more, it is', async () => {
  for (const fresh of [false, true]) {
    const { asked, ask, settle } = desk();
    const few = ask({ fresh });
    const more = [1, 2].map(() => ask({ prooftypes: ['xml-assertion', 'attribute-cert'], fresh }));
    const outcome = settle(refuted);
    assert.equal(await few, outcome);
    const fewer = ask({ prooftypes: ['xml-assertion'], fresh });
    assert.deepEqual(asked.slice(1), ['1 a.example xml-assertion attribute-cert'], 'one for all who were not answered');
    const last = settle(open('dns'));
    assert.deepEqual(await Promise.all([...more, fewer]), [last, last, last]);
    assert.equal(asked.length, 2);
  }
});

test('who gave up, or whose stream ended, meanwhile asks for nothing more', async () => {
  const { asked, ask, settle, desk: made } = desk();
  const abort = new AbortController();
  void ask();
  const impatient = ask({ prooftypes: ['dnssec-ta'] }, 1, abort.signal);
  const joined = ask({ prooftypes: ['xml-assertion'] });
  settle(refuted);
  abort.abort();
  made.streamEnds(1, null);
  await assert.rejects(Promise.race([impatient, joined]));
  assert.ok(!asked.includes('1 a.example dnssec-ta'), asked.join('; '));
});

test('who was refused is not challenged again, unless in another way', async () => {
  const { asked, ask, settle, desk: made } = desk();
  for (const verdict of [refuted, open('peer')]) {
    const first = ask({ fresh: true });
    const outcome = settle(verdict);
    assert.deepEqual([await first, await ask()], [outcome, outcome]);
    made.asserted(1, 'a.example');
    assert.equal(await ask(), outcome, 'it only says so again');
  }
  void ask({ prooftypes: ['attribute-cert', 'dnssec-ta'] });
  assert.equal(asked.at(-1), '1 a.example attribute-cert dnssec-ta');
});

test('what the far end cannot prove now, or has taken back, it may assert again; what failed here is not held against it', async () => {
  const { asked, ask, settle, desk: made } = desk();
  void ask();
  settle(open('peer', 'impossible'), true);
  await ask();
  made.asserted(1, 'a.example');
  void ask();
  assert.equal(asked.length, 2);
  settle(proved(null));
  made.withdrawn(1, 'a.example', fault('dna', 'proof-expired', 'peer'));
  const { verdict } = await ask();
  assert.equal(verdict.kind === 'undetermined' && verdict.fault.condition, 'proof-expired');
  made.asserted(1, 'a.example');
  void ask();
  settle(open('dns'));
  void ask();
  assert.equal(asked.length, 4);
});

test('the end of the stream is the end of whoever waits on it, and of what is remembered', async () => {
  const { asked, ask, settle, desk: made } = desk();
  const waiting = ask();
  made.streamEnds(1, null);
  await assert.rejects(waiting, FaultError);
  assert.equal(made.streamsChallenged, 0);
  await assert.rejects(ask({}, 9), /closed/);
  settle(proved(null));
  assert.equal(made.streamsChallenged, 0, 'too late');
  void ask();
  assert.equal(asked.length, 2);
});

test('nobody waits any more: the answer is remembered all the same', async () => {
  const { asked, ask, settle } = desk();
  const abort = new AbortController();
  void ask({}, 1, abort.signal);
  abort.abort();
  const outcome = settle(proved(null));
  assert.equal(await ask(), outcome);
  assert.equal(asked.length, 1);
  await assert.rejects(ask({}, 1, abort.signal), /aborted/);
});
