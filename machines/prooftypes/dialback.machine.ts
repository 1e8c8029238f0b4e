/** Dialback prooftype: does the authoritative server of the sender domain confirm the key received on this stream? */
import { assign, setup } from 'xstate';
import type { CertificateEvidence } from '../../src/protocol/certificate.ts';
import type { DialbackAnswer } from '../../src/protocol/dialback.ts';
import { type Fault, fault, toFault } from '../../src/protocol/faults.ts';
import { matchIdentity, referenceIdentifiers } from '../../src/protocol/identity.ts';
import type { ProofVerdict } from '../../src/protocol/proof.ts';
import { declareEffect, type StateMeta } from '../declare.ts';
import type { NoEvents, StreamId } from '../events.ts';
import { limits } from '../limits.ts';

/** The content of step 1 of dialback (XEP-0220 §2.1). */
export interface DialbackAssertion {
  readonly targetDomain: string;
  /** Id, at that time, of the stream on which the key was received. */
  readonly id: string;
  readonly key: string;
}

export interface DialbackInput extends DialbackAssertion {
  readonly stream: StreamId;
  readonly senderDomain: string;
  readonly certificate: CertificateEvidence | null;
}

export interface VerifyStream {
  readonly stream: StreamId;
  /** SHA-256 of the certificate that the authoritative server presented there; null without TLS. */
  readonly peerSha256: string | null;
}

export interface DialbackContext extends DialbackInput {
  readonly verifyStream: VerifyStream | null;
  readonly verdict: ProofVerdict;
}

/** XEP-0344 §2.6: authoritative and initiating server present the same certificate, and it names the sender domain. */
function isSameCertificate({ certificate, senderDomain }: DialbackInput, { peerSha256 }: VerifyStream): boolean {
  return (
    certificate !== null &&
    certificate.sha256 === peerSha256 &&
    matchIdentity(referenceIdentifiers('xmpp-server', senderDomain), certificate.presented).kind === 'match'
  );
}

/** XEP-0220 §2.5: what an answer that is not `valid` means for step 4. */
function faultOfAnswer(answer: DialbackAnswer): Fault {
  if (answer.type === 'error') {
    return fault(
      'dialback',
      'remote-server-not-found',
      'peer',
      `the authoritative server answered ${answer.condition}`,
    );
  }
  return fault('dialback', 'forbidden', 'peer', 'the authoritative server does not know the key');
}

/** `host-unknown`: the sender domain does not exist there (XEP-0220 §2.5). Any other fault: it could not be asked. */
function faultOfFailure(error: unknown, condition: string): Fault {
  const why = toFault(error, 'dialback');
  if (why.layer === 'dialback' && why.condition === 'resource-constraint') return why; // not tried at all
  const isAbsent = why.layer === 'stream' && (why.condition === 'host-unknown' || why.condition === 'host-gone');
  return fault('dialback', isAbsent ? 'remote-server-not-found' : condition, 'peer', why.text);
}

export const dialbackProoftype = setup({
  types: {
    input: {} as DialbackInput,
    context: {} as DialbackContext,
    events: {} as NoEvents,
    output: {} as ProofVerdict,
    tags: {} as 'waiting',
    meta: {} as StateMeta,
  },
  actors: {
    openVerifyStream: declareEffect<VerifyStream, { sender: string; target: string; askedOn: StreamId }>(
      'openVerifyStream',
    ),
    askAuthoritativeServer: declareEffect<
      DialbackAnswer,
      { stream: StreamId; from: string; to: string; id: string; key: string }
    >('askAuthoritativeServer'),
  },
  delays: { verifyStreamTimeout: limits.verifyStreamMs, verifyAnswerTimeout: limits.verifyAnswerMs },
  guards: {
    sameCertificateIsShown: ({ context }, verifyStream: VerifyStream) => isSameCertificate(context, verifyStream),
    keyIsConfirmed: (_, answer: DialbackAnswer) => answer.type === 'valid',
  },
  actions: {
    rememberVerifyStream: assign((_, verifyStream: VerifyStream) => ({ verifyStream })),
    proveByCertificate: assign(({ context }) => ({
      verdict: {
        kind: 'proved' as const,
        prooftype: 'dialback' as const,
        strength: 'weak' as const,
        evidence: { sameCertificate: true, sha256: context.certificate?.sha256 ?? null },
        expiresAtMs: null,
      },
    })),
    proveByKey: assign(({ context }) => ({
      verdict: {
        kind: 'proved' as const,
        prooftype: 'dialback' as const,
        strength: 'weak' as const,
        evidence: { verifyStream: context.verifyStream?.stream ?? null, id: context.id },
        expiresAtMs: null,
      },
    })),
    refute: assign((_, answer: DialbackAnswer) => ({
      verdict: { kind: 'refuted' as const, fault: faultOfAnswer(answer) },
    })),
    leaveOpen: assign((_, what: Fault) => ({ verdict: { kind: 'undetermined' as const, fault: what } })),
  },
}).createMachine({
  id: 'dialbackProoftype',
  description:
    'RFC 7712 §7 calls it signalling rather than a prooftype: the proof is a key, confirmed over a second stream; without secure DNS it is weak.',
  meta: { spec: 'XEP-0220 §2.1, RFC 7712 §4.3' },
  context: ({ input }) => ({
    verifyStream: null,
    verdict: { kind: 'undetermined', fault: fault('dialback', 'not-finished', 'local') },
    ...input,
  }),
  initial: 'awaitingVerifyStream',
  states: {
    awaitingVerifyStream: {
      description: 'A stream to the authoritative server is wanted, and never the one that brought the key.',
      meta: {
        spec: 'XEP-0220 §2.2.1, XEP-0288 §2.2',
        awaits: 'a stream to the authoritative server of the sender domain',
        mover: 'peer',
        ifLate: 'the assertion is answered with remote-connection-failed',
      },
      tags: 'waiting',
      invoke: {
        id: 'openVerifyStream',
        src: 'openVerifyStream',
        input: ({ context }) => ({
          sender: context.senderDomain,
          target: context.targetDomain,
          askedOn: context.stream,
        }),
        onDone: [
          {
            guard: { type: 'sameCertificateIsShown', params: ({ event }) => event.output },
            target: 'proved',
            actions: 'proveByCertificate',
          },
          {
            target: 'awaitingVerifyAnswer',
            actions: { type: 'rememberVerifyStream', params: ({ event }) => event.output },
          },
        ],
        onError: {
          target: 'undetermined',
          actions: {
            type: 'leaveOpen',
            params: ({ event }) => faultOfFailure(event.error, 'remote-connection-failed'),
          },
        },
      },
      after: {
        verifyStreamTimeout: {
          target: 'undetermined',
          actions: {
            type: 'leaveOpen',
            params: fault(
              'dialback',
              'remote-connection-failed',
              'peer',
              'no stream to the authoritative server in time',
            ),
          },
        },
      },
    },
    awaitingVerifyAnswer: {
      description: 'The key has been relayed to the authoritative server.',
      meta: {
        spec: 'XEP-0220 §2.2.1',
        awaits: 'the answer to db:verify',
        mover: 'peer',
        ifLate: 'the assertion is answered with remote-server-timeout',
      },
      tags: 'waiting',
      invoke: {
        id: 'askAuthoritativeServer',
        src: 'askAuthoritativeServer',
        input: ({ context }) => ({
          stream: context.verifyStream?.stream ?? -1,
          from: context.targetDomain,
          to: context.senderDomain,
          id: context.id,
          key: context.key,
        }),
        onDone: [
          {
            guard: { type: 'keyIsConfirmed', params: ({ event }) => event.output },
            target: 'proved',
            actions: 'proveByKey',
          },
          { target: 'refuted', actions: { type: 'refute', params: ({ event }) => event.output } },
        ],
        onError: {
          target: 'undetermined',
          actions: {
            type: 'leaveOpen',
            params: ({ event }) => faultOfFailure(event.error, 'remote-server-timeout'),
          },
        },
      },
      after: {
        verifyAnswerTimeout: {
          target: 'undetermined',
          actions: {
            type: 'leaveOpen',
            params: fault('dialback', 'remote-server-timeout', 'peer', 'no answer to db:verify in time'),
          },
        },
      },
    },
    proved: {
      type: 'final',
      description: 'The authoritative server confirms the assertion.',
      meta: { spec: 'XEP-0220 §2.2.1' },
    },
    refuted: {
      type: 'final',
      description: 'The authoritative server disowns the key.',
      meta: { spec: 'XEP-0220 §2.2.1' },
    },
    undetermined: {
      type: 'final',
      description: 'The authoritative server could not be asked.',
      meta: { spec: 'XEP-0220 §2.5' },
    },
  },
  output: ({ context }) => context.verdict,
});
