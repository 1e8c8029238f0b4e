/** The contents of a certificate as plain data, read from DER by the PKIX adapter; names are matched in identity.ts. */

import type { TlsaRecord } from './tlsa.ts';

/** Names in subjectAltName; DNS names in lower-case A-labels. The CN is never read. */
export interface PresentedIdentifiers {
  readonly dnsNames: readonly string[];
  /** Whole SRVName values, `_xmpp-server.example.net` (RFC 4985). */
  readonly srvNames: readonly string[];
  /** id-on-xmppAddr values (RFC 6120 §13.7.1.4), as written in the certificate. */
  readonly xmppAddrs: readonly string[];
  readonly ipAddresses: readonly string[];
}

/** The end-entity certificate that one end of a TLS session presented. */
export interface CertificateEvidence {
  /** SHA-256 of the DER, lower-case hex. */
  readonly sha256: string;
  /** SHA-512 of the DER, lower-case hex. */
  readonly sha512: string;
  readonly subject: string;
  readonly issuer: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly presented: PresentedIdentifiers;
}

/** Outcome of path validation (RFC 5280 §6) for the purpose "server", in either direction. */
export type PathVerdict =
  | {
      readonly kind: 'valid';
      /** The earliest notAfter of the path, in milliseconds since the epoch. */
      readonly notAfterMs: number;
      /** SHA-256 of each certificate of the path, leaf first, lower-case hex. */
      readonly pathSha256: readonly string[];
    }
  | { readonly kind: 'invalid'; readonly condition: string; readonly text: string; readonly depth: number };

/** Outcome of a comparison with usable TLSA records (RFC 7671 §5). Names are not checked here: usage 3 ignores them. */
export type DaneMatch =
  | {
      readonly kind: 'matched';
      readonly record: TlsaRecord;
      /** The earliest notAfter of the path, in milliseconds since the epoch; null for usage 3, which ignores dates. */
      readonly notAfterMs: number | null;
    }
  | { readonly kind: 'unmatched'; readonly condition: string; readonly text: string };
