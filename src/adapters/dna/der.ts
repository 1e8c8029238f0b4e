/**
 * DER (X.690 §10), read as strictly as it is defined and only as deep as the caller asks: every length definite and in its
 * shortest form, every tag in one octet, nothing before, between or behind. What is signed is kept as the octets that came.
 */
import { dnaFailure } from '../../protocol/dna-conditions.ts';

export interface DerValue {
  readonly tag: number;
  readonly contents: Buffer;
  /** Tag, length and contents: the octets that a signature is over. */
  readonly encoding: Buffer;
}

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  enumerated: 0x0a,
  ia5String: 0x16,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;
/** `[n]` around whole values, or in place of the tag of a constructed type. */
export const constructedTag = (n: number): number => 0xa0 | n;
/** `[n]` in place of the tag of a primitive type. */
export const primitiveTag = (n: number): number => 0x80 | n;

/** Most values read inside of one: nothing in a proof has more. */
const MAX_VALUES = 64;
const HIGH_TAG = 0x1f;

export const malformed = (text: string, options?: ErrorOptions) => dnaFailure('proof-malformed', text, options);

/** The values that stand behind one another in `octets`. @throws FaultError `dna`: `proof-malformed`. */
export function readValues(octets: Uint8Array): DerValue[] {
  const bytes = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length;) {
    if (values.length === MAX_VALUES) throw malformed(`more than ${MAX_VALUES} values in one`);
    const value = valueAt(bytes, at);
    values.push(value);
    at += value.encoding.length;
  }
  return values;
}

/** The one value that `octets` hold. @throws FaultError `dna`: `proof-malformed`. */
export function readValue(octets: Uint8Array): DerValue {
  const [value, more] = readValues(octets);
  if (value === undefined || more !== undefined) throw malformed('not exactly one value in DER');
  return value;
}

function valueAt(bytes: Buffer, at: number): DerValue {
  const [tag, first] = [bytes[at], bytes[at + 1]];
  if (tag === undefined || first === undefined) throw malformed('a value in DER is cut short');
  if ((tag & HIGH_TAG) === HIGH_TAG) throw malformed('a tag of more than one octet');
  const lengthOctets = first < 0x80 ? 0 : first - 0x80;
  if (first === 0x80 || lengthOctets > 3) throw malformed('a length that is indefinite, or out of all proportion');
  const from = at + 2 + lengthOctets;
  if (from > bytes.length) throw malformed('a value in DER is cut short');
  const length = lengthOctets === 0 ? first : bytes.readUIntBE(at + 2, lengthOctets);
  if (lengthOctets > 0 && (length < 0x80 || bytes[at + 2] === 0)) throw malformed('a length not in its shortest form');
  if (from + length > bytes.length) throw malformed('a value in DER is cut short');
  return { tag, contents: bytes.subarray(from, from + length), encoding: bytes.subarray(at, from + length) };
}

/** The values inside a constructed one, asked for in their order. Each method throws `proof-malformed`. */
export class Fields {
  readonly #what: string;
  readonly #values: DerValue[];

  constructor(value: DerValue, what: string) {
    this.#what = what;
    this.#values = readValues(value.contents);
  }

  /** The next value, which has this tag. */
  take(tag: number): DerValue {
    const value = this.#values.shift();
    if (value?.tag !== tag)
      throw malformed(`${this.#what}: ${value === undefined ? 'it ends' : 'a value'} where another is expected`);
    return value;
  }

  /** The next value, if it has this tag. */
  takeIf(tag: number): DerValue | undefined {
    return this.#values[0]?.tag === tag ? this.#values.shift() : undefined;
  }

  /** All further values, each of which has this tag. */
  takeAll(tag: number): DerValue[] {
    const values: DerValue[] = [];
    while (this.#values.length > 0) values.push(this.take(tag));
    return values;
  }

  /** Nothing may follow. */
  end(): void {
    if (this.#values.length > 0) throw malformed(`${this.#what}: values that do not belong there`);
  }
}

/** The values of the one SEQUENCE that `octets` hold. @throws FaultError `dna`: `proof-malformed`. */
export function readSequence(octets: Uint8Array, what: string): Fields {
  const value = readValue(octets);
  if (value.tag !== TAG.sequence) throw malformed(`${what}: no SEQUENCE`);
  return new Fields(value, what);
}

export const fieldsOf = (value: DerValue, what: string): Fields => new Fields(value, what);

/** The octets of a BIT STRING that is made of whole ones. */
export function bitStringOf(value: DerValue): Buffer {
  if (value.contents[0] !== 0) throw malformed('a bit string that is not one of octets');
  return bitStringBytes(value);
}

/** The octets of a BIT STRING, the last of which may be filled up with zeros. */
export function bitStringBytes({ tag, contents }: DerValue): Buffer {
  if (tag !== TAG.bitString || contents.length === 0) throw malformed('this is no bit string');
  return contents.subarray(1);
}

/** An INTEGER in its shortest form, as octets. */
export function integerOf({ contents }: DerValue): Buffer {
  const [first, second = 0] = contents;
  const padded = contents.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
  if (first === undefined || padded) throw malformed('an integer not in its shortest form');
  return contents;
}

/** A time to the second in UTC, the one form that RFC 5755 §4.2.6 allows; in milliseconds since the epoch. */
export function generalizedTimeOf({ contents }: DerValue): number {
  const text = contents.toString('latin1');
  const iso = text.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6.000Z');
  const at = Date.parse(iso);
  // Date.parse takes the 30th of February for the 1st of March.
  if (Number.isNaN(at) || new Date(at).toISOString() !== iso) throw malformed('a time that is none');
  return at;
}

/** TRUE; a FALSE that stands there is not DER, since it is the default wherever a BOOLEAN is used here. */
export function readTrue({ contents }: DerValue): void {
  if (contents.length !== 1 || contents[0] !== 0xff) throw malformed('a boolean that is not TRUE');
}

/** DER orders the values of a SET OF by their octets (X.690 §11.6). */
export const inSetOrder = (encodings: readonly Uint8Array[]): Uint8Array[] =>
  [...encodings].sort((a, b) => Buffer.compare(a, b));

/** An OBJECT IDENTIFIER whose arcs may be as large as those of a UUID (X.667). */
export function oidContents(dotted: string): Buffer {
  const [first = 0n, second = 0n, ...rest] = dotted.split('.').map(BigInt);
  const octets = [first * 40n + second, ...rest].flatMap((arc) => {
    const groups = [Number(arc & 0x7fn)];
    for (let high = arc >> 7n; high > 0n; high >>= 7n) groups.unshift(0x80 | Number(high & 0x7fn));
    return groups;
  });
  return Buffer.from(octets);
}
