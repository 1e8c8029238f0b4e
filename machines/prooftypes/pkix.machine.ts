/**
 * PKIX prooftype: does a certification authority that we trust vouch for the presented certificate under this domain?
 */
import { assign, setup } from 'xstate';
import type { CertificateEvidence, PathVerdict } from '../../src/protocol/certificate.ts';
import { type Fault, fault, toFault } from '../../src/protocol/faults.ts';
import { type IdentityMatch, matchIdentity, referenceIdentifiers } from '../../src/protocol/identity.ts';
import type { ProofVerdict } from '../../src/protocol/proof.ts';
import type { Service } from '../../src/protocol/service.ts';
import { declareEffect, type StateMeta } from '../declare.ts';
import { limits } from '../limits.ts';
import type { NoEvents, StreamId } from '../events.ts';

export interface PkixInput {
  readonly stream: StreamId;
  readonly service: Service;
  readonly sourceDomain: string;
  /** Targets of a secure delegation: further reference identifiers (RFC 7673 §4.1). */
  readonly derivedDomains: readonly string[];
  /** When the DNS answers that name them expire, in milliseconds since the epoch; null if none does. */
  readonly delegationExpiresAtMs: number | null;
  readonly certificate: CertificateEvidence | null;
}

export interface PkixContext extends PkixInput {
  readonly verdict: ProofVerdict;
}

function identityOf({ certificate, service, sourceDomain, derivedDomains }: PkixInput): IdentityMatch {
  return certificate === null
    ? { kind: 'mismatch', presentedNames: [] }
    : matchIdentity(referenceIdentifiers(service, sourceDomain, derivedDomains), certificate.presented);
}

function provedBy(input: PkixInput, path: Extract<PathVerdict, { kind: 'valid' }>): ProofVerdict {
  const identity = identityOf(input);
  const isDerived = identity.kind === 'match' && identity.reference !== input.sourceDomain;
  return {
    kind: 'proved',
    prooftype: 'pkix',
    strength: 'strong',
    evidence: {
      sha256: input.certificate?.sha256 ?? null,
      by: identity.kind === 'match' ? identity.by : null,
      identifier: identity.kind === 'match' ? identity.identifier : null,
      ...(isDerived ? { derivedDomain: identity.reference } : {}),
      anchorSha256: path.pathSha256.at(-1) ?? null,
    },
    // A derived name is valid only as long as the DNS answer that provided it.
    expiresAtMs: Math.min(path.notAfterMs, isDerived ? (input.delegationExpiresAtMs ?? Infinity) : Infinity),
  };
}

export const pkixProoftype = setup({
  types: {
    input: {} as PkixInput,
    context: {} as PkixContext,
    events: {} as NoEvents,
    output: {} as ProofVerdict,
    tags: {} as 'waiting',
    meta: {} as StateMeta,
  },
  actors: { validatePath: declareEffect<PathVerdict, { stream: StreamId }>('validatePath') },
  delays: { proofTimeout: limits.proofMs },
  guards: {
    noCertificateWasPresented: ({ context }) => context.certificate === null,
    certificateNamesTheDomain: ({ context }) => identityOf(context).kind === 'match',
    pathIsValid: (_, path: PathVerdict) => path.kind === 'valid',
  },
  actions: {
    prove: assign(({ context }, path: PathVerdict) =>
      path.kind === 'valid' ? { verdict: provedBy(context, path) } : {},
    ),
    refuteName: assign(({ context }) => {
      const identity = identityOf(context);
      const names = identity.kind === 'mismatch' ? identity.presentedNames.slice(0, 10).join(', ') : '';
      const text = `the certificate names ${names === '' ? 'nobody' : names}, not ${context.sourceDomain}`;
      return { verdict: { kind: 'refuted' as const, fault: fault('pkix', 'name-mismatch', 'peer', text) } };
    }),
    refutePath: assign((_, path: PathVerdict) =>
      path.kind === 'invalid'
        ? { verdict: { kind: 'refuted' as const, fault: fault('pkix', path.condition, 'peer', path.text) } }
        : {},
    ),
    leaveOpen: assign((_, what: Fault) => ({ verdict: { kind: 'undetermined' as const, fault: what } })),
  },
}).createMachine({
  id: 'pkixProoftype',
  description:
    'RFC 7712 §7: the proof is a certificate; it matches by RFC 9525 and RFC 5280; its anchors are local; secure DNS is not needed.',
  meta: { spec: 'RFC 7712 §4.2, RFC 6120 §13.7' },
  context: ({ input }) => ({
    verdict: { kind: 'undetermined', fault: fault('pkix', 'not-finished', 'local') },
    ...input,
  }),
  initial: 'decidingMaterial',
  states: {
    decidingMaterial: {
      description: 'A certificate that does not name the domain need not be validated.',
      meta: { spec: 'RFC 9525 §6.1' },
      always: [
        {
          guard: 'noCertificateWasPresented',
          target: 'undetermined',
          actions: { type: 'leaveOpen', params: fault('pkix', 'no-certificate', 'peer') },
        },
        { guard: 'certificateNamesTheDomain', target: 'awaitingPath' },
        { target: 'refuted', actions: 'refuteName' },
      ],
    },
    awaitingPath: {
      description: 'The certification path is being validated for purpose server.',
      meta: {
        spec: 'RFC 5280 §6, RFC 6120 §13.7.2',
        awaits: 'the path validator',
        mover: 'us',
        ifLate: 'the next prooftype is asked',
      },
      tags: 'waiting',
      invoke: {
        id: 'validatePath',
        src: 'validatePath',
        input: ({ context }) => ({ stream: context.stream }),
        onDone: [
          {
            guard: { type: 'pathIsValid', params: ({ event }) => event.output },
            target: 'proved',
            actions: { type: 'prove', params: ({ event }) => event.output },
          },
          { target: 'refuted', actions: { type: 'refutePath', params: ({ event }) => event.output } },
        ],
        onError: {
          target: 'undetermined',
          actions: { type: 'leaveOpen', params: ({ event }) => toFault(event.error, 'pkix') },
        },
      },
      after: {
        proofTimeout: {
          target: 'undetermined',
          actions: { type: 'leaveOpen', params: fault('pkix', 'path-timeout', 'local') },
        },
      },
    },
    proved: { type: 'final', description: 'The path is valid and names the domain.', meta: { spec: 'RFC 7712 §4.2' } },
    refuted: {
      type: 'final',
      description: 'Another name, or no path to an anchor.',
      meta: { spec: 'RFC 6120 §13.7.2' },
    },
    undetermined: {
      type: 'final',
      description: 'No certificate to judge; another prooftype may decide.',
      meta: { spec: 'RFC 7712 §4.3' },
    },
  },
  output: ({ context }) => context.verdict,
});
