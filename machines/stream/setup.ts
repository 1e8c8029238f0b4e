/** What both ends of an XML stream share: types, child actors and deadlines, and how a stream sends and closes. */
import { assign, emit, fromCallback, sendTo, setup } from 'xstate';
import { type Fault, fault } from '../../src/protocol/faults.ts';
import type { PolicyOptions } from '../../src/protocol/policy.ts';
import type { WireElement } from '../../src/protocol/wire.ts';
import { assertion } from '../assertion.machine.ts';
import { association } from '../association.machine.ts';
import { challenge } from '../challenge.machine.ts';
import { heldIn } from '../collections/slots.ts';
import { delayBetween, type StateMeta } from '../declare.ts';
import type { StreamReport, TransportCommand, TransportInput } from '../events.ts';
import { endsWithoutFault } from '../failures.ts';
import { limits } from '../limits.ts';
import type { StreamContext, StreamEvent, StreamInput } from './context.ts';
import { faultOfStream, underPolicy } from './rules.ts';
import { verification } from '../verification.machine.ts';

export const say = (element: WireElement): TransportCommand => ({ type: 'transport.send', element });
export const raiseLimits: TransportCommand = { type: 'transport.authenticated' };
export const restartParser: TransportCommand = { type: 'transport.restart' };

export const streamSetup = setup({
  types: {
    input: {} as StreamInput,
    context: {} as StreamContext,
    events: {} as StreamEvent,
    emitted: {} as StreamReport,
    tags: {} as 'waiting' | 'quiet',
    meta: {} as StateMeta,
    children: {} as { transport: 'transport' },
  },
  actors: {
    transport: fromCallback<TransportCommand, TransportInput>(() => {
      throw new Error('effect not provided: transport');
    }),
    association,
    assertion,
    verification,
    challenge,
  },
  delays: {
    connectTimeout: limits.connectMs,
    headerTimeout: limits.headerMs,
    featuresTimeout: delayBetween(limits.headerMs, limits.featuresMs, ({ context }: { context: StreamContext }) =>
      context.tls === null ? limits.headerMs : limits.featuresMs,
    ),
    handshakeTimeout: limits.handshakeMs,
    saslTimeout: limits.saslMs,
    authenticationTimeout: limits.authenticationMs,
    associationTimeout: limits.associationMs,
    challengeTimeout: limits.challengeMs + limits.checkProofMs + 3 * limits.spareMs,
    verifyTimeout: limits.verifyAnswerMs + limits.spareMs,
    assertionPatience: limits.assertionPatienceMs,
    closeTimeout: limits.closeMs,
    verifyLinger: limits.verifyLingerMs,
  },
  guards: {
    tlsComesFirst: ({ context }) => context.directTls,
    isNotSecured: ({ context }) => context.tls === null,
    isSecured: ({ context }) => context.tls !== null,
    isAuthenticated: ({ context }) => context.negotiation.phase === 'authenticated',
    isForVerificationOnly: ({ context }) => context.purpose === 'verification',
    policyForbidsTheStream: ({ context }, policy: PolicyOptions) =>
      faultOfStream(underPolicy(context, policy)) !== null,
    endsForNobodysFault: ({ context }) => endsWithoutFault(context.fault),
    /** Counts only work with its own deadline: an unanswered `db:verify` must not keep the stream open forever (L2). */
    nothingIsPending: ({ context: { pending, dna } }) =>
      heldIn(pending.assertions) + heldIn(pending.verifications) + dna.asserted.length === 0,
  },
  actions: {
    send: sendTo('transport', (_, element: WireElement) => say(element)),
    restartParser: sendTo('transport', restartParser),
    dropConnection: sendTo('transport', { type: 'transport.drop' }),
    endConnection: sendTo('transport', { type: 'transport.end' }),
    rememberFault: assign(({ context }, what: Fault | null) => ({ fault: context.fault ?? what })),
    rememberPeerError: assign(({ context }, what: Fault) => ({ fault: context.fault ?? what, endedByPeer: true })),
    closeStream: sendTo('transport', ({ context }) => ({
      type: 'transport.close' as const,
      fault: context.endedByPeer ? null : context.fault,
      header: context.negotiation.headerSent
        ? null
        : {
            kind: 'streamHeader' as const,
            // RFC 6120 §4.9.1.3: a domain of our own, or the empty string; a client may omit it (§4.7.1).
            from: context.service === 'xmpp-client' && context.local === '' ? null : context.local,
            to: context.remote === '' ? null : context.remote,
            id: context.negotiation.wireId,
            version: '1.0',
            dialback: true,
          },
    })),
    reportClosing: emit(({ context }) => ({
      type: 'stream.closing' as const,
      stream: context.stream,
      fault: context.fault,
    })),
    reportClosed: emit(({ context }) => ({
      type: 'stream.closed' as const,
      stream: context.stream,
      fault: context.fault,
    })),
    reportVerifiable: emit(({ context }) => ({ type: 'stream.verifiable' as const, stream: context.stream })),
    reportEstablished: emit(({ context }) => ({ type: 'stream.established' as const, stream: context.stream })),
    takePolicy: assign(({ context }, policy: PolicyOptions) => ({ settings: underPolicy(context, policy).settings })),
    /** The stream's other pairs, routed or waiting, may try another stream: this fault does not refuse them. */
    rememberForbidden: assign(({ context }) => ({
      fault: context.fault ?? fault('policy', 'policy-changed', 'local', faultOfStream(context)?.text),
    })),
    rememberAddress: assign((_, connectedTo: string) => ({ connectedTo })),
  },
});
