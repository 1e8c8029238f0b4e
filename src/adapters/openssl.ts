/**
 * The few functions of OpenSSL's libcrypto that path validation needs, from the copy inside the Node binary.
 *
 * A thin binding: C names, C semantics. Every pointer made here is freed by a {@link scoped} block or by its owner.
 */
import koffi from 'koffi';
import { FaultError, fault, toFault } from '../protocol/faults.ts';

declare const kind: unique symbol;
/** A pointer that C gave us; its kind keeps a store from being taken for a certificate. */
export type Pointer<Kind extends string> = bigint & { readonly [kind]: Kind };
export type X509 = Pointer<'X509'>;
export type X509Crl = Pointer<'X509_CRL'>;
export type X509Store = Pointer<'X509_STORE'>;
type StoreCtx = Pointer<'X509_STORE_CTX'>;
type VerifyParam = Pointer<'X509_VERIFY_PARAM'>;
type Stack = Pointer<'STACK_OF(X509)'>;
type Bio = Pointer<'BIO'>;
type Time = Pointer<'ASN1_TIME'>;
type Digest = Pointer<'EVP_MD'>;

/** Constants of <openssl/x509_vfy.h> and <openssl/x509v3.h>; they are part of the ABI and do not change. */
export const FLAG = { crlCheck: 0x4, strict: 0x20, trustedFirst: 0x8000, partialChain: 0x80000 } as const;
export const PURPOSE = { sslServer: 2, any: 7 } as const;
export const EXTENSION_FLAG = { ca: 0x10, extendedKeyUsage: 0x4 } as const;
export const EXTENDED_KEY_USAGE = { sslServer: 0x1, any: 0x100 } as const;
export const KEY_USAGE = { digitalSignature: 0x80, keyEncipherment: 0x20, keyAgreement: 0x08 } as const;
export const NID_NAME_CONSTRAINTS = 666;

export type OpenSsl = ReturnType<typeof bindOpenSsl>;

let bound: OpenSsl | undefined;

/**
 * The binding, made once per process.
 * @throws FaultError `pkix`: `openssl-unavailable`, local, when this Node binary does not export a function.
 */
export function loadOpenSsl(): OpenSsl {
  try {
    return (bound ??= bindOpenSsl());
  } catch (cause) {
    throw new FaultError(fault('pkix', 'openssl-unavailable', 'local', toFault(cause, 'pkix').text), { cause });
  }
}

function bindOpenSsl() {
  const libcrypto = koffi.load(null);
  // The one place where C signatures become types: what is written on each line below must agree with itself.
  const bind = <Signature extends (...args: never[]) => unknown>(name: string, result: string, args: string[]) =>
    libcrypto.func(name, result, args) as unknown as Signature;

  const memoryBio = bind<() => Pointer<'BIO_METHOD'>>('BIO_s_mem', 'void *', [])();
  const bioNew = bind<(method: Pointer<'BIO_METHOD'>) => Bio | null>('BIO_new', 'void *', ['void *']);
  const bioWrite = bind<(bio: Bio, data: Uint8Array, length: number) => number>('BIO_write', 'int', [
    'void *',
    'const uint8_t *',
    'int',
  ]);
  const bioPending = bind<(bio: Bio) => number>('BIO_ctrl_pending', 'size_t', ['void *']);
  const bioFree = bind<(bio: Bio) => number>('BIO_free', 'int', ['void *']);
  const bioRead = bind<(bio: Bio, into: Uint8Array, length: number) => number>('BIO_read', 'int', [
    'void *',
    '_Out_ uint8_t *',
    'int',
  ]);
  const clearErrors = bind<() => void>('ERR_clear_error', 'void', []);

  const d2iX509 = bind<(bio: Bio, out: null) => X509 | null>('d2i_X509_bio', 'void *', ['void *', 'void *']);
  const i2dX509 = bind<(bio: Bio, certificate: X509) => number>('i2d_X509_bio', 'int', ['void *', 'void *']);
  const d2iCrl = bind<(bio: Bio, out: null) => X509Crl | null>('d2i_X509_CRL_bio', 'void *', ['void *', 'void *']);

  /** Through a memory BIO, so that no pointer into a JavaScript buffer outlives one call. */
  const decode = <T>(der: Uint8Array, read: (bio: Bio, out: null) => T | null, free: (value: T) => void): T | null =>
    scoped((own) => {
      const bio = own(bioNew(memoryBio), bioFree);
      bioWrite(bio, der, der.length);
      const value = read(bio, null);
      // Errors are per thread and Node reads the same queue: leave nothing there for an unrelated call to find.
      clearErrors();
      if (value !== null && bioPending(bio) > 0) {
        free(value);
        return null;
      }
      return value;
    });

  const x509Free = bind<(certificate: X509) => void>('X509_free', 'void', ['void *']);
  const crlFree = bind<(crl: X509Crl) => void>('X509_CRL_free', 'void', ['void *']);
  const sha256 = bind<() => Digest>('EVP_sha256', 'void *', [])();
  const x509Digest = bind<(c: X509, digest: Digest, out: Uint8Array, length: null) => number>('X509_digest', 'int', [
    'void *',
    'void *',
    '_Out_ uint8_t *',
    'void *',
  ]);
  const notBefore = bind<(certificate: X509) => Time>('X509_get0_notBefore', 'void *', ['void *']);
  const notAfter = bind<(certificate: X509) => Time>('X509_get0_notAfter', 'void *', ['void *']);
  const timeToTm = bind<(time: Time, tm: Uint8Array) => number>('ASN1_TIME_to_tm', 'int', [
    'void *',
    '_Out_ uint8_t *',
  ]);

  const milliseconds = (time: Time): number => {
    const tm = Buffer.alloc(64); // struct tm: second, minute, hour, day, month from 0, years from 1900
    if (timeToTm(time, tm) !== 1) return Number.NaN;
    const [second, minute, hour, day, month, year] = [0, 4, 8, 12, 16, 20].map((offset) => tm.readInt32LE(offset));
    return Date.UTC((year ?? 0) + 1900, month, day, hour, minute, second);
  };

  return {
    clearErrors,
    decodeCertificate: (der: Uint8Array): X509 | null => decode(der, d2iX509, x509Free),
    decodeCrl: (der: Uint8Array): X509Crl | null => decode(der, d2iCrl, crlFree),
    encodeCertificate: (certificate: X509): Buffer =>
      scoped((own) => {
        const bio = own(bioNew(memoryBio), bioFree);
        i2dX509(bio, certificate);
        const der = Buffer.alloc(bioPending(bio));
        bioRead(bio, der, der.length);
        return der;
      }),
    sha256: (certificate: X509): string => {
      const out = Buffer.alloc(32);
      x509Digest(certificate, sha256, out, null);
      return out.toString('hex');
    },
    notBeforeMs: (certificate: X509): number => milliseconds(notBefore(certificate)),
    notAfterMs: (certificate: X509): number => milliseconds(notAfter(certificate)),
    X509_free: x509Free,
    X509_CRL_free: crlFree,
    X509_check_ca: bind<(certificate: X509) => number>('X509_check_ca', 'int', ['void *']),
    X509_get_extension_flags: bind<(c: X509) => number>('X509_get_extension_flags', 'uint32_t', ['void *']),
    X509_get_extended_key_usage: bind<(c: X509) => number>('X509_get_extended_key_usage', 'uint32_t', ['void *']),
    /** 0xffffffff when the certificate has no such extension. */
    X509_get_key_usage: bind<(c: X509) => number>('X509_get_key_usage', 'uint32_t', ['void *']),
    X509_get_ext_by_NID: bind<(c: X509, nid: number, after: number) => number>('X509_get_ext_by_NID', 'int', [
      'void *',
      'int',
      'int',
    ]),
    X509_STORE_new: bind<() => X509Store | null>('X509_STORE_new', 'void *', []),
    X509_STORE_free: bind<(store: X509Store) => void>('X509_STORE_free', 'void', ['void *']),
    X509_STORE_add_cert: bind<(s: X509Store, c: X509) => number>('X509_STORE_add_cert', 'int', ['void *', 'void *']),
    X509_STORE_add_crl: bind<(s: X509Store, c: X509Crl) => number>('X509_STORE_add_crl', 'int', ['void *', 'void *']),
    X509_STORE_CTX_new: bind<() => StoreCtx | null>('X509_STORE_CTX_new', 'void *', []),
    X509_STORE_CTX_free: bind<(ctx: StoreCtx) => void>('X509_STORE_CTX_free', 'void', ['void *']),
    X509_STORE_CTX_init: bind<(ctx: StoreCtx, store: X509Store, leaf: X509, untrusted: Stack) => number>(
      'X509_STORE_CTX_init',
      'int',
      ['void *', 'void *', 'void *', 'void *'],
    ),
    X509_STORE_CTX_get0_param: bind<(ctx: StoreCtx) => VerifyParam>('X509_STORE_CTX_get0_param', 'void *', ['void *']),
    X509_STORE_CTX_get_error: bind<(ctx: StoreCtx) => number>('X509_STORE_CTX_get_error', 'int', ['void *']),
    X509_STORE_CTX_get_error_depth: bind<(c: StoreCtx) => number>('X509_STORE_CTX_get_error_depth', 'int', ['void *']),
    X509_STORE_CTX_get0_chain: bind<(ctx: StoreCtx) => Stack | null>('X509_STORE_CTX_get0_chain', 'void *', ['void *']),
    X509_VERIFY_PARAM_set_flags: bind<(p: VerifyParam, flags: number) => number>('X509_VERIFY_PARAM_set_flags', 'int', [
      'void *',
      'unsigned long',
    ]),
    X509_VERIFY_PARAM_set_purpose: bind<(p: VerifyParam, purpose: number) => number>(
      'X509_VERIFY_PARAM_set_purpose',
      'int',
      ['void *', 'int'],
    ),
    X509_VERIFY_PARAM_set_depth: bind<(p: VerifyParam, depth: number) => void>('X509_VERIFY_PARAM_set_depth', 'void', [
      'void *',
      'int',
    ]),
    X509_VERIFY_PARAM_set_auth_level: bind<(p: VerifyParam, level: number) => void>(
      'X509_VERIFY_PARAM_set_auth_level',
      'void',
      ['void *', 'int'],
    ),
    X509_VERIFY_PARAM_set_time: bind<(p: VerifyParam, seconds: number) => void>('X509_VERIFY_PARAM_set_time', 'void', [
      'void *',
      'int64_t',
    ]),
    X509_verify_cert: bind<(ctx: StoreCtx) => number>('X509_verify_cert', 'int', ['void *']),
    X509_verify_cert_error_string: bind<(code: number) => string>('X509_verify_cert_error_string', 'const char *', [
      'long',
    ]),
    OPENSSL_sk_new_null: bind<() => Stack | null>('OPENSSL_sk_new_null', 'void *', []),
    OPENSSL_sk_push: bind<(stack: Stack, value: X509) => number>('OPENSSL_sk_push', 'int', ['void *', 'void *']),
    OPENSSL_sk_num: bind<(stack: Stack) => number>('OPENSSL_sk_num', 'int', ['void *']),
    OPENSSL_sk_value: bind<(stack: Stack, index: number) => X509>('OPENSSL_sk_value', 'void *', ['void *', 'int']),
    /** Frees the list, not what it lists. */
    OPENSSL_sk_free: bind<(stack: Stack) => void>('OPENSSL_sk_free', 'void', ['void *']),
  };
}

/** Takes charge of a pointer: it is freed when the scope ends, however it ends. */
export type Own = <P>(pointer: P | null, free: (pointer: P) => unknown) => P;

/** Runs `body` and frees what it owns, last first. */
export function scoped<Result>(body: (own: Own) => Result): Result {
  const frees: (() => unknown)[] = [];
  try {
    return body((pointer, free) => {
      if (pointer === null) throw new FaultError(fault('pkix', 'out-of-memory', 'local'));
      frees.push(() => free(pointer));
      return pointer;
    });
  } finally {
    for (const free of frees.reverse()) free();
  }
}
