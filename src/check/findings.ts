/** The facts on which the verdict of a check rests. */
import { dialbackIsOffered } from '../../machines/stream/context.ts';
import { acceptableProof } from '../../machines/stream/rules.ts';
import type { AssociationOutcome } from '../../machines/events.ts';
import type { CertificateEvidence } from '../protocol/certificate.ts';
import type { Endpoint } from '../protocol/dns.ts';
import type { Fault } from '../protocol/faults.ts';
import type { ResolvedPolicy } from '../protocol/policy.ts';
import type { Proof } from '../protocol/proof.ts';
import type { Service } from '../protocol/service.ts';
import type { TlsaRecord } from '../protocol/tlsa.ts';
import type { StreamFeatures } from '../protocol/wire.ts';
import type { Attempt } from './attempt.ts';

/** What is known when the last stream has ended. */
export interface Findings {
  /** Why there is no stream on which a stanza could be sent; null if there is one. */
  readonly fault: Fault | null;
  readonly domain: string;
  readonly service: Service;
  /** Empty if none was named. */
  readonly local: string;
  readonly policy: ResolvedPolicy;
  readonly validates: boolean;
  readonly nowMs: number;
  /** The last endpoint that was tried; the following fields say what was found there. */
  readonly endpoint: Endpoint | null;
  readonly association: AssociationOutcome | null;
  /** The proof by which the policy accepts the far end. */
  readonly proof: Proof | null;
  readonly isEncrypted: boolean;
  /** What the features before TLS said about STARTTLS; null if none came. */
  readonly startTls: StreamFeatures['startTls'] | null;
  readonly dialbackIsOffered: boolean;
  /** The far end allows us to send. */
  readonly isAccepted: boolean;
  readonly certificate: CertificateEvidence | null;
  readonly chainLength: number | null;
  /** The first bytes that the far end sent, before TLS, as Latin-1. */
  readonly firstBytes: string | null;
  readonly saslFault: Fault | null;
  /** TLSA records that must be ignored because they are not signed throughout. */
  readonly ignoredTlsa: readonly TlsaRecord[];
  /** The port is published for STARTTLS but speaks TLS from the first byte. */
  readonly wantsTlsFirst: boolean;
}

/** The question, and its circumstances. */
type Asked = Pick<Findings, 'domain' | 'service' | 'local' | 'policy' | 'validates' | 'nowMs'>;

/**
 * The findings of the attempt that ended with the fault, or of the last attempt.
 * @param why null if there is a stream on which a stanza could be sent
 */
export function findingsOf(asked: Asked, attempts: readonly Attempt[], why: Fault | null): Findings {
  const attempt = attempts.findLast(({ context }) => why !== null && context.fault === why) ?? attempts.at(-1);
  const context = attempt?.context ?? null;
  return {
    ...asked,
    fault: why,
    endpoint: attempt?.endpoint ?? null,
    association: context?.associated ?? null,
    proof: context?.associated == null ? null : (attempt?.accepted ?? acceptableProof(context, asked.domain)),
    isEncrypted: context !== null && context.tls !== null,
    startTls: context?.tls === null ? (context.negotiation.features?.startTls ?? null) : null,
    dialbackIsOffered: context !== null && dialbackIsOffered(context),
    isAccepted: attempt !== undefined && attempt.accepted !== null,
    certificate: context?.tls?.certificate ?? null,
    chainLength: attempt?.row.chain?.der.length ?? null,
    firstBytes: attempt?.firstBytes?.toString('latin1') ?? null,
    saslFault: attempt?.saslFault ?? null,
    ignoredTlsa: [],
    wantsTlsFirst: false,
  };
}
