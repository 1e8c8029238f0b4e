/** The association as a table: the prooftypes in their declared order; the first proof decides. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fault } from '../../../src/protocol/faults.ts';
import { type SecureDelegation, undelegated } from '../../../src/protocol/secure-delegation.ts';
import { association, type ChallengeOutcome } from '../../../machines/index.ts';
import type { ProoftypeName } from '../../../src/protocol/policy.ts';
import type { ProofAttempt, ProofVerdict } from '../../../src/protocol/proof.ts';
import { PureActor } from '../../support/pure.ts';
import {
  associationInput,
  certificateOf,
  notSpoken,
  notTrusted,
  strong,
  unanswered,
  weak,
} from '../../support/samples.ts';
import { broken, checkTable, done, ended, rowOf } from '../../support/tables.ts';

const proves: ProofVerdict = { kind: 'proved', ...strong };
const provesWeakly: ProofVerdict = { kind: 'proved', ...weak };
const refutes: ProofVerdict = { kind: 'refuted', fault: notTrusted };
const leavesOpen: ProofVerdict = { kind: 'undetermined', fault: notTrusted };

const assertion = { targetDomain: 'b.example', id: 'x', key: 'k' };
const input = associationInput({
  prooftypes: ['dane', 'pkix', 'posh', 'pinned-key', 'dialback'],
  delegation: null,
  assertion,
});
const tlsa = { usage: 3, selector: 1, matching: 1, data: 'ab'.repeat(32) };
const signed: SecureDelegation = {
  derivedDomains: ['h.example'],
  expiresAtMs: 1_000,
  dane: { kind: 'tlsa', sets: [{ owner: '_5269._tcp.h.example', records: [tlsa] }], expiresAtMs: 500 },
};
const withheld = (condition: string) =>
  done('lookUpSecureDelegation', { kind: 'withheld', fault: fault('dns', condition, 'dns') });
const refutesForGood: ProofVerdict = { kind: 'refuted', fault: fault('dane', 'no-match', 'peer'), final: true };

const answered = (verdict: ProofVerdict): ChallengeOutcome => ({
  ...unanswered('a.example'),
  prooftype: 'dnssec-ta',
  verdict,
});

const events = {
  'signed TLSA': done('lookUpSecureDelegation', { kind: 'found', delegation: signed }),
  unsigned: done('lookUpSecureDelegation', { kind: 'found', delegation: undelegated }),
  bogus: withheld('bogus'),
  'no answer': withheld('lookup-failed'),
  'look-up broken': broken('lookUpSecureDelegation'),
  'dane proves': done('dane', { ...proves, prooftype: 'dane' }),
  'dane refutes for good': done('dane', refutesForGood),
  'dane leaves open': done('dane', leavesOpen),
  'dane broken': broken('dane'),
  'pkix proves': done('pkix', proves),
  'pkix refutes': done('pkix', refutes),
  'pkix leaves open': done('pkix', leavesOpen),
  'pkix broken': broken('pkix'),
  'posh proves': done('posh', { ...proves, prooftype: 'posh' }),
  'posh refutes': done('posh', refutes),
  'posh leaves open': done('posh', leavesOpen),
  'posh broken': broken('posh'),
  'challenge proves': done('challenge', answered({ ...proves, prooftype: 'dnssec-ta' })),
  'challenge refutes': done('challenge', answered(refutes)),
  'challenge broken': broken('challenge'),
  'own proves': done('ownProoftype', { ...proves, prooftype: 'pinned-key' }),
  'own refutes': done('ownProoftype', refutes),
  'own broken': broken('ownProoftype'),
  'dialback proves': done('dialback', provesWeakly),
  'dialback refutes': done('dialback', refutes),
  'dialback leaves open': done('dialback', leavesOpen),
  'dialback broken': broken('dialback'),
};
const nothing = rowOf(events, '=');
/** Policy has the far end challenged, and it speaks DNA. */
const byChallenge = associationInput({
  prooftypes: ['attribute-cert', 'pinned-key', 'dnssec-ta', 'dialback'],
  unchallengeable: null,
  assertion,
});

checkTable({
  machine: association,
  spec: 'RFC 7712 §4.2, §7',
  input,
  inputs: { challenge: byChallenge },
  events,
  ways: {
    awaitingSecureDelegation: [],
    dane: ['signed TLSA'],
    pkix: ['unsigned'],
    posh: ['unsigned', 'pkix leaves open'],
    challenge: [],
    ownProoftype: ['unsigned', 'pkix leaves open', 'posh leaves open'],
    dialback: ['unsigned', 'pkix leaves open', 'posh leaves open', 'own broken'],
    proved: ['signed TLSA', 'dane proves'],
    refuted: ['signed TLSA', 'dane refutes for good', 'dialback leaves open'],
    undetermined: ['bogus'],
  },
  table: {
    awaitingSecureDelegation: {
      ...nothing,
      'signed TLSA': ['dane', 'spawn dane'],
      unsigned: ['pkix', 'spawn pkix'],
      bogus: ['undetermined'],
      'no answer': ['dialback', 'spawn dialback'],
      'look-up broken': ['dialback', 'spawn dialback'],
      late: ['dialback', 'spawn dialback'],
    },
    dane: {
      ...nothing,
      'dane proves': ['proved'],
      'dane refutes for good': ['dialback', 'spawn dialback'],
      'dane leaves open': ['pkix', 'spawn pkix'],
      'dane broken': ['dialback', 'spawn dialback'],
      late: ['dialback', 'spawn dialback'],
    },
    pkix: {
      ...nothing,
      'pkix proves': ['proved'],
      'pkix refutes': ['posh', 'spawn posh'],
      'pkix leaves open': ['posh', 'spawn posh'],
      'pkix broken': ['posh', 'spawn posh'],
      late: ['posh', 'spawn posh'],
    },
    posh: {
      ...nothing,
      'posh proves': ['proved'],
      'posh refutes': ['ownProoftype', 'spawn ownProoftype'],
      'posh leaves open': ['ownProoftype', 'spawn ownProoftype'],
      'posh broken': ['ownProoftype', 'spawn ownProoftype'],
      late: ['ownProoftype', 'spawn ownProoftype'],
    },
    challenge: {
      ...nothing,
      'challenge proves': ['proved'],
      'challenge refutes': ['ownProoftype', 'spawn ownProoftype'],
      'challenge broken': ['ownProoftype', 'spawn ownProoftype'],
      late: ['ownProoftype', 'spawn ownProoftype'],
    },
    ownProoftype: {
      ...nothing,
      'own proves': ['proved'],
      'own refutes': ['dialback', 'spawn dialback'],
      'own broken': ['dialback', 'spawn dialback'],
      late: ['dialback', 'spawn dialback'],
    },
    dialback: {
      ...nothing,
      'dialback proves': ['proved'],
      'dialback refutes': ['refuted'],
      'dialback leaves open': ['undetermined'],
      'dialback broken': ['undetermined'],
      late: ['undetermined'],
    },
    proved: ended(events),
    refuted: ended(events),
    undetermined: ended(events),
  },
});

const concluded = (prooftypes: readonly ProoftypeName[], ...verdicts: readonly [string, ProofVerdict][]) => {
  const actor = new PureActor(association, { ...input, prooftypes, delegation: undelegated });
  for (const [name, verdict] of verdicts) actor.done(name, verdict);
  return actor.snapshot.output;
};

test('S8: the first prooftype that proves is the proof, and no later one is asked (RFC 7712 §7)', () => {
  const { verdict, attempts } = concluded(['pkix', 'dialback'], ['pkix', proves], ['dialback', provesWeakly]) ?? {};
  assert.deepEqual([verdict, attempts?.map(({ prooftype }) => prooftype)], [proves, ['pkix']]);
  assert.equal(
    new PureActor(association, { ...input, prooftypes: ['dialback', 'pkix'], delegation: undelegated }).state,
    'dialback',
  );
});

test('what one refutes and another leaves open is refuted; what nobody could judge is open', () => {
  assert.equal(concluded(['pkix', 'dialback'], ['pkix', refutes], ['dialback', leavesOpen])?.verdict.kind, 'refuted');
  assert.equal(
    concluded(['pkix', 'dialback'], ['pkix', leavesOpen], ['dialback', leavesOpen])?.verdict.kind,
    'undetermined',
  );
  const { verdict } = concluded([]) ?? {};
  assert.equal(verdict?.kind === 'undetermined' && verdict.fault.condition, 'no-prooftype');
});

const kindsOf = (attempts: readonly ProofAttempt[] = []) =>
  attempts.map(({ prooftype, verdict: { kind } }) => `${prooftype} ${kind}`);

test('A14: every prooftype leaves what became of it; without a validator DANE leaves the question open (RFC 7712 §7)', () => {
  const { verdict, attempts } =
    concluded(['dane', 'posh', 'pkix'], ['posh', leavesOpen], ['pkix', refutes]) ?? assert.fail();
  assert.equal(verdict.kind, 'refuted');
  assert.deepEqual(kindsOf(attempts), ['dane undetermined', 'posh undetermined', 'pkix refuted']);
  const [dane] = attempts;
  assert.equal(dane?.verdict.kind === 'undetermined' && dane.verdict.fault.condition, 'no-validator');
});

test('S8: who is not named by DANE is proved by nothing else that judges the certificate (RFC 6698 §4.1)', () => {
  const actor = new PureActor(association, { ...input, delegation: signed, assertion: null });
  assert.equal(actor.state, 'dane');
  const { output } = actor.done('dane', refutesForGood).snapshot;
  assert.deepEqual([output?.verdict, kindsOf(output?.attempts)], [refutesForGood, ['dane refuted']]);
});

test('S4: what a bogus answer hides is not found out by anybody else; nor what did not come (RFC 7673 §3.1)', () => {
  for (const finding of ['bogus', 'no answer', 'look-up broken'] as const) {
    const actor = new PureActor(association, { ...input, assertion: null }).sendInternal(events[finding]);
    const { output } = actor.snapshot;
    assert.deepEqual([actor.state, kindsOf(output?.attempts)], ['undetermined', ['dane undetermined']], finding);
    assert.equal(output?.verdict.kind === 'undetermined' && output.verdict.final, true, finding);
  }
});

test('A7: where DANE is not asked for, only a certificate that names others makes us ask for the delegation (RFC 7673 §4.1)', () => {
  const without = { ...input, prooftypes: ['pkix'] };
  assert.equal(new PureActor(association, without).state, 'pkix', 'it names the domain');
  const asking = new PureActor(association, { ...without, certificate: certificateOf('h.example') });
  assert.equal(asking.state, 'awaitingSecureDelegation');
  const derivedAt = (actor: PureActor<typeof association>) => {
    const [spawned] = actor.effects.filter((effect) => effect.kind === 'spawned');
    return spawned?.kind === 'spawned' ? (spawned.input as { derivedDomains: unknown }).derivedDomains : null;
  };
  assert.deepEqual(derivedAt(asking.sendInternal(events['signed TLSA'])), ['h.example']);
  const silent = new PureActor(association, { ...without, certificate: certificateOf('h.example') });
  assert.deepEqual(
    derivedAt(silent.sendInternal(events['no answer'])),
    [],
    'silence delegates nothing, and forbids nothing',
  );
  assert.equal(
    new PureActor(association, { ...without, certificate: certificateOf('h.example') }).sendInternal(events.bogus)
      .state,
    'undetermined',
  );
});

test('A9: one challenge offers every type that policy accepts, and is over with all of them (ProtoXEP §4.4)', () => {
  const actor = new PureActor(association, byChallenge);
  assert.deepEqual(actor.effects, [
    {
      kind: 'spawned',
      id: 'challenge',
      input: { stream: 1, domain: 'a.example', prooftypes: ['attribute-cert', 'dnssec-ta'], fresh: false },
    },
  ]);
  actor.done('challenge', answered(refutes)).done('ownProoftype', leavesOpen);
  assert.equal(actor.state, 'dialback');
  const { output } = actor.done('dialback', leavesOpen).snapshot;
  assert.deepEqual(kindsOf(output?.attempts), [
    'dnssec-ta refuted',
    'pinned-key undetermined',
    'dialback undetermined',
  ]);
});

test('S4: what is refused for good by the check of a proof is proved by nothing else', () => {
  const actor = new PureActor(association, { ...byChallenge, assertion: null });
  assert.equal(actor.done('challenge', answered(refutesForGood)).state, 'refuted');
});

test('A9: a far end that does not speak DNA is not challenged, and each type says why', () => {
  const actor = new PureActor(association, { ...byChallenge, unchallengeable: notSpoken, prooftypes: ['dnssec-ta'] });
  const { output } = actor.snapshot;
  assert.deepEqual(output?.attempts, [{ prooftype: 'dnssec-ta', verdict: { kind: 'undetermined', fault: notSpoken } }]);
});

test('S8: a challenge does not make good what DANE has refused (RFC 6698 §4.1)', () => {
  const prooftypes = ['dane', 'attribute-cert'];
  const actor = new PureActor(association, { ...byChallenge, prooftypes, delegation: signed, assertion: null });
  assert.equal(actor.state, 'dane');
  assert.equal(actor.done('dane', refutesForGood).state, 'refuted');
});

test('without an assertion there is nothing to dial back for (RFC 7712 §4.3)', () => {
  const actor = new PureActor(association, {
    ...input,
    prooftypes: ['dialback'],
    delegation: undelegated,
    assertion: null,
  });
  assert.equal(actor.state, 'undetermined');
});
