/** Why a GET over HTTPS failed. */
import type { HttpsCondition } from '../../protocol/posh-conditions.ts';

/** Its origin is that of the condition in HTTPS_CONDITIONS; the caller chooses the layer. */
export class HttpsError extends Error {
  override readonly name = 'HttpsError';
  readonly condition: HttpsCondition;

  constructor(condition: HttpsCondition, text: string, options?: ErrorOptions) {
    super(text, options);
    this.condition = condition;
  }
}

/** Node's codes for errors of OpenSSL's path validation; the many others become `web-certificate-invalid`. */
const CERTIFICATE_CONDITIONS: Readonly<Record<string, HttpsCondition>> = {
  CERT_HAS_EXPIRED: 'web-certificate-expired',
  CERT_NOT_YET_VALID: 'web-certificate-not-yet-valid',
  CERT_UNTRUSTED: 'web-certificate-untrusted',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'web-certificate-untrusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'web-certificate-untrusted',
  UNABLE_TO_GET_ISSUER_CERT: 'web-certificate-untrusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'web-certificate-untrusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'web-certificate-untrusted',
};
/** Codes of transport errors: those of Node, of libuv, and of OpenSSL outside of path validation. */
const TRANSPORT_CODE = /^(?:ERR_|E[A-Z]+$)/;

/** The error of a failed TLS handshake. */
export function handshakeError(error: Error): HttpsError {
  if (error instanceof HttpsError) return error;
  const code = codeOf(error);
  const condition = TRANSPORT_CODE.test(code)
    ? 'tls-failed'
    : (CERTIFICATE_CONDITIONS[code] ?? 'web-certificate-invalid');
  return new HttpsError(condition, error.message, { cause: error });
}

/** The error of a failed request or response, from what undici reports. */
export function exchangeError(error: unknown): HttpsError {
  if (error instanceof HttpsError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new HttpsError(exchangeCondition(codeOf(error)), text, { cause: error });
}

function exchangeCondition(code: string): HttpsCondition {
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return 'headers-too-large';
  if (code === 'UND_ERR_SOCKET' || code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') return 'connection-closed';
  if (code.startsWith('ERR_SSL')) return 'tls-failed';
  return TRANSPORT_CODE.test(code) ? 'connection-closed' : 'response-invalid';
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
