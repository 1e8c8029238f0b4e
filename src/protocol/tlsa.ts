/** TLSA records as values: what the DNS says of the certificate at one endpoint (RFC 6698 §2, RFC 7671, FACTS §10.1). */
import type { Fault } from './faults.ts';

export interface TlsaRecord {
  /** 0 PKIX-TA, 1 PKIX-EE, 2 DANE-TA, 3 DANE-EE (RFC 7218 §2.1); others are unusable. */
  readonly usage: number;
  /** 0 the certificate, 1 its SubjectPublicKeyInfo. */
  readonly selector: number;
  /** 0 all of it, 1 its SHA-256, 2 its SHA-512. */
  readonly matching: number;
  /** Certificate association data, lower-case hex. */
  readonly data: string;
}

/** One RRset of a secure answer. */
export interface TlsaSet {
  /** `_5269._tcp.host.example` */
  readonly owner: string;
  readonly records: readonly TlsaRecord[];
}

/** What DANE has to say of one end of a stream; everything in it was secure (FACTS §10.3, §10.4). */
export type DaneMaterial =
  | {
      readonly kind: 'tlsa';
      readonly sets: readonly TlsaSet[];
      /** When the first of the answers that led here ends, in milliseconds since the epoch. */
      readonly expiresAtMs: number;
    }
  | {
      readonly kind: 'none';
      /** Layer `dane`: `no-validator`, `insecure-delegation`, `insecure-address`, `no-tlsa`. */
      readonly why: Fault;
    };
