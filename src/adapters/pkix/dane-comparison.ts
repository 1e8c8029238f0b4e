/** Input and outcome of a comparison with the TLSA records of one usage. */
import type { DaneMatch, PathVerdict } from '../../protocol/certificate.ts';
import type { Associations, TlsaRecord } from '../../protocol/tlsa.ts';
import type { Libcrypto } from './openssl.ts';
import type { LoadedTrust } from './trust.ts';

export interface PathFinder {
  readonly ssl: Libcrypto;
  readonly trust: LoadedTrust;
  /** Validates against our trust anchors. */
  readonly validate: (chain: readonly Uint8Array[], atMs: number) => PathVerdict;
}

/** One comparison: the presented certificates, leaf first, and the records that may match them. */
export interface Comparison {
  readonly chain: readonly Uint8Array[];
  readonly presented: readonly Associations[];
  /** Records of a single usage. */
  readonly records: readonly TlsaRecord[];
  readonly atMs: number;
}

/** Null when no record names any certificate, so that records of another usage may explain more. */
export type Outcome = DaneMatch | null;
