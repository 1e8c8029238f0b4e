/** What a cause is: one fault, narrowed down by whatever else is known, as a full sentence together with its fix. */
import type { Mover } from '../../../../machines/declare.ts';
import type { CertificateEvidence } from '../../../protocol/certificate.ts';
import type { Endpoint } from '../../../protocol/dns.ts';
import type { Fault, FaultLayer } from '../../../protocol/faults.ts';
import type { ResolvedPolicy } from '../../../protocol/policy.ts';
import type { ProofAttempt } from '../../../protocol/proof.ts';
import type { Service } from '../../../protocol/service.ts';
import type { TlsaRecord } from '../../../protocol/tlsa.ts';
import type { StreamFeatures } from '../../../protocol/wire.ts';

/** The outcome of a negotiation. A caller that knows less leaves fields out: absent means not known. */
export interface Situation {
  readonly fault: Fault;
  /** The remote domain, and which of its services. */
  readonly domain: string;
  readonly service?: Service;
  /** The local domain; empty if none was named. */
  readonly local?: string;
  /** Which side wants to be proved: we, or the remote domain. @defaultValue `outgoing` */
  readonly direction?: 'outgoing' | 'incoming';
  readonly policy?: ResolvedPolicy;
  /** Whether DNS answers are validated here. */
  readonly validates?: boolean;
  readonly nowMs?: number;
  readonly endpoint?: Pick<Endpoint, 'host' | 'port' | 'tls'> | null;
  readonly isEncrypted?: boolean;
  /** It ended while the answer to our `db:result` was awaited. */
  readonly isAsserted?: boolean;
  /** State of the stream when it ended, as a path through its chart. */
  readonly stoodIn?: string;
  /** The far end has authenticated us by SASL EXTERNAL. */
  readonly isAuthenticated?: boolean;
  /** What the features before TLS said about STARTTLS; null if none came. */
  readonly startTls?: StreamFeatures['startTls'] | null;
  readonly certificate?: CertificateEvidence | null;
  /** Number of certificates that the far end presented. */
  readonly chainLength?: number | null;
  /** The first bytes that the far end sent, before TLS, as Latin-1. */
  readonly firstBytes?: string | null;
  readonly attempts?: readonly ProofAttempt[];
  readonly ignoredTlsa?: readonly TlsaRecord[];
  /** A probe found that the endpoint speaks TLS from the first byte, but is not published that way. */
  readonly wantsTlsFirst?: boolean;
}

export interface Cause {
  /** Kebab-case, and stable. */
  readonly id: string;
  readonly layers: readonly FaultLayer[];
  /** Which side has to want to be proved; absent: either. */
  readonly direction?: 'outgoing' | 'incoming';
  /** Absent: any. */
  readonly conditions?: readonly string[];
  /** Further condition; absent: none. */
  readonly when?: (situation: Situation) => boolean;
  readonly because: (situation: Situation) => string;
  readonly fix: (situation: Situation) => string;
  /** Who has to fix it, if that is not the origin of the fault. */
  readonly mover?: Mover;
}

/** The far end: where we dialled it, or that it connected to us. */
export function place({ endpoint, domain, direction }: Situation): string {
  if (endpoint != null) return `${endpoint.host} port ${endpoint.port}`;
  if (direction !== 'incoming') return domain;
  return domain === '' ? 'whoever connected' : `whoever connected as ${domain}`;
}

/** The same, as the beginning of a sentence. */
export const subject = (situation: Situation): string => place(situation).replace(/^whoever/, 'Whoever');

/** `at` the endpoint that we dialled, or `of` the party that connected to us. */
export const at = (situation: Situation): string =>
  situation.endpoint == null && situation.direction === 'incoming'
    ? `of ${place(situation)}`
    : `at ${place(situation)}`;

export const said = ({ fault }: Situation): string => (fault.text === undefined ? '' : ` (${fault.text})`);

export const says =
  (pattern: RegExp) =>
  (situation: Situation): boolean =>
    pattern.test(situation.fault.text ?? '');
