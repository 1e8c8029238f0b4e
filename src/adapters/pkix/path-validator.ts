/**
 * PKIX path validation (RFC 5280 §6) by the OpenSSL inside Node.
 *
 * `socket.authorized` is not used: Node's TLS server validates a client certificate for client use, public authorities
 * no longer issue certificates for that, and the resulting error hides the others (measured on Node 20.20.2). Here a
 * certificate is validated for server use in both directions. Choices and reasons: docs/adr/pkix.md.
 */
import { createHash } from 'node:crypto';
import type { CertificateChain, PathValidator } from '../../ports.ts';
import type { PathVerdict } from '../../protocol/certificate.ts';
import { LruMap } from '../lru.ts';
import { MAX_CERTIFICATE_BYTES } from './certificates.ts';
import { matchTlsa } from './dane.ts';
import { loadLibcrypto, scoped } from './openssl.ts';
import { invalid } from './path-checks.ts';
import type { Invalid } from './path-checks.ts';
import { decodeChain } from './presented.ts';
import { searchPath } from './path-search.ts';
import type { PathOutcome, ValidPath } from './path-search.ts';
import { loadTrust } from './trust.ts';
import type { TrustOptions } from './trust.ts';

export type { TrustOptions } from './trust.ts';

/** Most certificates taken from a peer, leaf first; real paths have two to four. Any further ones are ignored. */
const MAX_CERTIFICATES = 10;
/** Most valid paths remembered: as many as the peers that a busy server meets between two expiries. */
const MEMO_ENTRIES = 1_024;

/**
 * Reads the trust anchors and creates a validator. Loading those of the system takes about 100 ms, once.
 * @throws FaultError `pkix`: `openssl-unavailable`, `trust-anchors-unreadable`, `trust-anchor-malformed`,
 * `revocation-list-malformed`, all local.
 */
export function createPathValidator(options: TrustOptions): PathValidator & { close(): void } {
  const ssl = loadLibcrypto();
  const trust = loadTrust(ssl, options);
  const memo = new LruMap<string, ValidPath>(MEMO_ENTRIES);
  let open = true;

  const validateUnseen = (chain: CertificateChain['der'], atMs: number): PathOutcome =>
    scoped((own) => {
      const presented = decodeChain(ssl, chain, own);
      return 'kind' in presented ? presented : searchPath(ssl, trust, presented, atMs);
    });

  /** `chain` must be bounded. */
  const validate = (chain: CertificateChain['der'], atMs: number): PathVerdict => {
    const key = chainKey(chain);
    const known = memo.get(key);
    if (known !== undefined && known.notBeforeMs <= atMs && atMs <= known.verdict.notAfterMs) return known.verdict;

    const outcome = validateUnseen(chain, atMs);
    if (outcome.kind === 'invalid') return outcome;
    // A path found valid is valid at every moment of its window; only a revocation could end that sooner.
    if (!trust.hasCrls) memo.set(key, outcome);
    return outcome.verdict;
  };

  return {
    validate: ({ der }, atMs) => {
      if (!open) throw new TypeError('this path validator is closed');
      const chain = der.slice(0, MAX_CERTIFICATES);
      return refuseUnread(chain) ?? validate(chain, atMs);
    },
    validateDane: ({ der }, records, atMs) => {
      if (!open) throw new TypeError('this path validator is closed');
      const chain = der.slice(0, MAX_CERTIFICATES);
      const refused = refuseUnread(chain);
      if (refused !== null) return { kind: 'unmatched', condition: refused.condition, text: refused.text };
      return matchTlsa({ ssl, trust, validate }, chain, records, atMs);
    },
    close: () => {
      if (open) trust.close();
      open = false;
      memo.clear();
    },
  };
}

function refuseUnread(chain: CertificateChain['der']): Invalid | null {
  if (chain.length === 0) return invalid('no-certificate', 'the peer presented no certificate', 0);
  const depth = chain.findIndex(({ length }) => length > MAX_CERTIFICATE_BYTES);
  return depth === -1 ? null : invalid('certificate-too-large', `more than ${MAX_CERTIFICATE_BYTES} bytes`, depth);
}

/** Covers every octet of the chain, and the boundaries of its certificates. */
function chainKey(chain: CertificateChain['der']): string {
  const hash = createHash('sha256');
  for (const der of chain) hash.update(`${der.length}:`).update(der);
  return hash.digest('base64');
}
