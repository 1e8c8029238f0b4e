/** The anchors in which paths may end: those of the system and the operator's own, in one store. */
import { existsSync, readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { FaultError, fault } from '../../protocol/faults.ts';
import { decodeCertificate, decodeCrl, fingerprintOf } from './openssl.ts';
import type { Libcrypto, X509, X509Crl, X509Store } from './openssl.ts';

export interface TrustOptions {
  /** Trust what the system trusts: its bundle and Node's roots, or the file in `SSL_CERT_FILE`. */
  readonly system: boolean;
  /** The operator's own anchors, PEM bundles. A certificate listed here is trusted, whether or not it is a root. */
  readonly anchors: readonly string[];
  /** Revocation lists, PEM bundles. Certificates of an authority without a list are accepted. @defaultValue none */
  readonly crls?: readonly string[];
  /** Most certificates between leaf and anchor. @defaultValue 8 */
  readonly maxIntermediates?: number;
  /**
   * Which paths must follow the profile of RFC 5280 §4.2 (key identifiers, criticality, keyUsage): `public` waives it
   * for those that end in the operator's own anchors, whose authorities are often made by hand. @defaultValue 'public'
   */
  readonly profile?: 'public' | 'all';
}

/** The basis of a path search. */
export interface Trust {
  readonly store: X509Store;
  /** SHA-256 of the anchors that are exempt from the issuing profile, lower-case hex. */
  readonly ownAnchors: ReadonlySet<string>;
  readonly hasCrls: boolean;
  readonly maxIntermediates: number;
  readonly profile: 'public' | 'all';
}

/** The trust of a validator, with the objects that it consists of. */
export interface LoadedTrust extends Trust {
  /** By SHA-256, lower-case hex. */
  readonly anchors: ReadonlyMap<string, X509>;
  readonly crls: readonly X509Crl[];
  /** Frees all of it. */
  close(): void;
}

/**
 * Reads anchors and revocation lists into a store. The caller must close the result.
 * @throws FaultError `pkix`: `trust-anchors-unreadable`, `trust-anchor-malformed`, `revocation-list-malformed`, all
 * local.
 */
export function loadTrust(ssl: Libcrypto, options: TrustOptions): LoadedTrust {
  const own = options.anchors.flatMap((pem) => derOf(pem, 'CERTIFICATE', 'trust-anchor-malformed'));
  const system = options.system ? systemAnchors() : [];
  const lists = (options.crls ?? []).flatMap((pem) => derOf(pem, 'X509 CRL', 'revocation-list-malformed'));
  const anchors = new Map<string, X509>();
  const crls: X509Crl[] = [];
  const stores: X509Store[] = [];
  const close = (): void => {
    for (const store of stores) ssl.X509_STORE_free(store);
    for (const crl of crls) ssl.X509_CRL_free(crl);
    for (const certificate of anchors.values()) ssl.X509_free(certificate);
  };
  try {
    const ownAnchors = new Set(own.map((der) => loadAnchor(ssl, anchors, der)));
    for (const der of new Map(system.map((der) => [der.toString('latin1'), der])).values())
      loadAnchor(ssl, anchors, der);
    for (const der of lists) crls.push(decodeCrl(ssl, der) ?? refuse('revocation-list-malformed'));
    const store = makeStore(ssl, anchors.values(), crls);
    stores.push(store);
    const { maxIntermediates = 8, profile = 'public' } = options;
    return { store, ownAnchors, hasCrls: crls.length > 0, maxIntermediates, profile, anchors, crls, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Adds an anchor to `anchors`, unless it is there already, and returns its fingerprint. */
function loadAnchor(ssl: Libcrypto, anchors: Map<string, X509>, der: Buffer): string {
  const certificate = decodeCertificate(ssl, der) ?? refuse('trust-anchor-malformed');
  const sha256 = fingerprintOf(ssl, certificate);
  if (anchors.has(sha256)) ssl.X509_free(certificate);
  else anchors.set(sha256, certificate);
  return sha256;
}

/** A store, which keeps its own references. The caller must free it. */
export function makeStore(ssl: Libcrypto, anchors: Iterable<X509>, crls: Iterable<X509Crl>): X509Store {
  const store = ssl.X509_STORE_new() ?? refuse('out-of-memory');
  let added = true;
  for (const anchor of anchors) added &&= ssl.X509_STORE_add_cert(store, anchor) === 1;
  for (const crl of crls) added &&= ssl.X509_STORE_add_crl(store, crl) === 1;
  if (added) return store;
  ssl.X509_STORE_free(store);
  return refuse('out-of-memory');
}

function refuse(condition: string): never {
  throw local(condition);
}

/** The bundle of Debian, Ubuntu, Alpine, Arch and Gentoo; elsewhere only the roots compiled into Node are used. */
const SYSTEM_BUNDLE = '/etc/ssl/certs/ca-certificates.crt';

/**
 * The system's trust anchors, DER. `SSL_CERT_FILE` replaces them, as it does for OpenSSL; `NODE_EXTRA_CA_CERTS` adds to
 * them, as it does for Node.
 * @throws FaultError `pkix`: `trust-anchors-unreadable`, local, when a named file cannot be read.
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
 * The DER of each block between the lines `-----BEGIN label-----` and `-----END label-----` (RFC 7468).
 * @throws FaultError `pkix`: `condition`, local, when there is none.
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
