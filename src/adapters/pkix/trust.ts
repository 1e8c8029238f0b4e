/** Where trust anchors come from: the system's, and the operator's own. */
import { existsSync, readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { FaultError, fault } from '../../protocol/faults.ts';

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
  return [...bundles, ...(extra ? [readBundle(extra)] : [])].flatMap((pem) => derOf(pem, 'CERTIFICATE'));
}

function readBundle(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new FaultError(fault('pkix', 'trust-anchors-unreadable', 'local', path), { cause });
  }
}

/** What stands between the lines `-----BEGIN label-----` and `-----END label-----` (RFC 7468). */
export function derOf(pem: string, label: 'CERTIFICATE' | 'X509 CRL'): Buffer[] {
  const armour = new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]+)-----END ${label}-----`, 'g');
  return [...pem.matchAll(armour)].map(([, body = '']) => Buffer.from(body, 'base64'));
}
