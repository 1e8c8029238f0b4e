/**
 * Where the public key stands in the DER of a certificate (RFC 5280 §4.1), read without looking at anything else.
 *
 * As strict as DER, so that no other reader can see another key here: definite lengths in their shortest form, the fields
 * in their order, nothing before and nothing behind.
 */

/** What the two selectors of TLSA select (RFC 6698 §2.1.2). */
export interface CertificateParts {
  /** The whole certificate, DER. */
  readonly certificate: Uint8Array;
  /** Its SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
}

const TAG = { integer: 0x02, bitString: 0x03, oid: 0x06, sequence: 0x30, version: 0xa0 } as const;
/** rsaEncryption and id-RSASSA-PSS (RFC 4055 §1.2, §3.1). */
const RSA_OIDS: ReadonlySet<string> = new Set(['2a864886f70d010101', '2a864886f70d01010a']);

/** Null when `der` is not exactly one certificate. */
export function certificateParts(der: Uint8Array): CertificateParts | null {
  const whole = valueAt(der, 0);
  if (whole?.tag !== TAG.sequence || whole.to !== der.length) return null;
  const tbs = valueAt(der, whole.from, whole.to);
  if (tbs?.tag !== TAG.sequence) return null;
  const first = valueAt(der, tbs.from, tbs.to);
  let at = first?.tag === TAG.version ? first.to : tbs.from;
  // serialNumber, signature, issuer, validity, subject; then the key.
  for (const tag of [TAG.integer, TAG.sequence, TAG.sequence, TAG.sequence, TAG.sequence]) {
    const field = valueAt(der, at, tbs.to);
    if (field?.tag !== tag) return null;
    at = field.to;
  }
  const key = valueAt(der, at, tbs.to);
  if (key === null) return null;
  const spki = der.subarray(at, key.to);
  return isSubjectPublicKeyInfo(spki) ? { certificate: der, spki } : null;
}

/** Whether these bytes are exactly one SubjectPublicKeyInfo. */
export function isSubjectPublicKeyInfo(der: Uint8Array): boolean {
  return keyIn(der) !== null;
}

/** Bits of the modulus of an RSA key; null when the key is of another type, or cannot be read. */
export function rsaModulusBits(spki: Uint8Array): number | null {
  const key = keyIn(spki);
  const type = key && valueAt(spki, key.algorithm.from, key.algorithm.to);
  if (!key || type?.tag !== TAG.oid || !RSA_OIDS.has(Buffer.from(spki.subarray(type.from, type.to)).toString('hex')))
    return null;
  const pair = valueAt(spki, key.bits.from + 1, key.bits.to); // behind the count of unused bits
  const modulus = pair?.tag === TAG.sequence ? valueAt(spki, pair.from, pair.to) : null;
  if (modulus?.tag !== TAG.integer) return null;
  const octets = spki.subarray(modulus.from, modulus.to);
  const start = octets.findIndex((octet) => octet !== 0);
  return start === -1 ? 0 : (octets.length - start) * 8 - (Math.clz32(octets[start] ?? 0) - 24);
}

function keyIn(spki: Uint8Array): { algorithm: Value; bits: Value } | null {
  const whole = valueAt(spki, 0);
  if (whole?.tag !== TAG.sequence || whole.to !== spki.length) return null;
  const algorithm = valueAt(spki, whole.from, whole.to);
  if (algorithm?.tag !== TAG.sequence) return null;
  const bits = valueAt(spki, algorithm.to, whole.to);
  const isWholeOctets = bits?.tag === TAG.bitString && spki[bits.from] === 0;
  return isWholeOctets && bits.to === whole.to && bits.from < bits.to ? { algorithm, bits } : null;
}

/** The contents of one value stand from `from` to before `to`. */
interface Value {
  readonly tag: number;
  readonly from: number;
  readonly to: number;
}

/** The value that begins at `at` and ends by `end`; null when there is none. */
function valueAt(der: Uint8Array, at: number, end: number = der.length): Value | null {
  const [tag, short] = [der[at], der[at + 1]];
  if (tag === undefined || short === undefined || at + 2 > end) return null;
  const from = at + 2 + (short < 0x80 ? 0 : short - 0x80);
  if (short < 0x80) return from + short <= end ? { tag, from, to: from + short } : null;
  const lengthOctets = der.subarray(at + 2, from);
  if (lengthOctets.length !== short - 0x80 || lengthOctets.length === 0 || lengthOctets.length > 4) return null;
  const length = lengthOctets.reduce((sum, octet) => sum * 256 + octet, 0);
  const isShortest = length >= 0x80 && lengthOctets[0] !== 0;
  return isShortest && from + length <= end ? { tag, from, to: from + length } : null;
}
