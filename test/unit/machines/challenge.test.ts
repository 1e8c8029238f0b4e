/** The challenge as a table: one domain that the far end is asked to prove (ProtoXEP "Domain Name Assertions" §4). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { challenge } from '../../../machines/index.ts';
import { fault } from '../../../src/protocol/faults.ts';
import { PureActor } from '../../support/pure.ts';
import { broken, checkTable, done, ended } from '../../support/tables.ts';

const proof = { type: 'peer.proofReceived', prooftype: 'attribute-cert', data: 'AAAA' } as const;
const impossible = { type: 'peer.proofDeclaredImpossible' } as const;
const proved = {
  kind: 'proved',
  prooftype: 'attribute-cert',
  strength: 'strong',
  evidence: {},
  expiresAtMs: 1,
} as const;
const events = {
  'peer.proofReceived': proof,
  'another type': { ...proof, prooftype: 'dnssec-ta' },
  'an unknown type': { ...proof, prooftype: null },
  'too large': { ...proof, data: null },
  'peer.proofDeclaredImpossible': impossible,
  holds: done('checkProof', proved),
  'does not hold': done('checkProof', { kind: 'refuted', fault: fault('dna', 'holder-mismatch', 'peer') }),
  'cannot be judged': done('checkProof', { kind: 'undetermined', fault: fault('dna', 'no-anchor', 'peer') }),
  'check broken': broken('checkProof'),
};
const input = { stream: 1, domain: 'a.example', prooftypes: ['xml-assertion', 'attribute-cert'] } as const;

checkTable({
  machine: challenge,
  spec: 'ProtoXEP §4.4-4.6',
  input,
  events,
  ways: {
    awaitingProof: [],
    checkingProof: ['peer.proofReceived'],
    proved: ['peer.proofReceived', 'holds'],
    refuted: ['peer.proofReceived', 'does not hold'],
    undetermined: ['peer.proofDeclaredImpossible'],
  },
  table: {
    awaitingProof: {
      'peer.proofReceived': ['checkingProof', 'spawn checkProof'],
      'another type': ['undetermined'],
      'an unknown type': ['undetermined'],
      'too large': ['refuted'],
      'peer.proofDeclaredImpossible': ['undetermined'],
      holds: '=',
      'does not hold': '=',
      'cannot be judged': '=',
      'check broken': '=',
      late: ['undetermined'],
    },
    checkingProof: {
      'peer.proofReceived': '=',
      'another type': '=',
      'an unknown type': '=',
      'too large': '=',
      'peer.proofDeclaredImpossible': ['undetermined'],
      holds: ['proved'],
      'does not hold': ['refuted'],
      'cannot be judged': ['undetermined'],
      'check broken': ['undetermined'],
      late: ['undetermined'],
    },
    proved: ended(events),
    refuted: ended(events),
    undetermined: ended(events),
  },
});

test('the proof that came is judged, as what it says it is, for the domain that was challenged (S3)', () => {
  const actor = new PureActor(challenge, input).send(proof);
  assert.deepEqual(actor.effects, [
    {
      kind: 'spawned',
      id: 'checkProof',
      input: { stream: 1, domain: 'a.example', prooftype: 'attribute-cert', data: 'AAAA' },
    },
  ]);
  const { outcome } = actor.snapshot.context;
  assert.ok(!JSON.stringify(actor.snapshot.context).includes('AAAA'), 'a large proof is kept by nobody');
  assert.deepEqual(actor.done('checkProof', proved).snapshot.output, { ...outcome, verdict: proved });
  assert.equal(outcome.prooftype, 'attribute-cert');
});

test('silence, the wrong type and what cannot be judged leave the question open, each by its name (ProtoXEP §4.5)', () => {
  const start = () => new PureActor(challenge, input);
  const faultOf = ({ snapshot: { output } }: PureActor<typeof challenge>) =>
    output?.verdict.kind === 'undetermined' ? output.verdict.fault.condition : output?.verdict.kind;
  assert.deepEqual(
    [
      start().late(),
      start().send({ ...proof, prooftype: null }),
      start().send({ ...proof, prooftype: 'dnssec-ta' }),
      start().send(impossible),
      start().send(proof).late(),
      start().send(proof).failed('checkProof'),
    ].map(faultOf),
    [
      'proof-timeout',
      'prooftype-not-asked-for',
      'prooftype-not-asked-for',
      'impossible',
      'check-timeout',
      'internal-error',
    ],
  );
});

test('only after <impossible/> is the far end not told our verdict, also where it takes back a proof (ProtoXEP §4.5)', () => {
  const isImpossible = (actor: PureActor<typeof challenge>) => actor.snapshot.output?.isImpossible;
  assert.equal(isImpossible(new PureActor(challenge, input).send(impossible)), true);
  assert.equal(isImpossible(new PureActor(challenge, input).send(proof).send(impossible)), true);
  assert.equal(isImpossible(new PureActor(challenge, input).late()), false);
});
