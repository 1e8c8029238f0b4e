/** "A establishes DNA for b.example": one domain on one stream, proved by the prooftypes in their declared order. */
import { assign, setup } from 'xstate';
import type { CertificateEvidence } from '../src/protocol/certificate.ts';
import { fault, toFault } from '../src/protocol/faults.ts';
import type { ProoftypeName } from '../src/protocol/policy.ts';
import type { ProofAttempt, ProofVerdict } from '../src/protocol/proof.ts';
import type { StateMeta } from './declare.ts';
import type { AssociationOutcome, StreamId } from './events.ts';
import { limits } from './limits.ts';
import { type DialbackClaim, dialbackProoftype } from './prooftypes/dialback.machine.ts';
import { pkixProoftype } from './prooftypes/pkix.machine.ts';

export interface AssociationInput {
  readonly stream: StreamId;
  readonly domain: string;
  readonly prooftypes: readonly ProoftypeName[];
  readonly derivedDomains: readonly string[];
  readonly certificate: CertificateEvidence | null;
  /** What `db:result` brought; null where there is no claim to dial back for. */
  readonly claim: DialbackClaim | null;
}

export interface AssociationContext extends AssociationInput {
  readonly remaining: readonly ProoftypeName[];
  readonly attempts: readonly ProofAttempt[];
  readonly verdict: ProofVerdict;
}

/** The verdict of the whole: the first proof; else what refutes; else what was left open. */
function conclude(attempts: readonly ProofAttempt[]): ProofVerdict {
  const verdicts = attempts.map(({ verdict }) => verdict);
  return (
    verdicts.find(({ kind }) => kind === 'proved') ??
    verdicts.findLast(({ kind }) => kind === 'refuted') ??
    verdicts.at(-1) ?? {
      kind: 'undetermined',
      fault: fault('policy', 'no-prooftype', 'local', 'the policy names no usable prooftype'),
    }
  );
}

export const association = setup({
  types: {
    input: {} as AssociationInput,
    context: {} as AssociationContext,
    events: {} as { type: 'local.cancelled' },
    output: {} as AssociationOutcome,
    tags: {} as 'waiting',
    meta: {} as StateMeta,
  },
  actors: { pkixProoftype, dialbackProoftype },
  delays: { proofTimeout: limits.proofMs + limits.verifyAnswerMs },
  guards: {
    domainIsProved: ({ context }) => context.attempts.at(-1)?.verdict.kind === 'proved',
    nextIs: ({ context }, name: ProoftypeName) => context.remaining[0] === name,
    noneIsLeft: ({ context }) => context.remaining.length === 0,
    nothingToDialBackFor: ({ context }) => context.remaining[0] === 'dialback' && context.claim === null,
    verdictIs: ({ context }, kind: ProofVerdict['kind']) => conclude(context.attempts).kind === kind,
  },
  actions: {
    record: assign(({ context }, attempt: ProofAttempt) => ({
      attempts: [...context.attempts, attempt],
      remaining: context.remaining.slice(1),
    })),
    skip: assign(({ context }) => ({ remaining: context.remaining.slice(1) })),
    recordUnavailable: assign(({ context }) => {
      const prooftype = context.remaining[0] ?? 'pkix';
      const verdict: ProofVerdict = {
        kind: 'undetermined',
        fault: fault(
          prooftype === 'posh' ? 'posh' : 'dane',
          'not-available',
          'local',
          `${prooftype} is not in this version`,
        ),
      };
      return { attempts: [...context.attempts, { prooftype, verdict }], remaining: context.remaining.slice(1) };
    }),
    conclude: assign(({ context }) => ({ verdict: conclude(context.attempts) })),
  },
}).createMachine({
  id: 'association',
  description: 'Proves that one domain name belongs to one stream.',
  meta: { spec: 'RFC 7712 §4.2' },
  context: ({ input }) => ({
    ...input,
    remaining: input.prooftypes,
    attempts: [],
    verdict: { kind: 'undetermined', fault: fault('internal', 'not-finished', 'local') },
  }),
  initial: 'decidingProoftype',
  on: { 'local.cancelled': '.undetermined' },
  states: {
    decidingProoftype: {
      description: 'The first proof decides; what was not proved is asked of the next prooftype.',
      meta: { spec: 'RFC 7712 §7, §8' },
      always: [
        { guard: 'domainIsProved', target: 'decidingVerdict' },
        { guard: 'noneIsLeft', target: 'decidingVerdict' },
        { guard: 'nothingToDialBackFor', actions: 'skip', target: 'decidingProoftype', reenter: true },
        { guard: { type: 'nextIs', params: 'pkix' }, target: 'pkix' },
        { guard: { type: 'nextIs', params: 'dialback' }, target: 'dialback' },
        { actions: 'recordUnavailable', target: 'decidingProoftype', reenter: true },
      ],
    },
    pkix: {
      description: 'The presented certificate is judged by trusted roots.',
      meta: { spec: 'RFC 7712 §4.2', awaits: 'the verdict of pkix', mover: 'us', ifLate: 'the question stays open' },
      tags: 'waiting',
      invoke: {
        id: 'pkix',
        src: 'pkixProoftype',
        input: ({ context }) => ({
          stream: context.stream,
          sourceDomain: context.domain,
          derivedDomains: context.derivedDomains,
          certificate: context.certificate,
        }),
        onDone: {
          target: 'decidingProoftype',
          actions: { type: 'record', params: ({ event }) => ({ prooftype: 'pkix' as const, verdict: event.output }) },
        },
        onError: {
          target: 'decidingProoftype',
          actions: {
            type: 'record',
            params: ({ event }) => ({
              prooftype: 'pkix' as const,
              verdict: { kind: 'undetermined' as const, fault: toFault(event.error, 'pkix') },
            }),
          },
        },
      },
      after: { proofTimeout: { target: 'decidingVerdict' } },
    },
    dialback: {
      description: 'The authoritative server is asked.',
      meta: {
        spec: 'XEP-0220 §2.2.1',
        awaits: 'the verdict of dialback',
        mover: 'peer',
        ifLate: 'the question stays open',
      },
      tags: 'waiting',
      invoke: {
        id: 'dialback',
        src: 'dialbackProoftype',
        input: ({ context }) => ({
          stream: context.stream,
          senderDomain: context.domain,
          targetDomain: context.claim?.targetDomain ?? '',
          id: context.claim?.id ?? '',
          key: context.claim?.key ?? '',
          certificate: context.certificate,
        }),
        onDone: {
          target: 'decidingProoftype',
          actions: {
            type: 'record',
            params: ({ event }) => ({ prooftype: 'dialback' as const, verdict: event.output }),
          },
        },
        onError: {
          target: 'decidingProoftype',
          actions: {
            type: 'record',
            params: ({ event }) => ({
              prooftype: 'dialback' as const,
              verdict: { kind: 'undetermined' as const, fault: toFault(event.error, 'dialback') },
            }),
          },
        },
      },
      after: { proofTimeout: { target: 'decidingVerdict' } },
    },
    decidingVerdict: {
      description: 'Proved by one, else refuted by one, else left open.',
      meta: { spec: 'RFC 7712 §7' },
      entry: 'conclude',
      always: [
        { guard: { type: 'verdictIs', params: 'proved' }, target: 'proved' },
        { guard: { type: 'verdictIs', params: 'refuted' }, target: 'refuted' },
        { target: 'undetermined' },
      ],
    },
    proved: { type: 'final', description: 'The domain belongs to the stream.', meta: { spec: 'RFC 7712 §4.2' } },
    refuted: { type: 'final', description: 'A prooftype says that it does not.', meta: { spec: 'RFC 7712 §4.2' } },
    undetermined: { type: 'final', description: 'Nobody could say.', meta: { spec: 'RFC 7712 §4.3' } },
  },
  output: ({ context }) => ({ domain: context.domain, verdict: context.verdict, attempts: context.attempts }),
});
