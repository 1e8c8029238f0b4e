/** The initiating stream, section by section; nothing runs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createActor, fromCallback, fromPromise, SimulatedClock, waitFor } from 'xstate';
import type { TransportCommand, TransportInput } from '../../../machines/events.ts';
import { initiatingStream } from '../../../machines/index.ts';
import { limits } from '../../../machines/limits.ts';
import type { StreamInput } from '../../../machines/stream/context.ts';
import type { PolicyOptions } from '../../../src/protocol/policy.ts';
import type { StreamFeatures, StreamHeader } from '../../../src/protocol/wire.ts';
import { PureActor } from '../../support/pure.ts';
import {
  certificateOf,
  features,
  initiatingInput,
  provedFor,
  refutedFor,
  responseHeader,
  tlsWith,
  verified,
  weak,
  wordsOf,
} from '../../support/samples.ts';

type Stream = PureActor<typeof initiatingStream>;

const dial = (policy: PolicyOptions = {}, changes: Partial<StreamInput> = {}): Stream =>
  new PureActor(initiatingStream, initiatingInput(changes, policy)).send({
    type: 'transport.connected',
    remoteAddress: '127.0.0.1',
    remotePort: 5269,
  });
const hear = (stream: Stream, offered: Partial<StreamFeatures> = {}, changes: Partial<StreamHeader> = {}): Stream =>
  stream
    .send({ type: 'peer.streamOpened', header: responseHeader(changes), freshId: 'unused' })
    .send({ type: 'peer.featuresReceived', features: features(offered) });
const words = (stream: Stream): string[] => stream.effects.map(wordsOf);
const faultOf = (stream: Stream): string | undefined => stream.snapshot.context.fault?.condition;
const pair = { from: 'a.example', to: 'b.example' };

/** TLS is up, and the far end presents a certificate. */
const secured = (policy: PolicyOptions = {}, changes: Partial<StreamInput> = {}): Stream =>
  hear(dial(policy, changes), { startTls: 'required' })
    .send({ type: 'peer.proceedReceived' })
    .send({ type: 'transport.secured', tls: tlsWith(certificateOf('b.example')) });
/** The far end is also proved, and sends its features. */
const proved = (offered: Partial<StreamFeatures> = {}, changes: Partial<StreamInput> = {}): Stream =>
  hear(secured({}, changes).done('association', provedFor('b.example')), offered, { id: 'id-2' });
const byDialback = (offered: Partial<StreamFeatures> = {}, changes: Partial<StreamInput> = {}): Stream => {
  const stream = proved(offered, changes);
  assert.equal(stream.state, 'established.open');
  return stream;
};
const assertPair = (stream: Stream): Stream => stream.send({ type: 'local.assertionRequested', ...pair });

// ——— TLS before all else

test('headers, STARTTLS, handshake, proof of the far end, headers anew: in the order of the flow chart (RFC 7712 §4.2)', () => {
  const stream = dial();
  assert.deepEqual([stream.state, ...words(stream)], ['streamHeaders.awaitingHeader', 'say streamHeader']);
  hear(stream, { startTls: 'optional' });
  assert.deepEqual([stream.state, ...words(stream)], ['tlsNegotiation.awaitingProceed', 'say starttls']);
  stream.send({ type: 'peer.proceedReceived' });
  assert.deepEqual([stream.state, ...words(stream)], ['tlsNegotiation.awaitingHandshake', 'secureAsClient']);
  stream.send({ type: 'transport.secured', tls: tlsWith(certificateOf('b.example')) });
  assert.equal(stream.state, 'association.awaitingVerdict');
  stream.done('association', provedFor('b.example'));
  assert.equal(stream.state, 'streamHeaders.awaitingHeader');
  assert.deepEqual(words(stream), ['stop association', 'report association.settled', 'say streamHeader']);
});

test('STARTTLS stripped from the features is asked for all the same, where policy wants TLS (RFC 7590 §3.1)', () => {
  const stream = hear(dial(), { startTls: 'absent' });
  assert.deepEqual([stream.state, ...words(stream)], ['tlsNegotiation.awaitingProceed', 'say starttls']);
});

test('STARTTLS refused, or never answered, ends the stream: no plain text instead', () => {
  const refused = hear(dial({ federation: 'permissive' }), { startTls: 'optional' }).send({
    type: 'peer.startTlsRefused',
  });
  assert.deepEqual([refused.state, faultOf(refused)], ['closing', 'starttls-refused']);
  const late = hear(dial({ federation: 'permissive' }), { startTls: 'optional' }).late();
  assert.deepEqual([late.state, faultOf(late)], ['closing', 'proceed-timeout']);
});

test('S5: header and features of before TLS are forgotten', () => {
  const { wireId, features: heard, peerSpeaksDialback, headerSent } = secured().snapshot.context.negotiation;
  assert.deepEqual(
    { wireId, heard, peerSpeaksDialback, headerSent },
    { wireId: null, heard: null, peerSpeaksDialback: false, headerSent: false },
  );
});

test('a peer from before 1.0: dialback in plain text where policy lets it, without waiting for features (RFC 6120 §4.7.5)', () => {
  const stream = dial({ federation: 'verified' });
  stream.send({ type: 'peer.streamOpened', header: responseHeader({ version: null }), freshId: 'x' });
  assert.equal(stream.state, 'association.awaitingVerdict');
  stream.done('association', refutedFor('b.example'));
  assert.equal(stream.state, 'established.open');
});

test('a peer from before 1.0: never plain text where policy wants TLS', () => {
  const stream = dial().send({ type: 'peer.streamOpened', header: responseHeader({ version: null }), freshId: 'x' });
  assert.deepEqual([stream.state, faultOf(stream)], ['closing', 'unsupported-version']);
});

test('direct TLS: the handshake comes first, and nothing is said in plain text (XEP-0368 §3)', () => {
  const stream = dial({}, { directTls: true });
  assert.deepEqual([stream.state, ...words(stream)], ['tlsNegotiation.awaitingHandshake', 'secureAsClient']);
});

// ——— the far end

test('S2: a far end that is not proved ends the stream under the policy authenticated, with the reason', () => {
  const stream = secured().done('association', refutedFor('b.example'));
  assert.deepEqual([stream.state, faultOf(stream)], ['closing', 'untrusted-root']);
});

test('a far end that is not proved will do where policy accepts DNS, but only under TLS if that is wanted (XEP-0238)', () => {
  assert.equal(
    secured({ federation: 'encrypted' }).done('association', refutedFor('b.example')).state,
    'streamHeaders.awaitingHeader',
  );
});

test('a stream for verification only needs no proof of the far end; it authorises nothing', () => {
  const stream = secured({}, { purpose: 'verification' }).done('association', refutedFor('b.example'));
  hear(stream, {}, { id: 'id-2' });
  assert.equal(stream.state, 'established.lingering');
  assert.deepEqual(words(assertPair(stream)), ['report pair.refused']);
});

test('an association that breaks or takes too long ends the stream (L2)', () => {
  assert.equal(secured().failed('association').state, 'closing');
  assert.equal(secured().late().state, 'closing');
});

// ——— SASL EXTERNAL

test('EXTERNAL carries our domain, and success restarts the stream once (XEP-0178 §3, RFC 6120 §6.4.6)', () => {
  const stream = proved({ mechanisms: ['PLAIN', 'EXTERNAL'] });
  assert.deepEqual([stream.state, words(stream).at(-1)], ['authentication.saslExternal', 'say auth']);
  const [sent] = stream.effects.filter((effect) => effect.kind === 'sent');
  assert.deepEqual(sent?.event['element'], { kind: 'auth', mechanism: 'EXTERNAL', initialResponse: 'YS5leGFtcGxl' });
  stream.send({ type: 'peer.saslSucceeded' });
  assert.deepEqual(words(stream), ['restart', 'say streamHeader']);
  hear(stream, {}, { id: 'id-3' });
  assert.equal(stream.state, 'established.open');
  assert.ok(words(stream).includes('report pair.accepted'));
});

test('a challenge is answered with our domain (RFC 6120 §6.4.3)', () => {
  const stream = proved({ mechanisms: ['EXTERNAL'] }).send({ type: 'peer.saslChallenged' });
  assert.deepEqual([stream.state, ...words(stream)], ['authentication.saslExternal', 'say response']);
});

test('EXTERNAL refused: dialback follows on the same stream (XEP-0178 §3 step 12)', () => {
  const stream = proved({ mechanisms: ['EXTERNAL'] });
  stream.send({ type: 'peer.saslFailed', condition: 'not-authorized', text: null });
  assert.equal(stream.state, 'established.open');
  assert.ok(!words(stream).includes('report pair.accepted'), 'S2');
  assert.deepEqual(words(assertPair(stream)), [
    'spawn assertion.a.example>b.example',
    'say result',
    'report pair.asserted',
  ]);
});

test('EXTERNAL refused by a peer without dialback, or answered by closing, ends the stream with a sasl fault', () => {
  const refused = hear(
    secured().done('association', provedFor('b.example')),
    { mechanisms: ['EXTERNAL'], dialback: false },
    { dialback: false, id: 'x' },
  );
  refused.send({ type: 'peer.saslFailed', condition: 'not-authorized', text: null });
  assert.deepEqual([refused.state, refused.snapshot.context.fault?.layer], ['closing', 'sasl']);
  const closed = proved({ mechanisms: ['EXTERNAL'] }).send({ type: 'peer.streamClosed' });
  assert.deepEqual([closed.state, closed.snapshot.context.fault?.layer], ['closing', 'sasl']);
});

test('EXTERNAL is not tried where it made the peer close before, nor without TLS', () => {
  assert.equal(proved({ mechanisms: ['EXTERNAL'] }, { avoidExternal: true }).state, 'established.open');
  const plain = hear(dial({ federation: 'verified' }), { mechanisms: ['EXTERNAL'] }).done(
    'association',
    refutedFor('b.example'),
  );
  assert.equal(plain.state, 'established.open');
});

test('features without anything, and no dialback namespace: the peer gives no way to prove ourselves', () => {
  const stream = hear(
    secured().done('association', provedFor('b.example')),
    { dialback: false },
    { dialback: false, id: 'x' },
  );
  assert.equal(stream.state, 'closing');
  assert.notEqual(faultOf(stream), undefined);
});

// ——— dialback as originating server

test('valid: the pair is accepted; the question is asked once however often it is wanted (XEP-0220 §2.1)', () => {
  const stream = assertPair(byDialback());
  assert.deepEqual(words(stream), ['spawn assertion.a.example>b.example', 'say result', 'report pair.asserted']);
  assert.deepEqual(words(assertPair(stream)), ['report pair.asserted']);
  const answer = { type: 'valid' } as const;
  stream.send({ type: 'peer.resultAnswered', from: 'b.example', to: 'a.example', answer });
  assert.deepEqual(words(stream), ['peer.resultAnswered'], 'told to the assertion');
  stream.done('assertion.a.example>b.example', { ...pair, answer });
  assert.ok(words(stream).includes('report pair.accepted'));
  stream.send({ type: 'peer.resultAnswered', from: 'b.example', to: 'a.example', answer });
  assert.deepEqual(words(stream), [], 'S6: an answer counts once');
});

for (const [answer, condition] of [
  [{ type: 'invalid' }, 'invalid'],
  [{ type: 'error', condition: 'item-not-found' }, 'item-not-found'],
  [{ type: 'late' }, 'remote-server-timeout'],
] as const) {
  test(`L5: ${condition} refuses the pair, and the stream lives (XEP-0220 §2.5)`, () => {
    const stream = assertPair(byDialback()).done('assertion.a.example>b.example', { ...pair, answer });
    assert.equal(stream.state, 'established.open');
    const [refused] = stream.effects.filter((effect) => effect.kind === 'emitted');
    assert.equal(refused?.event.type, 'pair.refused');
    assert.equal((refused.event['fault'] as { condition: string }).condition, condition);
  });
}

test('S6: an answer for another pair, or in the wrong direction, is dropped', () => {
  const answer = { type: 'valid' } as const;
  for (const names of [pair, { from: 'b.example', to: 'a2.example' }, { from: 'c.example', to: 'a.example' }]) {
    assert.deepEqual(words(assertPair(byDialback()).send({ type: 'peer.resultAnswered', ...names, answer })), []);
  }
});

test('S2, S3: our domain is not asserted to a target for which the far end is not proved', () => {
  const stream = byDialback().send({ type: 'local.assertionRequested', from: 'a.example', to: 'c.example' });
  assert.deepEqual(words(stream), ['report pair.refused']);
});

test('piggybacking supposition: proved for a further domain, the far end is asked for it too (RFC 7712 §4.4.2)', () => {
  const stream = byDialback().send({ type: 'local.associationRequested', domain: 'c.example' });
  assert.deepEqual(words(stream), ['spawn association.c.example']);
  assert.deepEqual(words(stream.send({ type: 'local.associationRequested', domain: 'c.example' })), [], 'once');
  stream.done('association.c.example', provedFor('c.example'));
  stream.send({ type: 'local.assertionRequested', from: 'a.example', to: 'c.example' });
  assert.deepEqual(words(stream), ['spawn assertion.a.example>c.example', 'say result', 'report pair.asserted']);
});

test('S8: a far end proved by certificate is not supposed to serve a domain that its certificate does not prove', () => {
  const stream = byDialback().send({ type: 'local.associationRequested', domain: 'c.example' });
  stream.done('association.c.example', refutedFor('c.example'));
  const [settled] = stream.effects.filter((effect) => effect.kind === 'emitted');
  assert.equal((settled?.event['outcome'] as { verdict: { kind: string } }).verdict.kind, 'refuted');
});

test('assertions beyond the bound wait their turn, and associations are refused', () => {
  const stream = byDialback();
  for (let n = 0; n < limits.pendingAssertions; n++)
    stream.send({ type: 'local.assertionRequested', from: `s${String(n)}.example`, to: 'b.example' });
  assert.deepEqual(words(assertPair(stream)), []);
  stream.done('assertion.s0.example>b.example', { from: 's0.example', to: 'b.example', answer: { type: 'late' } });
  assert.ok(words(stream).includes('spawn assertion.a.example>b.example'));
  for (let n = 0; n < limits.pendingAssociations; n++)
    stream.send({ type: 'local.associationRequested', domain: `d${String(n)}.example` });
  assert.deepEqual(words(stream.send({ type: 'local.associationRequested', domain: 'more.example' })), [
    'report association.settled',
  ]);
});

// ——— bidi

test('bidi is asked for after TLS, before authentication, of a far end proved strongly (XEP-0288 §2.1)', () => {
  assert.deepEqual(words(proved({ bidi: true, mechanisms: ['EXTERNAL'] })).slice(-2), ['say bidi', 'say auth']);
  const weakly = hear(
    secured({ federation: 'encrypted' }).done('association', provedFor('b.example', weak)),
    { bidi: true },
    { id: 'x' },
  );
  assert.ok(!words(weakly).includes('say bidi'));
  const plain = hear(dial({ federation: 'permissive' }), { bidi: true }).done('association', refutedFor('b.example'));
  assert.ok(!words(plain).includes('say bidi'));
  const off = initiatingInput().settings;
  assert.ok(!words(byDialback({ bidi: true }, { settings: { ...off, bidi: false } })).includes('say bidi'));
});

test('in reverse only certificates count, since the far end chose the stream id', () => {
  // With a policy that allows dialback: under `authenticated` the answer is given without a verification.
  const settings = { ...initiatingInput().settings, policy: { federation: 'encrypted' as const } };
  const stream = byDialback({ bidi: true }, { settings }).send({
    type: 'peer.resultRequested',
    from: 'b2.example',
    to: 'a.example',
    key: 'k',
  });
  const [spawned] = stream.effects;
  assert.equal(spawned?.kind, 'spawned');
  assert.equal((spawned as { input: { dialbackCounts: boolean } }).input.dialbackCounts, false);
  stream.done('verification.b2.example>a.example', verified('b2.example', 'a.example'));
  assert.ok(words(stream).includes('say result valid'));
});

test('claims on a stream that is not bidirectional close it (XEP-0288 §2.2)', () => {
  const stream = byDialback().send({ type: 'peer.resultRequested', from: 'b.example', to: 'a.example', key: 'k' });
  assert.deepEqual([stream.state, faultOf(stream)], ['closing', 'policy-violation']);
});

// ——— asking the authoritative server

test('db:verify: the answer counts if (from, to, id) was asked on this stream, and once (S6)', () => {
  const stream = secured({}, { purpose: 'verification' }).done('association', provedFor('b.example'));
  hear(stream, {}, { id: 'id-2' });
  const asked = { ...pair, id: 'x' };
  stream.send({ type: 'local.verifyRequested', ...asked, key: 'k' });
  assert.deepEqual([stream.state, ...words(stream)], ['established.verifying', 'say verify']);
  const answer = { type: 'valid' } as const;
  for (const wrong of [{ id: 'y' }, { from: 'c.example' }, { to: 'a2.example' }]) {
    stream.send({ type: 'peer.verifyAnswered', from: 'b.example', to: 'a.example', id: 'x', answer, ...wrong });
    assert.deepEqual(words(stream), [], JSON.stringify(wrong));
  }
  stream.send({ type: 'peer.verifyAnswered', from: 'b.example', to: 'a.example', id: 'x', answer });
  assert.deepEqual([stream.state, ...words(stream)], ['established.lingering', 'report verify.answered']);
  stream.send({ type: 'peer.verifyAnswered', from: 'b.example', to: 'a.example', id: 'x', answer });
  assert.deepEqual(words(stream), []);
  assert.equal(stream.late().state, 'closing', 'at once, when nobody asks more (XEP-0220 §2.2.1)');
});

test('too many questions on one stream are answered by us with resource-constraint', () => {
  const stream = byDialback();
  for (let n = 0; n < limits.pendingVerifies; n++)
    stream.send({ type: 'local.verifyRequested', ...pair, id: String(n), key: 'k' });
  assert.deepEqual(words(stream.send({ type: 'local.verifyRequested', ...pair, id: 'more', key: 'k' })), [
    'report verify.answered',
  ]);
});

test('a stream that is asked on without a pause lives as long as its questions are answered (XEP-0220 §2.2.1, L5)', async () => {
  const clock = new SimulatedClock();
  const quiet = fromCallback<TransportCommand, TransportInput>(() => undefined);
  const unproved = fromPromise(() => Promise.resolve(refutedFor('b.example')));
  const machine = initiatingStream.provide({ actors: { transport: quiet, association: unproved as never } });
  const input = initiatingInput({ purpose: 'verification' }, { federation: 'verified' });
  const actor = createActor(machine, { clock, input }).start();
  actor.send({ type: 'transport.connected', remoteAddress: '127.0.0.1', remotePort: 5269 });
  actor.send({ type: 'peer.streamOpened', header: responseHeader(), freshId: 'unused' });
  actor.send({ type: 'peer.featuresReceived', features: features() });
  await waitFor(actor, (snapshot) => snapshot.matches('established'));
  const ask = (n: number): void => {
    actor.send({ type: 'local.verifyRequested', ...pair, id: String(n), key: 'k' });
  };
  ask(0);
  const seconds = (3 * limits.verifyAnswerMs) / 1_000;
  for (let n = 1; n <= seconds; n += 1) {
    clock.increment(1_000);
    ask(n);
    const answer = { type: 'valid' as const };
    actor.send({ type: 'peer.verifyAnswered', from: 'b.example', to: 'a.example', id: String(n - 1), answer });
  }
  assert.ok(actor.getSnapshot().matches({ established: 'verifying' }));
  clock.increment(limits.verifyAnswerMs);
  assert.ok(actor.getSnapshot().matches({ established: 'verifying' }), 'whoever asked gives up first');
  clock.increment(limits.spareMs);
  assert.equal(actor.getSnapshot().value, 'closing');
  assert.equal(actor.getSnapshot().context.fault?.condition, 'connection-timeout');
});
