/** What each usage of TLSA records is compared with, and by what means. */
import type { DaneMatch, PathVerdict } from '../../protocol/certificate.ts';
import type { Associations, TlsaRecord } from '../../protocol/tlsa.ts';
import type { Libcrypto } from './openssl.ts';
import type { LoadedTrust } from './trust.ts';

export interface PathFinder {
  readonly ssl: Libcrypto;
  readonly trust: LoadedTrust;
  /** Against the trust anchors. */
  readonly validate: (chain: readonly Uint8Array[], atMs: number) => PathVerdict;
}

/** One comparison: what was presented, leaf first, and what may be said of it. */
export interface Comparison {
  readonly chain: readonly Uint8Array[];
  readonly presented: readonly Associations[];
  /** Those of one usage. */
  readonly records: readonly TlsaRecord[];
  readonly atMs: number;
}

/** Null where no record names anything, so that others may say more. */
export type Outcome = DaneMatch | null;
