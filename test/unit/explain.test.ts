/** Explanations: who waits for whom, what is wrong, and what to do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fault, type Fault } from '../../src/protocol/faults.ts';
import { diagnoses } from '../../src/trace/explain/diagnoses/index.ts';
import { explain, type Explanation } from '../../src/trace/explain/explain.ts';
import {
  type ActorMade,
  asserted,
  CERTIFICATE,
  failedWith,
  NOW_MS,
  opening,
  type RecordMade,
  viewMade,
  wireMade,
} from '../support/explain-views.ts';

function only(actors: readonly ActorMade[], records: readonly RecordMade[] = [], atMs?: number): Explanation {
  const explanations = explain(viewMade(actors, records, atMs));
  assert.equal(explanations.length, 1, explanations.map(({ cause }) => cause).join('\n'));
  return explanations[0]!;
}

const TLS = { tls: { certificate: CERTIFICATE } };
const RESULT = { kind: 'result', from: 'a.example', to: 'b.example', key: null, answer: null } as const;
const VERIFY = { kind: 'verify', from: 'b.example', to: 'a.example', id: 'x', key: null, answer: null } as const;
const VERIFIED = { ...VERIFY, from: 'a.example', to: 'b.example', answer: { type: 'valid' } } as const;

const incoming = (
  machine: string,
  state: string,
  further: readonly ActorMade[] = [],
  made: Partial<ActorMade> = {},
): readonly ActorMade[] => [
  {
    id: 'stream:7',
    machine: 'receivingStream',
    state: 'authentication.awaitingAuthentication',
    context: { local: 'a.example', remote: 'b.example', ...TLS },
    waitsOn: ['stream:7/verification:b.example>a.example'],
  },
  {
    id: 'stream:7/verification:b.example>a.example',
    machine: 'verification',
    state: 'association',
    context: { from: 'b.example', to: 'a.example' },
    waitsOn: ['stream:7/verification:b.example>a.example/association'],
  },
  {
    id: 'stream:7/verification:b.example>a.example/association',
    machine: 'association',
    state: 'dialback',
    waitsOn: ['stream:7/verification:b.example>a.example/association/prooftype'],
  },
  { id: 'stream:7/verification:b.example>a.example/association/prooftype', machine, state, ...made },
  ...further,
];

const failedBefore = {
  kind: 'attempt',
  actor: 'pair:a.example>b.example',
  agoMs: 60_000,
  attempt: {
    ...{ local: 'a.example', remote: 'b.example', direction: 'outgoing', startedMs: NOW_MS - 61_000 },
    ...{ outcome: 'failed', stream: null, verdicts: [], fault: fault('tcp', 'connection-refused', 'peer') },
    ...{ cause: 'Nothing listens at b.example.', fix: 'Start the server.' },
  },
} satisfies RecordMade;

interface Case {
  /** Id of the diagnosis. */
  readonly id: string;
  readonly name: string;
  readonly actors: readonly ActorMade[];
  readonly records?: readonly RecordMade[];
  readonly state: string;
  readonly mover: Explanation['mover'];
  readonly cause: RegExp;
  readonly fix: RegExp;
}

const dns = (state: string): readonly ActorMade[] => [
  ...opening('connecting').slice(0, 1),
  {
    id: 'peer:b.example',
    machine: 'peer',
    state: 'dnsResolution',
    context: { remote: 'b.example' },
    waitsOn: ['peer:b.example/resolution'],
  },
  { id: 'peer:b.example/resolution', machine: 'resolution', state },
];

const SILENT: readonly Case[] = [
  {
    id: 'connection-silent',
    name: 'TCP is not answered',
    actors: opening('connecting'),
    state: 'connecting',
    mover: 'peer',
    cause: /^xmpp\.b\.example port 5269 has not answered the connection attempt for 20 s/,
    fix: /Open TCP port 5269/,
  },
  {
    id: 'header-silent',
    name: 'no response header',
    actors: opening('streamHeaders.awaitingHeader'),
    state: 'streamHeaders.awaitingHeader',
    mover: 'peer',
    cause: /accepted the connection, and has not answered our stream header for 20 s/,
    fix: /direct TLS/,
  },
  {
    id: 'header-silent',
    name: 'no response header under TLS',
    actors: opening('streamHeaders.awaitingHeader', { context: TLS }),
    state: 'streamHeaders.awaitingHeader',
    mover: 'peer',
    cause: /has finished TLS/,
    fix: /restarts the stream/,
  },
  {
    id: 'features-silent',
    name: 'no features',
    actors: opening('streamHeaders.awaitingFeatures', { context: TLS }),
    state: 'streamHeaders.awaitingFeatures',
    mover: 'peer',
    cause: /no features for 20 s: under TLS many servers first check what proves a\.example/,
    fix: /log of that server/,
  },
  {
    id: 'proceed-silent',
    name: 'no <proceed/>',
    actors: opening('tlsNegotiation.awaitingProceed'),
    state: 'tlsNegotiation.awaitingProceed',
    mover: 'peer',
    cause: /has not answered <starttls\/> for 20 s/,
    fix: /certificate or key for b\.example cannot be loaded/,
  },
  {
    id: 'handshake-silent',
    name: 'the handshake hangs',
    actors: opening('tlsNegotiation.awaitingHandshake'),
    state: 'tlsNegotiation.awaitingHandshake',
    mover: 'peer',
    cause: /handshake with xmpp\.b\.example port 5269 has not finished/,
    fix: /MTU/,
  },
  {
    id: 'sasl-silent',
    name: 'no SASL outcome',
    actors: opening('authentication.saslExternal', { context: TLS }),
    state: 'authentication.saslExternal',
    mover: 'peer',
    cause: /has not said for 20 s whether it accepts our certificate for a\.example/,
    fix: /log of that server for a\.example/,
  },
  {
    id: 'key-not-asked-for',
    name: 'db:result is not answered, and no db:verify came: blocked authoritative server',
    actors: asserted(),
    records: [wireMade('stream:3', 'out', RESULT, 20_000)],
    state: 'awaitingAnswer',
    mover: 'operator',
    cause: /has not asked us whether the key is ours: it has not even connected to us/,
    fix: /let it be reached from outside: "xmpp-dna check a\.example"/,
  },
  {
    id: 'result-unanswered',
    name: 'db:result is not answered, though we have confirmed the key',
    actors: asserted(),
    records: [wireMade('stream:8', 'in', VERIFY, 18_000), wireMade('stream:8', 'out', VERIFIED, 18_000)],
    state: 'awaitingAnswer',
    mover: 'peer',
    cause: /we have answered that it is valid; it has not told us its verdict/,
    fix: /has everything that it needs/,
  },
  {
    id: 'verify-unanswered',
    name: 'db:verify is not answered',
    actors: incoming('dialbackProoftype', 'awaitingVerifyAnswer'),
    state: 'awaitingVerifyAnswer',
    mover: 'peer',
    cause: /authoritative server of b\.example .* has not answered for 20 s/,
    fix: /log of the server of b\.example/,
  },
  {
    id: 'connection-silent',
    name: 'the authoritative server of who asserts himself does not answer TCP',
    actors: incoming('dialbackProoftype', 'awaitingVerifyStream', opening('connecting').slice(1), {
      waitsOn: ['peer:b.example'],
    }),
    state: 'connecting',
    mover: 'peer',
    cause: /xmpp\.b\.example port 5269 has not answered the connection/,
    fix: /Open TCP port 5269/,
  },
  {
    id: 'turn-awaited',
    name: 'assertions queue behind others',
    actors: [
      {
        id: 'pair:a.example>b.example',
        machine: 'pair',
        state: 'piggybackingAssertion.awaitingTurn',
        context: { local: 'a.example', remote: 'b.example', stream: 3 },
        waitsOn: ['stream:3'],
      },
      {
        id: 'stream:3',
        machine: 'initiatingStream',
        state: 'established.open',
        context: { local: 'x.example', remote: 'b.example', pending: { assertions: ['1', '2', '3'] } },
        waitsOn: ['stream:3/assertion.x.example>b.example'],
      },
      {
        id: 'stream:3/assertion.x.example>b.example',
        machine: 'assertion',
        state: 'awaitingAnswer',
        context: { from: 'x.example', to: 'b.example' },
      },
    ],
    state: 'piggybackingAssertion.awaitingTurn',
    mover: 'peer',
    cause: /has left 3 of our db:result unanswered/,
    fix: /delays this one/,
  },
  {
    id: 'dns-silent',
    name: 'SRV never comes',
    actors: dns('awaitingServiceRecords'),
    state: 'awaitingServiceRecords',
    mover: 'dns',
    cause: /has not answered for b\.example \(its SRV records\)/,
    fix: /name servers of the zone/,
  },
  {
    id: 'dns-silent',
    name: 'addresses never come',
    actors: dns('awaitingAddresses'),
    state: 'awaitingAddresses',
    mover: 'dns',
    cause: /the addresses of its server/,
    fix: /name servers of the zone/,
  },
  {
    id: 'posh-silent',
    name: 'the POSH document never comes',
    actors: opening('association.awaitingVerdict', { context: TLS, waitsOn: ['stream:3/association'] }, [
      { id: 'stream:3/association', machine: 'association', state: 'posh', waitsOn: ['stream:3/association/posh'] },
      { id: 'stream:3/association/posh', machine: 'poshProoftype', state: 'awaitingDocument' },
    ]),
    state: 'awaitingDocument',
    mover: 'web',
    cause: /web server of b\.example has been asked for its POSH document/,
    fix: /Have the web server answer at https:\/\/b\.example/,
  },
  {
    id: 'challenge-unanswered',
    name: 'a challenge is not answered',
    actors: opening('association.awaitingChallenge', { context: TLS }),
    state: 'association.awaitingChallenge',
    mover: 'peer',
    cause: /has not shown for 20 s that the domain was delegated/,
    fix: /Give that server a proof/,
  },
  {
    id: 'closing-unanswered',
    name: 'a stream that stood is ended with an error, and nobody answers',
    actors: [
      {
        id: 'stream:7',
        machine: 'initiatingStream',
        state: 'closing',
        before: ['established.open'],
        context: {
          ...{ local: 'a.example', remote: 'b.example' },
          fault: fault('stream', 'policy-violation', 'local', 'the policy has changed'),
        },
      },
    ],
    state: 'closing',
    mover: 'peer',
    cause:
      /^The stream to b\.example is ended \(stream: policy-violation .*the policy has changed\), and b\.example has not answered our closing tag for 20 s\.$/,
    fix: /Nothing needs to be done for this stream/,
  },
  {
    id: 'initiator-silent',
    name: 'who connected says nothing',
    actors: [
      {
        id: 'stream:7',
        machine: 'receivingStream',
        state: 'streamHeaders.awaitingHeader',
        context: { local: '', remote: '' },
      },
    ],
    state: 'streamHeaders.awaitingHeader',
    mover: 'peer',
    cause: /^Somebody has connected to us, and we have waited for the initial header for 20 s/,
    fix: /log of the server that connects/,
  },
  {
    id: 'initiator-silent',
    name: 'who connected shows a certificate that names another, and does not assert itself',
    actors: [
      {
        id: 'stream:7',
        machine: 'receivingStream',
        state: 'authentication.awaitingAuthentication',
        context: {
          ...{ local: 'a.example', remote: 'b.example', ...TLS },
          associated: {
            domain: 'b.example',
            verdict: { kind: 'refuted', fault: fault('pkix', 'name-mismatch', 'peer') },
            attempts: [
              { prooftype: 'pkix', verdict: { kind: 'refuted', fault: fault('pkix', 'name-mismatch', 'peer') } },
            ],
          },
        },
      },
    ],
    state: 'authentication.awaitingAuthentication',
    mover: 'peer',
    cause:
      /SASL EXTERNAL was not offered to it, and it has not asserted itself by dialback\. The certificate names b\.example only in its subject/,
    fix: /Get a certificate with the dNSName b\.example/,
  },
  {
    id: 'targets-tried',
    name: 'one target after the other fails',
    actors: opening('connecting', { agoMs: 500, deadlineMs: 14_500 }).map((made) =>
      made.machine !== 'peer'
        ? { ...made, ...(made.machine === 'pair' ? { agoMs: 70_000, deadlineMs: 50_000 } : {}) }
        : {
            ...made,
            agoMs: 500,
            context: { ...made.context, attempts: 3, fault: fault('tcp', 'connection-refused', 'peer') },
          },
    ),
    state: 'connecting',
    mover: 'peer',
    cause:
      /^2 attempts have failed\. The last failure: Nothing listens at b\.example\. Now xmpp\.b\.example port 5269 is tried\./,
    fix: /Start the server/,
  },
  {
    id: 'tried-again',
    name: 'what has failed before has only just begun anew',
    actors: opening('connecting').map((made) => ({ ...made, agoMs: 500 })),
    records: [failedBefore],
    state: 'connecting',
    mover: 'peer',
    cause:
      /^It is being tried again, and has waited for .* for 1 s\. The last attempt failed: Nothing listens at b\.example\./,
    fix: /Start the server/,
  },
  {
    id: 'stream-awaited',
    name: 'the records do not tell',
    actors: opening('connecting').slice(0, 1),
    state: 'awaitingRoute',
    mover: 'peer',
    cause: /these records do not say/,
    fix: /xmpp-dna check b\.example/,
  },
  {
    id: 'ourselves-late',
    name: 'we validate a path, and do not come to an end',
    actors: opening('association.awaitingVerdict', { context: TLS, waitsOn: ['stream:3/association'] }, [
      { id: 'stream:3/association', machine: 'association', state: 'pkix', deadlineMs: 1_000 },
    ]),
    state: 'pkix',
    mover: 'us',
    cause: /This machine has waited for 20 s for the verdict of pkix/,
    fix: /overloaded/,
  },
];

for (const { id, name, actors, records = [], state, mover, cause, fix } of SILENT) {
  test(`O3 ${id}: ${name}`, () => {
    const told = only(actors, records);
    assert.deepEqual([told.diagnosis, told.stuck, told.state, told.mover], [id, true, state, mover], told.cause);
    assert.match(told.cause, cause);
    assert.match(told.fix, fix);
    assert.equal(told.fault, null);
    assert.ok(told.deadlineMs !== null && told.deadlineMs > NOW_MS);
  });
}

test('O3: what is in its time is not stuck, though it stands in the same state', () => {
  const told = only(opening('streamHeaders.awaitingHeader', { agoMs: 1_000 }).map((one) => ({ ...one, agoMs: 1_000 })));
  assert.deepEqual([told.stuck, told.diagnosis, told.state], [false, null, 'streamHeaders.awaitingHeader']);
  assert.match(told.cause, /for the response header for 1 s, which is not unusual/);
});

/** stream:7, opened by b.example, was ended because of a stanza from c.example. */
const REFUSED: ActorMade = {
  ...{ id: 'stream:7', machine: 'receivingStream', state: 'closed', before: ['established', 'closing'] },
  context: { local: 'a.example', remote: 'b.example' },
  ended: { how: 'done' },
};
const refusedFor = (event: Readonly<Record<string, unknown>>): RecordMade => ({
  ...{ kind: 'event', actor: 'stream:7', machine: 'receivingStream', passed: [], untilMs: null },
  event: { type: 'transport.stanzaRefused', ...event },
  states: ['closing'],
});
const INVALID_FROM = { fault: fault('stream', 'invalid-from', 'peer'), pair: { from: 'c.example', to: 'a.example' } };
const admitted = (local: string, agoMs: number): RecordMade => ({
  ...{ kind: 'attempt', actor: 'peer:c.example', agoMs },
  attempt: {
    ...{ local, remote: 'c.example', direction: 'incoming', startedMs: NOW_MS, outcome: 'holds', stream: 8 },
    ...{ fault: null, cause: '', fix: '', verdicts: [] },
  },
});

test('O3 tried-again: what has succeeded since is in its time', () => {
  const young = opening('connecting').map((made) => ({ ...made, agoMs: 500 }));
  const succeeded: RecordMade = {
    ...failedBefore,
    agoMs: 30_000,
    attempt: { ...failedBefore.attempt, outcome: 'holds', fault: null, cause: '', fix: '' },
  };
  assert.equal(only(young, [failedBefore]).stuck, true);
  assert.equal(only(young, [failedBefore, succeeded]).stuck, false);
  const ofAnother = { ...failedBefore, attempt: { ...failedBefore.attempt, local: 'other.example' } };
  assert.equal(only(young, [ofAnother]).stuck, false);
});

test('O3 sent-unasserted: it is told of the pair that was refused, until that is admitted (S3)', () => {
  const told = only([REFUSED], [refusedFor(INVALID_FROM)]);
  const { diagnosis, stuck, direction, local, remote, failedIn } = told;
  assert.deepEqual(
    [diagnosis, stuck, direction, local, remote, failedIn],
    ['sent-unasserted', true, 'incoming', 'a.example', 'c.example', 'established'],
  );
  assert.match(told.cause, /^The server of b\.example sent a stanza from c\.example .* was never asserted/);
  for (const [since, left] of [
    [admitted('a.example', 1_000), 0],
    [admitted('a.example', 20_000), 1],
    [admitted('a2.example', 1_000), 1],
  ] as const)
    assert.equal(explain(viewMade([REFUSED], [refusedFor(INVALID_FROM), since])).length, left);
});

test('O3 sent-unasserted: in the DNA protocol a domain is granted to the one that the stream was opened to (ProtoXEP §4)', () => {
  const asserted = wireMade('stream:7', 'in', { kind: 'dnaAssert', from: 'c.example' });
  const granted = wireMade('stream:7', 'out', { kind: 'dnaValid', to: 'c.example' });
  const to = (domain: string) => refusedFor({ ...INVALID_FROM, pair: { from: 'c.example', to: domain } });
  assert.match(
    only([REFUSED], [asserted, to('a.example')]).cause,
    /was asserted there in the DNA protocol, and not proved/,
  );
  const taken = only([REFUSED], [asserted, granted, to('a.example')]);
  assert.match(taken.cause, /in the DNA protocol, and our answer was valid/);
  assert.match(taken.fix, /our permission was withdrawn before the stanza came/);
  assert.match(only([REFUSED], [asserted, granted, to('a2.example')]).cause, /was never asserted to a2\.example there/);
});

test('O3 sent-unasserted: a record that names no pair, or anything else in its place, is not told of', () => {
  for (const event of [
    {},
    { fault: INVALID_FROM.fault },
    { ...INVALID_FROM, pair: 7 },
    { ...INVALID_FROM, fault: 'x' },
  ])
    assert.deepEqual(explain(viewMade([REFUSED], [refusedFor(event)])), []);
});

test('O3: the chain leads from the stanza to the one on whom all wait', () => {
  const told = only(opening('streamHeaders.awaitingHeader'), [
    {
      kind: 'queue',
      actor: 'pair:a.example>b.example',
      agoMs: 21_000,
      change: 'waiting',
      local: 'a.example',
      remote: 'b.example',
      stanzas: 1,
      fault: null,
    },
  ]);
  assert.deepEqual(
    told.chain.map(({ machine, state, mover }) => [machine, state, mover]),
    [
      ['queue', 'waiting', 'us'],
      ['pair', 'awaitingRoute', 'peer'],
      ['peer', 'connecting', 'peer'],
      ['initiatingStream', 'streamHeaders.awaitingHeader', 'peer'],
    ],
  );
});

test('O3: a stream that is gone is told by the state in which it stood, and how it ended', () => {
  const gone = fault('stream', 'connection-closed', 'peer');
  const told = only([
    {
      ...{ id: 'stream:7', machine: 'receivingStream', state: 'closed', ended: { how: 'done', fault: gone } },
      ...{ before: ['streamHeaders.awaitingHeader', 'closing'], context: { local: '', remote: '' } },
    },
  ]);
  const [link] = told.chain;
  const ended = 'It has ended: stream: connection-closed (peer).';
  assert.deepEqual([link?.state, link?.description], ['streamHeaders.awaitingHeader', ended]);
});

test('O3: a trace whose actors wait for each other in a circle has an end', () => {
  const told = only(opening('connecting', { waitsOn: ['pair:a.example>b.example'] }));
  assert.equal(told.chain.length, 3);
});

test('O3: the half of the far end is told beside ours: it has not asked, it has, it has been answered', () => {
  const half = (records: readonly RecordMade[]): string | undefined => {
    const link = only(asserted(), records).chain.at(-1);
    return link?.machine === 'authority' ? link.state : undefined;
  };
  assert.equal(half([]), 'notAsked');
  assert.equal(half([wireMade('stream:8', 'in', VERIFY)]), 'asked');
  assert.equal(half([wireMade('stream:8', 'in', VERIFY), wireMade('stream:8', 'out', VERIFIED)]), 'answered');
  assert.equal(half([wireMade('stream:8', 'in', { ...VERIFY, from: 'c.example' })]), 'notAsked', 'of another pair');
  assert.equal(half([wireMade('stream:8', 'in', VERIFY, 90_000)]), 'notAsked', 'of an assertion before');
});

interface FailedCase {
  readonly name: string;
  readonly fault: Fault;
  readonly context?: Readonly<Record<string, unknown>>;
  readonly mover: Explanation['mover'];
  readonly cause: RegExp;
  readonly fix: RegExp;
}

const FAILED: readonly FailedCase[] = [
  {
    name: 'silence until the deadline',
    fault: fault('stream', 'header-timeout', 'peer'),
    mover: 'peer',
    cause: /said nothing in time/,
    fix: /direct TLS/,
  },
  {
    name: 'refused EXTERNAL',
    fault: fault('sasl', 'not-authorized', 'peer'),
    mover: 'operator',
    cause: /did not accept our certificate for a\.example/,
    fix: /Check our own side/,
  },
  {
    name: 'bogus DNS',
    fault: fault('dns', 'bogus', 'dns', 'signature expired'),
    mover: 'dns',
    cause: /signatures of the zone have expired/,
    fix: /Sign the zone again/,
  },
  {
    name: 'SERVFAIL',
    fault: fault('dns', 'lookup-failed', 'dns', 'SERVFAIL'),
    mover: 'dns',
    cause: /could not answer for b\.example/,
    fix: /log of the name servers/,
  },
  {
    name: 'blocked authoritative server',
    fault: fault('dialback', 'remote-connection-failed', 'peer'),
    mover: 'operator',
    cause: /could not ask the server of a\.example/,
    fix: /let it be reached from outside/,
  },
  {
    name: 'exhausted queue',
    fault: fault('queue', 'queue-full', 'local'),
    mover: 'operator',
    cause: /queue of stanzas from a\.example to b\.example is full/,
    fix: /limits\.queueStanzas/,
  },
  {
    name: 'denied by policy',
    fault: fault('policy', 'policy-violation', 'local'),
    mover: 'operator',
    cause: /Our own policy forbids b\.example/,
    fix: /policy\.allow/,
  },
  {
    name: 'a certificate that begins in three minutes: clocks apart',
    fault: fault('pkix', 'certificate-not-yet-valid', 'peer'),
    context: { tls: { certificate: { ...CERTIFICATE, notBeforeMs: NOW_MS + 180_000 } } },
    mover: 'operator',
    cause: /becomes valid in 3 min, by the clock of this machine/,
    fix: /Set the clock of this machine/,
  },
  {
    name: 'a certificate that expired a little ago',
    fault: fault('pkix', 'certificate-expired', 'peer'),
    context: { tls: { certificate: { ...CERTIFICATE, notAfterMs: NOW_MS - 600_000 } } },
    mover: 'peer',
    cause: /expired 10 min ago, by the clock of this machine/,
    fix: /Renew it/,
  },
];

for (const { name, fault: why, context = {}, mover, cause, fix } of FAILED) {
  test(`O3 failed: ${name} (${why.layer}: ${why.condition})`, () => {
    const told = only(failedWith(why, { context }));
    assert.deepEqual(
      [told.diagnosis, told.stuck, told.state, told.mover],
      ['failed', true, 'failed', mover],
      told.cause,
    );
    assert.equal(told.failedIn, 'streamHeaders.awaitingHeader');
    assert.equal(told.fault?.condition, why.condition);
    assert.match(told.cause, cause);
    assert.match(told.fix, fix);
    assert.equal(told.awaits, 'the end of the wait');
    assert.equal(told.deadlineMs, NOW_MS + 1_000);
  });
}

test('O3 failed: attempts in a row are counted, and the first fault of a prooftype that was meant is the one told', () => {
  const unmatched = fault('posh', 'no-fingerprint-match', 'peer');
  const concluded = fault('pkix', 'name-mismatch', 'peer');
  const associated = {
    attempts: [
      { prooftype: 'posh', verdict: { kind: 'refuted', fault: unmatched } },
      { prooftype: 'pkix', verdict: { kind: 'refuted', fault: concluded } },
    ],
  };
  const told = only(failedWith(concluded, { context: { ...TLS, associated } }, 4));
  assert.equal(told.fault?.condition, 'no-fingerprint-match');
  assert.match(told.cause, /lists other certificates.* 4 attempts in a row have failed\.$/);
});

test('O3 authoritative-server-failed: why the server of who asserts himself could not be asked', () => {
  const out = fault('dialback', 'remote-connection-failed', 'peer');
  const output = {
    ...{ from: 'b.example', to: 'a.example', answer: { type: 'error', condition: 'remote-connection-failed' } },
    attempts: [{ prooftype: 'dialback', verdict: { kind: 'undetermined', fault: out } }],
  };
  const refused = fault('tcp', 'connection-refused', 'peer');
  const told = only([
    {
      id: 'stream:7',
      machine: 'receivingStream',
      state: 'authentication.awaitingAuthentication',
      context: { local: 'a.example', remote: 'b.example' },
    },
    {
      id: 'stream:7/verification:b.example>a.example',
      machine: 'verification',
      state: 'refused',
      context: { from: 'b.example', to: 'a.example' },
      ended: { output },
    },
    { id: 'peer:b.example', machine: 'peer', state: 'failed', context: { remote: 'b.example', fault: refused } },
  ]);
  assert.deepEqual([told.direction, told.diagnosis, told.stuck], ['incoming', 'authoritative-server-failed', true]);
  assert.match(told.cause, /could not be asked \(remote-connection-failed\)\. Nothing listens at b\.example/);
});

test('O3: a pair that is routed is not stuck, whatever failed before', () => {
  const told = only([
    {
      id: 'pair:a.example>b.example',
      machine: 'pair',
      state: 'routed',
      before: ['awaitingRoute', 'piggybackingAssertion.awaitingAnswer'],
      context: {
        local: 'a.example',
        remote: 'b.example',
        stream: 3,
        fault: fault('dialback', 'not-acceptable', 'peer'),
      },
      ended: { how: 'stopped' },
    },
  ]);
  assert.deepEqual([told.stuck, told.fault, told.diagnosis], [false, null, null]);
});

test('O3: a pair that had a route and has nothing to send is in order, whatever failed before it had one', () => {
  const context = { local: 'a.example', remote: 'b.example', fault: fault('dialback', 'not-acceptable', 'peer') };
  const resting: ActorMade = {
    ...{ id: 'pair:a.example>b.example', machine: 'pair', state: 'resting', context, ended: { how: 'stopped' } },
    before: ['awaitingRoute', 'routed'],
  };
  const told = only([resting]);
  assert.deepEqual([told.stuck, told.fault], [false, null]);
  assert.equal(only([{ ...resting, before: ['awaitingRoute'] }]).stuck, true, 'it was refused one');
});

test('O3: whoever only asks our authoritative side is no negotiation', () => {
  const asking: ActorMade = {
    id: 'stream:8',
    machine: 'receivingStream',
    state: 'authentication.awaitingAuthentication',
    context: { local: 'a.example', remote: 'b.example' },
  };
  assert.deepEqual(explain(viewMade([asking], [wireMade('stream:8', 'in', VERIFY)])), []);
});

test('O3: a pair is asked for by both domains, or by one', () => {
  const other = opening('connecting').map((made) => ({
    ...made,
    id: made.id.replace('b.example', 'c.example').replace('stream:3', 'stream:4'),
    context: { ...made.context, remote: 'c.example' },
  }));
  const view = viewMade([...opening('connecting'), ...other]);
  const remotes = (wanted: { local?: string; remote?: string }): string[] =>
    explain(view, wanted).map(({ remote }) => remote);
  assert.deepEqual(remotes({}).sort(), ['b.example', 'c.example']);
  assert.deepEqual(remotes({ remote: 'c.example' }), ['c.example']);
  assert.deepEqual(remotes({ local: 'a.example', remote: 'b.example' }), ['b.example']);
  assert.deepEqual(remotes({ local: 'x.example' }), []);
});

test('O3: what is stuck comes first, and of that what has waited longest', () => {
  const later = opening('connecting', { agoMs: 8_000 }).map((made) => ({
    ...made,
    id: made.id.replace('b.example', 'c.example').replace('stream:3', 'stream:4'),
    context: { ...made.context, remote: 'c.example', stream: 4 },
    waitsOn: (made.waitsOn ?? []).map((id) => id.replace('b.example', 'c.example').replace('stream:3', 'stream:4')),
  }));
  const told = explain(viewMade([...later, ...opening('connecting')]));
  assert.deepEqual(
    told.map(({ remote, stuck }) => [remote, stuck]),
    [
      ['b.example', true],
      ['c.example', true],
    ],
  );
  assert.deepEqual(
    explain(viewMade([...later, ...opening('connecting')]), {}, 1).map(({ remote }) => remote),
    ['b.example'],
  );
});

test('O3: whoever waits now is told before a hundred failures of yesterday, and of those the newest first', () => {
  const failures = Array.from({ length: 100 }, (_, at): ActorMade => {
    const remote = `d${at}.example`;
    const why = fault('dns', 'no-address', 'dns', 'nothing');
    const id = `pair:a.example>${remote}`;
    const agoMs = 86_400_000 + at * 1_000;
    return { id, machine: 'pair', state: 'failed', agoMs, context: { local: 'a.example', remote, fault: why } };
  });
  const told = explain(viewMade([...failures, ...opening('connecting')]), {}, 3);
  assert.deepEqual(
    told.map(({ remote, stuck }) => [remote, stuck]),
    [
      ['b.example', true],
      ['d0.example', true],
      ['d1.example', true],
    ],
  );
});

test('O3: nonsense in the contexts of a trace is no harm', () => {
  const nonsense = {
    local: 5,
    remote: ['x'],
    stream: 'three',
    fault: 'none',
    endpoint: 1,
    settings: 7,
    tls: [],
    associated: 0,
  };
  const actors = opening('association.awaitingVerdict').map((made) => ({ ...made, context: { ...nonsense } }));
  for (const { cause, fix } of explain(viewMade(actors)))
    assert.doesNotMatch(cause + fix, /undefined|null|NaN|\[object/);
});

test('every diagnosis has an id of its own, and an example here', () => {
  const ids = diagnoses.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  const inCorpus = ['key-contested']; // test/corpus/dialback.ts
  const shown = new Set([
    ...SILENT.map(({ id }) => id),
    'failed',
    'authoritative-server-failed',
    'sent-unasserted',
    ...inCorpus,
  ]);
  assert.deepEqual(
    ids.filter((id) => !shown.has(id)),
    [],
  );
});
