/** What a cause is: one fault, told apart by what else is known, in a full sentence and with what puts it right. */
import type { Mover } from '../../../../machines/declare.ts';
import type { CertificateEvidence } from '../../../protocol/certificate.ts';
import type { Endpoint } from '../../../protocol/dns.ts';
import type { Fault, FaultLayer } from '../../../protocol/faults.ts';
import type { ResolvedPolicy } from '../../../protocol/policy.ts';
import type { ProofAttempt } from '../../../protocol/proof.ts';
import type { Service } from '../../../protocol/service.ts';
import type { TlsaRecord } from '../../../protocol/tlsa.ts';
import type { StreamFeatures } from '../../../protocol/wire.ts';

/** What a negotiation came to. Who knows less, says less: what is absent is not known. */
export interface Situation {
  readonly fault: Fault;
  /** The remote domain, and which of its services. */
  readonly domain: string;
  readonly service?: Service;
  /** Ours; empty where nobody was named. */
  readonly local?: string;
  /** Who wants to be believed: we, or the remote domain. @defaultValue `outgoing` */
  readonly direction?: 'outgoing' | 'incoming';
  readonly policy?: ResolvedPolicy;
  /** Whether somebody validates the DNS here. */
  readonly validates?: boolean;
  readonly nowMs?: number;
  readonly endpoint?: Pick<Endpoint, 'host' | 'port' | 'tls'> | null;
  readonly isEncrypted?: boolean;
  /** It came to an end while an answer to our `db:result` was awaited. */
  readonly isAsserted?: boolean;
  /** State in which the stream stood when it ended, as a path through its chart. */
  readonly stoodIn?: string;
  /** We have been believed by SASL EXTERNAL. */
  readonly isAuthenticated?: boolean;
  /** What the features before TLS said of STARTTLS; null where none came. */
  readonly startTls?: StreamFeatures['startTls'] | null;
  readonly certificate?: CertificateEvidence | null;
  /** Certificates that the far end presented. */
  readonly chainLength?: number | null;
  /** What the far end said first, before TLS, as Latin-1. */
  readonly firstBytes?: string | null;
  readonly attempts?: readonly ProofAttempt[];
  readonly ignoredTlsa?: readonly TlsaRecord[];
  /** It was found out that the endpoint speaks TLS from the first byte, and is not published so. */
  readonly wantsTlsFirst?: boolean;
}

export interface Cause {
  /** Kebab-case, and stays. */
  readonly id: string;
  readonly layers: readonly FaultLayer[];
  /** Who has to want to be believed; absent: either. */
  readonly direction?: 'outgoing' | 'incoming';
  /** Absent: any. */
  readonly conditions?: readonly string[];
  /** What else has to be so; absent: nothing. */
  readonly when?: (situation: Situation) => boolean;
  readonly because: (situation: Situation) => string;
  readonly fix: (situation: Situation) => string;
  /** Who has to put it right, where that is another than the origin of the fault. */
  readonly mover?: Mover;
}

/** The far end: where we dialled it, or that it dialled us. */
export function place({ endpoint, domain, direction }: Situation): string {
  if (endpoint != null) return `${endpoint.host} port ${endpoint.port}`;
  if (direction !== 'incoming') return domain;
  return domain === '' ? 'whoever connected' : `whoever connected as ${domain}`;
}

/** The same, as the beginning of a sentence. */
export const subject = (situation: Situation): string => place(situation).replace(/^whoever/, 'Whoever');

/** `at` where we dialled it, or `of` whoever dialled us. */
export const at = (situation: Situation): string =>
  situation.endpoint == null && situation.direction === 'incoming'
    ? `of ${place(situation)}`
    : `at ${place(situation)}`;

export const said = ({ fault }: Situation): string => (fault.text === undefined ? '' : ` (${fault.text})`);

export const says =
  (pattern: RegExp) =>
  (situation: Situation): boolean =>
    pattern.test(situation.fault.text ?? '');
