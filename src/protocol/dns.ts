/** DNS answers as values. Every answer says how far it can be trusted (FACTS §10.2); none is ever a bare array. */

import type { DaneMaterial } from './tlsa.ts';

/**
 * `secure` and `insecure` carry records; the two `nodata` forms are a proved and an unproved "there is none"
 * (NXDOMAIN or NODATA). `bogus` failed validation; `error` is everything else: SERVFAIL, refused, time-out.
 */
export type DnsStatus = 'secure' | 'insecure' | 'nodata-secure' | 'nodata-insecure' | 'bogus' | 'error';

export interface DnsAnswer<Record> {
  readonly status: DnsStatus;
  readonly records: readonly Record[];
  /** How long the answer may be kept, in seconds. */
  readonly ttlSeconds: number;
  /** Why it is `bogus` or an `error`, in words. */
  readonly reason?: string;
  /** Where a chain of CNAMEs led to, canonical; absent without one. The status covers the chain (RFC 7672 §2.1.3). */
  readonly canonicalName?: string;
}

export interface SrvRecord {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  /** Lower case A-labels, no final dot; `.` alone when the service is decidedly absent (RFC 2782). */
  readonly target: string;
}

export interface AddressRecord {
  readonly family: 4 | 6;
  readonly address: string;
}

/** How TLS starts on an endpoint (RFC 6120 §5, XEP-0368). */
export type TlsMode = 'starttls' | 'direct';

/** One SRV target with its addresses, in the order in which they are to be tried. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsMode;
  /** True when the name of the host is a secure delegation: signed SRV, or fixed by the operator (RFC 6125 §6.2.1). */
  readonly secureDelegation: boolean;
  /** When the signed answer that named the host ends, in milliseconds since the epoch; null where none did. */
  readonly delegatedUntilMs: number | null;
  /** Where a CNAME of the host leads to, if all of the chain is secure: a further reference identifier (RFC 7671 §7). */
  readonly expandedHost: string | null;
  readonly addresses: readonly AddressRecord[];
  readonly dane: DaneMaterial;
}
