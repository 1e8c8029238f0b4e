/**
 * The issuer certificates that clients presented with their own, kept for as long as their sessions may be resumed: on
 * resumption a server sees only the leaf again. Anybody may present any certificates, long before they are judged, so
 * both their size and their lifetime here are bounded.
 */
import { createHash } from 'node:crypto';
import type { CertificateChain, Clock } from '../../ports.ts';
import { WeighedMap } from '../weighed-map.ts';

/** Room for at least some hundreds of sets of issuers; those that are seen repeatedly stay. */
const MAX_BYTES = 8 * 1_024 * 1_024;
/** Issuers of one leaf, in bytes; those of public authorities take 2 to 6 kB. */
const MAX_CHAIN_BYTES = 32_768;
/** Two fingerprints and a map entry. */
const LEAF_BYTES = 512;
const MAX_LEAVES = 8_192;

export class KeptChains {
  /** Fingerprint of the issuers, by fingerprint of the leaf. */
  readonly #leaves: WeighedMap<string>;
  /** Issuers by their fingerprint, stored once for all leaves that came with them. */
  readonly #issuers: WeighedMap<readonly Uint8Array[]>;

  constructor(lifetimeMs: number, clock: Pick<Clock, 'now'>) {
    const leafLimits = { maxBytes: MAX_LEAVES * LEAF_BYTES, maxEntryBytes: LEAF_BYTES, lifetimeMs };
    this.#leaves = new WeighedMap(leafLimits, clock);
    this.#issuers = new WeighedMap({ maxBytes: MAX_BYTES, maxEntryBytes: MAX_CHAIN_BYTES, lifetimeMs }, clock);
  }

  /** After a full handshake: stores the chain that came with the leaf of this fingerprint. */
  remember(sha256: string, { der }: CertificateChain): void {
    const issuers = der.slice(1);
    const bytes = issuers.reduce((sum, { byteLength }) => sum + byteLength, 0);
    if (bytes === 0 || bytes > MAX_CHAIN_BYTES) this.#leaves.delete(sha256);
    else this.#keep(sha256, fingerprint(issuers), issuers, bytes);
  }

  /** For a resumed session: the whole chain, or `told` when the issuers are no longer known. */
  recall(sha256: string, told: CertificateChain): CertificateChain {
    const key = this.#leaves.get(sha256);
    const issuers = key === undefined ? undefined : this.#issuers.get(key);
    const [leaf] = told.der;
    if (key === undefined || issuers === undefined || leaf === undefined) return told;
    // A resumption issues another session, which lasts as long.
    const bytes = issuers.reduce((sum, { byteLength }) => sum + byteLength, 0);
    this.#keep(sha256, key, issuers, bytes);
    return { der: [leaf, ...issuers] };
  }

  get bytes(): number {
    return this.#leaves.bytes + this.#issuers.bytes;
  }

  #keep(sha256: string, key: string, issuers: readonly Uint8Array[], bytes: number): void {
    this.#leaves.set(sha256, key, LEAF_BYTES);
    this.#issuers.set(key, this.#issuers.get(key) ?? issuers, bytes);
  }
}

function fingerprint(issuers: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const der of issuers) hash.update(der);
  return hash.digest('hex');
}
