/** "A establishes DNA for b.example": one domain on one stream, proved by the prooftypes in their declared order. */
import { assign, setup } from 'xstate';
import type { CertificateEvidence } from '../src/protocol/certificate.ts';
import { fault, toFault } from '../src/protocol/faults.ts';
import type { ProoftypeName } from '../src/protocol/policy.ts';
import type { ProofAttempt, ProofVerdict } from '../src/protocol/proof.ts';
import type { StateMeta } from './declare.ts';
import type { AssociationOutcome, NoEvents, StreamId } from './events.ts';
import { limits } from './limits.ts';
import { type DialbackAssertion, dialbackProoftype } from './prooftypes/dialback.machine.ts';
import { pkixProoftype } from './prooftypes/pkix.machine.ts';

export interface AssociationInput {
  readonly stream: StreamId;
  readonly domain: string;
  readonly prooftypes: readonly ProoftypeName[];
  readonly derivedDomains: readonly string[];
  readonly certificate: CertificateEvidence | null;
  /** What `db:result` brought; null where there is no assertion to dial back for. */
  readonly assertion: DialbackAssertion | null;
}

export interface AssociationContext extends AssociationInput {
  readonly remaining: readonly ProoftypeName[];
  readonly attempts: readonly ProofAttempt[];
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
    events: {} as NoEvents,
    output: {} as AssociationOutcome,
    tags: {} as 'waiting',
    meta: {} as StateMeta,
  },
  actors: { pkixProoftype, dialbackProoftype },
  delays: {
    proofTimeout: limits.proofMs + limits.spareMs,
    dialbackTimeout: limits.verifyStreamMs + limits.verifyAnswerMs + limits.spareMs,
  },
  guards: {
    domainIsProved: ({ context }) => context.attempts.at(-1)?.verdict.kind === 'proved',
    domainIsRefuted: ({ context }) => conclude(context.attempts).kind === 'refuted',
    nextIs: ({ context }, name: ProoftypeName) => context.remaining[0] === name,
    someIsLeft: ({ context }) => context.remaining.length > 0,
    nothingToDialBackFor: ({ context }) => context.remaining[0] === 'dialback' && context.assertion === null,
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
  },
}).createMachine({
  id: 'association',
  description: 'Proves that one domain name belongs to one stream.',
  meta: { spec: 'RFC 7712 §4.2' },
  context: ({ input }) => ({ remaining: input.prooftypes, attempts: [], ...input }),
  initial: 'decidingProoftype',
  states: {
    decidingProoftype: {
      description:
        'The first proof decides; what was not proved is asked of the next prooftype. In the end: refuted by one, else left open.',
      meta: { spec: 'RFC 7712 §7, §8' },
      always: [
        { guard: 'domainIsProved', target: 'proved' },
        { guard: 'nothingToDialBackFor', actions: 'skip', target: 'decidingProoftype', reenter: true },
        { guard: { type: 'nextIs', params: 'pkix' }, target: 'pkix' },
        { guard: { type: 'nextIs', params: 'dialback' }, target: 'dialback' },
        { guard: 'someIsLeft', actions: 'recordUnavailable', target: 'decidingProoftype', reenter: true },
        { guard: 'domainIsRefuted', target: 'refuted' },
        { target: 'undetermined' },
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
      after: { proofTimeout: [{ guard: 'domainIsRefuted', target: 'refuted' }, { target: 'undetermined' }] },
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
          targetDomain: context.assertion?.targetDomain ?? '',
          id: context.assertion?.id ?? '',
          key: context.assertion?.key ?? '',
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
      after: { dialbackTimeout: [{ guard: 'domainIsRefuted', target: 'refuted' }, { target: 'undetermined' }] },
    },
    proved: { type: 'final', description: 'The domain belongs to the stream.', meta: { spec: 'RFC 7712 §4.2' } },
    refuted: { type: 'final', description: 'A prooftype says that it does not.', meta: { spec: 'RFC 7712 §4.2' } },
    undetermined: { type: 'final', description: 'Nobody could say.', meta: { spec: 'RFC 7712 §4.3' } },
  },
  output: ({ context: { domain, attempts } }) => ({ domain, verdict: conclude(attempts), attempts }),
});
