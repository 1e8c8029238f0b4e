/**
 * Strict DER (X.690 §10), read only as deep as the caller asks: every length definite and in its shortest form, every
 * tag in one octet, nothing before, between or after the values. Signed data is kept as the octets that were received.
 *
 * All DER is read here, so that no two parsers can read the same certificate differently.
 */

export interface DerValue {
  readonly tag: number;
  readonly contents: Buffer;
  /** Tag, length and contents: the octets that a signature covers. */
  readonly encoding: Buffer;
}

/** The octets are not DER. The caller turns this into a fault of its own layer. */
export class DerError extends Error {}

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;
/** `[n]` around whole values, or in place of the tag of a constructed type. */
export const constructedTag = (n: number): number => 0xa0 | n;
/** `[n]` in place of the tag of a primitive type. */
export const primitiveTag = (n: number): number => 0x80 | n;

const HIGH_TAG = 0x1f;

/** The consecutive values in `octets`, at most `most`. @throws DerError */
export function readValues(octets: Uint8Array, most = Infinity): DerValue[] {
  const bytes = bufferOf(octets);
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length;) {
    if (values.length === most) throw new DerError(`more than ${most} values in one`);
    const value = valueAt(bytes, at);
    values.push(value);
    at += value.encoding.length;
  }
  return values;
}

/** The single value in `octets`. @throws DerError */
export function readValue(octets: Uint8Array): DerValue {
  const bytes = bufferOf(octets);
  const value = valueAt(bytes, 0);
  if (value.encoding.length !== bytes.length) throw new DerError('more than one value in DER where one is expected');
  return value;
}

/** The values inside the single SEQUENCE in `octets`. @throws DerError */
export function readSequence(octets: Uint8Array): DerValue[] {
  return valuesIn(readValue(octets));
}

/** The values inside a SEQUENCE. @throws DerError */
export function valuesIn(value: DerValue | undefined): DerValue[] {
  if (value?.tag !== TAG.sequence) throw new DerError('no SEQUENCE where one is expected');
  return readValues(value.contents);
}

const bufferOf = (octets: Uint8Array): Buffer => Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);

function valueAt(bytes: Buffer, at: number): DerValue {
  const [tag, first] = [bytes[at], bytes[at + 1]];
  if (tag === undefined || first === undefined) throw new DerError('a value in DER is cut short');
  if ((tag & HIGH_TAG) === HIGH_TAG) throw new DerError('a tag of more than one octet');
  const lengthOctets = first < 0x80 ? 0 : first - 0x80;
  if (first === 0x80 || lengthOctets > 3) throw new DerError('a length that is indefinite, or out of all proportion');
  const from = at + 2 + lengthOctets;
  if (from > bytes.length) throw new DerError('a value in DER is cut short');
  const length = lengthOctets === 0 ? first : bytes.readUIntBE(at + 2, lengthOctets);
  if (lengthOctets > 0 && (length < 0x80 || bytes[at + 2] === 0))
    throw new DerError('a length not in its shortest form');
  if (from + length > bytes.length) throw new DerError('a value in DER is cut short');
  return { tag, contents: bytes.subarray(from, from + length), encoding: bytes.subarray(at, from + length) };
}

/** The octets of an OBJECT IDENTIFIER; arcs may be as large as a UUID (X.667). */
export function oidContents(dotted: string): Buffer {
  const [first = 0n, second = 0n, ...rest] = dotted.split('.').map(BigInt);
  const octets = [first * 40n + second, ...rest].flatMap((arc) => {
    const groups = [Number(arc & 0x7fn)];
    for (let high = arc >> 7n; high > 0n; high >>= 7n) groups.unshift(0x80 | Number(high & 0x7fn));
    return groups;
  });
  return Buffer.from(octets);
}

/** Longest OBJECT IDENTIFIER read, in octets: an arc for a UUID takes 19. */
const MAX_OID_BYTES = 128;

/** The dotted form of an OBJECT IDENTIFIER. @throws DerError */
export function oidOf(value: DerValue | undefined): string {
  if (value?.tag !== TAG.oid) throw new DerError('no OBJECT IDENTIFIER where one is expected');
  const { contents } = value;
  if (contents.length === 0 || contents.length > MAX_OID_BYTES || (contents.at(-1) ?? 0) >= 0x80)
    throw new DerError('an object identifier that is none');
  const arcs: bigint[] = [];
  let [arc, isFirstGroup] = [0n, true];
  for (const octet of contents) {
    if (isFirstGroup && octet === 0x80) throw new DerError('an object identifier not in its shortest form');
    arc = (arc << 7n) | BigInt(octet & 0x7f);
    isFirstGroup = octet < 0x80;
    if (!isFirstGroup) continue;
    arcs.push(arc);
    arc = 0n;
  }
  const [both = 0n, ...rest] = arcs;
  const first = both < 80n ? both / 40n : 2n;
  return [first, both - first * 40n, ...rest].join('.');
}
