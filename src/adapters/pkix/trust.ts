/** What paths may end in: the system's trust anchors and the operator's own, in one store. */
import { existsSync, readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { FaultError, fault } from '../../protocol/faults.ts';
import { decodeCertificate, decodeCrl, fingerprintOf, scoped } from './openssl.ts';
import type { Libcrypto, X509Store } from './openssl.ts';

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

export interface Trust {
  /** The caller frees it. */
  readonly store: X509Store;
  /** SHA-256 of the operator's own anchors, lower-case hex. */
  readonly ownAnchors: ReadonlySet<string>;
  readonly hasCrls: boolean;
  readonly maxIntermediates: number;
  readonly profile: 'public' | 'all';
}

/**
 * Reads anchors and revocation lists into a store.
 * @throws FaultError `pkix`: `trust-anchors-unreadable`, `trust-anchor-malformed`, `revocation-list-malformed`, all local.
 */
export function loadTrust(ssl: Libcrypto, options: TrustOptions): Trust {
  const anchors = options.anchors.flatMap((pem) => derOf(pem, 'CERTIFICATE', 'trust-anchor-malformed'));
  const system = options.system ? systemAnchors() : [];
  const lists = (options.crls ?? []).flatMap((pem) => derOf(pem, 'X509 CRL', 'revocation-list-malformed'));
  const store = ssl.X509_STORE_new();
  if (store === null) throw local('out-of-memory');
  try {
    const ownAnchors = new Set(anchors.map((der) => addAnchor(ssl, store, der)));
    for (const der of new Map(system.map((der) => [der.toString('latin1'), der])).values()) addAnchor(ssl, store, der);
    for (const der of lists) addCrl(ssl, store, der);
    const { maxIntermediates = 8, profile = 'public' } = options;
    return { store, ownAnchors, hasCrls: lists.length > 0, maxIntermediates, profile };
  } catch (error) {
    ssl.X509_STORE_free(store);
    throw error;
  }
}

/** Adds an anchor (the store keeps its own reference) and tells its fingerprint. */
function addAnchor(ssl: Libcrypto, store: X509Store, der: Buffer): string {
  const decoded = decodeCertificate(ssl, der);
  if (decoded === null) throw local('trust-anchor-malformed');
  return scoped((own) => {
    const certificate = own(decoded, ssl.X509_free);
    if (ssl.X509_STORE_add_cert(store, certificate) !== 1) throw local('out-of-memory');
    return fingerprintOf(ssl, certificate);
  });
}

function addCrl(ssl: Libcrypto, store: X509Store, der: Buffer): void {
  const decoded = decodeCrl(ssl, der);
  if (decoded === null) throw local('revocation-list-malformed');
  scoped((own) => {
    if (ssl.X509_STORE_add_crl(store, own(decoded, ssl.X509_CRL_free)) !== 1) throw local('out-of-memory');
  });
}

/** The bundle of Debian, Ubuntu, Alpine, Arch and Gentoo; elsewhere, the roots compiled into Node are the system's. */
const SYSTEM_BUNDLE = '/etc/ssl/certs/ca-certificates.crt';

/**
 * The system's trust anchors, DER. `SSL_CERT_FILE` replaces them, as it does for OpenSSL; `NODE_EXTRA_CA_CERTS` adds to
 * them, as it does for Node.
 * @throws FaultError `pkix`: `trust-anchors-unreadable`, local, when a file that was named cannot be read.
 */
export function systemAnchors(env: NodeJS.ProcessEnv = process.env): Buffer[] {
  const named = env['SSL_CERT_FILE'];
  const bundles = named
    ? [readBundle(named)]
    : [...rootCertificates, ...(existsSync(SYSTEM_BUNDLE) ? [readBundle(SYSTEM_BUNDLE)] : [])];
  const extra = env['NODE_EXTRA_CA_CERTS'];
  return [...bundles, ...(extra ? [readBundle(extra)] : [])].flatMap((pem) =>
    derOf(pem, 'CERTIFICATE', 'trust-anchor-malformed'),
  );
}

function readBundle(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw local('trust-anchors-unreadable', path, { cause });
  }
}

/**
 * What stands between the lines `-----BEGIN label-----` and `-----END label-----` (RFC 7468).
 * @throws FaultError `pkix`: `condition`, local, when nothing does.
 */
export function derOf(pem: string, label: 'CERTIFICATE' | 'X509 CRL', condition = 'malformed'): Buffer[] {
  const armour = new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]+)-----END ${label}-----`, 'g');
  const ders = [...pem.matchAll(armour)].map(([, body = '']) => Buffer.from(body, 'base64'));
  if (ders.length === 0) throw local(condition, `no ${label} in this text`);
  return ders;
}

function local(condition: string, text?: string, options?: ErrorOptions): FaultError {
  return new FaultError(fault('pkix', condition, 'local', text), options);
}
