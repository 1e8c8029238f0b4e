/** The signature schemes that statements may use: closed lists, without SHA-1, and without unsigned statements. */
import { constants, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { dnaFailure } from '../../protocol/dna-conditions.ts';

export interface SignatureScheme {
  /** Its name in the format. */
  readonly name: string;
  readonly keyType: 'rsa' | 'ec' | 'ed25519';
  /** OpenSSL's name of the curve; absent when any of the curves below will do. */
  readonly curve?: string;
  /** Null when the algorithm has a hash of its own. */
  readonly hash: 'sha256' | 'sha384' | 'sha512' | null;
  readonly padding?: 'pss';
  /** For ECDSA: a SEQUENCE of two numbers (RFC 5480), or the two concatenated (RFC 7518 §3.4). */
  readonly dsaEncoding?: 'der' | 'ieee-p1363';
}

/** P-256 and P-384. */
const CURVES: readonly (string | undefined)[] = ['prime256v1', 'secp384r1'];
const MIN_RSA_BITS = 2_048;
/** As in path validation: a signature of twice the length takes four times as long, and strangers choose the keys. */
const MAX_RSA_BITS = 8_192;

/** Schemes of attribute certificates by the DER of the AlgorithmIdentifier, in hex (RFC 5754 §3, RFC 8410 §3). */
export const ATTRIBUTE_CERTIFICATE_SCHEMES: Readonly<Record<string, SignatureScheme>> = {
  '300d06092a864886f70d01010b0500': { name: 'sha256WithRSAEncryption', keyType: 'rsa', hash: 'sha256' },
  '300d06092a864886f70d01010c0500': { name: 'sha384WithRSAEncryption', keyType: 'rsa', hash: 'sha384' },
  '300d06092a864886f70d01010d0500': { name: 'sha512WithRSAEncryption', keyType: 'rsa', hash: 'sha512' },
  '300a06082a8648ce3d040302': { name: 'ecdsa-with-SHA256', keyType: 'ec', hash: 'sha256' },
  '300a06082a8648ce3d040303': { name: 'ecdsa-with-SHA384', keyType: 'ec', hash: 'sha384' },
  '300a06082a8648ce3d040304': { name: 'ecdsa-with-SHA512', keyType: 'ec', hash: 'sha512' },
  '300506032b6570': { name: 'Ed25519', keyType: 'ed25519', hash: null },
};

/** Schemes of XML assertions by their JOSE names (RFC 7518 §3.1, RFC 8037 §3.1). */
export const XML_ASSERTION_SCHEMES: Readonly<Record<string, SignatureScheme>> = Object.fromEntries(
  (
    [
      { name: 'PS256', keyType: 'rsa', hash: 'sha256', padding: 'pss' },
      { name: 'ES256', keyType: 'ec', curve: 'prime256v1', hash: 'sha256', dsaEncoding: 'ieee-p1363' },
      { name: 'ES384', keyType: 'ec', curve: 'secp384r1', hash: 'sha384', dsaEncoding: 'ieee-p1363' },
      { name: 'EdDSA', keyType: 'ed25519', hash: null },
    ] as const satisfies SignatureScheme[]
  ).map((scheme) => [scheme.name, scheme]),
);

/** Whether a key can be used with `scheme`. */
function fits(scheme: SignatureScheme, key: KeyObject): boolean {
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType !== scheme.keyType) return false;
  if (scheme.keyType === 'rsa') return modulusLength >= MIN_RSA_BITS && modulusLength <= MAX_RSA_BITS;
  if (scheme.keyType === 'ec')
    return scheme.curve === undefined ? CURVES.includes(namedCurve) : scheme.curve === namedCurve;
  return true;
}

const withOptions = (key: KeyObject, { padding, dsaEncoding }: SignatureScheme) => ({
  key,
  ...(padding === undefined
    ? {}
    : { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }),
  ...(dsaEncoding === undefined ? {} : { dsaEncoding }),
});

/**
 * The scheme with this `name` in a format.
 * @throws FaultError `dna`: `algorithm-unsupported` when there is none, or when it is for other keys than this.
 */
export function schemeNamed(
  schemes: Readonly<Record<string, SignatureScheme>>,
  name: string,
  key: KeyObject,
): SignatureScheme {
  const scheme = Object.hasOwn(schemes, name) ? schemes[name] : undefined;
  if (scheme === undefined) throw dnaFailure('algorithm-unsupported', `the signature algorithm "${name}"`);
  if (!fits(scheme, key))
    throw dnaFailure('algorithm-unsupported', `${scheme.name} with the key of the signer, ${describeKey(key)}`);
  return scheme;
}

/** The first scheme that fits a key (for P-384, with SHA-384) and its identifier in the format; null when none does. */
export function schemeFor(
  schemes: Readonly<Record<string, SignatureScheme>>,
  key: KeyObject,
): { readonly id: string; readonly scheme: SignatureScheme } | null {
  const p384 = key.asymmetricKeyDetails?.namedCurve === 'secp384r1';
  const fitting = Object.entries(schemes).filter(([, scheme]) => fits(scheme, key));
  const [id, scheme] = fitting.find(([, { hash }]) => !p384 || hash === 'sha384') ?? [];
  return id === undefined || scheme === undefined ? null : { id, scheme };
}

/** @throws FaultError `dna`: `signature-invalid`. */
export function requireSignature(
  scheme: SignatureScheme,
  data: Uint8Array,
  key: KeyObject,
  signature: Uint8Array,
): void {
  let good = false;
  try {
    good = verify(scheme.hash, data, withOptions(key, scheme), signature);
  } catch {
    // OpenSSL throws errors of its own for malformed signatures.
  }
  if (!good) throw dnaFailure('signature-invalid', 'it is not one of the key of the signer over this statement');
}

export function signed(scheme: SignatureScheme, data: Uint8Array, privateKey: KeyObject): Buffer {
  return sign(scheme.hash, data, withOptions(privateKey, scheme));
}

/** `rsa 1024`, `ec secp521r1`. */
export function describeKey(key: KeyObject): string {
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  return [key.asymmetricKeyType, namedCurve ?? modulusLength].filter((part) => part !== undefined).join(' ');
}

/** The public half of a key. */
export const publicHalf = (key: KeyObject): KeyObject => (key.type === 'public' ? key : createPublicKey(key));
