/** The association as a table: the prooftypes in their declared order, the first proof decides. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { association } from '../../../machines/index.ts';
import type { ProoftypeName } from '../../../src/protocol/policy.ts';
import type { ProofVerdict } from '../../../src/protocol/proof.ts';
import { PureActor } from '../../support/pure.ts';
import { certificateOf, notTrusted, strong, weak } from '../../support/samples.ts';
import { broken, checkTable, done, ended } from '../../support/tables.ts';

const proves: ProofVerdict = { kind: 'proved', ...strong };
const provesWeakly: ProofVerdict = { kind: 'proved', ...weak };
const refutes: ProofVerdict = { kind: 'refuted', fault: notTrusted };
const leavesOpen: ProofVerdict = { kind: 'undetermined', fault: notTrusted };

const assertion = { targetDomain: 'b.example', id: 'x', key: 'k' };
const input = {
  stream: 1,
  domain: 'a.example',
  prooftypes: ['dane', 'pkix', 'dialback'] as readonly ProoftypeName[],
  derivedDomains: [],
  certificate: certificateOf('a.example'),
  assertion,
};
const events = {
  'pkix proves': done('pkix', proves),
  'pkix refutes': done('pkix', refutes),
  'pkix leaves open': done('pkix', leavesOpen),
  'pkix broken': broken('pkix'),
  'dialback proves': done('dialback', provesWeakly),
  'dialback refutes': done('dialback', refutes),
  'dialback leaves open': done('dialback', leavesOpen),
  'dialback broken': broken('dialback'),
};

checkTable({
  machine: association,
  spec: 'RFC 7712 §4.2, §7',
  input,
  events,
  ways: {
    pkix: [],
    dialback: ['pkix leaves open'],
    proved: ['pkix proves'],
    refuted: ['pkix refutes', 'dialback leaves open'],
    undetermined: ['pkix leaves open', 'dialback leaves open'],
  },
  table: {
    pkix: {
      'pkix proves': ['proved'],
      'pkix refutes': ['dialback', 'spawn dialback'],
      'pkix leaves open': ['dialback', 'spawn dialback'],
      'pkix broken': ['dialback', 'spawn dialback'],
      'dialback proves': '=',
      'dialback refutes': '=',
      'dialback leaves open': '=',
      'dialback broken': '=',
      late: ['undetermined'],
    },
    dialback: {
      'pkix proves': '=',
      'pkix refutes': '=',
      'pkix leaves open': '=',
      'pkix broken': '=',
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
  const actor = new PureActor(association, { ...input, prooftypes });
  for (const [name, verdict] of verdicts) actor.done(name, verdict);
  return actor.snapshot.output;
};

test('S8: the first prooftype that proves is the proof, and no later one is asked (RFC 7712 §7)', () => {
  const { verdict, attempts } = concluded(['pkix', 'dialback'], ['pkix', proves], ['dialback', provesWeakly]) ?? {};
  assert.deepEqual([verdict, attempts?.map(({ prooftype }) => prooftype)], [proves, ['pkix']]);
  assert.equal(new PureActor(association, { ...input, prooftypes: ['dialback', 'pkix'] }).state, 'dialback');
});

test('what one refutes and another leaves open is refuted; what nobody could judge is open (DESIGN §4)', () => {
  assert.equal(concluded(['pkix', 'dialback'], ['pkix', refutes], ['dialback', leavesOpen])?.verdict.kind, 'refuted');
  assert.equal(
    concluded(['pkix', 'dialback'], ['pkix', leavesOpen], ['dialback', leavesOpen])?.verdict.kind,
    'undetermined',
  );
  const { verdict } = concluded([]) ?? {};
  assert.equal(verdict?.kind === 'undetermined' && verdict.fault.condition, 'no-prooftype');
});

test('S8: a prooftype that this version does not have leaves its question open, and the next is asked', () => {
  const { verdict, attempts } = concluded(['dane', 'posh', 'pkix'], ['pkix', refutes]) ?? {};
  assert.equal(verdict?.kind, 'refuted');
  assert.deepEqual(
    attempts?.map(({ prooftype, verdict: { kind } }) => [prooftype, kind]),
    [
      ['dane', 'undetermined'],
      ['posh', 'undetermined'],
      ['pkix', 'refuted'],
    ],
  );
});

test('without an assertion there is nothing to dial back for (RFC 7712 §4.3)', () => {
  const actor = new PureActor(association, { ...input, prooftypes: ['dialback'], assertion: null });
  assert.equal(actor.state, 'undetermined');
});
