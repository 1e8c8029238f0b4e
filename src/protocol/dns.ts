/** DNS answers as values. Every answer states how far it can be trusted (RFC 4035 §4.3); none is a bare array. */

import type { DaneMaterial } from './tlsa.ts';

/**
 * `secure` and `insecure` carry records; the two `nodata` forms are a proved and an unproved "there is none"
 * (NXDOMAIN or NODATA). `bogus` failed validation; `error` is everything else: SERVFAIL, REFUSED, timeout.
 */
export type DnsStatus = 'secure' | 'insecure' | 'nodata-secure' | 'nodata-insecure' | 'bogus' | 'error';

export interface DnsAnswer<Record> {
  readonly status: DnsStatus;
  readonly records: readonly Record[];
  /** How long the answer may be kept, in seconds. */
  readonly ttlSeconds: number;
  /** Why the answer is `bogus` or an `error`, as text. */
  readonly reason?: string;
  /** The end of a CNAME chain, canonical; absent if there is none. The status covers the chain (RFC 7672 §2.1.3). */
  readonly canonicalName?: string;
}

export interface SrvRecord {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  /** Lower-case A-labels, no final dot; `.` alone if the service is declared absent (RFC 2782). */
  readonly target: string;
}

export interface AddressRecord {
  readonly family: 4 | 6;
  readonly address: string;
}

/** How TLS starts on an endpoint (RFC 6120 §5, XEP-0368). */
export type TlsMode = 'starttls' | 'direct';

/** One SRV target with its addresses, in the order in which to try them. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsMode;
  /** True if the host name is securely delegated: by signed SRV, or fixed by the operator (RFC 6125 §6.2.1). */
  readonly secureDelegation: boolean;
  /** When the signed answer that named the host expires, in milliseconds since the epoch; null if there was none. */
  readonly delegatedUntilMs: number | null;
  /** The end of the host's CNAME chain, if the whole chain is secure: a further reference identifier (RFC 7671 §7). */
  readonly expandedHost: string | null;
  readonly addresses: readonly AddressRecord[];
  readonly dane: DaneMaterial;
}
