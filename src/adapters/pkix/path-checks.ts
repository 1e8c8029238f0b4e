/** Our own checks on certificates and on paths that OpenSSL found: server purpose, names and keys. */
import type { PathVerdict } from '../../protocol/certificate.ts';
import { FaultError } from '../../protocol/faults.ts';
import { EXTENDED_KEY_USAGE, EXTENSION_FLAG, KEY_USAGE, NID, encodeCertificate } from './openssl.ts';
import type { Libcrypto, PublicKey, X509 } from './openssl.ts';
import { readNameConstraints, wrongName } from './name-constraints.ts';

export type Invalid = Extract<PathVerdict, { kind: 'invalid' }>;

export function invalid(condition: string, text: string, depth: number): Invalid {
  return { kind: 'invalid', condition, text, depth };
}

/** Key types of TLS 1.3 (RFC 8446 §4.2.3). DSA is not among them, and is slow enough for denial of service. */
const KEY_TYPES: ReadonlySet<number> = new Set([NID.rsa, NID.rsaPss, NID.ec, NID.ed25519, NID.ed448]);
/** Longest RSA modulus, in bits; a signature of twice the length takes four times as long. */
const MAX_KEY_BITS = 8_192;
/** The uses of a leaf's key in a TLS server, depending on the version (RFC 5246 §7.4.2, RFC 8446 §4.4.2.2). */
const SERVER_KEY_USAGE = KEY_USAGE.digitalSignature | KEY_USAGE.keyEncipherment | KEY_USAGE.keyAgreement;

/** Checked before any signature is verified: bounding the keys bounds what a peer can make us compute. */
export function refuseKey(ssl: Libcrypto, certificate: X509, depth: number): Invalid | null {
  const key = ssl.X509_get0_pubkey(certificate);
  ssl.ERR_clear_error();
  return refusePublicKey(ssl, key, depth);
}

export function refusePublicKey(ssl: Libcrypto, key: PublicKey | null, depth: number): Invalid | null {
  if (key === null || !KEY_TYPES.has(ssl.EVP_PKEY_get_base_id(key)))
    return invalid('unsupported-key', 'the type of the key is none of TLS 1.3', depth);
  if (ssl.EVP_PKEY_get_bits(key) > MAX_KEY_BITS)
    return invalid('unsupported-key', `the key has more than ${MAX_KEY_BITS} bits`, depth);
  return null;
}

/** Leaf first, anchor last. */
export function refusePath(ssl: Libcrypto, path: readonly X509[]): Invalid | null {
  for (const [depth, certificate] of path.entries()) {
    const isAnchor = depth === path.length - 1;
    const refused =
      refuseKey(ssl, certificate, depth) ??
      refuseExtendedKeyUsage(ssl, certificate, depth) ??
      (depth === 0 ? refuseEndEntity(ssl, certificate, isAnchor) : null);
    if (refused !== null) return refused;
  }
  return refuseNames(ssl, path);
}

/** Requires serverAuth, in either direction, when usage is limited (RFC 5280 §4.2.1.12); `any` includes it. */
function refuseExtendedKeyUsage(ssl: Libcrypto, certificate: X509, depth: number): Invalid | null {
  const limited = (ssl.X509_get_extension_flags(certificate) & EXTENSION_FLAG.extendedKeyUsage) !== 0;
  const usage = ssl.X509_get_extended_key_usage(certificate);
  return limited && (usage & (EXTENDED_KEY_USAGE.sslServer | EXTENDED_KEY_USAGE.any)) === 0
    ? invalid('invalid-purpose', 'extendedKeyUsage does not include serverAuth', depth)
    : null;
}

/** RFC 6120 §13.7.1.1. A leaf that is itself an anchor was named by the operator; many tools make those CA:TRUE. */
function refuseEndEntity(ssl: Libcrypto, leaf: X509, isAnchor: boolean): Invalid | null {
  if ((ssl.X509_get_extension_flags(leaf) & EXTENSION_FLAG.ca) !== 0 && !isAnchor)
    return invalid('invalid-purpose', 'the certificate is that of an authority, not of a server', 0);
  if ((ssl.X509_get_key_usage(leaf) & SERVER_KEY_USAGE) === 0)
    return invalid('invalid-purpose', 'keyUsage does not allow TLS', 0);
  return null;
}

/** Name constraints that OpenSSL does not check: on SRVName, xmppAddr, and the names that a wildcard could match. */
function refuseNames(ssl: Libcrypto, [leaf, ...authorities]: readonly X509[]): Invalid | null {
  const isConstrained = (certificate: X509): boolean =>
    ssl.X509_get_ext_by_NID(certificate, NID.nameConstraints, -1) >= 0;
  if (leaf === undefined) return null;
  if (isConstrained(leaf) && authorities.length > 0)
    return invalid('invalid-extension', 'nameConstraints in the certificate of a server', 0);
  const leafDer = authorities.some(isConstrained) ? encodeCertificate(ssl, leaf) : null;
  if (leafDer === null) return null;
  for (const [index, authority] of authorities.entries()) {
    if (!isConstrained(authority)) continue;
    try {
      const name = wrongName(leafDer, readNameConstraints(encodeCertificate(ssl, authority)));
      if (name !== null)
        return invalid('name-constraint-violation', `${name} is outside what the authority may name`, 0);
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      return invalid('name-constraint-unsupported', error.fault.text ?? error.fault.condition, index + 1);
    }
  }
  return null;
}
