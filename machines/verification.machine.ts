/**
 * DIALBACK IDENTITY VERIFICATION: the receiving server decides whether one asserted sender domain belongs to the
 * stream.
 */
import { assign, setup } from 'xstate';
import type { DialbackAnswer } from '../src/protocol/dialback.ts';
import type { Fault } from '../src/protocol/faults.ts';
import { acceptsWeakProof, type ResolvedPolicy, requiresTls } from '../src/protocol/policy.ts';
import { unproved } from '../src/protocol/proof.ts';
import { association, type AssociationInput } from './association.machine.ts';
import type { StateMeta } from './declare.ts';
import type { AssociationOutcome, DomainPair, NoEvents, VerificationOutcome } from './events.ts';
import { limits } from './limits.ts';

export interface VerificationInput extends DomainPair {
  /** The stream id in force when the key was received. */
  readonly id: string | null;
  readonly key: string;
  readonly policy: ResolvedPolicy;
  /** Input for the association of the sender domain. */
  readonly association: Omit<AssociationInput, 'assertion'>;
  readonly targetIsHosted: boolean;
  /** Why policy forbids the sender domain entirely, or null. */
  readonly denied: Fault | null;
  readonly secured: boolean;
  /**
   * False in the reverse direction of a bidirectional stream: the far end chose the stream id, so a key from another
   * stream would verify. There, only the certificate counts.
   */
  readonly dialbackCounts: boolean;
}

export interface VerificationContext extends VerificationInput {
  readonly outcome: VerificationOutcome;
}

const refusal = (condition: string, text?: string): DialbackAnswer =>
  text === undefined ? { type: 'error', condition } : { type: 'error', condition, text };

/**
 * Step 4 for an assertion that was not proved (XEP-0220 §2.5). An unauthenticated peer makes us dial wherever its DNS
 * says, so the answer reveals nothing of what was found there: no address, port or error number. The attempts contain
 * these, for our own records.
 */
function refusalOf({ verdict: whole, attempts }: AssociationOutcome, policy: ResolvedPolicy): DialbackAnswer {
  // If dialback was tried, its result is the answer: that the certificate proves nothing adds no information then.
  const verdict = attempts.find(({ prooftype }) => prooftype === 'dialback')?.verdict ?? whole;
  if (verdict.kind === 'proved') return { type: 'valid' };
  const { layer, condition } = verdict.fault;
  if (layer === 'dialback') return refusal(condition);
  return acceptsWeakProof(policy)
    ? refusal('not-acceptable', `${layer}: ${condition}`)
    : refusal('not-authorized', `a strong proof is required here: ${layer}: ${condition}`);
}

const isDisowned = ({ attempts }: AssociationOutcome): boolean =>
  attempts.some(({ verdict }) => verdict.kind === 'refuted' && verdict.fault.condition === 'forbidden');

/** DANE refuted the domain, or its answer was withheld (RFC 6698 §4.1, S4). */
const isFinal = ({ verdict }: AssociationOutcome): boolean => verdict.kind !== 'proved' && verdict.final === true;

export const verification = setup({
  types: {
    input: {} as VerificationInput,
    context: {} as VerificationContext,
    events: {} as NoEvents,
    output: {} as VerificationOutcome,
    tags: {} as 'waiting',
    meta: {} as StateMeta,
  },
  actors: { association },
  delays: { verificationTimeout: limits.verificationMs },
  guards: {
    targetIsNotHosted: ({ context }) => !context.targetIsHosted,
    senderIsDenied: ({ context }) => context.denied !== null,
    tlsIsMissing: ({ context }) => requiresTls(context.policy) && !context.secured,
    senderIsProved: (_, outcome: AssociationOutcome) => outcome.verdict.kind === 'proved',
    /**
     * XEP-0220 §2.2.1: a key that its domain disowns MUST NOT be accepted; `permissive` covers only undisputed claims.
     */
    anythingGoes: ({ context }, outcome: AssociationOutcome) =>
      context.policy.federation === 'permissive' && !isDisowned(outcome) && !isFinal(outcome),
  },
  actions: {
    refuse: assign(({ context }, answer: DialbackAnswer) => ({ outcome: { ...context.outcome, answer, proof: null } })),
    accept: assign(({ context }, { verdict, attempts }: AssociationOutcome) => ({
      outcome: {
        ...context.outcome,
        answer: { type: 'valid' as const },
        proof: verdict.kind === 'proved' ? verdict : unproved,
        attempts,
      },
    })),
    refuseUnproved: assign(({ context }, outcome: AssociationOutcome) => ({
      outcome: {
        ...context.outcome,
        answer: refusalOf(outcome, context.policy),
        proof: null,
        attempts: outcome.attempts,
      },
    })),
  },
}).createMachine({
  id: 'verification',
  description: 'One db:result of the peer, from its arrival to our answer.',
  meta: { spec: 'XEP-0220 §2.2, RFC 7712 §4.4.1' },
  context: ({ input }) => ({
    outcome: { from: input.from, to: input.to, answer: refusal('not-acceptable'), proof: null, attempts: [] },
    ...input,
  }),
  initial: 'decidingAssertion',
  states: {
    decidingAssertion: {
      description:
        'An assertion for a domain that is not hosted here, or from one that policy forbids, is not looked into.',
      meta: { spec: 'XEP-0220 §2.2.1, §2.5' },
      always: [
        {
          guard: 'targetIsNotHosted',
          target: 'refused',
          actions: { type: 'refuse', params: refusal('item-not-found') },
        },
        {
          guard: 'senderIsDenied',
          target: 'refused',
          actions: { type: 'refuse', params: refusal('policy-violation') },
        },
        {
          guard: 'tlsIsMissing',
          target: 'refused',
          actions: { type: 'refuse', params: refusal('policy-violation', 'TLS is required') },
        },
        { target: 'association' },
      ],
    },
    association: {
      description:
        'The sender domain is being proved: by the certificate of this stream if it can, else by dialling back.',
      meta: {
        spec: 'RFC 7712 §4.4.1, XEP-0344 §2.4',
        awaits: 'the association of the sender domain',
        mover: 'peer',
        ifLate: 'the assertion is answered with remote-server-timeout',
      },
      tags: 'waiting',
      invoke: {
        id: 'association',
        src: 'association',
        input: ({ context }) => ({
          ...context.association,
          assertion:
            context.dialbackCounts && context.id !== null
              ? { targetDomain: context.to, id: context.id, key: context.key }
              : null,
        }),
        onDone: [
          {
            guard: { type: 'senderIsProved', params: ({ event }) => event.output },
            target: 'accepted',
            actions: { type: 'accept', params: ({ event }) => event.output },
          },
          {
            guard: { type: 'anythingGoes', params: ({ event }) => event.output },
            target: 'accepted',
            actions: { type: 'accept', params: ({ event }) => event.output },
          },
          { target: 'refused', actions: { type: 'refuseUnproved', params: ({ event }) => event.output } },
        ],
        onError: {
          target: 'refused',
          actions: { type: 'refuse', params: refusal('not-acceptable') },
        },
      },
      after: {
        verificationTimeout: {
          target: 'refused',
          actions: { type: 'refuse', params: refusal('remote-server-timeout') },
        },
      },
    },
    accepted: { type: 'final', description: 'The pair may come in on this stream.', meta: { spec: 'XEP-0220 §2.2.1' } },
    refused: {
      type: 'final',
      description: 'The pair is refused; the stream and its other pairs are untouched.',
      meta: { spec: 'XEP-0220 §2.5' },
    },
  },
  output: ({ context }) => context.outcome,
});
