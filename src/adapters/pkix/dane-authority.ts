/**
 * DANE-TA: a path to the authority that a TLSA record asserts, independent of our trust anchors (RFC 7671 §5.2). The
 * path must pass the same checks as any other: dates, signatures, keys, constraints.
 */
import { MATCHING, SELECTOR, namesCertificate } from '../../protocol/tlsa.ts';
import type { Associations, TlsaRecord } from '../../protocol/tlsa.ts';
import type { Comparison, Outcome, PathFinder } from './dane-comparison.ts';
import { brokenPath } from './dane-mismatch.ts';
import { EXTENSION_FLAG, decodeCertificate, decodePublicKey, fingerprintOf, scoped } from './openssl.ts';
import type { Libcrypto, Own, X509 } from './openssl.ts';
import { refuseKey, refusePublicKey } from './path-checks.ts';
import type { Invalid } from './path-checks.ts';
import { searchPath } from './path-search.ts';
import type { PathOutcome } from './path-search.ts';
import { decodeChain } from './presented.ts';
import { makeStore } from './trust.ts';

/** Most authorities tried one by one when the search among all of them fails. */
const MAX_ALONE = 3;
/** Most whole certificates from DNS that are decoded; a roll-over has two. */
const MAX_FROM_DNS = 8;
/** Most signatures checked against bare keys: enough for two keys and a usual chain. */
const MAX_SIGNATURES = 8;
/** Least security of a signature and of its key, in bits; as for paths, this excludes SHA-1 (RFC 9325 §4.5). */
const MIN_SECURITY_BITS = 112;

interface Asserted {
  readonly record: TlsaRecord;
  readonly certificate: X509;
}

export function matchAssertedAuthority({ ssl, trust }: PathFinder, comparison: Comparison): Outcome {
  return scoped((own) => {
    const presented = decodeChain(ssl, comparison.chain, own);
    if ('kind' in presented) return brokenPath(comparison.records[0], presented);
    const asserted = [
      ...assertedAmong(presented, comparison),
      ...assertedInFull(ssl, comparison, own),
      ...signedByBareKey(ssl, presented, comparison, own),
    ];
    const [first] = asserted;
    if (first === undefined) return null;

    const search = (authorities: readonly Asserted[]): PathOutcome => {
      const certificates = authorities.map(({ certificate }) => certificate);
      const store = own(makeStore(ssl, certificates, trust.crls), ssl.X509_STORE_free);
      const ownAnchors = new Set(certificates.map((certificate) => fingerprintOf(ssl, certificate)));
      return searchPath(ssl, { ...trust, store, ownAnchors }, presented, comparison.atMs);
    };
    // Of two authorities with the same name, OpenSSL may have picked the one with the wrong key.
    const alone = asserted.length > 1 ? asserted.slice(0, MAX_ALONE).map((one) => [one]) : [];
    let refused: Invalid | null = null;
    for (const authorities of [asserted, ...alone]) {
      const found = search(authorities);
      if (found.kind === 'valid') {
        const { pathSha256, notAfterMs } = found.verdict;
        const isTop = ({ certificate }: Asserted): boolean => fingerprintOf(ssl, certificate) === pathSha256.at(-1);
        return { kind: 'matched', record: (authorities.find(isTop) ?? first).record, notAfterMs };
      }
      refused ??= found;
    }
    return refused && brokenPath(first.record, refused);
  });
}

/** Authorities of the chain that a record names. The leaf is never one, not even repeated: naming it takes usage 3. */
function assertedAmong(presented: readonly X509[], { presented: seen, records }: Comparison): Asserted[] {
  return presented.flatMap((certificate, depth) => {
    const record = records.find((one) => !names(one, seen[0]) && names(one, seen[depth]));
    return record ? [{ record, certificate }] : [];
  });
}

const names = (record: TlsaRecord, associations: Associations | undefined): boolean =>
  associations !== undefined && namesCertificate(record, associations);

/** `2 0 0`: the record contains the whole authority certificate, whether or not the peer sends it. */
function assertedInFull(ssl: Libcrypto, { presented: [leaf], records }: Comparison, own: Own): Asserted[] {
  const whole = records.filter(
    (record) => record.selector === SELECTOR.cert && record.matching === MATCHING.full && !names(record, leaf),
  );
  return whole.slice(0, MAX_FROM_DNS).flatMap((record) => {
    const certificate = decodeCertificate(ssl, Buffer.from(record.data, 'hex'));
    if (certificate === null) return [];
    own(certificate, ssl.X509_free);
    return refuseKey(ssl, certificate, 0) === null ? [{ record, certificate }] : [];
  });
}

/**
 * `2 1 0` when the authority's certificate was not sent: a certificate signed by the key is the top of the path
 * (RFC 7671 §5.2.3). It is trusted as if it were the authority, but its dates count. It must be a CA certificate,
 * unless it is the leaf, which must not be one.
 */
function signedByBareKey(
  ssl: Libcrypto,
  presented: readonly X509[],
  { presented: seen, records }: Comparison,
  own: Own,
): Asserted[] {
  const [, ...authorities] = seen;
  const bare = records.filter(
    (record) =>
      record.selector === SELECTOR.spki &&
      record.matching === MATCHING.full &&
      !authorities.some((authority) => names(record, authority)),
  );
  const signed: Asserted[] = [];
  let signatures = 0;
  for (const record of bare) {
    const key = signatures < MAX_SIGNATURES ? decodePublicKey(ssl, Buffer.from(record.data, 'hex')) : null;
    if (key === null) continue;
    own(key, ssl.EVP_PKEY_free);
    if (refusePublicKey(ssl, key, 0) !== null || ssl.EVP_PKEY_get_security_bits(key) < MIN_SECURITY_BITS) continue;
    for (const certificate of presented.toReversed()) {
      if (signatures === MAX_SIGNATURES || !mayBeTop(ssl, certificate, presented)) continue;
      signatures += 1;
      if (ssl.X509_verify(certificate, key) === 1) signed.push({ record, certificate });
    }
  }
  // OpenSSL queues errors per thread, and Node reads the same queue.
  ssl.ERR_clear_error();
  return signed;
}

function mayBeTop(ssl: Libcrypto, certificate: X509, [leaf]: readonly X509[]): boolean {
  const securityBits = new Int32Array(1);
  const isKnown = ssl.X509_get_signature_info(certificate, null, null, securityBits, null) === 1;
  const isAuthority = (ssl.X509_get_extension_flags(certificate) & EXTENSION_FLAG.ca) !== 0;
  return isKnown && (securityBits[0] ?? 0) >= MIN_SECURITY_BITS && isAuthority === (certificate !== leaf);
}
