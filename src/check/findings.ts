/** What the verdict of a check rests on. */
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

/** What is known when the last stream has come to its end. */
export interface Findings {
  /** Why there is no stream on which a stanza could be sent; null where there is one. */
  readonly fault: Fault | null;
  readonly domain: string;
  readonly service: Service;
  /** Empty: nobody was named. */
  readonly local: string;
  readonly policy: ResolvedPolicy;
  readonly validates: boolean;
  readonly nowMs: number;
  /** The last one that was tried, and what was found out there. */
  readonly endpoint: Endpoint | null;
  readonly association: AssociationOutcome | null;
  /** What the policy accepts the far end by. */
  readonly proof: Proof | null;
  readonly isEncrypted: boolean;
  /** What the features before TLS said of STARTTLS; null where none came. */
  readonly startTls: StreamFeatures['startTls'] | null;
  readonly dialbackIsOffered: boolean;
  /** The far end lets us send. */
  readonly isAccepted: boolean;
  readonly certificate: CertificateEvidence | null;
  readonly chainLength: number | null;
  /** What the far end said first, before TLS, as Latin-1. */
  readonly firstBytes: string | null;
  readonly saslFault: Fault | null;
  /** TLSA records that stand where nobody may believe them. */
  readonly ignoredTlsa: readonly TlsaRecord[];
  /** A port for STARTTLS that speaks TLS from the first byte. */
  readonly wantsTlsFirst: boolean;
}

/** What was asked, and where. */
type Asked = Pick<Findings, 'domain' | 'service' | 'local' | 'policy' | 'validates' | 'nowMs'>;

/**
 * What was found out by the attempt that ended with the fault, or by the last.
 * @param why null where a stream stands on which a stanza could be sent
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
