/** The layout of a certificate in DER (RFC 5280 §4.1). */
import { constructedTag, DerError, type DerValue, oidOf, readSequence, readValue, TAG, valuesIn } from './der.ts';

/** The parts of a certificate that the two TLSA selectors select (RFC 6698 §2.1.2). */
export interface CertificateParts {
  /** The whole certificate, DER. */
  readonly certificate: Uint8Array;
  /** Its SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
}

export interface CertificateFields {
  readonly issuer: DerValue;
  readonly validity: DerValue;
  readonly subject: DerValue;
  /** The contents of the extensions, by dotted identifier. */
  readonly extensions: ReadonlyMap<string, Buffer>;
}

/** rsaEncryption and id-RSASSA-PSS (RFC 4055 §1.2, §3.1). */
const RSA_OIDS: ReadonlySet<string> = new Set(['2a864886f70d010101', '2a864886f70d01010a']);
const VERSION = constructedTag(0);
const EXTENSIONS = constructedTag(3);

/** The fields of a certificate, without any judgement. @throws DerError */
export function certificateFields(der: Uint8Array): CertificateFields {
  const { issuer, validity, subject, rest } = toBeSigned(der);
  const list = rest.find(({ tag }) => tag === EXTENSIONS);
  return { issuer, validity, subject, extensions: list === undefined ? new Map() : extensionsIn(list.contents) };
}

/** Null if `der` is not exactly one certificate. */
export function certificateParts(der: Uint8Array): CertificateParts | null {
  return orNull(() => {
    const { encoding } = toBeSigned(der).spki;
    return isSubjectPublicKeyInfo(encoding) ? { certificate: der, spki: encoding } : null;
  });
}

/** Whether these bytes are exactly one SubjectPublicKeyInfo. */
export function isSubjectPublicKeyInfo(der: Uint8Array): boolean {
  return orNull(() => keyIn(der)) !== null;
}

/** Bits in the modulus of an RSA key; null if the key is of another type, or cannot be read. */
export function rsaModulusBits(spki: Uint8Array): number | null {
  return orNull(() => {
    const { algorithm, bits } = keyIn(spki);
    const [type] = valuesIn(algorithm);
    if (type?.tag !== TAG.oid || !RSA_OIDS.has(type.contents.toString('hex'))) return null;
    const [modulus] = readSequence(bits.contents.subarray(1)); // after the count of unused bits
    if (modulus?.tag !== TAG.integer) return null;
    const start = modulus.contents.findIndex((octet) => octet !== 0);
    const [octets, first] = [modulus.contents.length - start, modulus.contents[start] ?? 0];
    return start === -1 ? 0 : octets * 8 - (Math.clz32(first) - 24);
  });
}

/** The fields of TBSCertificate, in order. */
function toBeSigned(der: Uint8Array) {
  const [tbs] = readSequence(der);
  const fields = valuesIn(tbs);
  if (fields[0]?.tag === VERSION) fields.shift();
  const [serial, signature, issuer, validity, subject, spki, ...rest] = fields;
  if (
    serial?.tag !== TAG.integer ||
    signature?.tag !== TAG.sequence ||
    issuer?.tag !== TAG.sequence ||
    validity?.tag !== TAG.sequence ||
    subject?.tag !== TAG.sequence ||
    spki?.tag !== TAG.sequence
  )
    throw new DerError('this is not a certificate');
  return { issuer, validity, subject, spki, rest };
}

function extensionsIn(octets: Uint8Array): Map<string, Buffer> {
  const extensions = new Map<string, Buffer>();
  for (const extension of readSequence(octets)) {
    const parts = valuesIn(extension);
    const [oid, value] = [oidOf(parts[0]), parts.at(-1)];
    if (value?.tag !== TAG.octetString) throw new DerError('an extension cannot be read');
    // RFC 5280 §4.2. Software differs in which of two extensions of the same type it uses.
    if (extensions.has(oid)) throw new DerError(`extension ${oid} occurs twice`);
    extensions.set(oid, value.contents);
  }
  return extensions;
}

/** SubjectPublicKeyInfo: an algorithm, and a key that is a whole number of octets. */
function keyIn(spki: Uint8Array): { readonly algorithm: DerValue; readonly bits: DerValue } {
  const [algorithm, bits, more] = valuesIn(readValue(spki));
  if (algorithm?.tag !== TAG.sequence || bits?.tag !== TAG.bitString || bits.contents[0] !== 0 || more !== undefined)
    throw new DerError('this is not a public key');
  return { algorithm, bits };
}

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof DerError) return null;
    throw thrown;
  }
}
