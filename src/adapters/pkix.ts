/**
 * PKIX path validation (RFC 5280 §6) by the OpenSSL inside Node.
 *
 * Not by `socket.authorized`: Node's TLS server judges a client certificate as a client's, public authorities issue none
 * of those any more, and the error that follows hides the others (FACTS §6.5, §18). Here a certificate is judged as a
 * server's in both directions. docs/adr/pkix.md says what was chosen and why.
 */
import { createHash } from 'node:crypto';
import type { CertificateChain, PathValidator } from '../ports.ts';
import type { PathVerdict } from '../protocol/certificate.ts';
import { FaultError, fault } from '../protocol/faults.ts';
import { MAX_CERTIFICATE_BYTES } from './certificates.ts';
import {
  EXTENDED_KEY_USAGE,
  EXTENSION_FLAG,
  KEY_USAGE,
  NID_NAME_CONSTRAINTS,
  PURPOSE,
  VERIFY_FLAG,
  decodeCertificate,
  decodeCrl,
  encodeCertificate,
  fingerprintOf,
  loadLibcrypto,
  scoped,
  validityOf,
} from './openssl.ts';
import type { Libcrypto, X509, X509Store } from './openssl.ts';
import { UNABLE_TO_GET_CRL, conditionOf, isProfileError } from './pkix/conditions.ts';
import { unconstrainedName } from './pkix/name-constraints.ts';
import { derOf, systemAnchors } from './pkix/trust.ts';

/** Most certificates taken from a peer, leaf first; real paths have two to four. What comes after is not looked at. */
const MAX_CERTIFICATES = 10;
/** Verdicts remembered: as many peers as a busy server meets between two expiries. */
const MEMO_ENTRIES = 1_024;
/** OpenSSL's level of 112 bits: RSA from 2048 bits, curves from 224, no SHA-1 (RFC 9325 §4.5). */
const AUTH_LEVEL = 2;
/** Uses of a leaf's key that a TLS server has, in one version or another (RFC 5246 §7.4.2, RFC 8446 §4.4.2.2). */
const SERVER_KEY_USAGE = KEY_USAGE.digitalSignature | KEY_USAGE.keyEncipherment | KEY_USAGE.keyAgreement;

export interface TrustOptions {
  /** Trust what the system trusts: its bundle and Node's roots, or the file in `SSL_CERT_FILE`. */
  readonly system: boolean;
  /** The operator's own anchors, PEM bundles. A certificate named here is trusted as it stands, root or not. */
  readonly anchors: readonly string[];
  /** Revocation lists, PEM bundles. An authority without a list is not held against what it issued. @defaultValue none */
  readonly crls?: readonly string[];
  /** Most certificates between leaf and anchor. @defaultValue 8 */
  readonly maxIntermediates?: number;
  /**
   * To whom the profile of RFC 5280 §4.2 (key identifiers, criticality, keyUsage) is a condition: `public` waives it for
   * paths that end in the operator's own anchors, whose authorities are often made by hand. @defaultValue 'public'
   */
  readonly profile?: 'public' | 'all';
}

/**
 * Reads the trust anchors and makes a validator. Loading the system's takes some 100 ms, once.
 * @throws FaultError `pkix`: `openssl-unavailable`, `trust-anchors-unreadable`, `trust-anchor-malformed`, all local.
 */
export function createPathValidator(trust: TrustOptions): PathValidator & { close(): void } {
  const ssl = loadLibcrypto();
  const { store, ownAnchors, hasCrls } = loadStore(ssl, trust);
  const memo = new Map<string, ValidPath>();
  let open = true;

  return {
    validate: ({ der }, atMs) => {
      if (!open) throw new TypeError('this path validator is closed');
      const chain = der.slice(0, MAX_CERTIFICATES);
      const refused = refuseUnread(chain);
      if (refused !== null) return refused;
      const key = chainKey(chain);
      const known = memo.get(key);
      if (known !== undefined && known.notBeforeMs <= atMs && atMs <= known.verdict.notAfterMs) return known.verdict;

      const outcome = scoped((own): Outcome => {
        const certificates: X509[] = [];
        for (const [depth, bytes] of chain.entries()) {
          const certificate = decodeCertificate(ssl, bytes);
          if (certificate === null) return invalid('malformed', 'not a certificate', depth);
          certificates.push(own(certificate, ssl.X509_free));
        }
        const attempt: Attempt = { ssl, store, trust, certificates, atMs };
        return settle(attempt, ownAnchors, hasCrls);
      });
      if ('kind' in outcome) return outcome;
      // A path that was found valid is so at every moment of its window: only a revocation could end it sooner.
      if (!hasCrls) {
        if (memo.size >= MEMO_ENTRIES) memo.clear();
        memo.set(key, outcome);
      }
      return outcome.verdict;
    },
    close: () => {
      if (open) ssl.X509_STORE_free(store);
      open = false;
      memo.clear();
    },
  };
}

type Invalid = Extract<PathVerdict, { kind: 'invalid' }>;
interface ValidPath {
  readonly verdict: Extract<PathVerdict, { kind: 'valid' }>;
  readonly notBeforeMs: number;
}
type Outcome = Invalid | ValidPath;

interface Attempt {
  readonly ssl: Libcrypto;
  readonly store: X509Store;
  readonly trust: TrustOptions;
  /** Leaf first. */
  readonly certificates: readonly X509[];
  readonly atMs: number;
}

function invalid(condition: string, text: string, depth: number): Invalid {
  return { kind: 'invalid', condition, text, depth };
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

/**
 * Strictly first. What is then waived, and for whom: revocation status where no list is known; the issuing profile where
 * the path ends in the operator's own anchor.
 */
function settle(attempt: Attempt, ownAnchors: ReadonlySet<string>, hasCrls: boolean): Outcome {
  const { profile = 'public' } = attempt.trust;
  let flags = VERIFY_FLAG.strict | (hasCrls ? VERIFY_FLAG.crlCheck : 0);
  let found = verifyOnce(attempt, flags);
  if (found.code === UNABLE_TO_GET_CRL) found = verifyOnce(attempt, (flags &= ~VERIFY_FLAG.crlCheck));
  if (isProfileError(found.code) && profile === 'public') {
    const lenient = verifyOnce(attempt, flags & ~VERIFY_FLAG.strict);
    const { outcome } = lenient;
    if (!('kind' in outcome) && ownAnchors.has(outcome.verdict.pathSha256.at(-1) ?? '')) return outcome;
  }
  return found.outcome;
}

/** One run of X509_verify_cert and of our own checks on the path that it built. */
function verifyOnce(attempt: Attempt, flags: number): { readonly code: number; readonly outcome: Outcome } {
  const { ssl, store, trust, certificates, atMs } = attempt;
  return scoped((own) => {
    const [leaf = null, ...others] = certificates;
    const untrusted = own(ssl.OPENSSL_sk_new_null(), ssl.OPENSSL_sk_free);
    const ctx = own(ssl.X509_STORE_CTX_new(), ssl.X509_STORE_CTX_free);
    for (const certificate of others) ssl.OPENSSL_sk_push(untrusted, certificate);
    if (leaf === null || ssl.X509_STORE_CTX_init(ctx, store, leaf, untrusted) !== 1) throw outOfMemory();

    const param = ssl.X509_STORE_CTX_get0_param(ctx);
    ssl.X509_VERIFY_PARAM_set_flags(param, flags | VERIFY_FLAG.trustedFirst | VERIFY_FLAG.partialChain);
    // Purpose is checked below: OpenSSL's own refuses anyExtendedKeyUsage, and tells of it before worse things.
    ssl.X509_VERIFY_PARAM_set_purpose(param, PURPOSE.any);
    ssl.X509_VERIFY_PARAM_set_depth(param, trust.maxIntermediates ?? 8);
    ssl.X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
    ssl.X509_VERIFY_PARAM_set_time(param, Math.floor(atMs / 1000));

    const verified = ssl.X509_verify_cert(ctx) === 1;
    ssl.ERR_clear_error();
    const code = verified ? 0 : ssl.X509_STORE_CTX_get_error(ctx);
    if (!verified) {
      const depth = ssl.X509_STORE_CTX_get_error_depth(ctx);
      return { code, outcome: invalid(conditionOf(code), ssl.X509_verify_cert_error_string(code), depth) };
    }
    const stack = ssl.X509_STORE_CTX_get0_chain(ctx);
    if (stack === null) throw outOfMemory();
    const path = Array.from({ length: ssl.OPENSSL_sk_num(stack) }, (_, i) => ssl.OPENSSL_sk_value(stack, i));
    return { code, outcome: refusePath(ssl, path) ?? validPath(ssl, path) };
  });
}

function validPath(ssl: Libcrypto, path: readonly X509[]): ValidPath {
  const validities = path.map((certificate) => validityOf(ssl, certificate));
  return {
    verdict: {
      kind: 'valid',
      notAfterMs: Math.min(...validities.map(({ notAfterMs }) => notAfterMs)),
      pathSha256: path.map((certificate) => fingerprintOf(ssl, certificate)),
    },
    notBeforeMs: Math.max(...validities.map(({ notBeforeMs }) => notBeforeMs)),
  };
}

/** What a path that OpenSSL found must also be. */
function refusePath(ssl: Libcrypto, path: readonly X509[]): Invalid | null {
  return refusePurpose(ssl, path) ?? refuseNames(ssl, path);
}

/** A server's certificate, issued by authorities (RFC 6120 §13.7.1.1), with serverAuth wherever usage is limited. */
function refusePurpose(ssl: Libcrypto, path: readonly X509[]): Invalid | null {
  for (const [depth, certificate] of path.entries()) {
    const flags = ssl.X509_get_extension_flags(certificate);
    const usage = ssl.X509_get_extended_key_usage(certificate);
    const limited = (flags & EXTENSION_FLAG.extendedKeyUsage) !== 0;
    if (limited && (usage & (EXTENDED_KEY_USAGE.sslServer | EXTENDED_KEY_USAGE.any)) === 0)
      return invalid('invalid-purpose', 'extendedKeyUsage does not include serverAuth', depth);
    const isAnchor = depth === path.length - 1;
    if (depth > 0 && !isAnchor && ssl.X509_check_ca(certificate) !== 1)
      return invalid('invalid-ca', 'the issuer is not an authority by basicConstraints', depth);
    if (depth > 0) continue;
    // A leaf that is itself an anchor was named by the operator: self-signed ones are CA:TRUE by most tools' default.
    if ((flags & EXTENSION_FLAG.ca) !== 0 && !isAnchor)
      return invalid('invalid-purpose', 'the certificate is that of an authority, not of a server', depth);
    if ((ssl.X509_get_key_usage(certificate) & SERVER_KEY_USAGE) === 0)
      return invalid('invalid-purpose', 'keyUsage does not allow TLS', depth);
  }
  return null;
}

function refuseNames(ssl: Libcrypto, path: readonly X509[]): Invalid | null {
  const [leaf, ...authorities] = path;
  const constrained = authorities.filter((ca) => ssl.X509_get_ext_by_NID(ca, NID_NAME_CONSTRAINTS, -1) >= 0);
  if (leaf === undefined || constrained.length === 0) return null;
  const name = unconstrainedName(
    encodeCertificate(ssl, leaf),
    constrained.map((ca) => encodeCertificate(ssl, ca)),
  );
  if (name === null) return null;
  return invalid('name-constraint-violation', `${name} is outside the domains that the authority may name`, 0);
}

function loadStore(ssl: Libcrypto, { system, anchors, crls = [] }: TrustOptions) {
  const own = anchors.flatMap((pem) => {
    const ders = derOf(pem, 'CERTIFICATE');
    if (ders.length === 0)
      throw new FaultError(fault('pkix', 'trust-anchor-malformed', 'local', 'no certificate in it'));
    return ders;
  });
  const store = ssl.X509_STORE_new();
  if (store === null) throw outOfMemory();
  try {
    const ownAnchors = new Set(own.map((der) => addAnchor(ssl, store, der)));
    const unique = new Map((system ? systemAnchors() : []).map((der) => [der.toString('latin1'), der]));
    for (const der of unique.values()) addAnchor(ssl, store, der);
    const lists = crls.flatMap((pem) => derOf(pem, 'X509 CRL'));
    for (const der of lists) addCrl(ssl, store, der);
    return { store, ownAnchors, hasCrls: lists.length > 0 };
  } catch (error) {
    ssl.X509_STORE_free(store);
    throw error;
  }
}

/** Adds a copy to the store and tells its fingerprint. */
function addAnchor(ssl: Libcrypto, store: X509Store, der: Buffer): string {
  const certificate = decodeCertificate(ssl, der);
  if (certificate === null) throw new FaultError(fault('pkix', 'trust-anchor-malformed', 'local'));
  try {
    if (ssl.X509_STORE_add_cert(store, certificate) !== 1) throw outOfMemory();
    return fingerprintOf(ssl, certificate);
  } finally {
    ssl.X509_free(certificate);
  }
}

function addCrl(ssl: Libcrypto, store: X509Store, der: Buffer): void {
  const crl = decodeCrl(ssl, der);
  if (crl === null) throw new FaultError(fault('pkix', 'revocation-list-malformed', 'local'));
  const added = ssl.X509_STORE_add_crl(store, crl);
  ssl.X509_CRL_free(crl);
  if (added !== 1) throw outOfMemory();
}

function outOfMemory(): FaultError {
  return new FaultError(fault('pkix', 'out-of-memory', 'local'));
}
