/**
 * Condition names for OpenSSL's verification errors. The text of a verdict is OpenSSL's own; programs and policies use
 * the condition.
 */

/** X509_V_ERR_* of <openssl/x509_vfy.h>. */
const CONDITIONS: Readonly<Record<number, string>> = {
  2: 'unknown-issuer',
  3: 'revocation-unknown',
  4: 'bad-signature',
  5: 'revocation-list-invalid',
  6: 'malformed',
  7: 'bad-signature',
  8: 'revocation-list-invalid',
  9: 'certificate-not-yet-valid',
  10: 'certificate-expired',
  11: 'revocation-list-not-yet-valid',
  12: 'revocation-list-expired',
  13: 'malformed',
  14: 'malformed',
  15: 'revocation-list-invalid',
  16: 'revocation-list-invalid',
  17: 'out-of-memory',
  18: 'self-signed',
  19: 'untrusted-root',
  20: 'unknown-issuer',
  21: 'unknown-issuer',
  22: 'path-too-long',
  23: 'revoked',
  24: 'malformed',
  25: 'path-length-exceeded',
  26: 'invalid-purpose',
  27: 'untrusted-root',
  28: 'untrusted-root',
  29: 'unknown-issuer',
  30: 'unknown-issuer',
  31: 'unknown-issuer',
  32: 'invalid-ca',
  33: 'revocation-unknown',
  34: 'unhandled-critical-extension',
  35: 'revocation-list-invalid',
  36: 'revocation-list-invalid',
  37: 'invalid-purpose',
  38: 'path-length-exceeded',
  39: 'invalid-purpose',
  40: 'proxy-certificate',
  41: 'invalid-extension',
  42: 'invalid-policy',
  43: 'invalid-policy',
  44: 'revocation-unknown',
  45: 'revocation-unknown',
  47: 'name-constraint-violation',
  48: 'name-constraint-violation',
  49: 'name-constraint-unsupported',
  51: 'name-constraint-unsupported',
  52: 'name-constraint-unsupported',
  53: 'name-constraint-unsupported',
  54: 'revocation-unknown',
  55: 'path-loop',
  66: 'weak-key',
  67: 'weak-key',
  68: 'weak-signature',
  72: 'proxy-certificate',
  76: 'bad-signature',
  77: 'bad-signature',
  78: 'bad-signature',
  79: 'invalid-ca',
  94: 'weak-key',
};

/**
 * Rules that RFC 5280 §4.2 sets for issuing certificates and that path validation (§6) does not require: key
 * identifiers, criticality, keyUsage in authorities, non-empty names.
 */
const PROFILE_ERRORS: ReadonlySet<number> = new Set([80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93]);

/** Codes after which validation is tried again. */
export const ERROR = { unableToGetCrl: 3, expired: 10 } as const;

/** The condition of an X509_V_ERR code. */
export function conditionOf(code: number): string {
  return CONDITIONS[code] ?? (PROFILE_ERRORS.has(code) ? 'profile-violation' : 'path-invalid');
}

export function isProfileError(code: number): boolean {
  return PROFILE_ERRORS.has(code);
}
