/**
 * Policy and names on the two streams: minimum TLS versions, unknown features, permissive in reverse, headers that
 * change.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entryOf } from '../../../machines/collections/growing-table.ts';
import { type AssociationOutcome, initiatingStream, receivingStream } from '../../../machines/index.ts';
import type { Federation, PolicyOptions } from '../../../src/protocol/policy.ts';
import { type Proof, unproved } from '../../../src/protocol/proof.ts';
import type { StreamFeatures, StreamHeader } from '../../../src/protocol/wire.ts';
import { PureActor } from '../../support/pure.ts';
import {
  certificateOf,
  features,
  header,
  initiatingInput,
  provedFor,
  receivingInput,
  refutedFor,
  responseHeader,
  strong,
  tlsWith,
  verified,
  weak,
  wordsOf,
} from '../../support/samples.ts';
import { detailedWords } from '../../support/tables.ts';

const words = ({ effects }: { effects: PureActor<typeof receivingStream>['effects'] }): string[] =>
  effects.map(detailedWords);

const accepted = (policy: PolicyOptions = {}): PureActor<typeof receivingStream> =>
  new PureActor(receivingStream, receivingInput({}, policy));
const open = (stream: PureActor<typeof receivingStream>, changes: Partial<StreamHeader> = {}) =>
  stream.send({ type: 'peer.streamOpened', header: header(changes), freshId: 'id' });
const underTls = (policy: PolicyOptions, protocol: string, changes: Partial<StreamHeader> = {}) =>
  open(
    open(accepted(policy), changes)
      .send({ type: 'peer.startTlsRequested' })
      .send({ type: 'transport.secured', tls: { ...tlsWith(certificateOf('a.example')), protocol } }),
    changes,
  );

// ——— minTls

const tls13 = { minTls: '1.3' } as const;
for (const [what, policy, protocol, isRefused] of [
  ['1.3 for all, TLS 1.2', tls13, 'TLSv1.2', true],
  ['1.3 for all, TLS 1.3', tls13, 'TLSv1.3', false],
  ['1.3 for this domain, TLS 1.2', { domains: { 'a.example': tls13 } }, 'TLSv1.2', true],
  ['1.3 for the domains below it, TLS 1.2', { domains: { '*.example': tls13 } }, 'TLSv1.2', true],
  ['1.3 for another domain, TLS 1.2', { domains: { 'c.example': tls13 } }, 'TLSv1.2', false],
  ['1.3 for all but this domain, TLS 1.2', { ...tls13, domains: { 'a.example': { minTls: '1.2' } } }, 'TLSv1.2', false],
  ['nothing, TLS 1.2', {}, 'TLSv1.2', false],
] as const) {
  test(`an incoming stream where policy wants ${what}: ${isRefused ? 'policy-violation' : 'welcome'} (RFC 7525 §3.1.1, T6)`, () => {
    const stream = underTls(policy, protocol);
    assert.deepEqual(
      [stream.state, words(stream).at(-1)],
      isRefused ? ['closing', 'close policy-violation'] : ['association', 'spawn association'],
    );
  });
}

test('a further domain with a stricter minTls is not let in on a stream of older TLS; the others are (T6, L5)', () => {
  const stream = underTls({ federation: 'encrypted', domains: { 'c.example': tls13 } }, 'TLSv1.2');
  stream.done('association', provedFor('a.example'));
  const denialOf = (from: string): unknown => {
    stream.send({ type: 'peer.resultRequested', from, to: 'b.example', key: 'k' });
    return (stream.effects[0] as { input: { denied: unknown } }).input.denied;
  };
  assert.equal((denialOf('c.example') as { condition: string }).condition, 'policy-violation');
  assert.equal(denialOf('d.example'), null);
});

test('an outgoing stream asks TLS for the version that the policy towards its domain wants (T6)', () => {
  for (const [policy, minTls] of [
    [{ domains: { 'b.example': tls13 } }, '1.3'],
    [{ ...tls13, domains: { 'b.example': { minTls: '1.2' } } }, '1.2'],
  ] as const) {
    const stream = new PureActor(initiatingStream, initiatingInput({ directTls: true }, policy));
    stream.send({ type: 'transport.connected', remoteAddress: '127.0.0.1', remotePort: 5269 });
    const [asked] = stream.effects;
    assert.equal(asked?.kind === 'sent' && asked.event['minTls'], minTls);
  }
});

// ——— features

const dialled = (purpose: 'stanzas' | 'verification' = 'stanzas') => {
  const stream = new PureActor(initiatingStream, initiatingInput({ purpose }));
  return stream.send({ type: 'transport.connected', remoteAddress: '127.0.0.1', remotePort: 5269 });
};
const hears = (stream: PureActor<typeof initiatingStream>, offered: Partial<StreamFeatures>) =>
  stream
    .send({ type: 'peer.streamOpened', header: responseHeader(), freshId: 'unused' })
    .send({ type: 'peer.featuresReceived', features: features(offered) });
const proved = () =>
  hears(dialled(), { startTls: 'required' })
    .send({ type: 'peer.proceedReceived' })
    .send({ type: 'transport.secured', tls: tlsWith(certificateOf('b.example')) })
    .done('association', provedFor('b.example'));

test('a mandatory feature that we do not know: unsupported-feature, and nothing is asked for before (RFC 6120 §4.3.2, §4.9.3.23)', () => {
  const stream = hears(proved(), { mechanisms: ['EXTERNAL'], unknown: ['{urn:example:x}x'] });
  assert.deepEqual([stream.state, ...words(stream)], ['closing', 'report stream.closing', 'close unsupported-feature']);
});

test('beside STARTTLS an unknown mandatory feature is not yet due: under TLS there may be others (RFC 6120 §4.3.2, §5.4.3.3)', () => {
  const plain = hears(dialled(), { startTls: 'required', unknown: ['{urn:example:x}x'] });
  assert.equal(plain.state, 'tlsNegotiation.awaitingProceed');
  plain
    .send({ type: 'peer.proceedReceived' })
    .send({ type: 'transport.secured', tls: tlsWith(certificateOf('b.example')) })
    .done('association', provedFor('b.example'));
  assert.equal(hears(plain, { mechanisms: ['EXTERNAL'] }).state, 'authentication.saslExternal');
});

test('after SASL too an unknown mandatory feature ends the stream before any stanza (RFC 6120 §4.3.5, S2)', () => {
  const stream = hears(proved(), { mechanisms: ['EXTERNAL'] }).send({ type: 'peer.saslSucceeded' });
  hears(stream, { unknown: ['{urn:example:x}x'] });
  assert.equal(stream.state, 'closing');
  assert.ok(!words(stream).includes('report pair.accepted'));
});

// ——— permissive federation in reverse (XEP-0288 §2.2)

const permissive = { federation: 'permissive' } as const;
const claims = (stream: PureActor<typeof receivingStream>, proof: Proof) =>
  stream
    .send({ type: 'peer.resultRequested', from: 'a.example', to: 'b.example', key: 'k' })
    .done('verification.a.example>b.example', verified('a.example', 'b.example', proof));

test('S2: what permissive lets in unproved is admitted, and is for that no place to send to, bidi or not', () => {
  const stream = underTls(permissive, 'TLSv1.3').done('association', refutedFor('a.example'));
  claims(stream.send({ type: 'peer.bidiRequested' }), unproved);
  assert.ok(words(stream).includes('report pair.admitted'));
  assert.ok(!words(stream).includes('report pair.accepted'));
  assert.equal(entryOf(stream.snapshot.context.proved, 'a.example'), undefined);
});

for (const prooftypes of [['pkix'], ['pkix', 'dialback']] as const) {
  test(`S2: nothing is asserted to whom permissive (${prooftypes.join(', ')}) lets in unproved: DNS speaks for nobody who dials us`, () => {
    const stream = underTls({ ...permissive, prooftypes }, 'TLSv1.3').done('association', refutedFor('a.example'));
    claims(stream.send({ type: 'peer.bidiRequested' }), unproved);
    stream.send({ type: 'local.assertionRequested', from: 'b.example', to: 'a.example' });
    assert.ok(words(stream).includes('report pair.refused'), words(stream).join(', '));
    assert.ok(!words(stream).some((said) => said.includes('assertion')), words(stream).join(', '));
  });
}

test('what permissive lets in by a key that was confirmed may be answered in reverse (XEP-0288 §2.2)', () => {
  const weakly: Proof = { ...unproved, prooftype: 'dialback', strength: 'weak' };
  const stream = underTls(permissive, 'TLSv1.3').done('association', refutedFor('a.example'));
  claims(stream.send({ type: 'peer.bidiRequested' }), weakly);
  assert.ok(words(stream).includes('report pair.accepted'));
});

for (const [policy, proof] of [
  [permissive, { prooftype: 'dialback', strength: 'weak', evidence: { dns: true }, expiresAtMs: null }],
  [{ ...permissive, prooftypes: ['pkix'] }, unproved],
] as const) {
  test(`S1: a far end that nothing proved (${proof.prooftype}) may not write back on a stream of ours, whatever it answers`, () => {
    const stream = new PureActor(initiatingStream, initiatingInput({}, policy));
    stream.send({ type: 'transport.connected', remoteAddress: '127.0.0.1', remotePort: 5269 });
    hears(stream, { startTls: 'optional' })
      .send({ type: 'peer.proceedReceived' })
      .send({ type: 'transport.secured', tls: tlsWith(certificateOf('other.example')) })
      .done('association', refutedFor('b.example'));
    hears(stream, { bidi: true });
    assert.equal(stream.state, 'established.open');
    const pair = { from: 'a.example', to: 'b.example' };
    stream.send({ type: 'local.assertionRequested', ...pair });
    stream.done('assertion.a.example>b.example', { ...pair, answer: { type: 'valid' } });
    assert.deepEqual(
      stream.effects.flatMap((effect) => (effect.kind === 'emitted' ? [effect.event] : [])),
      [{ type: 'pair.accepted', stream: stream.snapshot.context.stream, ...pair, proof }],
    );
    stream.send({ type: 'peer.resultRequested', from: 'b.example', to: 'a.example', key: 'k' });
    assert.deepEqual([stream.state, words(stream).at(-1)], ['closing', 'close policy-violation'], 'no bidi was agreed');
  });
}

const encryptedTo = (outcome: AssociationOutcome, policy: PolicyOptions = { federation: 'encrypted' }) =>
  hears(
    new PureActor(initiatingStream, initiatingInput({}, policy)).send({
      type: 'transport.connected',
      remoteAddress: '127.0.0.1',
      remotePort: 5269,
    }),
    { startTls: 'required' },
  )
    .send({ type: 'peer.proceedReceived' })
    .send({ type: 'transport.secured', tls: tlsWith(certificateOf('b.example')) })
    .done('association', outcome);

test('S8: where policy accepts DNS too, a far end proved by certificate has to prove a further domain likewise (XEP-0220 §2.6.2)', () => {
  for (const [farEnd, verdict] of [
    [provedFor('b.example'), 'refuted'],
    [refutedFor('b.example'), 'proved'],
  ] as const) {
    const stream = hears(encryptedTo(farEnd), {});
    stream.send({ type: 'local.associationRequested', domain: 'c.example' });
    stream.done('association.c.example', refutedFor('c.example'));
    const [settled] = stream.effects.filter(({ kind }) => kind === 'emitted');
    const { outcome } = (settled as unknown as { event: { outcome: AssociationOutcome } }).event;
    assert.equal(outcome.verdict.kind, verdict, `the far end is ${farEnd.verdict.kind}`);
  }
});

for (const policy of [{ federation: 'encrypted' }, { federation: 'permissive', prooftypes: ['pkix'] }] as const) {
  test(`S1: on a bidirectional stream of ours a domain that is not proved is sent to, where ${policy.federation} federation lets it, and may not write back`, () => {
    const stream = encryptedTo(provedFor('b.example'), policy);
    hears(stream, { bidi: true });
    const reportsOf = (to: string): unknown[] => {
      stream.send({ type: 'local.assertionRequested', from: 'a.example', to });
      stream.done(`assertion.a.example>${to}`, { from: 'a.example', to, answer: { type: 'valid' } });
      return stream.effects.map(wordsOf).filter((said) => said.startsWith('report'));
    };
    assert.deepEqual(reportsOf('c.example'), ['report pair.accepted']);
    assert.deepEqual(reportsOf('b.example'), ['report pair.admitted', 'report pair.accepted']);
  });
}

// ——— a policy that changes

const nowIn = (federation: Federation) => ({ type: 'local.policyChanged', policy: { federation } }) as const;

test('S2: a stream of ours that rests on a weak proof ends when the policy wants a strong one; no answer is believed then', () => {
  const stream = encryptedTo(provedFor('b.example', weak));
  hears(stream, {});
  const pair = { from: 'a.example', to: 'b.example' };
  assert.ok(words(stream.send({ type: 'local.assertionRequested', ...pair })).includes('report pair.asserted'));
  stream.send(nowIn('authenticated'));
  assert.deepEqual(
    [stream.state, ...words(stream)],
    ['closing', 'report stream.closing', 'close policy/policy-changed'],
  );
  stream.done('assertion.a.example>b.example', { ...pair, answer: { type: 'valid' } });
  assert.ok(words(stream).every((said) => !said.startsWith('report')));
});

test('a stream that is being opened is not closed for what it has not come to yet: TLS, and a proof', () => {
  const ours = dialled().send(nowIn('authenticated'));
  assert.equal(ours.state, 'streamHeaders.awaitingHeader');
  const theirs = open(accepted({ federation: 'permissive' })).send(nowIn('authenticated'));
  assert.equal(theirs.state, 'authentication.awaitingAuthentication');
});

for (const [federation, proof, isAdmitted] of [
  ['encrypted', weak, true],
  ['authenticated', weak, false],
  ['authenticated', strong, true],
  ['encrypted', unproved, false],
  ['permissive', unproved, true],
] as const) {
  test(`S1: what ends under ${federation} with a proof that is ${proof.strength} is ${isAdmitted ? '' : 'not '}let in, whatever the policy was at its begin`, () => {
    const stream = underTls(permissive, 'TLSv1.3').done('association', refutedFor('a.example'));
    stream.send({ type: 'peer.resultRequested', from: 'a.example', to: 'b.example', key: 'k' }).send(nowIn(federation));
    stream.done('verification.a.example>b.example', verified('a.example', 'b.example', proof));
    assert.equal(words(stream).includes('report pair.admitted'), isAdmitted);
    assert.ok(words(stream).includes(isAdmitted ? 'say result valid' : 'say result policy-violation'));
  });
}

test('S1: on a stream without TLS nobody is let in once the policy wants TLS', () => {
  const stream = open(accepted({ federation: 'verified' }));
  stream.send({ type: 'peer.resultRequested', from: 'a.example', to: 'b.example', key: 'k' }).send(nowIn('encrypted'));
  stream.done('verification.a.example>b.example', verified('a.example', 'b.example', weak));
  assert.ok(words(stream).includes('say result policy-violation'));
  assert.ok(!words(stream).includes('report pair.admitted'));
});

test('a strong proof is one under any policy (S8)', () => {
  const stream = encryptedTo(provedFor('b.example', strong));
  hears(stream, {}).send(nowIn('authenticated'));
  stream.send({ type: 'local.assertionRequested', from: 'a.example', to: 'b.example' });
  assert.ok(words(stream).includes('report pair.asserted'));
});

test('the policy in force is asked at each step, not the one under which the stream began', () => {
  const stream = accepted({ federation: 'verified' }).send({
    type: 'local.policyChanged',
    policy: { deny: ['a.example'] },
  });
  assert.deepEqual(words(open(stream)).at(-1), 'close policy-violation');
});

// ——— names that change

test('`to` may change under TLS to another domain of ours, and only what is said last counts (RFC 6120 §4.7.2)', () => {
  const stream = open(
    open(accepted(), { to: 'b.example' })
      .send({ type: 'peer.startTlsRequested' })
      .send({ type: 'transport.secured', tls: tlsWith(certificateOf('a.example')) }),
    { to: 'b2.example' },
  ).done('association', provedFor('a.example'));
  open(stream.send({ type: 'peer.authRequested', mechanism: 'EXTERNAL', initialResponse: '=' }), { to: 'b2.example' });
  assert.equal(stream.state, 'established');
  const admitted = stream.effects.flatMap((effect) =>
    effect.kind === 'emitted' && effect.event.type === 'pair.admitted' ? [effect.event] : [],
  );
  assert.deepEqual(
    admitted.map(({ from, to }) => [from, to]),
    [['a.example', 'b2.example']],
  );
});

for (const [what, changes, condition] of [
  ['`to` is not ours', { to: 'c.example' }, 'host-unknown'],
  ['`from` is one of ours', { from: 'b2.example' }, 'invalid-from'],
  ['`from` is no more there', { from: null }, 'improper-addressing'],
] as const) {
  test(`under TLS ${what}: ${condition}, whatever the header before it said (RFC 6120 §4.7)`, () => {
    const stream = open(accepted())
      .send({ type: 'peer.startTlsRequested' })
      .send({ type: 'transport.secured', tls: tlsWith(certificateOf('a.example')) });
    assert.deepEqual(words(open(stream, changes)).at(-1), `close ${condition}`);
  });
}

test('a `from` that changes under TLS is proved anew: no EXTERNAL for the one that was proved before (S3)', () => {
  const stream = open(
    open(accepted(), { from: 'c.example' })
      .send({ type: 'peer.startTlsRequested' })
      .send({ type: 'transport.secured', tls: tlsWith(certificateOf('c.example')) }),
    { from: 'a.example' },
  );
  const [asked] = stream.effects.filter(({ kind }) => kind === 'spawned');
  assert.equal((asked as { input: { domain: string } }).input.domain, 'a.example');
  stream.done('association', refutedFor('a.example'));
  stream.send({ type: 'peer.authRequested', mechanism: 'EXTERNAL', initialResponse: '=' });
  assert.deepEqual(words(stream), ['say saslFailure not-authorized']);
});

test('the response header of another domain gives that domain nothing: only the one asked for is proved (RFC 6120 §4.7.1, S3)', () => {
  const stream = dialled().send({
    type: 'peer.streamOpened',
    header: responseHeader({ from: 'other.example' }),
    freshId: 'unused',
  });
  stream
    .send({ type: 'peer.featuresReceived', features: features({ startTls: 'required' }) })
    .send({ type: 'peer.proceedReceived' })
    .send({ type: 'transport.secured', tls: tlsWith(certificateOf('other.example')) });
  const [asked] = stream.effects.filter(({ kind }) => kind === 'spawned');
  assert.equal((asked as { input: { domain: string } }).input.domain, 'b.example');
});
