/**
 * The DNA protocol of 2009, as the validating entity: one domain that the far end of a stream was challenged to prove.
 */
import { assertEvent, assign, setup } from 'xstate';
import { type Fault, fault, toFault } from '../src/protocol/faults.ts';
import type { DnaProofType, ProofVerdict } from '../src/protocol/proof.ts';
import { declareEffect, type StateMeta } from './declare.ts';
import type { ChallengeOutcome, ReceivedProof, StreamId } from './events.ts';
import { limits } from './limits.ts';

export interface ChallengeInput {
  readonly stream: StreamId;
  readonly domain: string;
  /** The proof types asked for; the far end chooses among them. */
  readonly prooftypes: readonly DnaProofType[];
}

/** Input of `checkProof`. */
export interface ProofClaim {
  readonly stream: StreamId;
  readonly domain: string;
  readonly prooftype: DnaProofType;
  readonly data: string;
}

export interface ChallengeContext extends ChallengeInput {
  readonly outcome: ChallengeOutcome;
}

export type ChallengeEvent =
  ({ readonly type: 'peer.proofReceived' } & ReceivedProof) | { readonly type: 'peer.proofDeclaredImpossible' };

const impossible = fault('dna', 'impossible', 'peer', 'the far end cannot prove that it speaks for the domain');
const late = fault('dna', 'proof-timeout', 'peer', 'no proof in time');
const unjudged = fault('dna', 'check-timeout', 'local', 'the proof could not be judged in time');

const tooLarge = fault('dna', 'proof-too-large', 'peer');

const notAskedFor = ({ prooftypes }: ChallengeInput): Fault =>
  fault('dna', 'prooftype-not-asked-for', 'peer', `asked for was ${prooftypes.join(', ')}`);

export const challenge = setup({
  types: {
    input: {} as ChallengeInput,
    context: {} as ChallengeContext,
    events: {} as ChallengeEvent,
    output: {} as ChallengeOutcome,
    tags: {} as 'waiting',
    meta: {} as StateMeta,
  },
  actors: { checkProof: declareEffect<ProofVerdict, ProofClaim>('checkProof') },
  delays: { challengeTimeout: limits.challengeMs, checkTimeout: limits.checkProofMs },
  guards: {
    proofWasNotAskedFor: ({ context }, { prooftype }: ReceivedProof) =>
      prooftype === null || !context.prooftypes.includes(prooftype),
    proofIsTooLarge: (_, { data }: ReceivedProof) => data === null,
    verdictIs: (_, { verdict, kind }: { verdict: ProofVerdict; kind: ProofVerdict['kind'] }) => verdict.kind === kind,
  },
  actions: {
    remember: assign(({ context }, verdict: ProofVerdict) => ({ outcome: { ...context.outcome, verdict } })),
    rememberProof: assign(({ context }, { prooftype }: ReceivedProof) => ({
      outcome: { ...context.outcome, prooftype },
    })),
    leaveOpen: assign(({ context }, what: Fault) => ({
      outcome: { ...context.outcome, verdict: { kind: 'undetermined' as const, fault: what } },
    })),
    leaveUnread: assign(({ context }) => ({
      outcome: { ...context.outcome, verdict: { kind: 'undetermined' as const, fault: notAskedFor(context) } },
    })),
    refuseTooLarge: assign(({ context }) => ({
      outcome: { ...context.outcome, verdict: { kind: 'refuted' as const, fault: tooLarge } },
    })),
    rememberImpossible: assign(({ context }) => ({
      outcome: {
        ...context.outcome,
        isImpossible: true,
        verdict: { kind: 'undetermined' as const, fault: impossible },
      },
    })),
  },
}).createMachine({
  id: 'challenge',
  description:
    'RFC 7712 §7: the proof is what the owner of the domain gave to its provider; it matches the certificate of this stream; the far end brings it.',
  meta: { spec: 'ProtoXEP DNA §4.4-4.6' },
  context: ({ input }) => ({
    outcome: {
      domain: input.domain,
      prooftype: null,
      isImpossible: false,
      verdict: { kind: 'undetermined', fault: fault('dna', 'not-finished', 'local') },
    },
    ...input,
  }),
  initial: 'awaitingProof',
  on: {
    // Also while the proof is being checked: the far end withdraws it.
    'peer.proofDeclaredImpossible': { target: '.undetermined', actions: 'rememberImpossible' },
  },
  states: {
    awaitingProof: {
      description: '<challenge/> is sent, with every proof type that policy accepts.',
      meta: {
        spec: 'ProtoXEP DNA §4.4',
        awaits: '<proof/> or <impossible/>',
        mover: 'peer',
        ifLate: 'the question stays open, and the far end is told <invalid/>',
      },
      tags: 'waiting',
      on: {
        'peer.proofReceived': [
          {
            guard: { type: 'proofWasNotAskedFor', params: ({ event }) => event },
            target: 'undetermined',
            actions: 'leaveUnread',
          },
          {
            guard: { type: 'proofIsTooLarge', params: ({ event }) => event },
            target: 'refuted',
            actions: [{ type: 'rememberProof', params: ({ event }) => event }, 'refuseTooLarge'],
          },
          { target: 'checkingProof', actions: { type: 'rememberProof', params: ({ event }) => event } },
        ],
      },
      after: { challengeTimeout: { target: 'undetermined', actions: { type: 'leaveOpen', params: late } } },
    },
    checkingProof: {
      description: 'The proof is being judged; what else comes meanwhile is not read.',
      meta: {
        spec: 'ProtoXEP DNA §4.6, §5',
        awaits: 'the judgement of the proof',
        mover: 'us',
        ifLate: 'the question stays open, and the far end is told <invalid/>',
      },
      tags: 'waiting',
      invoke: {
        id: 'checkProof',
        src: 'checkProof',
        // Taken from the event, not kept in the context: a proof is large, and nothing else needs it.
        input: ({ context: { stream, domain, prooftypes }, event }) => {
          assertEvent(event, 'peer.proofReceived');
          const [first = 'attribute-cert'] = prooftypes;
          return { stream, domain, prooftype: event.prooftype ?? first, data: event.data ?? '' };
        },
        onDone: [
          {
            guard: { type: 'verdictIs', params: ({ event }) => ({ verdict: event.output, kind: 'proved' as const }) },
            target: 'proved',
            actions: { type: 'remember', params: ({ event }) => event.output },
          },
          {
            guard: { type: 'verdictIs', params: ({ event }) => ({ verdict: event.output, kind: 'refuted' as const }) },
            target: 'refuted',
            actions: { type: 'remember', params: ({ event }) => event.output },
          },
          { target: 'undetermined', actions: { type: 'remember', params: ({ event }) => event.output } },
        ],
        onError: {
          target: 'undetermined',
          actions: { type: 'leaveOpen', params: ({ event }) => toFault(event.error, 'dna') },
        },
      },
      after: { checkTimeout: { target: 'undetermined', actions: { type: 'leaveOpen', params: unjudged } } },
    },
    proved: {
      type: 'final',
      description: 'The owner of the domain has delegated it to the far end: <valid/>.',
      meta: { spec: 'ProtoXEP DNA §4.2' },
    },
    refuted: {
      type: 'final',
      description: 'The proof does not hold: <invalid/>.',
      meta: { spec: 'ProtoXEP DNA §4.3' },
    },
    undetermined: {
      type: 'final',
      description: 'There is no proof, or it could not be judged; another prooftype may decide.',
      meta: { spec: 'ProtoXEP DNA §4.5' },
    },
  },
  output: ({ context }) => context.outcome,
});
