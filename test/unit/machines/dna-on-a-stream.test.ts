/** The DNA protocol of 2009 on the two streams, step by step; nothing runs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tableFrom } from '../../../machines/collections/growing-table.ts';
import { type ChallengeOutcome, initiatingStream, limits, receivingStream } from '../../../machines/index.ts';
import type { StreamInput } from '../../../machines/stream/context.ts';
import type { PolicyOptions } from '../../../src/protocol/policy.ts';
import type { Proof, ProofVerdict } from '../../../src/protocol/proof.ts';
import type { StreamFeatures } from '../../../src/protocol/wire.ts';
import { PureActor } from '../../support/pure.ts';
import {
  certificateOf,
  features,
  header,
  initiatingInput,
  notTrusted,
  provedFor,
  receivingInput,
  refutedFor,
  responseHeader,
  strong,
  tlsWith,
  unanswered,
  verified,
  weak,
} from '../../support/samples.ts';
import { detailedWords } from '../../support/tables.ts';

const POLICY: PolicyOptions = { prooftypes: ['pkix', 'attribute-cert'] };
const ours = (domain: string) => ({
  checks: true,
  proofs: tableFrom(new Map([[domain, { 'attribute-cert': 'AAAA' }]])),
});
const delegated: Proof = { ...strong, prooftype: 'attribute-cert' };
const challenged = (domain: string, verdict: ProofVerdict): ChallengeOutcome => ({
  ...unanswered(domain),
  prooftype: 'attribute-cert',
  verdict,
});
const proves = (domain: string) => challenged(domain, { kind: 'proved', ...delegated });
const words = ({ effects }: Pick<PureActor<typeof initiatingStream>, 'effects'>): string[] =>
  effects.map(detailedWords);

// ——— as the initiating server

type Initiating = PureActor<typeof initiatingStream>;
const speaking = (policy = POLICY, changes: Partial<StreamInput> = {}): StreamInput => {
  const input = initiatingInput(changes, policy);
  return { ...input, settings: { ...input.settings, dna: ours('a.example') } };
};
function toVerdict(input: StreamInput): Initiating {
  const stream = new PureActor(initiatingStream, input);
  stream.send({ type: 'transport.connected', remoteAddress: '127.0.0.1', remotePort: 5269 });
  stream.send({ type: 'peer.streamOpened', header: responseHeader(), freshId: '' });
  // Before TLS nothing is believed, including that the peer speaks DNA.
  stream.send({ type: 'peer.featuresReceived', features: features({ startTls: 'required', asserts: ['b.example'] }) });
  stream.send({ type: 'peer.proceedReceived' });
  return stream.send({ type: 'transport.secured', tls: tlsWith(certificateOf('hosting.example')) });
}
function offered(stream: Initiating, changes: Partial<StreamFeatures>): Initiating {
  stream.send({ type: 'peer.streamOpened', header: responseHeader(), freshId: '' });
  return stream.send({ type: 'peer.featuresReceived', features: features(changes) });
}
const asserts = { asserts: ['b.example'] };

test('the certificate is judged first, without a challenge; what it does not prove waits for the features (ProtoXEP §6.3)', () => {
  const stream = toVerdict(speaking());
  const [spawned] = stream.effects.filter((effect) => effect.kind === 'spawned');
  assert.deepEqual((spawned as { input: { prooftypes: unknown } }).input.prooftypes, ['pkix']);
  stream.done('association', refutedFor('b.example'));
  assert.deepEqual([stream.state, ...words(stream).slice(-1)], ['streamHeaders.awaitingHeader', 'say streamHeader']);
  offered(stream, { ...asserts, mechanisms: ['EXTERNAL'], bidi: true });
  assert.deepEqual([stream.state, ...words(stream)], ['association.awaitingChallenge', 'spawn association']);
});

test('S5: that it asserted itself before TLS is forgotten', () => {
  const stream = toVerdict(speaking()).done('association', refutedFor('b.example'));
  offered(stream, {});
  assert.deepEqual([stream.state, words(stream).at(-1)], ['closing', 'close pkix/untrusted-root']);
});

test('a far end that does not speak DNA is told to be so, where nothing else could have proved it', () => {
  const stream = toVerdict(speaking({ prooftypes: ['attribute-cert'] }));
  stream.done('association', {
    domain: 'b.example',
    attempts: [],
    verdict: { kind: 'undetermined', fault: notTrusted },
  });
  offered(stream, {});
  assert.deepEqual([stream.state, words(stream).at(-1)], ['closing', 'close dna/not-spoken']);
});

test('S4, S8: what DANE refuses for good is not asked for its features, and not challenged', () => {
  const final = { kind: 'refuted', fault: notTrusted, final: true } as const;
  const stream = toVerdict(speaking()).done('association', { domain: 'b.example', attempts: [], verdict: final });
  assert.equal(stream.state, 'closing');
});

test('a proof in time leads on as any other does; one for nothing ends the stream, or leaves it to DNS', () => {
  const toChallenge = (policy: PolicyOptions) =>
    offered(toVerdict(speaking(policy)).done('association', refutedFor('b.example')), {
      ...asserts,
      mechanisms: ['EXTERNAL'],
    });
  assert.equal(
    toChallenge(POLICY).done('association', provedFor('b.example', delegated)).state,
    'authentication.saslExternal',
  );
  assert.equal(toChallenge(POLICY).done('association', refutedFor('b.example')).state, 'closing');
  assert.equal(toChallenge(POLICY).late().state, 'closing');
  const lenient = { federation: 'encrypted', prooftypes: ['pkix', 'attribute-cert', 'dialback'] } as const;
  assert.equal(toChallenge(lenient).done('association', refutedFor('b.example')).state, 'authentication.saslExternal');
});

test('a verification stream is for verification: no DNA on it', () => {
  const stream = toVerdict(speaking(POLICY, { purpose: 'verification' }));
  stream.done('association', refutedFor('b.example'));
  offered(stream, asserts);
  assert.equal(stream.state, 'established.lingering');
  stream.send({ type: 'peer.challengeReceived', domain: 'a.example', prooftypes: ['attribute-cert'] });
  assert.deepEqual(words(stream), []);
});

test('between <auth/> and the header that follows nothing is said, whatever is asked (RFC 6120 §6.4.6)', () => {
  const stream = toVerdict(speaking()).done('association', provedFor('b.example'));
  offered(stream, { ...asserts, mechanisms: ['EXTERNAL'] });
  assert.deepEqual([stream.state, ...words(stream)], ['authentication.saslExternal', 'say auth']);
  stream.send({ type: 'peer.challengeReceived', domain: 'a.example', prooftypes: ['attribute-cert'] });
  assert.deepEqual(words(stream), []);
  stream.send({ type: 'peer.saslSucceeded' });
  offered(stream, asserts);
  assert.deepEqual(words(stream).slice(-2), ['say dnaValid', 'say dnaAssert'], 'only then');
});

/** b.example is proved by a certificate that names it, on a stream where both ends speak DNA. */
function established(policy = POLICY): Initiating {
  const stream = toVerdict(speaking(policy)).done('association', provedFor('b.example'));
  return offered(stream, asserts);
}

test('S1: before we say valid, who is believed may come in', () => {
  assert.deepEqual(words(established()), [
    'report stream.verifiable',
    'report stream.established',
    'authenticated',
    'report pair.admitted',
    'say dnaValid',
    'say dnaAssert',
  ]);
});

test('a far end of which only DNS is known is told nothing, and still hears who we are', () => {
  const lenient = { federation: 'encrypted', prooftypes: ['pkix', 'dialback'] } as const;
  const stream = toVerdict(speaking(lenient)).done('association', refutedFor('b.example'));
  offered(stream, asserts);
  assert.deepEqual(words(stream).slice(2), ['say dnaAssert']);
});

test('S2: nothing is asserted from a domain of ours that the far end has declared invalid, until it says otherwise (ProtoXEP §4.3)', () => {
  const stream = established();
  const asked = () => {
    stream.send({ type: 'local.assertionRequested', from: 'a.example', to: 'b.example' });
    return words(stream);
  };
  stream.send({ type: 'peer.domainDeclaredInvalid', domain: 'a.example' });
  assert.deepEqual(words(stream), ['report domain.judged', 'report domain.withdrawn']);
  assert.deepEqual(asked(), ['report pair.refused']);
  stream.send({ type: 'peer.domainDeclaredInvalid', domain: 'c.example' });
  assert.deepEqual(words(stream), [], 'none of ours');
  stream.send({ type: 'peer.domainDeclaredValid', domain: 'a.example' });
  assert.deepEqual(asked(), ['spawn assertion.a.example>b.example', 'say result', 'report pair.asserted']);
});

test('S2: a domain that the far end has taken back is not asserted to, and is there again once it is proved anew (ProtoXEP §4.5)', () => {
  for (const policy of [
    POLICY,
    { federation: 'encrypted', prooftypes: ['pkix', 'attribute-cert', 'dialback'] } as const,
  ]) {
    const stream = established(policy);
    const asked = () => {
      stream.send({ type: 'local.assertionRequested', from: 'a.example', to: 'b.example' });
      return words(stream)[0];
    };
    stream.send({ type: 'peer.proofDeclaredImpossible', domain: 'b.example' });
    assert.deepEqual(words(stream), ['report domain.withdrawn']);
    assert.equal(asked(), 'report pair.refused', 'also where DNS would do otherwise');
    stream.send({ type: 'local.associationRequested', domain: 'b.example' });
    stream.done('association.b.example', provedFor('b.example', delegated));
    assert.deepEqual(words(stream).slice(1), [
      'report association.settled',
      'authenticated',
      'report pair.admitted',
      'say dnaValid',
    ]);
    assert.equal(asked(), 'spawn assertion.a.example>b.example');
  }
});

test('S3, S6: a proof goes to the challenge for its domain, where there is one, and nowhere else', () => {
  const stream = established();
  const proof = (domain: string) =>
    words(stream.send({ type: 'peer.proofReceived', domain, prooftype: 'attribute-cert', data: 'x' }));
  assert.deepEqual(proof('c.example'), []);
  const wanted = { type: 'local.challengeRequested', domain: 'c.example', prooftypes: ['attribute-cert'] } as const;
  stream.send(wanted);
  assert.deepEqual(words(stream), ['spawn challenge.c.example', 'proofAwaited', 'say dnaChallenge']);
  assert.deepEqual(words(stream.send(wanted)), ['report challenge.settled'], 'one at a time for a domain');
  assert.deepEqual(proof('d.example'), []);
  assert.deepEqual(proof('c.example'), ['peer.proofReceived']);
  stream.done('challenge.c.example', proves('c.example'));
  assert.deepEqual(words(stream), [
    'stop challenge.c.example',
    'report challenge.settled',
    'authenticated',
    'report pair.admitted',
    'say dnaValid',
  ]);
  assert.deepEqual(proof('c.example'), []);
});

test('what fails of a challenge is told by its name; where it broke here, nobody is told anything', () => {
  const outcomes: readonly [ChallengeOutcome | null, readonly string[]][] = [
    [unanswered('c.example'), ['say dnaInvalid']],
    [challenged('c.example', { kind: 'refuted', fault: notTrusted }), ['say dnaInvalid']],
    [{ ...unanswered('c.example'), isImpossible: true }, []],
    [null, []],
  ];
  for (const [outcome, said] of outcomes) {
    const stream = established();
    stream.send({ type: 'local.challengeRequested', domain: 'c.example', prooftypes: ['attribute-cert'] });
    if (outcome === null) stream.failed('challenge.c.example');
    else stream.done('challenge.c.example', outcome);
    assert.deepEqual(words(stream), ['stop challenge.c.example', 'report challenge.settled', ...said]);
  }
});

test('a proof that policy does not accept any more is not believed (S8)', () => {
  const stream = established();
  stream.send({ type: 'local.challengeRequested', domain: 'c.example', prooftypes: ['attribute-cert'] });
  stream.send({
    type: 'local.policyChanged',
    policy: { domains: { 'c.example': { prooftypes: ['pkix'] } }, ...POLICY },
  });
  stream.done('challenge.c.example', proves('c.example'));
  assert.deepEqual(words(stream).slice(-1), ['say dnaInvalid']);
});

test('P2: a policy without the prooftype closes the stream on which a pair rests on it; one that was withdrawn closes none', () => {
  const withC = () => {
    const stream = established();
    stream.send({ type: 'local.challengeRequested', domain: 'c.example', prooftypes: ['attribute-cert'] });
    return stream.done('challenge.c.example', proves('c.example'));
  };
  const pkixAlone = { type: 'local.policyChanged', policy: { prooftypes: ['pkix'] } } as const;
  assert.equal(withC().send(pkixAlone).state, 'closing');
  const without = withC().send({ type: 'local.proofEnded', domain: 'c.example' });
  assert.deepEqual(words(without), ['report domain.withdrawn', 'say dnaInvalid']);
  assert.equal(without.send(pkixAlone).state, 'established.open');
});

test('what was shown and can be shown no more is taken back, once; what was never shown is nobody’s business', () => {
  const stream = established();
  assert.deepEqual(words(stream.send({ type: 'local.proofsChanged', proofs: [] })), []);
  stream.send({ type: 'local.proofsChanged', proofs: ours('a.example').proofs });
  stream.send({ type: 'peer.challengeReceived', domain: 'a.example', prooftypes: ['dnssec-ta', 'attribute-cert'] });
  assert.deepEqual(words(stream), ['say dnaProof']);
  assert.deepEqual(words(stream.send({ type: 'local.proofsChanged', proofs: [] })), [
    'say dnaImpossible',
    'report domain.withdrawn',
  ]);
  assert.deepEqual(words(stream.send({ type: 'local.proofsChanged', proofs: [] })), []);
});

test('so many challenges at once, and no more', () => {
  const stream = established();
  const asked = (domain: string) =>
    words(stream.send({ type: 'local.challengeRequested', domain, prooftypes: ['attribute-cert'] }));
  for (let i = 0; i < limits.pendingChallenges; i += 1) assert.equal(asked(`c${i}.example`).length, 3);
  assert.deepEqual(asked('one-more.example'), ['report challenge.settled']);
});

// ——— as the receiving server

type Receiving = PureActor<typeof receivingStream>;
function offering(policy = POLICY, outcome = refutedFor('a.example')): Receiving {
  const input = receivingInput({}, policy);
  const stream = new PureActor(receivingStream, {
    ...input,
    settings: { ...input.settings, dna: ours('b.example') },
  });
  stream.send({ type: 'peer.streamOpened', header: header(), freshId: 'one' });
  stream.send({ type: 'peer.startTlsRequested' });
  stream.send({ type: 'transport.secured', tls: tlsWith(certificateOf('hosting.example')) });
  stream.send({ type: 'peer.streamOpened', header: header(), freshId: 'two' });
  return stream.done('association', outcome);
}

test('we assert whom the stream was opened to, in features, under TLS (ProtoXEP §6.3)', () => {
  const stream = offering();
  const [said] = stream.effects.filter((effect) => effect.kind === 'sent');
  assert.deepEqual((said?.event['element'] as StreamFeatures).asserts, ['b.example']);
});

test('a db:result is verified by challenge only where the far end speaks DNA', () => {
  const stream = offering();
  const faultIn = () => {
    stream.send({ type: 'peer.resultRequested', from: 'c.example', to: 'b.example', key: 'k' });
    const [spawned] = stream.effects.filter((effect) => effect.kind === 'spawned');
    const input = (spawned as { input: { association: { unchallengeable: { condition: string } | null } } } | undefined)
      ?.input;
    return input === undefined ? 'refused at once' : (input.association.unchallengeable?.condition ?? null);
  };
  assert.equal(faultIn(), 'refused at once', 'by nothing that it could be proved by');
  stream.send({ type: 'peer.domainAsserted', domain: 'a.example' });
  assert.equal(faultIn(), null);
});

test('an asserted domain is answered when all that policy has was asked; a supposition is no answer (S3)', () => {
  const lenient = { federation: 'encrypted', prooftypes: ['pkix', 'attribute-cert', 'dialback'] } as const;
  for (const [outcome, said] of [
    [
      provedFor('c.example', delegated),
      ['authenticated', 'report pair.admitted', 'say dnaValid', 'report stream.established'],
    ],
    [refutedFor('c.example'), ['say dnaInvalid']],
    [provedFor('c.example', weak), ['say dnaInvalid']],
  ] as const) {
    const stream = offering(lenient).send({ type: 'peer.domainAsserted', domain: 'c.example' });
    assert.deepEqual(words(stream), ['report domain.asserted', 'spawn association.c.example']);
    assert.deepEqual(words(stream.send({ type: 'peer.domainAsserted', domain: 'c.example' })), [
      'report domain.asserted',
    ]);
    stream.done('association.c.example', outcome);
    const settled = stream.effects.find((effect) => effect.kind === 'emitted')?.event['outcome'];
    assert.deepEqual(settled, outcome, 'and nobody is told otherwise');
    assert.deepEqual(words(stream).slice(1), ['report association.settled', ...said]);
    assert.equal(stream.snapshot.context.dna.asserted.length, 0);
  }
});

test('what the certificate has proved on this stream is believed, and answered, as soon as it is asserted', () => {
  const asserted = [
    'report domain.asserted',
    'authenticated',
    'report pair.admitted',
    'say dnaValid',
    'report stream.established',
  ];
  const stream = offering(POLICY, provedFor('a.example'));
  stream.send({ type: 'peer.domainAsserted', domain: 'a.example' });
  assert.deepEqual([stream.state, words(stream)], ['established', asserted]);
  stream.send({ type: 'peer.domainAsserted', domain: 'a.example' });
  assert.deepEqual(words(stream), ['report domain.asserted', 'say dnaValid'], 'once more, and that is all');
});

test('where the stream takes no more domains, one that is proved is told invalid, and comes in no more than others (L2)', () => {
  const stream = offering(POLICY, provedFor('a.example'));
  const { context } = stream.snapshot;
  Object.assign(context, { validPairs: { ...context.validPairs, senders: limits.domainsPerStream } });
  stream.send({ type: 'peer.domainAsserted', domain: 'a.example' });
  assert.ok(words(stream).includes('say dnaInvalid'));
  assert.ok(!words(stream).includes('report pair.admitted'));
});

test('an assertion that waits for its verdict keeps the stream from ending for silence; SASL forgets it (S5)', () => {
  const stream = offering().send({ type: 'peer.domainAsserted', domain: 'a.example' });
  assert.equal(stream.send({ type: 'transport.idle' }).state, 'authentication.awaitingAuthentication');
  const failed = offering().send({ type: 'peer.domainAsserted', domain: 'a.example' });
  failed.failed('association.a.example');
  assert.equal(failed.snapshot.context.dna.asserted.length, 0);
  assert.equal(failed.send({ type: 'transport.idle' }).state, 'closing');

  const proved = new PureActor(receivingStream, {
    ...receivingInput({}, POLICY),
    settings: { ...receivingInput({}, POLICY).settings, dna: ours('b.example') },
  });
  proved.send({ type: 'peer.streamOpened', header: header(), freshId: 'one' });
  proved.send({ type: 'peer.startTlsRequested' });
  proved.send({ type: 'transport.secured', tls: tlsWith(certificateOf('a.example')) });
  proved.send({ type: 'peer.streamOpened', header: header(), freshId: 'two' });
  proved.done('association', provedFor('a.example'));
  proved.send({ type: 'peer.domainAsserted', domain: 'c.example' });
  proved.send({ type: 'local.challengeRequested', domain: 'c.example', prooftypes: ['attribute-cert'] });
  proved.send({ type: 'peer.authRequested', mechanism: 'EXTERNAL', initialResponse: '=' });
  assert.deepEqual(words(proved), [
    'stop challenge.c.example',
    'stop association.c.example',
    'say success',
    'restart',
    'authenticated',
  ]);
});

test('S1: a domain that was withdrawn and is verified anew stands by its new proof, not by the old one', () => {
  const stream = offering().send({ type: 'peer.domainAsserted', domain: 'c.example' });
  stream.done('association.c.example', provedFor('c.example', delegated));
  stream.send({ type: 'local.proofEnded', domain: 'c.example' });
  assert.deepEqual(words(stream), ['report domain.withdrawn', 'say dnaInvalid']);
  stream.send({ type: 'peer.resultRequested', from: 'c.example', to: 'b.example', key: 'k' });
  stream.done('verification.c.example>b.example', verified('c.example', 'b.example', { ...strong, expiresAtMs: 7 }));
  const [part] = stream.snapshot.context.proved;
  assert.equal(part?.entries['c.example']?.expiresAtMs, 7);
});
