/** Finds a path from the certificates that a peer presented to a trust anchor, or says why there is none. */
import type { PathVerdict } from '../../protocol/certificate.ts';
import { FaultError, fault } from '../../protocol/faults.ts';
import { PURPOSE, VERIFY_FLAG, fingerprintOf, scoped, validityOf } from './openssl.ts';
import type { Libcrypto, X509 } from './openssl.ts';
import { ERROR, conditionOf, isProfileError } from './conditions.ts';
import { invalid, refusePath } from './path-checks.ts';
import type { Invalid } from './path-checks.ts';
import type { Trust } from './trust.ts';

/** OpenSSL's level of 112 bits: RSA from 2048 bits, curves from 224, no SHA-1 (RFC 9325 §4.5). */
const AUTH_LEVEL = 2;
/** Most repeated searches that avoid a certificate which spoils the path; each costs a whole search. */
const MAX_DETOURS = 3;

export interface ValidPath {
  readonly kind: 'valid';
  readonly verdict: Extract<PathVerdict, { kind: 'valid' }>;
  /** The latest notBefore of the path, in milliseconds since the epoch. */
  readonly notBeforeMs: number;
}
export type PathOutcome = Invalid | ValidPath;

/** Result of one validation: OpenSSL's error code, the outcome, and the certificate at which it stopped. */
interface Found {
  readonly code: number;
  readonly outcome: PathOutcome;
  readonly stoppedAt: X509 | undefined;
}

/**
 * Validates the presented certificates, leaf first, at time `atMs`.
 *
 * OpenSSL follows one path only. When an intermediate spoils it (of two certificates of one authority, the wrong one
 * was taken), the search runs again without that one; if nothing helps, the first outcome is returned.
 */
export function searchPath(ssl: Libcrypto, trust: Trust, presented: readonly X509[], atMs: number): PathOutcome {
  const first = settle(ssl, trust, presented, atMs);
  let remaining = presented;
  for (let found = first, detours = 0; ; detours += 1) {
    if (found.outcome.kind === 'valid') return found.outcome;
    const spoiler = remaining.indexOf(found.stoppedAt as X509, 1);
    if (spoiler === -1 || detours === MAX_DETOURS) return first.outcome;
    remaining = remaining.toSpliced(spoiler, 1);
    found = settle(ssl, trust, remaining, atMs);
  }
}

/**
 * Validates strictly first. Then it waives revocation status where no list is known, and the issuing profile where the
 * path ends in one of the operator's own anchors.
 */
function settle(ssl: Libcrypto, trust: Trust, presented: readonly X509[], atMs: number): Found {
  const run = (flags: number): Found => verifyAt(ssl, trust, presented, flags, atMs);
  let flags = VERIFY_FLAG.strict | (trust.hasCrls ? VERIFY_FLAG.crlCheck : 0);
  let found = run(flags);
  if (found.code === ERROR.unableToGetCrl) {
    flags &= ~VERIFY_FLAG.crlCheck;
    found = run(flags);
  }
  if (!isProfileError(found.code) || trust.profile === 'all') return found;
  const lenient = run(flags & ~VERIFY_FLAG.strict);
  // A problem beyond the profile is the more useful answer.
  if (lenient.outcome.kind === 'invalid') return lenient;
  return trust.ownAnchors.has(lenient.outcome.verdict.pathSha256.at(-1) ?? '') ? lenient : found;
}

/**
 * RFC 5280 §4.1.2.5 includes the second of notAfter, OpenSSL does not: on expiry, this validates for the second before
 * and checks notAfter itself.
 */
function verifyAt(ssl: Libcrypto, trust: Trust, presented: readonly X509[], flags: number, atMs: number): Found {
  const atSeconds = Math.floor(atMs / 1000);
  const found = verifyOnce(ssl, trust, presented, flags, atSeconds);
  if (found.code !== ERROR.expired) return found;
  const before = verifyOnce(ssl, trust, presented, flags, atSeconds - 1);
  const { outcome } = before;
  const holds = outcome.kind === 'valid' && atSeconds * 1000 <= outcome.verdict.notAfterMs;
  return holds ? before : found;
}

/** One run of X509_verify_cert, and of our own checks on the path that it built. */
function verifyOnce(ssl: Libcrypto, trust: Trust, presented: readonly X509[], flags: number, atSeconds: number): Found {
  return scoped((own) => {
    const [leaf = null, ...others] = presented;
    const untrusted = own(ssl.OPENSSL_sk_new_null(), ssl.OPENSSL_sk_free);
    for (const certificate of others) ssl.OPENSSL_sk_push(untrusted, certificate);
    const ctx = own(ssl.X509_STORE_CTX_new(), ssl.X509_STORE_CTX_free);
    if (leaf === null || ssl.X509_STORE_CTX_init(ctx, trust.store, leaf, untrusted) !== 1)
      throw new FaultError(fault('pkix', 'out-of-memory', 'local'));

    const param = ssl.X509_STORE_CTX_get0_param(ctx);
    ssl.X509_VERIFY_PARAM_set_flags(param, flags | VERIFY_FLAG.trustedFirst | VERIFY_FLAG.partialChain);
    // refusePath checks the server purpose: OpenSSL refuses anyExtendedKeyUsage, and reports purpose before worse
    // errors.
    ssl.X509_VERIFY_PARAM_set_purpose(param, PURPOSE.any);
    ssl.X509_VERIFY_PARAM_set_depth(param, trust.maxIntermediates);
    ssl.X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
    ssl.X509_VERIFY_PARAM_set_time(param, atSeconds);

    const verified = ssl.X509_verify_cert(ctx) === 1;
    // OpenSSL queues errors per thread, and Node reads the same queue.
    ssl.ERR_clear_error();
    const stack = ssl.X509_STORE_CTX_get0_chain(ctx);
    const length = stack === null ? 0 : ssl.OPENSSL_sk_num(stack);
    const path = stack === null ? [] : Array.from({ length }, (_, i) => ssl.OPENSSL_sk_value(stack, i));
    if (verified) {
      const refused = refusePath(ssl, path);
      return {
        code: 0,
        outcome: refused ?? validPath(ssl, path),
        stoppedAt: refused ? path[refused.depth] : undefined,
      };
    }

    const code = ssl.X509_STORE_CTX_get_error(ctx);
    const depth = ssl.X509_STORE_CTX_get_error_depth(ctx);
    const text = ssl.X509_verify_cert_error_string(code);
    return { code, outcome: invalid(conditionOf(code), text, depth), stoppedAt: path[depth] };
  });
}

function validPath(ssl: Libcrypto, path: readonly X509[]): ValidPath {
  const validities = path.map((certificate) => validityOf(ssl, certificate));
  return {
    kind: 'valid',
    verdict: {
      kind: 'valid',
      notAfterMs: Math.min(...validities.map(({ notAfterMs }) => notAfterMs)),
      pathSha256: path.map((certificate) => fingerprintOf(ssl, certificate)),
    },
    notBeforeMs: Math.max(...validities.map(({ notBeforeMs }) => notBeforeMs)),
  };
}
