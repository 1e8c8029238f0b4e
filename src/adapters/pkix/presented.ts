/** The certificates that a peer presented, as OpenSSL's, and as what TLSA records can say of them. */
import { certificateParts } from '../../protocol/certificate-parts.ts';
import { associationsOf } from '../../protocol/tlsa.ts';
import type { Associations } from '../../protocol/tlsa.ts';
import { decodeCertificate } from './openssl.ts';
import type { Libcrypto, Own, X509 } from './openssl.ts';
import { invalid, refuseKey } from './path-checks.ts';
import type { Invalid } from './path-checks.ts';

/** Each certificate decoded and owned, its key one that we compute with; else the first that is not so. */
export function decodeChain(ssl: Libcrypto, chain: readonly Uint8Array[], own: Own): X509[] | Invalid {
  const presented: X509[] = [];
  for (const [depth, der] of chain.entries()) {
    const certificate = decodeCertificate(ssl, der);
    if (certificate === null) return invalid('malformed', 'this is not a certificate', depth);
    presented.push(own(certificate, ssl.X509_free));
    const refused = refuseKey(ssl, certificate, depth);
    if (refused !== null) return refused;
  }
  return presented;
}

/** What is not a certificate has none, and no record names it. */
export function associationsIn(der: Uint8Array): Associations {
  const parts = certificateParts(der);
  return parts === null ? () => null : associationsOf(parts);
}
