/**
 * The few functions of OpenSSL's libcrypto that path validation needs, from the copy inside the Node binary.
 *
 * A thin binding: C names, C semantics. Every object created here is freed by a {@link scoped} block or by its owner.
 */
import koffi from 'koffi';
import { FaultError, fault, toFault } from '../../protocol/faults.ts';

declare const kind: unique symbol;
/** A pointer returned by C; its kind prevents a store from being used as a certificate. */
export type Pointer<Kind extends string> = bigint & { readonly [kind]: Kind };
export type X509 = Pointer<'X509'>;
export type X509Crl = Pointer<'X509_CRL'>;
export type X509Store = Pointer<'X509_STORE'>;
type StoreCtx = Pointer<'X509_STORE_CTX'>;
type VerifyParam = Pointer<'X509_VERIFY_PARAM'>;
type Stack = Pointer<'STACK_OF(X509)'>;
type Bio = Pointer<'BIO'>;
type BioMethod = Pointer<'BIO_METHOD'>;
type Digest = Pointer<'EVP_MD'>;
type Asn1Time = Pointer<'ASN1_TIME'>;
export type PublicKey = Pointer<'EVP_PKEY'>;

/** Constants of <openssl/x509_vfy.h> and <openssl/x509v3.h>; they belong to the ABI and do not change. */
export const VERIFY_FLAG = { crlCheck: 0x4, strict: 0x20, trustedFirst: 0x8000, partialChain: 0x80000 } as const;
export const PURPOSE = { sslServer: 2, any: 7 } as const;
export const EXTENSION_FLAG = { ca: 0x10, extendedKeyUsage: 0x4, selfIssued: 0x20 } as const;
export const EXTENDED_KEY_USAGE = { sslServer: 0x1, any: 0x100 } as const;
export const KEY_USAGE = { digitalSignature: 0x80, keyEncipherment: 0x20, keyAgreement: 0x08 } as const;
/** NID_*: OpenSSL's numbers of key types and extensions. */
export const NID = { rsa: 6, ec: 408, nameConstraints: 666, rsaPss: 912, ed25519: 1087, ed448: 1088 } as const;

export interface Libcrypto {
  readonly BIO_s_mem: () => BioMethod;
  readonly BIO_new: (method: BioMethod) => Bio | null;
  readonly BIO_free: (bio: Bio) => number;
  readonly BIO_read: (bio: Bio, into: Uint8Array, length: number) => number;
  readonly BIO_write: (bio: Bio, from: Uint8Array, length: number) => number;
  readonly BIO_ctrl_pending: (bio: Bio) => number;
  readonly ERR_clear_error: () => void;
  readonly ERR_peek_error: () => number;
  readonly EVP_sha256: () => Digest;
  readonly ASN1_TIME_to_tm: (time: Asn1Time, tm: Uint8Array) => number;

  readonly d2i_X509_bio: (bio: Bio, out: null) => X509 | null;
  readonly i2d_X509_bio: (bio: Bio, certificate: X509) => number;
  readonly d2i_X509_CRL_bio: (bio: Bio, out: null) => X509Crl | null;
  readonly X509_free: (certificate: X509) => void;
  readonly X509_CRL_free: (crl: X509Crl) => void;
  readonly X509_digest: (certificate: X509, digest: Digest, out: Uint8Array, length: null) => number;
  readonly X509_get0_notBefore: (certificate: X509) => Asn1Time;
  readonly X509_get0_notAfter: (certificate: X509) => Asn1Time;
  readonly X509_get_extension_flags: (certificate: X509) => number;
  readonly X509_get_extended_key_usage: (certificate: X509) => number;
  /** All bits set when the certificate has no such extension. */
  readonly X509_get_key_usage: (certificate: X509) => number;
  readonly X509_get_ext_by_NID: (certificate: X509, nid: number, after: number) => number;
  readonly X509_get0_pubkey: (certificate: X509) => PublicKey | null;
  readonly EVP_PKEY_get_base_id: (key: PublicKey) => number;
  readonly EVP_PKEY_get_bits: (key: PublicKey) => number;
  readonly EVP_PKEY_get_security_bits: (key: PublicKey) => number;
  readonly EVP_PKEY_free: (key: PublicKey) => void;
  readonly d2i_PUBKEY_bio: (bio: Bio, out: null) => PublicKey | null;
  /** Checks only the signature: no dates, no names. */
  readonly X509_verify: (certificate: X509, key: PublicKey) => number;
  readonly X509_get_signature_info: (
    certificate: X509,
    digestNid: null,
    keyNid: null,
    securityBits: Int32Array,
    flags: null,
  ) => number;

  readonly X509_STORE_new: () => X509Store | null;
  readonly X509_STORE_free: (store: X509Store) => void;
  readonly X509_STORE_add_cert: (store: X509Store, certificate: X509) => number;
  readonly X509_STORE_add_crl: (store: X509Store, crl: X509Crl) => number;
  readonly X509_STORE_CTX_new: () => StoreCtx | null;
  readonly X509_STORE_CTX_free: (ctx: StoreCtx) => void;
  readonly X509_STORE_CTX_init: (ctx: StoreCtx, store: X509Store, leaf: X509, untrusted: Stack) => number;
  readonly X509_STORE_CTX_get0_param: (ctx: StoreCtx) => VerifyParam;
  readonly X509_STORE_CTX_get0_chain: (ctx: StoreCtx) => Stack | null;
  readonly X509_STORE_CTX_get_error: (ctx: StoreCtx) => number;
  readonly X509_STORE_CTX_get_error_depth: (ctx: StoreCtx) => number;
  readonly X509_VERIFY_PARAM_set_flags: (param: VerifyParam, flags: number) => number;
  readonly X509_VERIFY_PARAM_set_purpose: (param: VerifyParam, purpose: number) => number;
  readonly X509_VERIFY_PARAM_set_depth: (param: VerifyParam, depth: number) => void;
  readonly X509_VERIFY_PARAM_set_auth_level: (param: VerifyParam, level: number) => void;
  readonly X509_VERIFY_PARAM_set_time: (param: VerifyParam, seconds: number) => void;
  readonly X509_VERIFY_PARAM_set1_host: (param: VerifyParam, name: string, length: number) => number;
  readonly X509_VERIFY_PARAM_set1_ip_asc: (param: VerifyParam, address: string) => number;
  readonly X509_verify_cert: (ctx: StoreCtx) => number;
  readonly X509_verify_cert_error_string: (code: number) => string;

  readonly OPENSSL_sk_new_null: () => Stack | null;
  readonly OPENSSL_sk_push: (stack: Stack, certificate: X509) => number;
  readonly OPENSSL_sk_num: (stack: Stack) => number;
  readonly OPENSSL_sk_value: (stack: Stack, index: number) => X509;
  /** Frees the list, not its elements. */
  readonly OPENSSL_sk_free: (stack: Stack) => void;
}

/** The same list in C. Pointers to OpenSSL's structures are all `void *`; the interface above distinguishes them. */
export const PROTOTYPES: Readonly<Record<keyof Libcrypto, string>> = {
  BIO_s_mem: 'void *BIO_s_mem(void)',
  BIO_new: 'void *BIO_new(void *method)',
  BIO_free: 'int BIO_free(void *bio)',
  BIO_read: 'int BIO_read(void *bio, _Out_ uint8_t *into, int length)',
  BIO_write: 'int BIO_write(void *bio, const uint8_t *from, int length)',
  BIO_ctrl_pending: 'size_t BIO_ctrl_pending(void *bio)',
  ERR_clear_error: 'void ERR_clear_error(void)',
  ERR_peek_error: 'unsigned long ERR_peek_error(void)',
  EVP_sha256: 'void *EVP_sha256(void)',
  ASN1_TIME_to_tm: 'int ASN1_TIME_to_tm(void *time, _Out_ uint8_t *tm)',
  d2i_X509_bio: 'void *d2i_X509_bio(void *bio, void *out)',
  i2d_X509_bio: 'int i2d_X509_bio(void *bio, void *certificate)',
  d2i_X509_CRL_bio: 'void *d2i_X509_CRL_bio(void *bio, void *out)',
  X509_free: 'void X509_free(void *certificate)',
  X509_CRL_free: 'void X509_CRL_free(void *crl)',
  X509_digest: 'int X509_digest(void *certificate, void *digest, _Out_ uint8_t *out, void *length)',
  X509_get0_notBefore: 'void *X509_get0_notBefore(void *certificate)',
  X509_get0_notAfter: 'void *X509_get0_notAfter(void *certificate)',
  X509_get_extension_flags: 'uint32_t X509_get_extension_flags(void *certificate)',
  X509_get_extended_key_usage: 'uint32_t X509_get_extended_key_usage(void *certificate)',
  X509_get_key_usage: 'uint32_t X509_get_key_usage(void *certificate)',
  X509_get_ext_by_NID: 'int X509_get_ext_by_NID(void *certificate, int nid, int after)',
  X509_get0_pubkey: 'void *X509_get0_pubkey(void *certificate)',
  EVP_PKEY_get_base_id: 'int EVP_PKEY_get_base_id(void *key)',
  EVP_PKEY_get_bits: 'int EVP_PKEY_get_bits(void *key)',
  EVP_PKEY_get_security_bits: 'int EVP_PKEY_get_security_bits(void *key)',
  EVP_PKEY_free: 'void EVP_PKEY_free(void *key)',
  d2i_PUBKEY_bio: 'void *d2i_PUBKEY_bio(void *bio, void *out)',
  X509_verify: 'int X509_verify(void *certificate, void *key)',
  X509_get_signature_info:
    'int X509_get_signature_info(void *certificate, void *digest, void *key, _Out_ int *bits, void *flags)',
  X509_STORE_new: 'void *X509_STORE_new(void)',
  X509_STORE_free: 'void X509_STORE_free(void *store)',
  X509_STORE_add_cert: 'int X509_STORE_add_cert(void *store, void *certificate)',
  X509_STORE_add_crl: 'int X509_STORE_add_crl(void *store, void *crl)',
  X509_STORE_CTX_new: 'void *X509_STORE_CTX_new(void)',
  X509_STORE_CTX_free: 'void X509_STORE_CTX_free(void *ctx)',
  X509_STORE_CTX_init: 'int X509_STORE_CTX_init(void *ctx, void *store, void *leaf, void *untrusted)',
  X509_STORE_CTX_get0_param: 'void *X509_STORE_CTX_get0_param(void *ctx)',
  X509_STORE_CTX_get0_chain: 'void *X509_STORE_CTX_get0_chain(void *ctx)',
  X509_STORE_CTX_get_error: 'int X509_STORE_CTX_get_error(void *ctx)',
  X509_STORE_CTX_get_error_depth: 'int X509_STORE_CTX_get_error_depth(void *ctx)',
  X509_VERIFY_PARAM_set_flags: 'int X509_VERIFY_PARAM_set_flags(void *param, unsigned long flags)',
  X509_VERIFY_PARAM_set_purpose: 'int X509_VERIFY_PARAM_set_purpose(void *param, int purpose)',
  X509_VERIFY_PARAM_set_depth: 'void X509_VERIFY_PARAM_set_depth(void *param, int depth)',
  X509_VERIFY_PARAM_set_auth_level: 'void X509_VERIFY_PARAM_set_auth_level(void *param, int level)',
  X509_VERIFY_PARAM_set_time: 'void X509_VERIFY_PARAM_set_time(void *param, int64_t seconds)',
  X509_VERIFY_PARAM_set1_host: 'int X509_VERIFY_PARAM_set1_host(void *param, const char *name, size_t length)',
  X509_VERIFY_PARAM_set1_ip_asc: 'int X509_VERIFY_PARAM_set1_ip_asc(void *param, const char *address)',
  X509_verify_cert: 'int X509_verify_cert(void *ctx)',
  X509_verify_cert_error_string: 'const char *X509_verify_cert_error_string(long code)',
  OPENSSL_sk_new_null: 'void *OPENSSL_sk_new_null(void)',
  OPENSSL_sk_push: 'int OPENSSL_sk_push(void *stack, void *certificate)',
  OPENSSL_sk_num: 'int OPENSSL_sk_num(void *stack)',
  OPENSSL_sk_value: 'void *OPENSSL_sk_value(void *stack, int index)',
  OPENSSL_sk_free: 'void OPENSSL_sk_free(void *stack)',
};

let bound: Libcrypto | undefined;

/**
 * The binding, made once per process.
 * @throws FaultError `pkix`: `openssl-unavailable`, local, when this Node binary does not export a function.
 */
export function loadLibcrypto(): Libcrypto {
  return (bound ??= bindPrototypes<Libcrypto>(PROTOTYPES));
}

/**
 * Functions of the OpenSSL inside the Node binary.
 * @throws FaultError `pkix`: `openssl-unavailable`, local
 */
export function bindPrototypes<Functions>(prototypes: Readonly<Record<keyof Functions, string>>): Functions {
  try {
    const library = koffi.load(null);
    const functions = Object.entries<string>(prototypes).map(
      ([name, prototype]) => [name, library.func(prototype)] as const,
    );
    // Here C signatures become types: the compiler compares only the keys of the two lists above, not the signatures.
    return Object.fromEntries(functions) as unknown as Functions;
  } catch (cause) {
    throw new FaultError(fault('pkix', 'openssl-unavailable', 'local', toFault(cause, 'pkix').text), { cause });
  }
}

/** Takes ownership of a pointer: it is freed when the scope ends, even by an exception. */
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

type Decoder<T> = (bio: Bio, out: null) => T | null;

/**
 * Decodes one value from DER without trailing bytes, else returns null. Uses a memory BIO, so that no pointer into a
 * JavaScript buffer outlives a call.
 */
function decode<T>(ssl: Libcrypto, der: Uint8Array, read: Decoder<T>, free: (value: T) => void): T | null {
  return scoped((own) => {
    const bio = own(ssl.BIO_new(ssl.BIO_s_mem()), ssl.BIO_free);
    ssl.BIO_write(bio, der, der.length);
    const value = read(bio, null);
    // OpenSSL queues errors per thread, and Node reads the same queue: leave none there for an unrelated call to find.
    ssl.ERR_clear_error();
    if (value === null || ssl.BIO_ctrl_pending(bio) === 0) return value;
    free(value);
    return null;
  });
}

/** A certificate that the caller must free; null when `der` is not exactly one. */
export function decodeCertificate(ssl: Libcrypto, der: Uint8Array): X509 | null {
  return decode(ssl, der, ssl.d2i_X509_bio, ssl.X509_free);
}

/** A revocation list that the caller must free; null when `der` is not exactly one. */
export function decodeCrl(ssl: Libcrypto, der: Uint8Array): X509Crl | null {
  return decode(ssl, der, ssl.d2i_X509_CRL_bio, ssl.X509_CRL_free);
}

/** A public key that the caller must free; null when `der` is not exactly one SubjectPublicKeyInfo of a known type. */
export function decodePublicKey(ssl: Libcrypto, der: Uint8Array): PublicKey | null {
  return decode(ssl, der, ssl.d2i_PUBKEY_bio, ssl.EVP_PKEY_free);
}

export function encodeCertificate(ssl: Libcrypto, certificate: X509): Buffer {
  return scoped((own) => {
    const bio = own(ssl.BIO_new(ssl.BIO_s_mem()), ssl.BIO_free);
    ssl.i2d_X509_bio(bio, certificate);
    const der = Buffer.alloc(ssl.BIO_ctrl_pending(bio));
    ssl.BIO_read(bio, der, der.length);
    return der;
  });
}

/** SHA-256 of the DER, lower-case hex. */
export function fingerprintOf(ssl: Libcrypto, certificate: X509): string {
  const out = Buffer.alloc(32);
  ssl.X509_digest(certificate, ssl.EVP_sha256(), out, null);
  return out.toString('hex');
}

/** The validity period, both ends included, in milliseconds since the epoch (RFC 5280 §4.1.2.5). */
export function validityOf(ssl: Libcrypto, certificate: X509): { notBeforeMs: number; notAfterMs: number } {
  const milliseconds = (time: Asn1Time): number => {
    const tm = Buffer.alloc(64); // struct tm: second, minute, hour, day, month from 0, years from 1900
    if (ssl.ASN1_TIME_to_tm(time, tm) !== 1) return Number.NaN;
    const [second = 0, minute = 0, hour = 0, day = 1, month = 0, year = 0] = new Int32Array(
      tm.buffer,
      tm.byteOffset,
      6,
    );
    return Date.UTC(year + 1900, month, day, hour, minute, second);
  };
  return {
    notBeforeMs: milliseconds(ssl.X509_get0_notBefore(certificate)),
    notAfterMs: milliseconds(ssl.X509_get0_notAfter(certificate)),
  };
}
