/** The receiving stream, section by section; nothing runs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { receivingStream } from '../../../machines/index.ts';
import type { AssociationOutcome } from '../../../machines/events.ts';
import { decide } from '../../../machines/failures.ts';
import { limits } from '../../../machines/limits.ts';
import type { StreamInput } from '../../../machines/stream/context.ts';
import type { Fault } from '../../../src/protocol/faults.ts';
import type { PolicyOptions } from '../../../src/protocol/policy.ts';
import type { StreamFeatures, StreamHeader } from '../../../src/protocol/wire.ts';
import type { VerificationOutcome } from '../../../machines/index.ts';
import { PureActor } from '../../support/pure.ts';
import {
  certificateOf,
  disowned,
  header,
  provedFor,
  receivingInput,
  refutedFor,
  tlsWith,
  verified,
  weak,
  wordsOf,
} from '../../support/samples.ts';

type Stream = PureActor<typeof receivingStream>;

const accept = (policy: PolicyOptions = {}, changes: Partial<StreamInput> = {}): Stream =>
  new PureActor(receivingStream, receivingInput(changes, policy));
const open = (stream: Stream, changes: Partial<StreamHeader> = {}, freshId = 'id-1'): Stream =>
  stream.send({ type: 'peer.streamOpened', header: header(changes), freshId });
const words = (stream: Stream): string[] => stream.effects.map(wordsOf);
const claim = (from = 'a.example', to = 'b.example') => ({ type: 'peer.resultRequested', from, to, key: 'k' }) as const;
const faultOf = (stream: Stream): string | undefined => stream.snapshot.context.fault?.condition;

/** The features sent last. */
function featuresOf(stream: Stream): StreamFeatures {
  for (const effect of stream.effects) {
    if (effect.kind === 'sent' && effect.event.type === 'transport.send') {
      const element = effect.event['element'] as { kind: string };
      if (element.kind === 'features') return element as StreamFeatures;
    }
  }
  return assert.fail(`no features among: ${words(stream).join(', ')}`);
}

function underTls(policy: PolicyOptions = {}, certificate = certificateOf('a.example')): Stream {
  const stream = open(accept(policy));
  stream.send({ type: 'peer.startTlsRequested' });
  stream.send({ type: 'transport.secured', tls: tlsWith(certificate) });
  return open(stream, {}, 'id-2');
}
/** TLS is up; the certificate proves a.example, or does not. */
const authenticating = (proves: boolean, policy: PolicyOptions = {}): Stream =>
  underTls(policy).done('association', proves ? provedFor('a.example') : refutedFor('a.example'));
const auth = (initialResponse: string | null, mechanism = 'EXTERNAL') =>
  ({ type: 'peer.authRequested', mechanism, initialResponse }) as const;
const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');

// ——— headers

for (const [what, changes, condition] of [
  ['a domain that is not served: host-unknown (RFC 6120 §4.9.3.6)', { to: 'c.example' }, 'host-unknown'],
  ['no to: host-unknown (RFC 6120 §4.9.1.3)', { to: null }, 'host-unknown'],
  ['one of our own domains as from: invalid-from', { from: 'b2.example' }, 'invalid-from'],
  ['our domain under another spelling: invalid-from', { from: 'B2.EXAMPLE' }, 'invalid-from'],
  ['a from that is no domain: improper-addressing', { from: 'a b' }, 'improper-addressing'],
  ['version 0.9: unsupported-version (RFC 6120 §4.9.3.25)', { version: '0.9' }, 'unsupported-version'],
  ['no version where policy wants TLS: policy-violation', { version: null }, 'policy-violation'],
] as const) {
  test(`a header with ${what}`, () => {
    const stream = open(accept(), changes);
    assert.equal(stream.state, 'closing');
    assert.equal(faultOf(stream), condition);
    assert.deepEqual(words(stream), ['report stream.closing', 'close']);
    const [close] = stream.effects.filter((effect) => effect.kind === 'sent');
    const answered = close?.event['header'] as StreamHeader | undefined;
    assert.ok(answered, 'a response header comes before the error (RFC 6120 §4.9.1.2)');
    assert.ok(answered.from === '' || answered.from === 'b.example', 'its from is ours, or empty (§4.9.1.3)');
    assert.equal(answered.id, 'id-1');
  });
}

test('no from is accepted before TLS and improper-addressing under it (RFC 6120 §4.7.1)', () => {
  const stream = open(accept(), { from: null });
  assert.equal(stream.state, 'tlsNegotiation.awaitingStartTls');
  stream.send({ type: 'peer.startTlsRequested' }).send({ type: 'transport.secured', tls: tlsWith(null) });
  open(stream, { from: null }, 'id-2');
  assert.deepEqual([stream.state, faultOf(stream)], ['closing', 'improper-addressing']);
});

test('a denied domain is refused at its header (P2)', () => {
  const stream = open(accept({ deny: ['a.example'] }));
  assert.deepEqual([stream.state, faultOf(stream)], ['closing', 'policy-violation']);
});

test('a peer from before 1.0 gets a header without version and no features, and may dial back (RFC 6120 §4.7.5)', () => {
  const stream = open(accept({ federation: 'verified' }), { version: null });
  assert.equal(stream.state, 'authentication.awaitingAuthentication');
  assert.deepEqual(words(stream), ['say streamHeader', 'report stream.verifiable']);
  assert.deepEqual(words(stream.send(claim())), ['spawn verification.a.example>b.example']);
});

// ——— TLS

test('where policy wants TLS nothing else is offered, and nothing else is possible (RFC 6120 §5.3.1)', () => {
  const stream = open(accept());
  assert.equal(stream.state, 'tlsNegotiation.awaitingStartTls');
  const { startTls, mechanisms, dialback, bidi } = featuresOf(stream);
  assert.deepEqual(
    { startTls, mechanisms, dialback, bidi },
    { startTls: 'required', mechanisms: [], dialback: false, bidi: false },
  );
  assert.deepEqual(words(stream.send(claim())), ['say result policy-violation']);
  assert.deepEqual(
    words(stream.send({ type: 'peer.verifyRequested', from: 'a.example', to: 'b.example', id: 'x', keyMatches: true })),
    ['say verify policy-violation'],
  );
  assert.deepEqual(words(stream.send(auth('='))), ['say saslFailure encryption-required']);
  assert.equal(stream.state, 'tlsNegotiation.awaitingStartTls');
  stream.send({ type: 'peer.bidiRequested' });
  assert.deepEqual([stream.state, faultOf(stream)], ['closing', 'policy-violation']);
});

test('S5: a claim heard in plain text is forgotten under TLS, and can be made anew', () => {
  const stream = open(accept({ federation: 'verified' }));
  stream.send(claim());
  stream.send({ type: 'peer.startTlsRequested' });
  assert.equal(stream.state, 'tlsNegotiation.awaitingHandshake');
  stream.done('verification.a.example>b.example', verified('a.example', 'b.example'));
  assert.deepEqual(words(stream), [], 'what was decided meanwhile is not said');
  stream.send({ type: 'transport.secured', tls: tlsWith(null) });
  assert.deepEqual(stream.snapshot.context.pending.verifications, []);
  open(stream, {}, 'id-2');
  assert.deepEqual(words(stream.send(claim())), ['spawn verification.a.example>b.example']);
  const [spawned] = stream.effects;
  assert.equal(
    (spawned?.kind === 'spawned' && (spawned.input as { id: string }).id) || '',
    'id-2',
    'for the id in force',
  );
});

test('S5: the names of the plain header do not outlive TLS (RFC 6120 §5.4.3.3)', () => {
  const stream = open(accept(), { from: 'liar.example', to: 'b2.example' });
  stream
    .send({ type: 'peer.startTlsRequested' })
    .send({ type: 'transport.secured', tls: tlsWith(certificateOf('a.example')) });
  open(stream, {}, 'id-2');
  assert.equal(stream.state, 'association');
  const { remote, local, negotiation } = stream.snapshot.context;
  assert.deepEqual([remote, local, negotiation.wireId], ['a.example', 'b.example', 'id-2']);
});

test('STARTTLS a second time closes (RFC 6120 §5.3.2)', () => {
  const stream = authenticating(true).send({ type: 'peer.startTlsRequested' });
  assert.deepEqual([stream.state, faultOf(stream)], ['closing', 'policy-violation']);
});

test('a handshake that does not end drops the connection without a stream error (RFC 6120 §5.4.3.2)', () => {
  const stream = open(accept()).send({ type: 'peer.startTlsRequested' }).late();
  assert.equal(stream.state, 'closing');
  assert.ok(words(stream).includes('drop'));
});

test('direct TLS: the handshake comes before any header (XEP-0368 §3)', () => {
  const stream = accept({}, { directTls: true });
  assert.equal(stream.state, 'tlsNegotiation.awaitingHandshake');
  assert.equal(stream.send({ type: 'transport.secured', tls: tlsWith(null) }).state, 'streamHeaders.awaitingHeader');
});

// ——— SASL EXTERNAL

test('EXTERNAL is offered when, and only when, the certificate proves the from of the stream', () => {
  assert.deepEqual(featuresOf(authenticating(true)).mechanisms, ['EXTERNAL']);
  assert.deepEqual(featuresOf(authenticating(false)).mechanisms, []);
  const failed = underTls().failed('association');
  assert.equal(failed.state, 'authentication.awaitingAuthentication');
  assert.deepEqual(featuresOf(failed).mechanisms, []);
  assert.deepEqual(featuresOf(underTls().late()).mechanisms, [], 'and not when nobody could say in time');
  assert.deepEqual(featuresOf(underTls().done('association', provedFor('other.example'))).mechanisms, []);
});

test('under TLS, STARTTLS is not offered again, dialback with errors is, and bidi (XEP-0220 §2.4, XEP-0288 §2)', () => {
  const { startTls, dialback, dialbackErrors, bidi } = featuresOf(authenticating(true));
  assert.deepEqual(
    { startTls, dialback, dialbackErrors, bidi },
    { startTls: 'absent', dialback: true, dialbackErrors: true, bidi: true },
  );
});

for (const [what, response] of [
  ['=, which is an empty one', '='],
  ['the from of the stream', base64('a.example')],
  ['the from in another spelling', base64('A.Example.')],
] as const) {
  test(`EXTERNAL with the authzid ${what}, succeeds and restarts (RFC 6120 §6.4, XEP-0178 §3)`, () => {
    const stream = authenticating(true).send(auth(response));
    assert.equal(stream.state, 'streamHeaders.awaitingHeader');
    assert.deepEqual(words(stream), ['say success', 'restart', 'authenticated']);
    open(stream, {}, 'id-3');
    assert.equal(stream.state, 'established');
    assert.deepEqual(words(stream), [
      'say streamHeader',
      'say features',
      'report pair.admitted',
      'report stream.established',
    ]);
    assert.deepEqual(featuresOf(stream).mechanisms, [], 'nothing is left to negotiate');
  });
}

for (const [what, response, condition] of [
  ['another domain: invalid-authzid', base64('c.example'), 'invalid-authzid'],
  ['bad base64: incorrect-encoding (RFC 6120 §6.5.5)', 'a', 'incorrect-encoding'],
  ['pad bits that are not zero: incorrect-encoding (RFC 6120 §13.9.1)', 'YR==', 'incorrect-encoding'],
  ['a NUL: incorrect-encoding', base64('a.example\0c.example'), 'incorrect-encoding'],
] as const) {
  test(`EXTERNAL with the authzid ${what}, fails and the stream lives`, () => {
    const stream = authenticating(true).send(auth(response));
    assert.equal(stream.state, 'authentication.awaitingAuthentication');
    assert.deepEqual(words(stream), [`say saslFailure ${condition}`]);
    assert.deepEqual(words(stream.send(claim())), ['spawn verification.a.example>b.example'], 'dialback may follow');
  });
}

test('EXTERNAL without an initial response is challenged, and the response counts (RFC 6120 §6.4.3, RFC 4422 App. A)', () => {
  const stream = authenticating(true).send(auth(null));
  assert.deepEqual([stream.state, ...words(stream)], ['authentication.saslExternal', 'say challenge']);
  stream.send({ type: 'peer.saslResponded', data: base64('c.example') });
  assert.deepEqual(
    [stream.state, ...words(stream)],
    ['authentication.awaitingAuthentication', 'say saslFailure invalid-authzid'],
  );
  stream.send(auth(null)).send({ type: 'peer.saslResponded', data: '' });
  assert.deepEqual(words(stream), ['say success', 'restart', 'authenticated']);
});

test('EXTERNAL that was not offered is not-authorized; another mechanism is invalid-mechanism (RFC 6120 §6.5)', () => {
  assert.deepEqual(words(authenticating(false).send(auth('='))), ['say saslFailure not-authorized']);
  assert.deepEqual(words(authenticating(true).send(auth('=', 'PLAIN'))), ['say saslFailure invalid-mechanism']);
});

test(`after ${String(limits.saslAttempts)} failures the stream is closed (RFC 6120 §6.4.5)`, () => {
  const stream = authenticating(true);
  for (let attempt = 0; attempt < limits.saslAttempts; attempt++) stream.send(auth('a'));
  assert.deepEqual([stream.state, faultOf(stream)], ['closing', 'policy-violation']);
});

test('tries in plain text do not count under TLS: what was said before it is forgotten (RFC 6120 §5.4.3.3, §6.4.5)', () => {
  const stream = open(accept({ federation: 'verified' }));
  for (let attempt = 1; attempt < limits.saslAttempts; attempt++) stream.send(auth('='));
  stream.send({ type: 'peer.startTlsRequested' });
  stream.send({ type: 'transport.secured', tls: tlsWith(certificateOf('a.example')) });
  open(stream, {}, 'id-2').done('association', provedFor('a.example'));
  for (let attempt = 1; attempt < limits.saslAttempts; attempt++) stream.send(auth('a'));
  assert.equal(stream.state, 'authentication.awaitingAuthentication');
  stream.send(auth('a'));
  assert.deepEqual([stream.state, faultOf(stream)], ['closing', 'policy-violation']);
});

test('after SASL the names are frozen', () => {
  for (const [changes, condition] of [
    [{ from: 'c.example' }, 'invalid-from'],
    [{ to: 'b2.example' }, 'improper-addressing'],
    [{ from: null }, 'improper-addressing'],
  ] as const) {
    const stream = open(authenticating(true).send(auth('=')), changes, 'id-3');
    assert.deepEqual([stream.state, faultOf(stream)], ['closing', condition]);
    assert.ok(!words(stream).includes('report pair.admitted'), 'S1');
  }
});

// ——— dialback as receiving server

test('a claim is verified, and the fact comes before the answer (S1, XEP-0220 §2.2.1)', () => {
  const stream = authenticating(false).send(claim());
  assert.deepEqual(words(stream), ['spawn verification.a.example>b.example']);
  assert.deepEqual(words(stream.send(claim())), [], 'a repeated claim waits for the answer to the first');
  stream.done('verification.a.example>b.example', verified('a.example', 'b.example'));
  assert.equal(stream.state, 'established');
  const said = words(stream);
  assert.ok(said.indexOf('report pair.admitted') < said.indexOf('say result valid'), said.join(', '));
  assert.ok(!said.includes('say features'), 'no second features after dialback (RFC 6120 §4.3.5)');
});

test('the verification is told what it has to judge: hosted or not, denied or not, secured or not (XEP-0220 §2.5)', () => {
  const inputOf = (stream: Stream) => {
    const [spawned] = stream.effects;
    assert.equal(spawned?.kind, 'spawned');
    return (spawned as { input: Record<string, unknown> }).input;
  };
  const stream = authenticating(false, { federation: 'verified', deny: ['evil.example'] });
  assert.equal(inputOf(stream.send(claim('a.example', 'c.example')))['targetIsHosted'], false);
  assert.equal(
    (inputOf(stream.send(claim('evil.example')))['denied'] as { condition: string }).condition,
    'policy-violation',
  );
  assert.equal(
    (inputOf(stream.send(claim('b2.example')))['denied'] as { condition: string }).condition,
    'policy-violation',
    'a domain of ours',
  );
  const plain = open(accept({ federation: 'verified' })).send(claim());
  assert.deepEqual(
    [inputOf(plain)['secured'], inputOf(plain)['id'], inputOf(plain)['dialbackCounts']],
    [false, 'id-1', true],
  );
});

test('a disowned key closes the stream where nobody else uses it (XEP-0220 §2.2.1)', () => {
  const stream = authenticating(false).send(claim());
  stream.done('verification.a.example>b.example', disowned('a.example', 'b.example'));
  assert.equal(stream.state, 'closing');
  assert.ok(words(stream).includes('say result invalid'));
});

test('L5: a disowned key is answered with forbidden where others use the stream, or wait on it (XEP-0220 §2.2.1)', () => {
  const used = authenticating(false, { federation: 'encrypted' }).send(claim());
  used.done('verification.a.example>b.example', verified('a.example', 'b.example'));
  used.send(claim('c.example')).done('verification.c.example>b.example', disowned('c.example', 'b.example'));
  assert.equal(used.state, 'established');
  assert.ok(words(used).includes('say result forbidden'));
  const awaited = authenticating(false, { federation: 'encrypted' }).send(claim()).send(claim('c.example'));
  awaited.done('verification.c.example>b.example', disowned('c.example', 'b.example'));
  assert.equal(awaited.state, 'authentication.awaitingAuthentication');
});

test('too many claims at once: resource-constraint, and the stream lives (XEP-0220 §2.5)', () => {
  const stream = authenticating(false, { federation: 'encrypted' });
  for (let n = 0; n < limits.pendingVerifications; n++) stream.send(claim(`s${String(n)}.example`));
  assert.deepEqual(words(stream.send(claim('one-more.example'))), ['say result resource-constraint']);
  assert.equal(stream.state, 'authentication.awaitingAuthentication');
});

test('where only a certificate counts, a claim that it does not name is answered at once, with no child', () => {
  for (const [certificate, condition] of [
    [certificateOf('a.example'), 'name-mismatch'],
    [null, 'no-certificate'],
  ] as const) {
    const stream = accept({ federation: 'authenticated', domains: { 'weak.example': { federation: 'encrypted' } } });
    open(stream).send({ type: 'peer.startTlsRequested' });
    open(stream.send({ type: 'transport.secured', tls: tlsWith(certificate) }), {}, 'id-2');
    if (certificate !== null) stream.done('association', refutedFor('a.example'));
    const { state } = stream;
    for (let n = 0; n < 3 * limits.pendingVerifications; n += 1) stream.send(claim(`s${String(n)}.example`));
    assert.deepEqual(words(stream), ['report verification.settled', 'say result not-authorized']);
    const [settled] = stream.effects.flatMap((effect) => (effect.kind === 'emitted' ? [effect.event['outcome']] : []));
    const { attempts, proof } = settled as VerificationOutcome;
    assert.deepEqual(
      [attempts.map(({ verdict }) => 'fault' in verdict && verdict.fault.condition), proof],
      [[condition], null],
    );
    assert.deepEqual([stream.state, stream.snapshot.context.pending.verifications], [state, []]);
    const looksInto = (from: string) => words(stream.send(claim(from))).some((word) => word.startsWith('spawn'));
    assert.equal(looksInto('weak.example'), true, 'dialback counts here');
    assert.equal(looksInto('a.example'), certificate !== null, 'what the certificate names is looked into');
  }
});

test('a verification that breaks is answered with internal-server-error, and its place is free again', () => {
  const stream = authenticating(false).send(claim());
  stream.failed('verification.a.example>b.example');
  assert.ok(words(stream).includes('say result internal-server-error'));
  assert.ok(words(stream.send(claim())).includes('spawn verification.a.example>b.example'));
});

test('S6: answers that nobody asked for are dropped, in every phase (XEP-0220 §3.1, CVE-2012-3525)', () => {
  const answer = { type: 'valid' } as const;
  for (const stream of [open(accept()), authenticating(true), authenticating(false).send(claim())]) {
    const { state } = stream;
    stream.send({ type: 'peer.resultAnswered', from: 'a.example', to: 'b.example', answer });
    assert.deepEqual([stream.state, ...words(stream)], [state]);
    stream.send({ type: 'peer.verifyAnswered', from: 'a.example', to: 'b.example', id: 'x', answer });
    assert.deepEqual([stream.state, ...words(stream)], [state]);
  }
});

// ——— authoritative server

test('db:verify is answered without authentication, for hosted domains by the key (XEP-0220 §2.3)', () => {
  const ask = (to: string, keyMatches: boolean) =>
    words(authenticating(false).send({ type: 'peer.verifyRequested', from: 'c.example', to, id: 'x', keyMatches }));
  assert.deepEqual(ask('b.example', true), ['say verify valid']);
  assert.deepEqual(ask('b2.example', false), ['say verify invalid']);
  assert.deepEqual(ask('c.example', true), ['say verify item-not-found']);
});

// ——— bidi

test('bidi works in reverse only after authentication, and only where it was offered (XEP-0288 §2)', () => {
  const plain = open(accept({ federation: 'verified' })).send({ type: 'peer.bidiRequested' });
  assert.deepEqual([plain.state, faultOf(plain)], ['closing', 'policy-violation'], 'not before TLS');
  const stream = authenticating(true).send({ type: 'peer.bidiRequested' });
  assert.deepEqual(words(stream), []);
  open(stream.send(auth('=')), {}, 'id-3');
  assert.deepEqual(words(stream).slice(2), [
    'report pair.admitted',
    'report pair.accepted',
    'report stream.established',
  ]);
});

test('S2: without bidi nothing of ours goes down a stream that the peer opened (XEP-0288 §2.2)', () => {
  const oneWay = open(authenticating(true).send(auth('=')), {}, 'id-3');
  const ask = { type: 'local.assertionRequested', from: 'b2.example', to: 'a.example' } as const;
  assert.deepEqual(words(oneWay.send(ask)), ['report pair.refused']);
  const bidi = open(authenticating(true).send({ type: 'peer.bidiRequested' }).send(auth('=')), {}, 'id-3');
  assert.deepEqual(words(bidi.send(ask)), [
    'spawn assertion.b2.example>a.example',
    'say result',
    'report pair.asserted',
  ]);
});

test('dialback on a bidirectional stream: the inverse of each verified pair, and nothing else (XEP-0288 §2.2)', () => {
  const stream = authenticating(false, { federation: 'encrypted' }).send({ type: 'peer.bidiRequested' }).send(claim());
  stream.done('verification.a.example>b.example', verified('a.example', 'b.example', weak));
  const accepted = stream.effects.flatMap((effect) =>
    effect.kind === 'emitted' && effect.event.type === 'pair.accepted' ? [effect.event] : [],
  );
  assert.deepEqual(
    accepted.map(({ from, to }) => [from, to]),
    [['b.example', 'a.example']],
  );
});

// ——— ends

/** Passes the deadline of one box; `late()` would take that of an enclosing box. */
const pass = (stream: Stream, deadline: string, box: string): Stream =>
  stream.sendInternal({ type: `xstate.after.${deadline}.receivingStream.authentication${box}` });
const timeIsUp = (stream: Stream): Stream => pass(stream, 'authenticationTimeout', '.awaitingAuthentication');

test('who says nothing is closed with connection-timeout, unless a claim is being verified (L2)', () => {
  const silent = timeIsUp(authenticating(true));
  assert.deepEqual([silent.state, faultOf(silent)], ['closing', 'connection-timeout']);
  const busy = timeIsUp(authenticating(true).send(claim()));
  assert.equal(busy.state, 'authentication.awaitingVerifications');
  busy.done('verification.a.example>b.example', verified('a.example', 'b.example'));
  assert.equal(busy.state, 'established', 'what was under way may still prove the peer');
});

test('claim after claim does not keep an unproved peer: their time is extended once (L2)', () => {
  const weakly = { federation: 'encrypted' } as const;
  const busy = timeIsUp(authenticating(true, weakly).send(claim()).send(claim('c.example')));
  busy.done('verification.a.example>b.example', disowned('a.example', 'b.example'));
  assert.equal(busy.state, 'authentication.awaitingVerifications', 'one is left');
  busy.send(claim('d.example'));
  pass(busy, 'verificationTimeout', '.awaitingVerifications');
  assert.deepEqual([busy.state, faultOf(busy)], ['closing', 'connection-timeout']);

  const failed = timeIsUp(authenticating(true).send(claim()));
  const answer = { type: 'error', condition: 'remote-server-timeout' } as const;
  failed.done('verification.a.example>b.example', { ...disowned('a.example', 'b.example'), answer });
  assert.deepEqual([failed.state, faultOf(failed)], ['closing', 'connection-timeout'], 'nothing is left to wait for');
});

test('neither SASL nor claims move the last end of an unproved peer (L2)', () => {
  for (const events of [
    [],
    [auth(null)],
    [auth('a'), claim()],
    [auth(null), claim(), { type: 'peer.saslAborted' }],
  ] as const) {
    const stream = authenticating(true);
    for (const event of events) stream.send(event);
    pass(stream, 'unprovedTimeout', '');
    assert.deepEqual([stream.state, faultOf(stream)], ['closing', 'connection-timeout']);
  }
  const proved = authenticating(true).send(claim());
  proved.done('verification.a.example>b.example', verified('a.example', 'b.example'));
  assert.equal(pass(proved, 'unprovedTimeout', '').state, 'established', 'who is proved stays');
});

test('a db:verify that is never answered does not keep an idle stream (L2)', () => {
  const stream = open(authenticating(true).send({ type: 'peer.bidiRequested' }).send(auth('=')), {}, 'id-3');
  stream.send({ type: 'local.verifyRequested', from: 'b.example', to: 'a.example', id: 'x', key: 'k' });
  assert.equal(stream.send({ type: 'transport.idle' }).state, 'closing');
});

test('a stream error of the peer is not said back to it, and is told', () => {
  const stream = authenticating(true).send({ type: 'peer.streamErrorReceived', condition: 'conflict', text: null });
  assert.equal(faultOf(stream), 'conflict');
  const [close] = stream.effects.filter((effect) => effect.kind === 'sent');
  assert.equal(close?.event['fault'], null);
});

// ——— errors of ours

const boom = new Error('boom');

test('a verification that breaks is told with its error; the peer hears internal-server-error, and no more (XEP-0220 §2.5)', () => {
  const stream = authenticating(false).send(claim()).failed('verification.a.example>b.example', boom);
  assert.deepEqual(words(stream).slice(1), ['report verification.settled', 'say result internal-server-error']);
  const [report, said] = stream.effects.flatMap((effect) => (effect.kind === 'stopped' ? [] : [effect]));
  assert.match(JSON.stringify(report), /boom/);
  assert.doesNotMatch(JSON.stringify(said), /boom/);
});

test('an association that breaks is told with its error, and EXTERNAL is not offered (RFC 7712 §4.2)', () => {
  const stream = underTls().failed('association', boom);
  assert.match(JSON.stringify(stream.effects.find(({ kind }) => kind === 'emitted')), /undetermined.*boom/);
  assert.deepEqual(featuresOf(stream).mechanisms, []);
});

test('what is asked of a stream that closes is answered at once, and is no reason to give up the pair (L1)', () => {
  const stream = authenticating(false).send({ type: 'local.closeRequested', fault: null });
  assert.equal(stream.state, 'closing');
  for (const asked of [
    { type: 'local.assertionRequested', from: 'b.example', to: 'a.example' },
    { type: 'local.associationRequested', domain: 'a.example' },
  ] as const) {
    const [report] = stream.send(asked).effects;
    assert.ok(report?.kind === 'emitted');
    const { fault, outcome } = report.event as { fault?: Fault; outcome?: AssociationOutcome };
    const why = fault ?? (outcome?.verdict.kind === 'undetermined' ? outcome.verdict.fault : assert.fail());
    assert.deepEqual([why.layer, decide(why).bounce], ['stream', 'remote-server-timeout']);
    assert.equal(decide(why).next, 'next-stream');
  }
});
