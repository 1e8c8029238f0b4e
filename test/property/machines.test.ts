/** The invariants under events in any order, any number and from any sender. A failure prints its seed. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { type AnyStateMachine, createActor, fromCallback, fromPromise } from 'xstate';
import {
  association,
  challenge,
  dialbackProoftype,
  initiatingStream,
  limits,
  pair,
  type PairEvent,
  peer,
  type PeerActorEvent,
  receivingStream,
  type StreamReport,
  type TransportCommand,
  verification,
} from '../../machines/index.ts';
import { hasMember, tableFrom } from '../../machines/collections/growing-table.ts';
import type { StandingStream } from '../../machines/peer.machine.ts';
import type { VerifyStream } from '../../machines/prooftypes/dialback.machine.ts';
import type { StreamEvent, StreamInput } from '../../machines/stream/context.ts';
import { SimulatedClock } from '../../src/simulation/simulated-clock.ts';
import type { DialbackAnswer } from '../../src/protocol/dialback.ts';
import { fault } from '../../src/protocol/faults.ts';
import type { Federation } from '../../src/protocol/policy.ts';
import type { ProofVerdict } from '../../src/protocol/proof.ts';

import {
  certificateOf,
  endpoint,
  features,
  header,
  initiatingInput,
  receivingInput,
  responseHeader,
  strong,
  tlsWith,
  unanswered,
} from '../support/samples.ts';
import { shadowed } from '../support/shadowed.ts';

const runs = { numRuns: 300, seed: Number(process.env['SEED'] ?? Date.now() % 1_000_000), verbose: 1 as const };
process.stdout.write(`# seed ${String(runs.seed)}: SEED=${String(runs.seed)} repeats this run\n`);

/** Where a hastened chart, run as in the registry, differed from xstate. */
const differences: string[] = [];
const quick = <Chart extends AnyStateMachine>(chart: Chart): Chart => shadowed(chart, differences);

after(() => assert.deepEqual(differences.slice(0, 3), [], 'a hastened chart went another way than xstate'));

/** Longer than every chain of deadlines of one machine. */
const foreverMs = 20 * 60_000;

const domain = fc.constantFrom('a.example', 'a2.example', 'b.example', 'b2.example', 'c.example');
const answer: fc.Arbitrary<DialbackAnswer> = fc.constantFrom<DialbackAnswer>(
  { type: 'valid' },
  { type: 'invalid' },
  { type: 'error', condition: 'item-not-found' },
);
const why = fault('stream', 'conflict', 'peer');
const id = fc.constantFrom('x', 'y');
const names = fc.record({ from: domain, to: domain });
const one = <T>(value: T): fc.Arbitrary<T> => fc.constant(value);
const someFeatures = fc
  .record({
    asserts: fc.constantFrom<string[][]>([], ['b.example'], ['b2.example']),
    startTls: fc.constantFrom<('absent' | 'optional' | 'required')[]>('absent', 'optional', 'required'),
    mechanisms: fc.constantFrom<string[][]>([], ['EXTERNAL'], ['PLAIN', 'EXTERNAL']),
    dialback: fc.boolean(),
    bidi: fc.boolean(),
  })
  .map(features);
const certificate = fc.constantFrom(null, certificateOf('a.example'), certificateOf('b.example', 'b2.example'));
const someHeader = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(header(), responseHeader()) },
  fc
    .record({
      from: fc.option(domain),
      to: fc.option(domain),
      version: fc.constantFrom('1.0', '2.0', null),
      id: fc.option(id),
    })
    .map(header),
);

/** Proofs of our domains, at either end. */
const proofs = tableFrom(
  new Map(['a.example', 'b.example'].map((hosted) => [hosted, { 'attribute-cert': 'AAAA' }] as const)),
);
const prooftypes = ['pkix', 'dialback', 'attribute-cert'] as const;

const someFederation = fc.constantFrom<Federation[]>('permissive', 'verified', 'encrypted', 'authenticated');

/** Events that may reach a stream, from its peer, its transport and its owner. */
const streamEvent: fc.Arbitrary<StreamEvent> = fc.oneof(
  {
    weight: 4,
    arbitrary: someHeader.map((said) => ({ type: 'peer.streamOpened', header: said, freshId: 'fresh' }) as const),
  },
  { weight: 4, arbitrary: someFeatures.map((said) => ({ type: 'peer.featuresReceived', features: said }) as const) },
  { weight: 2, arbitrary: one({ type: 'transport.connected', remoteAddress: '::1', remotePort: 5269 } as const) },
  { weight: 3, arbitrary: certificate.map((shown) => ({ type: 'transport.secured', tls: tlsWith(shown) }) as const) },
  { weight: 3, arbitrary: one({ type: 'peer.startTlsRequested' } as const) },
  { weight: 3, arbitrary: one({ type: 'peer.proceedReceived' } as const) },
  one({ type: 'peer.startTlsRefused' } as const),
  fc
    .constantFrom('=', null, 'YS5leGFtcGxl', '!')
    .map((initialResponse) => ({ type: 'peer.authRequested', mechanism: 'EXTERNAL', initialResponse }) as const),
  one({ type: 'peer.saslChallenged' } as const),
  one({ type: 'peer.saslResponded', data: 'YS5leGFtcGxl' } as const),
  { weight: 2, arbitrary: one({ type: 'peer.saslSucceeded' } as const) },
  one({ type: 'peer.saslFailed', condition: 'not-authorized', text: null } as const),
  one({ type: 'peer.bidiRequested' } as const),
  { weight: 4, arbitrary: names.map((pairOf) => ({ type: 'peer.resultRequested', ...pairOf, key: 'k' }) as const) },
  { weight: 4, arbitrary: fc.record({ type: one('peer.resultAnswered' as const), from: domain, to: domain, answer }) },
  fc.record({ type: one('peer.verifyRequested' as const), from: domain, to: domain, id, keyMatches: fc.boolean() }),
  {
    weight: 3,
    arbitrary: fc.record({ type: one('peer.verifyAnswered' as const), from: domain, to: domain, id, answer }),
  },
  one({ type: 'peer.unsupportedReceived', name: '{x}y' } as const),
  { weight: 3, arbitrary: domain.map((said) => ({ type: 'peer.domainAsserted', domain: said }) as const) },
  domain.map(
    (said) => ({ type: 'peer.challengeReceived', domain: said, prooftypes: ['dnssec-ta', 'attribute-cert'] }) as const,
  ),
  {
    weight: 3,
    arbitrary: fc.record({
      type: one('peer.proofReceived' as const),
      domain,
      prooftype: fc.constantFrom('attribute-cert' as const, null),
      data: fc.constantFrom('x', null),
    }),
  },
  domain.map((said) => ({ type: 'peer.proofDeclaredImpossible', domain: said }) as const),
  domain.map((said) => ({ type: 'peer.domainDeclaredValid', domain: said }) as const),
  domain.map((said) => ({ type: 'peer.domainDeclaredInvalid', domain: said }) as const),
  fc.record({ type: one('local.challengeRequested' as const), domain, prooftypes: one(['attribute-cert'] as const) }),
  domain.map((ended) => ({ type: 'local.proofEnded', domain: ended }) as const),
  domain.map((ending) => ({ type: 'local.renewalRequested', domain: ending }) as const),
  fc.boolean().map((some) => ({ type: 'local.proofsChanged', proofs: some ? proofs : [] }) as const),
  { weight: 3, arbitrary: names.map((pairOf) => ({ type: 'local.assertionRequested', ...pairOf }) as const) },
  domain.map((wanted) => ({ type: 'local.associationRequested', domain: wanted }) as const),
  fc.record({ type: one('local.verifyRequested' as const), from: domain, to: domain, id, key: one('k') }),
  one({ type: 'transport.idle' } as const),
  someFederation.map((federation) => ({ type: 'local.policyChanged', policy: { federation, prooftypes } }) as const),
);
const ending: fc.Arbitrary<StreamEvent> = fc.constantFrom<StreamEvent[]>(
  { type: 'peer.streamErrorReceived', condition: 'conflict', text: null },
  { type: 'peer.streamClosed' },
  { type: 'local.closeRequested', fault: why },
  { type: 'transport.inputRefused', fault: why },
  { type: 'transport.closed', fault: null },
);

const verdict: fc.Arbitrary<ProofVerdict> = fc.constantFrom<ProofVerdict>(
  { kind: 'proved', ...strong },
  { kind: 'refuted', fault: why },
  { kind: 'undetermined', fault: why },
);

const byDelegation = { prooftype: 'attribute-cert' } as const;

interface Seen {
  readonly commands: TransportCommand[];
  readonly reports: StreamReport[];
  errors: number;
}

/** Runs a stream; prooftypes answer with the given verdict, at once or never. */
function run(
  machine: typeof initiatingStream | typeof receivingStream,
  input: StreamInput,
  proof: ProofVerdict | 'silence' | 'breaks',
  seen: Seen,
) {
  const prooftype = <T>(value: T) =>
    fromPromise<T>(() =>
      proof === 'silence'
        ? new Promise<T>(() => undefined)
        : proof === 'breaks'
          ? Promise.reject(new Error('broken'))
          : Promise.resolve(value),
    );
  const delegated = typeof proof === 'object' && proof.kind === 'proved' ? { ...proof, ...byDelegation } : proof;
  const proving = quick(
    association.provide({
      actors: {
        pkixProoftype: prooftype(proof as ProofVerdict) as never,
        challengeFarEnd: prooftype({ ...unanswered(''), verdict: delegated }) as never,
        dialbackProoftype: quick(
          dialbackProoftype.provide({
            actors: {
              openVerifyStream: prooftype<VerifyStream>({ stream: 9, peerSha256: null }) as never,
              askAuthoritativeServer: prooftype<DialbackAnswer>({
                type: typeof proof === 'object' && proof.kind === 'proved' ? 'valid' : 'invalid',
              }) as never,
            },
          }),
        ),
      },
    }),
  );
  const clock = new SimulatedClock();
  const provided = quick(
    (machine as AnyStateMachine).provide({
      actors: {
        transport: fromCallback<TransportCommand>(({ receive, sendBack }) => {
          receive((command) => {
            seen.commands.push(command);
            if (command.type === 'transport.drop' || command.type === 'transport.end')
              sendBack({ type: 'transport.closed', fault: null });
          });
        }),
        association: proving,
        verification: quick(verification.provide({ actors: { association: proving } })),
        challenge: quick(challenge.provide({ actors: { checkProof: prooftype(delegated) as never } })),
      },
    }),
  );
  const actor = createActor(provided, { input, clock });
  actor.on('*', (report) => seen.reports.push(report as StreamReport));
  actor.subscribe({ error: () => (seen.errors += 1) });
  actor.start();
  return { actor, clock };
}

for (const [machine, side, inputOf] of [
  [initiatingStream, 'initiating', initiatingInput],
  [receivingStream, 'receiving', receivingInput],
] as const) {
  test(`${side} stream, any events: it never breaks, always ends (L2), says so once, and keeps S2 and S6`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(streamEvent, { maxLength: 40 }),
        fc.option(ending),
        someFederation,
        fc.oneof(verdict, fc.constantFrom('silence' as const, 'breaks' as const)),
        fc.boolean(),
        async (events, end, federationAtFirst, proof, purpose) => {
          let federation = federationAtFirst;
          const seen: Seen = { commands: [], reports: [], errors: 0 };
          const plain = inputOf({ purpose: purpose ? 'stanzas' : 'verification' }, { federation, prooftypes });
          const input = { ...plain, settings: { ...plain.settings, delegation: { checks: true, proofs } } };
          const challenged = new Set<string>();
          const { actor, clock } = run(machine, input, proof, seen);
          const asked = new Set<string>();
          for (const event of end === null ? events : [...events, end]) {
            const from = seen.reports.length;
            const said = seen.commands.length;
            if (event.type === 'local.policyChanged') federation = event.policy.federation ?? federation;
            actor.send(event);
            await Promise.resolve();
            for (const command of seen.commands.slice(said)) {
              if (command.type !== 'transport.send') continue;
              const { element } = command;
              if (element.kind === 'dnaChallenge') challenged.add(element.to);
              if (element.kind === 'verify' && element.answer === null)
                asked.add(`${element.from}>${element.to}#${element.id}`);
              if (element.kind === 'result' && element.answer === null) asked.add(`${element.from}>${element.to}`);
            }
            for (const report of seen.reports.slice(from)) {
              if (report.type === 'verify.answered' && event.type === 'peer.verifyAnswered')
                assert.ok(
                  asked.has(`${report.to}>${report.from}#${report.id}`),
                  'S6: an answer that was not asked for',
                );
              if (report.type === 'pair.accepted' && event.type === 'peer.resultAnswered')
                assert.ok(asked.has(`${report.from}>${report.to}`), 'S6: accepted without having been asserted');
              if (report.type === 'pair.accepted' && federation === 'authenticated')
                assert.equal(report.proof.strength, 'strong', 'S2: the policy wants a strong proof');
              if (report.type === 'challenge.settled' && report.outcome.verdict.kind === 'proved')
                assert.ok(challenged.has(report.outcome.domain), 'S6: a proof that nobody asked for');
              if (report.type === 'pair.admitted') {
                assert.ok(!hasMember(input.settings.hosted, report.from), 'a domain of ours was admitted from outside');
                if (federation === 'authenticated') assert.equal(report.proof.strength, 'strong', 'S1');
              }
              if (
                (report.type === 'pair.accepted' || report.type === 'pair.admitted') &&
                (federation === 'encrypted' || federation === 'authenticated')
              )
                assert.ok((actor.getSnapshot() as { context: { tls: unknown } }).context.tls !== null, 'TLS is wanted');
            }
          }
          // Silence from here on: the deadlines or the idle timer of the transport must end it.
          await clock.advance(foreverMs);
          actor.send({ type: 'transport.idle' });
          await clock.advance(foreverMs);
          assert.equal(seen.errors, 0, 'it broke');
          assert.equal(
            actor.getSnapshot().status,
            'done',
            `still in ${JSON.stringify((actor.getSnapshot() as { value: unknown }).value)}`,
          );
          assert.equal(seen.reports.filter(({ type }) => type === 'stream.closed').length, 1);
          const last = seen.commands.findIndex(({ type }) => type === 'transport.close');
          if (last >= 0)
            assert.ok(
              !seen.commands.slice(last + 1).some(({ type }) => type === 'transport.send'),
              'it spoke after its closing tag',
            );
        },
      ),
      runs,
    );
  });
}

const stream = fc.constantFrom(1, 2, 3);
const pairEvent: fc.Arbitrary<PairEvent> = fc.oneof(
  { weight: 3, arbitrary: one({ type: 'local.routeWanted' } as const) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: one('route.offered' as const),
      stream,
      manner: fc.constantFrom('assertion' as const, 'supposition' as const),
    }),
  },
  one({ type: 'route.refused', fault: why } as const),
  fc.record({
    type: one('association.settled' as const),
    stream,
    outcome: fc.record({ domain, verdict, attempts: one([]) }),
  }),
  fc.record({ type: one('pair.asserted' as const), stream }),
  fc.record({ type: one('pair.accepted' as const), stream, proof: one(strong) }),
  fc.record({
    type: one('pair.refused' as const),
    stream,
    fault: fc.constantFrom(why, fault('dialback', 'resource-constraint', 'peer'), fault('dialback', 'invalid', 'peer')),
  }),
  fc.record({ type: one('stream.closing' as const), stream, fault: fc.option(one(why)) }),
);

test('pair, any events: every wish ends in pair.routed or pair.failed (L1, L2), and never for a stream that is not its own', () => {
  fc.assert(
    fc.property(fc.array(pairEvent, { maxLength: 40 }), (events) => {
      const clock = new SimulatedClock();
      const actor = createActor(quick(pair), { input: { local: 'a.example', remote: 'b.example' }, clock });
      let open = false;
      let errors = 0;
      actor.on('*', ({ type }) => {
        if (type === 'pair.routed' || type === 'pair.failed') open = false;
      });
      actor.subscribe({ error: () => (errors += 1) });
      actor.start();
      for (const event of events) {
        // A routed pair hibernates, and is not asked (registry).
        if (event.type === 'local.routeWanted' && actor.getSnapshot().matches('routed')) continue;
        if (event.type === 'local.routeWanted') open = true;
        actor.send(event);
      }
      clock.increment(foreverMs);
      assert.equal(errors, 0);
      assert.ok(!open, `a wish is open in ${JSON.stringify(actor.getSnapshot().value)}`);
      assert.ok(actor.getSnapshot().hasTag('quiet'), `not quiet: ${JSON.stringify(actor.getSnapshot().value)}`);
    }),
    runs,
  );
});

const wish = fc.record({
  type: one('local.streamWanted' as const),
  local: fc.constantFrom('a.example', 'a2.example'),
  purpose: fc.constantFrom('stanzas' as const, 'verification' as const),
  avoid: fc.constantFrom<number[][]>([], [1], [2]),
});
const peerEvent: fc.Arbitrary<PeerActorEvent> = fc.oneof(
  { weight: 4, arbitrary: wish },
  one({ type: 'local.retryRequested' } as const),
  { weight: 3, arbitrary: fc.record({ type: one('stream.assigned' as const), stream }) },
  fc.record({ type: one('stream.awaited' as const), stream }),
  fc.record({ type: one('stream.verifiable' as const), stream }),
  fc.record({ type: one('stream.established' as const), stream }),
  fc.record({
    type: fc.constantFrom('stream.closing' as const, 'stream.closed' as const),
    stream,
    fault: fc.constantFrom(null, why, fault('sasl', 'not-authorized', 'peer')),
    progress: fc.record({
      connectedTo: fc.constantFrom(null, ...endpoint.addresses.map(({ address }) => address)),
      dialbackOffered: fc.boolean(),
    }),
  }),
);

test('peer, any events: every wish is answered (L2), and no wish is offered a standing stream that it avoids (S6)', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(peerEvent, { maxLength: 40 }),
      fc.constantFrom('resolved' as const, 'failed' as const, 'silence' as const, 'breaks' as const),
      fc.option(fc.record({ stream, manner: fc.constantFrom('assertion' as const, 'supposition' as const) })),
      async (events, dns, standing) => {
        const answerOf = <T>(value: T) =>
          fromPromise<T>(() =>
            dns === 'silence'
              ? new Promise<T>(() => undefined)
              : dns === 'breaks'
                ? Promise.reject(new Error('broken'))
                : Promise.resolve(value),
          );
        const clock = new SimulatedClock();
        const actor = createActor(
          quick(
            peer.provide({
              actors: {
                resolution: answerOf(
                  dns === 'failed'
                    ? { kind: 'failed', fault: why }
                    : { kind: 'resolved', endpoint, further: [endpoint] },
                ) as never,
                findStandingStream: answerOf<StandingStream | null>(standing) as never,
              },
            }),
          ),
          { input: { remote: 'b.example', fixedTarget: null, asksForTlsa: true, denied: null, jitter: 0.5 }, clock },
        );
        const open = new Map<string, boolean>();
        let errors = 0;
        actor.on('*', (report) => {
          if (report.type !== 'stream.offered' && report.type !== 'stream.refused') return;
          open.delete(`${report.wish.local} ${report.wish.purpose}`);
          if (report.type === 'stream.offered' && report.manner === 'supposition')
            assert.ok(!report.wish.avoid.includes(report.stream), 'S6');
        });
        actor.subscribe({ error: () => (errors += 1) });
        actor.start();
        for (const event of events) {
          if (event.type === 'local.streamWanted') open.set(`${event.local} ${event.purpose}`, true);
          actor.send(event);
          await Promise.resolve();
        }
        await clock.advance(foreverMs);
        assert.equal(errors, 0);
        assert.deepEqual([...open.keys()], [], `open in ${JSON.stringify(actor.getSnapshot().value)}`);
        assert.ok(actor.getSnapshot().hasTag('quiet'));
      },
    ),
    runs,
  );
});

test('the silence that these tests wait for is longer than any deadline', () => {
  assert.ok(foreverMs > limits.routeMs * 4 && foreverMs > limits.idleMs);
});
