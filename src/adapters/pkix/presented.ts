/** The certificates that a peer presented, as OpenSSL objects and as the data that TLSA records can match. */
import { certificateParts } from '../../protocol/certificate-parts.ts';
import { associationsOf } from '../../protocol/tlsa.ts';
import type { Associations } from '../../protocol/tlsa.ts';
import { decodeCertificate } from './openssl.ts';
import type { Libcrypto, Own, X509 } from './openssl.ts';
import { invalid, refuseKey } from './path-checks.ts';
import type { Invalid } from './path-checks.ts';

/** Decodes and owns each certificate and checks its key; or says why the first bad one is refused. */
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

/** Bytes that are not a certificate have no associations, so no record names them. */
export function associationsIn(der: Uint8Array): Associations {
  const parts = certificateParts(der);
  return parts === null ? () => null : associationsOf(parts);
}
