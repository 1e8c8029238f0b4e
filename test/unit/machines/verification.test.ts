/** The verification as a table: one db:result of the peer, from its arrival to our answer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verification } from '../../../machines/index.ts';
import { fault } from '../../../src/protocol/faults.ts';
import { defaultPolicy, type ResolvedPolicy } from '../../../src/protocol/policy.ts';
import { PureActor } from '../../support/pure.ts';
import { associationInput, provedFor, refutedFor, weak } from '../../support/samples.ts';
import { broken, checkTable, done, ended } from '../../support/tables.ts';

const policy = (changes: Partial<ResolvedPolicy>): ResolvedPolicy => ({ ...defaultPolicy, ...changes });
const input = {
  stream: 1,
  id: 'x',
  key: 'k',
  from: 'a.example',
  to: 'b.example',
  policy: policy({ federation: 'verified' }),
  targetIsHosted: true,
  denied: null,
  secured: true,
  association: associationInput(),
  dialbackCounts: true,
};
const events = {
  proved: done('association', provedFor('a.example', weak)),
  'not proved': done('association', refutedFor('a.example')),
  'association broken': broken('association'),
};

checkTable({
  machine: verification,
  spec: 'XEP-0220 §2.2',
  input,
  events,
  ways: { association: [], accepted: ['proved'], refused: ['not proved'] },
  table: {
    association: {
      proved: ['accepted'],
      'not proved': ['refused'],
      'association broken': ['refused'],
      late: ['refused'],
    },
    accepted: ended(events),
    refused: ended(events),
  },
});

test('what is not hosted, or denied, or lacks TLS is refused without a look at it (XEP-0220 §2.2.1, §2.5)', () => {
  const denied = fault('policy', 'policy-violation', 'local');
  const encrypted = policy({ federation: 'encrypted' });
  for (const [what, condition] of [
    [{ targetIsHosted: false }, 'item-not-found'],
    [{ denied }, 'policy-violation'],
    [{ policy: encrypted, secured: false }, 'policy-violation'],
    // An error about the target comes first: unless the target is hosted, nothing else can be judged.
    [{ targetIsHosted: false, denied }, 'item-not-found'],
  ] as const) {
    const actor = new PureActor(verification, { ...input, ...what });
    const { answer, proof } = actor.snapshot.output ?? {};
    assert.deepEqual([actor.state, answer?.type === 'error' && answer.condition, proof], ['refused', condition, null]);
  }
  assert.equal(new PureActor(verification, { ...input, secured: false }).state, 'association', 'verified needs no TLS');
});

test('permissive lets in what is not proved, and marks it as such; no other policy does (XEP-0238)', () => {
  for (const federation of ['permissive', 'verified', 'encrypted', 'authenticated'] as const) {
    const actor = new PureActor(verification, { ...input, policy: policy({ federation }) });
    const { answer, proof } = actor.done('association', refutedFor('a.example')).snapshot.output ?? {};
    assert.deepEqual(
      [answer?.type, proof?.strength],
      federation === 'permissive' ? ['valid', 'none'] : ['error', undefined],
      federation,
    );
  }
});

test('permissive too refuses a key that its domain disowns: it lets in what nobody denies (XEP-0220 §2.2.1)', () => {
  const disowned = { kind: 'refuted', fault: fault('dialback', 'forbidden', 'peer') } as const;
  const actor = new PureActor(verification, { ...input, policy: policy({ federation: 'permissive' }) });
  actor.done('association', {
    ...refutedFor('a.example'),
    attempts: [{ prooftype: 'dialback', verdict: disowned }],
  });
  const { answer, proof } = actor.snapshot.output ?? {};
  assert.deepEqual([actor.state, answer, proof], ['refused', { type: 'error', condition: 'forbidden' }, null]);
});

test('what is asked about the sender is asked as it came, and no key is shown in reverse', () => {
  const asked = (changes: Partial<typeof input>) =>
    (new PureActor(verification, { ...input, ...changes }).effects[0] as { input: Record<string, unknown> }).input;
  const assertion = { targetDomain: 'b.example', id: 'x', key: 'k' };
  assert.deepEqual(asked({}), { ...associationInput(), assertion });
  assert.equal(asked({ dialbackCounts: false })['assertion'], null);
});
