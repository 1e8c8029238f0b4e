/** POSH documents as values (RFC 7711, FACTS §11). */

/** What a domain says over HTTPS of the certificates that may speak for it. */
export interface PoshMaterial {
  /** One per certificate; hash by its IANA name, lower-case hex. Never empty; hashes that are not known here are left out. */
  readonly fingerprints: readonly Readonly<Partial<Record<PoshHash, string>>>[];
  /** When it ends, in milliseconds since the epoch. */
  readonly expiresAtMs: number;
  /** Where the fingerprints stood, after references and redirects. */
  readonly url: string;
}

export type PoshHash = 'sha-256' | 'sha-384' | 'sha-512';
