/** PKIX-TA: a path to one of our trust anchors, with an authority in it that a TLSA record names (RFC 7671 §5.4). */
import { namesCertificate } from '../../protocol/tlsa.ts';
import type { Associations, TlsaRecord } from '../../protocol/tlsa.ts';
import type { Comparison, Outcome, PathFinder } from './dane-comparison.ts';
import { brokenPath } from './dane-mismatch.ts';
import { EXTENSION_FLAG, encodeCertificate, fingerprintOf, scoped } from './openssl.ts';
import { searchPath } from './path-search.ts';
import { associationsIn, decodeChain } from './presented.ts';
import { makeStore } from './trust.ts';

/** Paths tried beyond the first; each costs a store and a search. */
const MAX_OTHER_PATHS = 3;

/**
 * A search stops at the first anchor, but the authority that a record names may be above it, or on another path. While
 * nothing matches, the search is repeated without that anchor, which becomes one more intermediate unless it is
 * self-issued and so the top anyway.
 */
export function matchTrustedAuthority(
  { ssl, trust }: PathFinder,
  { chain, presented: seen, records, atMs }: Comparison,
): Outcome {
  return scoped((own) => {
    const presented = decodeChain(ssl, chain, own);
    if ('kind' in presented) return brokenPath(records[0], presented);
    const known = new Map(presented.map((certificate, depth) => [fingerprintOf(ssl, certificate), seen[depth]]));
    const anchors = new Map(trust.anchors);
    const describe = (sha256: string): Associations | undefined => {
      const anchor = anchors.get(sha256);
      if (!known.has(sha256) && anchor !== undefined) known.set(sha256, associationsIn(encodeCertificate(ssl, anchor)));
      return known.get(sha256);
    };

    const [leaf, ...authorities] = seen;
    let { store } = trust;
    const untrusted = [...presented];
    for (let tried = 0; ; tried += 1) {
      const outcome = searchPath(ssl, { ...trust, store }, untrusted, atMs);
      if (outcome.kind === 'invalid') {
        const isMisplaced = naming([leaf], records) !== undefined;
        return tried > 0 || isMisplaced ? null : brokenPath(naming(authorities, records) ?? records[0], outcome);
      }
      const { pathSha256, notAfterMs } = outcome.verdict;
      // OpenSSL also puts certificates presented above a trusted leaf into the path; nobody vouches for those.
      const end = pathSha256.findLastIndex((sha256) => anchors.has(sha256));
      const record = naming(pathSha256.slice(1, end + 1).map(describe), records);
      if (record !== undefined) return { kind: 'matched', record, notAfterMs };
      const top = pathSha256[end] ?? '';
      const anchor = anchors.get(top);
      if (anchor === undefined || tried === MAX_OTHER_PATHS) return null;
      anchors.delete(top);
      const isAtTop = (ssl.X509_get_extension_flags(anchor) & EXTENSION_FLAG.selfIssued) !== 0;
      if (!isAtTop && !untrusted.includes(anchor)) untrusted.push(anchor);
      store = own(makeStore(ssl, anchors.values(), trust.crls), ssl.X509_STORE_free);
    }
  });
}

function naming(
  authorities: readonly (Associations | undefined)[],
  records: readonly TlsaRecord[],
): TlsaRecord | undefined {
  return records.find((record) => authorities.some((authority) => authority && namesCertificate(record, authority)));
}
