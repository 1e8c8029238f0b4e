/** States and events that both ends of a stream share: the exchanges on an open stream, and its end. */
import type { DomainPair } from '../events.ts';
import { fault } from '../../src/protocol/faults.ts';
import type { PolicyOptions } from '../../src/protocol/policy.ts';
import { nameIn } from '../collections/slots.ts';
import { farEndNotProved } from './assertion.ts';
import type { FailedChild } from './context.ts';
import { declaredInvalid } from './dna-rules.ts';
import type { flowChart } from './authority.ts';

type StreamConfig = Parameters<typeof flowChart.createMachine>[0];
type StateConfig = NonNullable<StreamConfig['states']>[string];
type Events = NonNullable<StateConfig['on']>;

const pairOf = ({ event: { from, to } }: { event: DomainPair }): DomainPair => ({ from, to });

interface Failure {
  readonly event: { readonly type: string; readonly error: unknown };
}

const failedChild = ({ event: { type, error } }: Failure): FailedChild => ({
  slot: Number(type.slice(type.lastIndexOf('.') + 1)),
  error,
});

const refusal = {
  actions: {
    type: 'refuseAssertion',
    params: ({ event: { from, to } }: { event: DomainPair }) => ({ from, to, why: farEndNotProved(to) }),
  },
} as const;

/** The stream is not yet open for assertions, or no longer. */
const takesNothingNow = fault('stream', 'not-established', 'local', 'this stream takes no assertions now');

const takePolicy = {
  type: 'takePolicy',
  params: ({ event: { policy } }: { event: { policy: PolicyOptions } }) => policy,
} as const;

/** Events handled in any state: the end of the connection, and elements that the peer may not send there. */
export const anywhere = {
  'transport.closed': {
    target: '.closed',
    actions: { type: 'rememberFault', params: ({ event }) => event.fault },
  },
  'transport.inputRefused': {
    target: '.closing',
    actions: { type: 'rememberFault', params: ({ event }) => event.fault },
  },
  'transport.stanzaRefused': {
    target: '.closing',
    actions: { type: 'rememberFault', params: ({ event }) => event.fault },
  },
  'local.closeRequested': {
    target: '.closing',
    actions: { type: 'rememberFault', params: ({ event }) => event.fault },
  },
  'local.policyChanged': [
    {
      guard: { type: 'policyForbidsTheStream', params: ({ event }) => event.policy },
      target: '.closing',
      actions: [takePolicy, 'rememberForbidden'],
    },
    { actions: takePolicy },
  ],
  'peer.streamErrorReceived': {
    target: '.closing',
    actions: {
      type: 'rememberPeerError',
      params: ({ event }) =>
        fault('stream', event.condition, 'peer', event.text ?? 'the peer closed with this stream error'),
    },
  },
  'peer.streamClosed': {
    target: '.closing',
    actions: { type: 'rememberFault', params: null },
  },
  // XEP-0220 §3.1: an unsolicited response is dropped, not believed.
  'peer.resultAnswered': {},
  'peer.verifyAnswered': {},
  // RFC 6120 §4.8.4: ignored, never routed.
  'peer.unsupportedReceived': {},
  // The DNA protocol of 2009 is also ignored where it is not (or not yet) spoken.
  'peer.domainAsserted': {},
  'peer.challengeReceived': {},
  'peer.proofReceived': {},
  'peer.proofDeclaredImpossible': {},
  'peer.domainDeclaredValid': {},
  'peer.domainDeclaredInvalid': {},
  'local.proofsChanged': { actions: { type: 'takeProofs', params: ({ event }) => event.proofs } },
  'local.challengeRequested': {
    actions: { type: 'reportUnchallenged', params: ({ event: { domain } }) => ({ domain, why: takesNothingNow }) },
  },
  'local.assertionRequested': {
    actions: {
      type: 'refuseAssertion',
      params: ({ event: { from, to } }) => ({ from, to, why: takesNothingNow }),
    },
  },
  'local.associationRequested': {
    actions: { type: 'reportUnassociated', params: ({ event: { domain } }) => ({ domain, why: takesNothingNow }) },
  },
  'peer.*': {
    target: '.closing',
    actions: {
      type: 'rememberFault',
      params: ({ event }) =>
        fault('stream', 'policy-violation', 'peer', `${event.type.slice('peer.'.length)} is out of place here`),
    },
  },
} satisfies NonNullable<StreamConfig['on']>;

/** Our answers as an authoritative server, and our questions to one: possible as soon as features are exchanged. */
export const authority = {
  'peer.verifyRequested': { actions: { type: 'answerVerify', params: ({ event }) => event } },
  'local.verifyRequested': [
    { guard: 'verifyMayBeSent', actions: { type: 'sendVerify', params: ({ event }) => event } },
    { actions: { type: 'refuseToAsk', params: ({ event }) => event } },
  ],
  'local.verifyAbandoned': { actions: { type: 'forgetVerify', params: ({ event }) => event } },
  'peer.verifyAnswered': {
    guard: { type: 'verifyIsOutstanding', params: ({ event }) => event },
    actions: { type: 'reportVerifyAnswer', params: ({ event }) => event },
  },
} satisfies Events;

/** The originating server's part: assertions of our domains, and proof of further domains of the far end. */
export const originating = {
  'local.assertionRequested': [
    {
      guard: { type: 'weAreNotBelieved', params: ({ event }) => event.from },
      actions: {
        type: 'refuseAssertion',
        params: ({ event: { from, to } }) => ({ from, to, why: declaredInvalid(from) }),
      },
    },
    { guard: { type: 'assertionIsOutOfOrder', params: pairOf }, ...refusal },
    {
      guard: { type: 'takesNoAssertion', params: pairOf },
      actions: {
        type: 'refuseAssertion',
        params: ({ event: { from, to } }) => ({
          from,
          to,
          why: fault('queue', 'too-many-assertions', 'local', 'this stream takes no more assertions now'),
        }),
      },
    },
    { actions: [{ type: 'queueAssertion', params: pairOf }, 'sendAssertions'] },
  ],
  'assertion.overdue': { actions: [{ type: 'yieldTurn', params: pairOf }, 'sendAssertions'] },
  'local.associationRequested': { actions: { type: 'associateFurtherDomain', params: ({ event }) => event.domain } },
  'local.renewalRequested': { actions: { type: 'renewProof', params: ({ event }) => event.domain } },
  'peer.resultAnswered': {
    guard: { type: 'assertionIsOutstanding', params: pairOf },
    actions: { type: 'forwardResultAnswer', params: ({ event }) => event },
  },
  'xstate.done.actor.assertion.*': {
    actions: [
      { type: 'endAssertion', params: ({ event }) => event.output },
      { type: 'settleAssertion', params: ({ event }) => event.output },
      'sendAssertions',
    ],
  },
} satisfies Events;

const farDomain = ({ event: { domain } }: { event: { domain: string } }): string => domain;

/** The DNA protocol of 2009: challenges, proofs and verdicts about the domains of either end. */
export const challenging = {
  'local.challengeRequested': [
    {
      guard: { type: 'challengeMayBeSent', params: farDomain },
      actions: { type: 'sendChallenge', params: ({ event }) => event },
    },
    { actions: { type: 'reportUnchallenged', params: ({ event: { domain } }) => ({ domain }) } },
  ],
  // S6: an unsolicited proof is dropped.
  'peer.proofReceived': {
    guard: { type: 'challengeIsOutstanding', params: farDomain },
    actions: { type: 'forwardProof', params: ({ event }) => event },
  },
  'peer.proofDeclaredImpossible': { guard: 'dnaIsSpoken', actions: { type: 'takeImpossible', params: farDomain } },
  'peer.challengeReceived': {
    guard: 'dnaIsSpoken',
    actions: { type: 'answerChallengeOf', params: ({ event }) => event },
  },
  'peer.domainDeclaredValid': { guard: 'dnaIsSpoken', actions: { type: 'takeValid', params: farDomain } },
  'peer.domainDeclaredInvalid': { guard: 'dnaIsSpoken', actions: { type: 'takeInvalid', params: farDomain } },
  'proofs.rested': { actions: 'restProofs' },
  'local.proofEnded': { actions: { type: 'endDnaProof', params: farDomain } },
  'xstate.done.actor.challenge.*': {
    actions: [
      { type: 'settleChallenge', params: ({ event }) => event.output },
      { type: 'believe', params: ({ event }) => event.output.domain },
      { type: 'tellOfChallenge', params: ({ event }) => event.output },
    ],
  },
} satisfies Events;

/** Further domains of the far end, proved when they are needed, or when the far end asserts them. */
export const associating = {
  ...challenging,
  'peer.domainAsserted': {
    guard: 'dnaIsSpoken',
    // A domain that was already proved on this stream needs no further proof.
    actions: [
      { type: 'judgeAsserted', params: farDomain },
      { type: 'believe', params: farDomain },
    ],
  },
  'xstate.done.actor.association.*': {
    actions: [
      { type: 'settleAssociation', params: ({ event }) => event.output },
      { type: 'believe', params: ({ event }) => event.output.domain },
      { type: 'tellOfAssociation', params: ({ event }) => event.output },
    ],
  },
} satisfies Events;

/** The receiving server's part: assertions of the peer's domains. */
export const receiving = {
  'peer.resultRequested': {
    guard: 'assertionsMayComeIn',
    actions: { type: 'verifyAssertion', params: ({ event }) => event },
  },
  'xstate.done.actor.verification.*': [
    {
      guard: { type: 'keyWasDisownedAndNobodySuffers', params: ({ event }) => event.output },
      target: '#closing',
      actions: [
        { type: 'answerInvalid', params: ({ event }) => event.output },
        {
          type: 'rememberFault',
          params: ({ event }) => fault('dialback', 'invalid', 'peer', `${event.output.from} disowned its key`),
        },
      ],
    },
    { actions: { type: 'settleVerification', params: ({ event }) => event.output } },
  ],
} satisfies Events;

/** A failed child, in any state of the stream. */
export const failedChildren = {
  'xstate.error.actor.assertion.*': {
    actions: [{ type: 'settleFailedAssertion', params: failedChild }, 'sendAssertions'],
  },
  'xstate.error.actor.verification.*': { actions: { type: 'settleFailedVerification', params: failedChild } },
  'xstate.error.actor.association.*': {
    actions: [
      // First, while the slot still tells which domain it was about.
      {
        type: 'tellOfAssociation',
        params: (args) => ({
          domain: nameIn(args.context.pending.associations, failedChild(args).slot) ?? '',
          attempts: [],
        }),
      },
      { type: 'settleFailedAssociation', params: failedChild },
    ],
  },
  'xstate.error.actor.challenge.*': { actions: { type: 'settleFailedChallenge', params: failedChild } },
} satisfies Events;

/** How a stream ends (RFC 6120 §4.4). */
export const ending = {
  closing: {
    id: 'closing',
    description: 'Our closing tag is sent, after a stream error if there was a fault; nothing more goes out.',
    meta: {
      spec: 'RFC 6120 §4.4',
      awaits: '</stream:stream> of the peer',
      mover: 'peer',
      ifLate: 'the connection is dropped',
    },
    tags: 'waiting',
    entry: ['reportClosing', 'closeStream'],
    on: {
      'peer.streamClosed': { actions: 'endConnection' },
      'peer.*': {},
      // Earlier assertions may still be answered; the far end may then send in reverse until it learns of the close.
      'peer.resultAnswered': originating['peer.resultAnswered'],
      'xstate.done.actor.assertion.*': [
        {
          guard: 'endsForNobodysFault',
          actions: [
            { type: 'endAssertion', params: ({ event }) => event.output },
            { type: 'settleAssertion', params: ({ event }) => event.output },
          ],
        },
        { actions: { type: 'endAssertion', params: ({ event }) => event.output } },
      ],
      'xstate.error.actor.verification.*': {},
      'local.closeRequested': {},
      'local.policyChanged': { actions: takePolicy },
      'transport.inputRefused': { actions: 'dropConnection' },
      'transport.stanzaRefused': {},
    },
    after: { closeTimeout: { actions: 'dropConnection', target: 'closed' } },
  },
  closed: {
    type: 'final',
    description: 'The connection is gone.',
    meta: { spec: 'RFC 6120 §4.4' },
    entry: 'reportClosed',
  },
} satisfies Record<string, StateConfig>;
