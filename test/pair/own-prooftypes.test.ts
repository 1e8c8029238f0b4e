/**
 * Prooftypes defined by an embedder, between two managers: who is proved by them, and what a misbehaving one can do.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromPromise, setup } from 'xstate';
import { credentialOf } from '../../src/demo/certificates.ts';
import { reports } from '../../src/demo/facts.ts';
import type { ProviderSetup, Side } from '../../src/demo/scenario.ts';
import type { PolicyOptions } from '../../src/options.ts';
import type { Proof, ProofAttempt } from '../../src/protocol/proof.ts';
import type { Prooftype, ProoftypeLogic, ProoftypeQuestion, ProoftypeVerdict } from '../../src/prooftype.ts';
import { SimulatedClock } from '../../src/simulation/simulated-clock.ts';
import { createDuo, type Duo } from '../support/duo.ts';
import {
  answering,
  pinnedKey,
  pinOf,
  prooftypeOf,
  SHARED_TOKEN,
  sharedToken,
  tokensFor,
} from '../support/own-prooftypes.ts';

const MINUTE_MS = 60_000;
const startMs = new SimulatedClock().now();

/** Its certificate names another host, and b2.example: PKIX does not prove b.example. */
const B: ProviderSetup = { hosts: ['b.example', 'b2.example'], certificate: { names: ['b2.example', 'host.example'] } };
const asking = (
  prooftypes: Readonly<Record<string, Prooftype>>,
  policy: PolicyOptions = { domains: { 'b.example': { prooftypes: Object.keys(prooftypes) } } },
): ProviderSetup => ({ hosts: ['a.example'], policy, prooftypes });

async function exchange(duo: Duo, from = 'a.example', to = 'b.example'): Promise<string | undefined> {
  const { deliveries } = duo.send(from, to);
  await duo.settle();
  await duo.simulation.clock.advance(1_000); // until everything under way has arrived
  const [first, ...more] = deliveries;
  assert.deepEqual(more, [], 'L1: once');
  return first?.outcome === 'returned' ? `${first.fault.layer} ${first.fault.condition}` : first?.outcome;
}

const attemptsOf = (duo: Duo, domain = 'b.example', at: Side = 'A'): readonly ProofAttempt[] =>
  reports(duo, at, 'association.settled').findLast(({ outcome }) => outcome.domain === domain)?.outcome.attempts ?? [];
const attempted = (duo: Duo): string[] =>
  attemptsOf(duo).map(({ prooftype, verdict }) => `${prooftype} ${verdict.kind}`);
const proofsAt = ({ providers }: Duo, at: Side): string[] =>
  providers[at]
    .snapshot()
    .streams.flatMap(({ proofs }) => proofs.map((p) => `${p.domain} ${p.prooftype} ${p.strength}`));

const proves = (expiresAtMs: number): ProoftypeVerdict => ({ kind: 'proved', evidence: { word: 'yes' }, expiresAtMs });
const asks = (answer: (question: ProoftypeQuestion) => ProoftypeVerdict): ProoftypeLogic =>
  fromPromise<ProoftypeVerdict, ProoftypeQuestion>(({ input }) => Promise.resolve(answer(input)));

test('A13: a pinned key proves its domain, whatever names the certificate has, and no other domain (RFC 7712 §7)', async () => {
  const pins = new Map([['b.example', [pinOf(credentialOf(B).cert)]]]);
  const duo = await createDuo({ A: asking({ 'pinned-key': pinnedKey(pins) }), B });
  assert.equal(await exchange(duo), 'sent');
  assert.equal(duo.arrived.length, 1);
  assert.deepEqual(proofsAt(duo, 'A'), ['b.example pinned-key strong']);
  const [{ verdict }] = attemptsOf(duo) as [ProofAttempt];
  assert.deepEqual((verdict as Proof).evidence, { spkiSha256: pins.get('b.example')?.[0] });
  await duo.stop();
});

test('S2: another key than the pinned one refutes; nothing is said to the far end that trusts it (RFC 7712 §7)', async () => {
  const pins = new Map([['b.example', [pinOf(credentialOf({ hosts: ['x.example'] }).cert)]]]);
  const duo = await createDuo({ A: asking({ 'pinned-key': pinnedKey(pins) }), B });
  assert.equal(await exchange(duo), 'prooftype no-pin-matches');
  assert.deepEqual([duo.arrived.length, attempted(duo)], [0, ['pinned-key refuted']]);
  assert.equal(await exchange(duo, 'a.example', 'b2.example'), 'sent', 'who is proved otherwise is not touched by it');
  await duo.stop();
});

test('A13: policy says the order: what an own prooftype leaves open is asked of PKIX, and the other way round (RFC 7712 §8)', async () => {
  const noPins = pinnedKey(new Map());
  const policy = (...prooftypes: string[]): PolicyOptions => ({ prooftypes });
  const named = { ...B, certificate: { names: ['b.example'] } };
  const first = await createDuo({ A: asking({ 'pinned-key': noPins }, policy('pinned-key', 'pkix')), B: named });
  assert.equal(await exchange(first), 'sent');
  assert.deepEqual(attempted(first), ['pinned-key undetermined', 'pkix proved']);
  await first.stop();
  const pins = pinnedKey(new Map([['b.example', [pinOf(credentialOf(B).cert)]]]));
  const last = await createDuo({ A: asking({ 'pinned-key': pins }, policy('pkix', 'pinned-key')), B });
  assert.equal(await exchange(last), 'sent');
  assert.deepEqual(attempted(last), ['pkix refuted', 'pinned-key proved']);
  await last.stop();
});

test('A13: the receiving server asks its own prooftypes of who connects, before EXTERNAL is offered (RFC 7712 §4.2)', async () => {
  const A: ProviderSetup = { hosts: ['a.example'], certificate: { names: ['host.example'] } };
  const pins = new Map([['a.example', [pinOf(credentialOf(A).cert)]]]);
  const duo = await createDuo({
    A,
    B: { hosts: ['b.example'], policy: { prooftypes: ['pinned-key'] }, prooftypes: { 'pinned-key': pinnedKey(pins) } },
  });
  assert.equal(await exchange(duo), 'sent');
  assert.deepEqual(proofsAt(duo, 'B'), ['a.example pinned-key strong']);
  await duo.stop();
});

test('A13: any logic will do; a chart waits on the clock of the manager, and is told who is asked about (RFC 7712 §7)', async () => {
  const questions: ProoftypeQuestion[] = [];
  const chart = setup({
    types: { input: {} as ProoftypeQuestion, context: {} as ProoftypeQuestion, output: {} as ProoftypeVerdict },
    delays: { aWhile: 3_000 },
  }).createMachine({
    context: ({ input }) => {
      questions.push(input);
      return input;
    },
    initial: 'thinking',
    states: { thinking: { after: { aWhile: 'sure' } }, sure: { type: 'final' } },
    output: () => proves(startMs + 60 * MINUTE_MS),
  });
  const duo = await createDuo({ A: asking({ chart: prooftypeOf(() => chart) }), B });
  assert.equal(await exchange(duo), 'sent');
  assert.ok(duo.simulation.clock.now() - startMs > 3_000);
  const [{ service, domain, derivedDomains, certificate, proof }] = questions as [ProoftypeQuestion];
  assert.deepEqual([service, domain, derivedDomains, proof], ['xmpp-server', 'b.example', [], null]);
  assert.deepEqual(certificate?.presented.dnsNames, ['b2.example', 'host.example']);
  await duo.stop();
});

/** A misbehaving prooftype leaves the question open: PKIX is asked next, and everybody else is served. */
async function leavesOpen(prooftype: Prooftype, condition: string): Promise<void> {
  const A = asking({ odd: prooftype }, { domains: { 'b.example': { prooftypes: ['odd', 'pkix'] } } });
  const duo = await createDuo({ A, B });
  assert.equal(await exchange(duo), 'pkix name-mismatch');
  const [{ prooftype: name, verdict }] = attemptsOf(duo) as [ProofAttempt];
  assert.equal(name, 'odd');
  assert.equal(verdict.kind === 'undetermined' ? verdict.fault.condition : verdict.kind, condition);
  assert.equal(verdict.kind === 'undetermined' ? verdict.fault.origin : null, 'local');
  assert.equal(await exchange(duo, 'a.example', 'b2.example'), 'sent', 'the manager lives on');
  await duo.stop();
}

test('A13: one that throws, wherever, leaves the question open with a fault, and nobody dies of it (L2)', async () => {
  const broken = (): never => {
    throw new Error('a mistake');
  };
  const chart = setup({ actions: { broken } }).createMachine({ entry: 'broken' });
  const oddities: readonly ((() => ProoftypeLogic) | Prooftype['actor'])[] = [
    broken,
    () => fromPromise<ProoftypeVerdict>(() => Promise.reject(new Error('a mistake'))),
    () => fromPromise<ProoftypeVerdict>(broken),
    () => chart as unknown as ProoftypeLogic, // it never answers
    () => ({}) as ProoftypeLogic,
    () => null as unknown as ProoftypeLogic,
  ];
  for (const actor of oddities) await leavesOpen(prooftypeOf(actor), 'prooftype-failed');
});

test('A13: one that hangs is stopped after its time, and the next prooftype is asked (L2)', async () => {
  let stopped = 0;
  const hanging = fromPromise<ProoftypeVerdict>(({ signal }) => {
    signal.addEventListener('abort', () => (stopped += 1));
    return new Promise(() => undefined);
  });
  await leavesOpen(
    prooftypeOf(() => hanging),
    'proof-timeout',
  );
  assert.ok(stopped > 0);
});

test('A13: one that answers nonsense has answered nothing', async () => {
  for (const nonsense of [undefined, 'proved', { kind: 'proved' }, { kind: 'proved', evidence: {}, expiresAtMs: null }])
    await leavesOpen(
      prooftypeOf(() => answering(nonsense)),
      'invalid-verdict',
    );
  await leavesOpen(
    prooftypeOf(() => answering(proves(startMs))),
    'proof-expired',
  );
});

test('A13: one that needs secure DNS is not asked where nobody validates (RFC 7712 §7)', async () => {
  const needsDns = prooftypeOf(() => answering(proves(startMs + 60 * MINUTE_MS)), { needsSecureDns: true });
  const outcomes = [];
  for (const validates of [false, true]) {
    const duo = await createDuo({ A: asking({ 'needs-dns': needsDns }), B, link: { validates } });
    outcomes.push(await exchange(duo));
    await duo.stop();
  }
  assert.deepEqual(outcomes, ['prooftype no-validator', 'sent']);
});

test('S1: a weak one is good enough where policy is not `authenticated`, whatever it says of itself (XEP-0238)', async () => {
  const claim = { ...proves(startMs + 60 * MINUTE_MS), prooftype: 'dane', strength: 'strong' };
  const weak = prooftypeOf(() => answering(claim), { strength: 'weak' });
  const outcomes = [];
  for (const federation of ['authenticated', 'encrypted'] as const) {
    const policy = { domains: { 'b.example': { prooftypes: ['word', 'posh'], federation } } };
    const duo = await createDuo({ A: asking({ word: weak }, policy), B });
    outcomes.push(await exchange(duo), ...proofsAt(duo, 'A'));
    await duo.stop();
  }
  assert.deepEqual(outcomes, ['policy far-end-not-proved', 'sent', 'b.example word weak']);
});

test('A14: a proof of an own prooftype is asked for anew before it ends; one that is gone then ends its stream (RFC 6120 §13.7.2.3)', async () => {
  let [asked, holds] = [0, true];
  const word = prooftypeOf(({ clock }) =>
    asks(() => {
      asked += 1;
      const fault = { condition: 'word-taken-back', origin: 'peer' } as const;
      return holds ? proves(clock.now() + 10 * MINUTE_MS) : { kind: 'refuted', fault };
    }),
  );
  const duo = await createDuo({ A: asking({ word }), B });
  assert.equal(await exchange(duo), 'sent');
  const { opened } = duo.sockets;
  for (let minute = 0; minute < 40; minute += 1) {
    await duo.simulation.clock.advance(MINUTE_MS);
    assert.equal(await exchange(duo), 'sent');
  }
  assert.equal(duo.sockets.opened, opened, 'on the stream that stands');
  assert.ok(asked > 3 && asked < 20, String(asked));
  holds = false;
  await duo.simulation.clock.advance(11 * MINUTE_MS);
  assert.ok(reports(duo, 'A', 'stream.closing').some(({ fault }) => fault?.condition === 'reset'));
  assert.equal(await exchange(duo), 'prooftype word-taken-back');
  await duo.stop();
});

// ——— a token shared by the two operators: the far end is challenged for it

const secret = Buffer.alloc(32, 'secret of the two');
const A: ProviderSetup = { hosts: ['a.example'], certificate: { names: ['one.example'] } };

/** Each side shows tokens for the certificate that it presents, by default, and asks the other for tokens. */
const sharing = (
  setup: ProviderSetup,
  peer: string,
  { own = secret, theirs = secret, certificate = credentialOf(setup).cert, minutes = 600 } = {},
): ProviderSetup => ({
  ...setup,
  policy: { prooftypes: [SHARED_TOKEN] },
  prooftypes: { [SHARED_TOKEN]: sharedToken(new Map([[peer, theirs]])) },
  proofs: Object.fromEntries(
    setup.hosts.map((host) => [
      host,
      { [SHARED_TOKEN]: tokensFor(own, host, [certificate], startMs + minutes * MINUTE_MS) },
    ]),
  ),
});

const dnaSaid = ({ timeline }: Duo, by: Side): string[] =>
  timeline.flatMap(({ at, record }) =>
    at === by && record.kind === 'wire' && record.direction === 'out' && record.element.kind.startsWith('dna')
      ? [record.element.kind]
      : [],
  );

test('A13: a shared token proves both ends to each other, over the DNA protocol of 2009 under a URI of its own (ProtoXEP §4.4)', async () => {
  const duo = await createDuo({ A: sharing(A, 'b.example'), B: sharing(B, 'a.example') });
  assert.equal(await exchange(duo), 'sent');
  assert.ok(proofsAt(duo, 'A').includes(`b.example ${SHARED_TOKEN} strong`));
  assert.ok(proofsAt(duo, 'B').includes(`a.example ${SHARED_TOKEN} strong`));
  assert.ok(dnaSaid(duo, 'A').includes('dnaChallenge') && dnaSaid(duo, 'A').includes('dnaValid'));
  assert.ok(dnaSaid(duo, 'B').includes('dnaProof'));
  await duo.stop();
});

test('S2: a token made with another secret, or for another certificate, or too old, refutes: <invalid/> (ProtoXEP §4.3)', async () => {
  const replayed = credentialOf({ hosts: [], certificate: { names: ['whose.example'] } }).cert;
  const wrong = [
    [{ own: Buffer.alloc(32, 'another') }, 'prooftype no-token-matches'],
    [{ certificate: replayed }, 'prooftype no-token-matches'],
    [{ minutes: -1 }, 'prooftype token-expired'],
  ] as const;
  for (const [how, why] of wrong) {
    const duo = await createDuo({ A: sharing(A, 'b.example'), B: sharing(B, 'a.example', how) });
    assert.equal(await exchange(duo), why);
    assert.equal(duo.arrived.length, 0);
    assert.deepEqual(dnaSaid(duo, 'A'), ['dnaChallenge', 'dnaInvalid']);
    await duo.stop();
  }
});

test('S3: a token of one domain is none of another on the same stream', async () => {
  const B2 = sharing(B, 'a.example');
  const proofs = { 'b.example': B2.proofs?.['b2.example'] ?? {} };
  const duo = await createDuo({ A: sharing(A, 'b.example'), B: { ...B2, proofs } });
  assert.equal(await exchange(duo), 'prooftype no-token-matches');
  await duo.stop();
});

test('A14: tokens end, and are asked for anew: who shows new ones in time goes on on the stream that stands', async () => {
  const duo = await createDuo({ A: sharing(A, 'b.example'), B: sharing(B, 'a.example', { minutes: 20 }) });
  assert.equal(await exchange(duo), 'sent');
  const { opened } = duo.sockets;
  const later = tokensFor(secret, 'b.example', [credentialOf(B).cert], startMs + 50 * MINUTE_MS);
  duo.providers.B.setProofs('b.example', { [SHARED_TOKEN]: later });
  for (let minute = 0; minute < 30; minute += 10) {
    await duo.simulation.clock.advance(10 * MINUTE_MS);
    assert.equal(await exchange(duo), 'sent');
  }
  assert.equal(duo.sockets.opened, opened);
  await duo.simulation.clock.advance(30 * MINUTE_MS);
  assert.equal(await exchange(duo), 'prooftype token-expired');
  await duo.stop();
});

test('A13: one that is challenged for and hangs, throws or answers nonsense leaves the question open as well', async () => {
  const faults = [];
  const oddities = [
    () => fromPromise<ProoftypeVerdict>(() => new Promise(() => undefined)),
    () => fromPromise<ProoftypeVerdict>(() => Promise.reject(new Error('a mistake'))),
    () => answering({ kind: 'proved' }),
  ];
  for (const actor of oddities) {
    const odd = { ...sharing(A, 'b.example'), prooftypes: { [SHARED_TOKEN]: prooftypeOf(actor) } };
    const duo = await createDuo({ A: odd, B: sharing(B, 'a.example') });
    faults.push(await exchange(duo));
    assert.deepEqual([duo.arrived.length, dnaSaid(duo, 'A').at(-1)], [0, 'dnaInvalid']);
    await duo.stop();
  }
  assert.deepEqual(faults, ['dna check-timeout', 'prooftype prooftype-failed', 'prooftype invalid-verdict']);
});

test('A13: a far end is not challenged for what nobody here judges: it shows the first that it has (ProtoXEP §4.4)', async () => {
  const policy = { prooftypes: ['attribute-cert', SHARED_TOKEN] };
  const shares = sharing(B, 'a.example');
  const both = { 'attribute-cert': 'whatever', ...shares.proofs?.['b.example'] };
  const duo = await createDuo({
    A: { ...sharing(A, 'b.example'), policy },
    B: { ...shares, proofs: { 'b.example': both } },
    link: { dnaProofs: null },
  });
  assert.equal(await exchange(duo), 'sent');
  await duo.stop();
});
