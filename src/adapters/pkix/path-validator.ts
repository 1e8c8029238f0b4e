/**
 * PKIX path validation (RFC 5280 §6) by the OpenSSL inside Node.
 *
 * Not by `socket.authorized`: Node's TLS server judges a client certificate as a client's, public authorities issue none
 * of those any more, and the error that follows hides the others (FACTS §6.5, §18). Here a certificate is judged as a
 * server's in both directions. docs/adr/pkix.md says what was chosen and why.
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

/** Most certificates taken from a peer, leaf first; real paths have two to four. What comes after is not looked at. */
const MAX_CERTIFICATES = 10;
/** Valid paths remembered: as many peers as a busy server meets between two expiries. */
const MEMO_ENTRIES = 1_024;

/**
 * Reads the trust anchors and makes a validator. Loading the system's takes some 100 ms, once.
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

  /** `chain` is bounded. */
  const validate = (chain: CertificateChain['der'], atMs: number): PathVerdict => {
    const key = chainKey(chain);
    const known = memo.get(key);
    if (known !== undefined && known.notBeforeMs <= atMs && atMs <= known.verdict.notAfterMs) return known.verdict;

    const outcome = validateUnseen(chain, atMs);
    if (outcome.kind === 'invalid') return outcome;
    // A path that was found valid is so at every moment of its window: only a revocation could end it sooner.
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

/** Every octet of the chain counts, with its borders. */
function chainKey(chain: CertificateChain['der']): string {
  const hash = createHash('sha256');
  for (const der of chain) hash.update(`${der.length}:`).update(der);
  return hash.digest('base64');
}
