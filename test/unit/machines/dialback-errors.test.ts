/**
 * Every error of XEP-0220 §2.5, from its cause to the element that reports it: the pair fails, the stream lives (L5).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createActor, fromCallback, fromPromise } from 'xstate';
import {
  association,
  dialbackProoftype,
  limits,
  pkixProoftype,
  receivingStream,
  type TransportCommand,
  verification,
} from '../../../machines/index.ts';
import { noPairs, type ProvedPairs, withIncoming } from '../../../machines/collections/proved-pairs.ts';
import type { VerifyStream } from '../../../machines/prooftypes/dialback.machine.ts';
import type { CertificateEvidence, PathVerdict } from '../../../src/protocol/certificate.ts';
import type { DialbackAnswer } from '../../../src/protocol/dialback.ts';
import { fault, FaultError } from '../../../src/protocol/faults.ts';
import type { PolicyOptions } from '../../../src/protocol/policy.ts';
import type { Proof } from '../../../src/protocol/proof.ts';
import { wireToXml } from '../../../src/protocol/wire-xml.ts';
import { SimulatedClock } from '../../../src/simulation/simulated-clock.ts';
import { certificateOf, header, receivingInput, tlsWith } from '../../support/samples.ts';

/** The outcome of a request to an authoritative server, or of the attempt to reach it. */
type Outcome<T> = T | FaultError | 'silence';

interface Cause {
  readonly policy?: PolicyOptions;
  readonly to?: string;
  readonly from?: string;
  readonly certificate?: CertificateEvidence | null;
  readonly plain?: boolean;
  readonly verifyStream?: Outcome<VerifyStream>;
  readonly answer?: Outcome<DialbackAnswer>;
  /** How many assertions wait before this one. */
  readonly waiting?: number;
  /** Pairs proved on the stream before, replacing the real ones. */
  readonly proved?: Partial<ProvedPairs>;
  readonly verificationBreaks?: boolean;
}

const settles = <T>(outcome: Outcome<T>): Promise<T> =>
  outcome === 'silence'
    ? new Promise(() => undefined)
    : outcome instanceof FaultError
      ? Promise.reject(outcome)
      : Promise.resolve(outcome);
const fails = (...what: Parameters<typeof fault>): FaultError => new FaultError(fault(...what));

/** What a stranger might want to learn about a network that it cannot see. */
const FOUND = '192.0.2.7 port 6379: connect ECONNREFUSED 192.0.2.7:6379';

/** The answer to the db:result of c.example, beside a pair that is valid already; and the state of the stream. */
async function answerTo(cause: Cause): Promise<{ said: string[]; stage: string }> {
  const said: string[] = [];
  let isFirst = true;
  const proving = association.provide({
    actors: {
      pkixProoftype: pkixProoftype.provide({
        actors: {
          validatePath: fromPromise<PathVerdict>(() =>
            Promise.resolve({ kind: 'valid', notAfterMs: 4e12, pathSha256: ['x'] }),
          ) as never,
        },
      }),
      dialbackProoftype: dialbackProoftype.provide({
        actors: {
          openVerifyStream: fromPromise<VerifyStream>(() =>
            isFirst
              ? settles({ stream: 9, peerSha256: null })
              : settles(cause.verifyStream ?? { stream: 9, peerSha256: null }),
          ) as never,
          askAuthoritativeServer: fromPromise<DialbackAnswer>(() =>
            isFirst ? settles<DialbackAnswer>({ type: 'valid' }) : settles(cause.answer ?? { type: 'valid' }),
          ) as never,
        },
      }),
    },
  });
  const clock = new SimulatedClock();
  const actor = createActor(
    receivingStream.provide({
      actors: {
        transport: fromCallback<TransportCommand>(({ receive }) =>
          receive((command) => {
            if (command.type === 'transport.send' && command.element.kind === 'result')
              said.push(wireToXml(command.element));
          }),
        ) as never,
        association: proving,
        verification:
          cause.verificationBreaks === true
            ? (fromPromise(() =>
                isFirst ? settles('silence' as const) : Promise.reject(new Error('broken')),
              ) as never)
            : verification.provide({ actors: { association: proving } }),
      },
    }),
    { input: receivingInput({}, { federation: 'verified', ...cause.policy }), clock },
  ).start();
  const open = (): void => actor.send({ type: 'peer.streamOpened', header: header(), freshId: 'id' });
  open();
  if (cause.plain !== true) {
    actor.send({ type: 'peer.startTlsRequested' });
    actor.send({ type: 'transport.secured', tls: tlsWith(cause.certificate ?? null) });
    open();
  }
  await clock.advance(0);
  const result = (from: string, to: string): void => actor.send({ type: 'peer.resultRequested', from, to, key: 'k' });
  // Another pair uses this stream: no error may end it.
  if (cause.policy?.federation !== 'authenticated' && cause.plain !== true) result('a.example', 'b.example');
  await clock.advance(0);
  said.length = 0;
  isFirst = false;
  const { context } = actor.getSnapshot();
  Object.assign(context, { validPairs: { ...context.validPairs, ...cause.proved } });
  for (let n = 0; n < (cause.waiting ?? 0); n++) result(`w${String(n)}.example`, 'b.example');
  const from = cause.from ?? 'c.example';
  result(from, cause.to ?? 'b.example');
  const isAnswered = (): boolean => said.some((xml) => xml.includes(`to='${from}'`));
  for (let waitedMs = 0; !isAnswered() && waitedMs <= limits.assertionMs; waitedMs += 1_000) await clock.advance(1_000);
  const { value } = actor.getSnapshot();
  actor.stop();
  return {
    said: said.filter((xml) => xml.includes(`to='${from}'`)),
    stage: typeof value === 'string' ? value : (Object.keys(value)[0] ?? ''),
  };
}

const proof: Proof = { prooftype: 'pkix', strength: 'strong', evidence: {}, expiresAtMs: null };

const rows: readonly (readonly [string, string, Cause])[] = [
  ['item-not-found', 'the target domain is not served here', { to: 'elsewhere.example' }],
  ['policy-violation', 'TLS is wanted first', { plain: true, policy: { federation: 'encrypted' } }],
  ['policy-violation', 'the sender domain is denied', { policy: { deny: ['c.example'] } }],
  ['policy-violation', 'the sender domain is served here', { from: 'b2.example' }],
  [
    'remote-connection-failed',
    'no stream to the authoritative server',
    { verifyStream: fails('tcp', 'connection-refused', 'peer') },
  ],
  [
    'remote-connection-failed',
    'a stream to the authoritative server that does not come about',
    { verifyStream: 'silence' },
  ],
  [
    'remote-connection-failed',
    'no stream to the authoritative server, though a certificate was shown that names others',
    { certificate: certificateOf('other.example'), verifyStream: fails('tcp', 'connection-refused', 'peer') },
  ],
  [
    'remote-server-not-found',
    'an authoritative server that does not know the sender domain: host-unknown',
    { verifyStream: fails('stream', 'host-unknown', 'peer') },
  ],
  [
    'remote-server-not-found',
    'an authoritative server that does not know the sender domain: host-unknown after the question',
    { answer: fails('stream', 'host-unknown', 'peer') },
  ],
  [
    'remote-server-not-found',
    'an authoritative server that answers item-not-found',
    { answer: { type: 'error', condition: 'item-not-found' } },
  ],
  ['remote-server-timeout', 'an authoritative server that closes', { answer: fails('stream', 'closed', 'peer') }],
  ['remote-server-timeout', 'an authoritative server that falls silent', { answer: 'silence' }],
  ['forbidden', 'an authoritative server that says invalid', { answer: { type: 'invalid' } }],
  ['not-authorized', 'a strong proof is wanted and none is given', { policy: { federation: 'authenticated' } }],
  [
    'not-authorized',
    'a strong proof is wanted and the certificate names others',
    { policy: { federation: 'authenticated' }, certificate: certificateOf('other.example') },
  ],
  [
    'resource-constraint',
    'as many assertions wait as may',
    { waiting: limits.pendingVerifications, answer: 'silence' },
  ],
  ['resource-constraint', 'the stream has as many pairs as it may', { proved: { size: limits.pairsPerStream } }],
  [
    'resource-constraint',
    'the stream has as many sender domains as it may',
    { proved: { senders: limits.domainsPerStream } },
  ],
  [
    'resource-constraint',
    'as many claims of its address wait as may',
    { verifyStream: fails('dialback', 'resource-constraint', 'peer') },
  ],
];

for (const [condition, cause, how] of rows) {
  test(`db:result is answered ${condition}: ${cause} (XEP-0220 §2.5)`, async () => {
    const { said, stage } = await answerTo(how);
    const from = how.to ?? 'b.example';
    const to = how.from ?? 'c.example';
    assert.equal(said.length, 1, said.join('\n'));
    assert.match(
      said.join(''),
      new RegExp(
        `^<db:result (?=[^>]*from=.${from}.)(?=[^>]*to=.${to}.)[^>]*type=.error.[^>]*>` +
          `<error type=.cancel.[^>]*><${condition} xmlns=.urn:ietf:params:xml:ns:xmpp-stanzas.`,
      ),
    );
    assert.ok(!['closing', 'closed'].includes(stage), stage);
  });
}

for (const [where, cause] of [
  ['on the way to the authoritative server', { verifyStream: fails('tcp', 'connect-failed', 'peer', FOUND) }],
  ['while it is asked', { answer: fails('tcp', 'connection-reset', 'peer', FOUND) }],
] as const) {
  test(`what was found ${where} is not told to who made us look there`, async () => {
    for (const federation of ['verified', 'encrypted'] as const) {
      const { said } = await answerTo({ ...cause, policy: { federation } });
      assert.match(said.join(''), /type=.error./);
      assert.doesNotMatch(said.join(''), /<text|ECONN|192\.0\.2\.7|port/);
    }
  });
}

test('db:result is answered internal-server-error: what judges it breaks, and the stream lives', async () => {
  const { said, stage } = await answerTo({ verificationBreaks: true });
  assert.match(said.join(''), /<internal-server-error /);
  assert.notEqual(stage, 'closing');
});

test('every condition of XEP-0220 §2.5 has its row', () => {
  const asserted = new Set(rows.map(([condition]) => condition));
  for (const condition of [
    'item-not-found',
    'remote-connection-failed',
    'remote-server-not-found',
    'remote-server-timeout',
    'policy-violation',
    'not-authorized',
    'forbidden',
    'resource-constraint',
  ])
    assert.ok(asserted.has(condition), condition);
});

test('on a full stream a domain that sends may have another pair, and a pair that stands be asserted again', async () => {
  const another = withIncoming(noPairs, { from: 'c.example', to: 'elsewhere.example' }, proof);
  const same = withIncoming(noPairs, { from: 'c.example', to: 'b.example' }, proof);
  for (const proved of [
    { ...another, senders: limits.domainsPerStream },
    { ...same, size: limits.pairsPerStream },
  ]) {
    const { said } = await answerTo({ proved });
    assert.match(said.join(''), /type='valid'/);
  }
});
