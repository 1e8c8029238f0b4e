/** The DER of proofs, read by src/protocol/der.ts: errors become faults of proofs, and few values are read. */
import { dnaFailure } from '../../protocol/dna-conditions.ts';
import {
  DerError,
  type DerValue,
  readValue as readDerValue,
  readValues as readDerValues,
  TAG,
} from '../../protocol/der.ts';

export { constructedTag, type DerValue, oidContents, primitiveTag, TAG } from '../../protocol/der.ts';

/** Most values read inside one value: nothing in a proof has more. */
const MAX_VALUES = 64;

export const malformed = (text: string, options?: ErrorOptions) => dnaFailure('proof-malformed', text, options);

/** The result of `read`. @throws FaultError `dna`: `proof-malformed`, when the input is not DER. */
export function orMalformed<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof DerError)) throw cause;
    throw malformed(cause.message, { cause });
  }
}

/** The consecutive values in `octets`. @throws FaultError `dna`: `proof-malformed`. */
export const readValues = (octets: Uint8Array): DerValue[] => orMalformed(() => readDerValues(octets, MAX_VALUES));

/** The single value in `octets`. @throws FaultError `dna`: `proof-malformed`. */
export const readValue = (octets: Uint8Array): DerValue => orMalformed(() => readDerValue(octets));

/** The values inside a constructed one, taken in order. Each method throws `proof-malformed`. */
export class Fields {
  readonly #what: string;
  readonly #values: DerValue[];

  constructor(value: DerValue, what: string) {
    this.#what = what;
    this.#values = readValues(value.contents);
  }

  /** The next value, which must have this tag. */
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

  /** All further values, each of which must have this tag. */
  takeAll(tag: number): DerValue[] {
    const values: DerValue[] = [];
    while (this.#values.length > 0) values.push(this.take(tag));
    return values;
  }

  /** Requires that no value is left. */
  end(): void {
    if (this.#values.length > 0) throw malformed(`${this.#what}: values that do not belong there`);
  }
}

/** The values of the single SEQUENCE in `octets`. @throws FaultError `dna`: `proof-malformed`. */
export function readSequence(octets: Uint8Array, what: string): Fields {
  const value = readValue(octets);
  if (value.tag !== TAG.sequence) throw malformed(`${what}: no SEQUENCE`);
  return new Fields(value, what);
}

export const fieldsOf = (value: DerValue, what: string): Fields => new Fields(value, what);

/** The octets of a BIT STRING, which must consist of whole octets. */
export function bitStringOf(value: DerValue): Buffer {
  if (value.contents[0] !== 0) throw malformed('a bit string that is not one of octets');
  return bitStringBytes(value);
}

/** The octets of a BIT STRING, the last of which may be padded with zeros. */
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

/** A UTC time in whole seconds, the only form that RFC 5755 §4.2.6 allows; in milliseconds since the epoch. */
export function generalizedTimeOf({ contents }: DerValue): number {
  const text = contents.toString('latin1');
  const iso = text.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6.000Z');
  const at = Date.parse(iso);
  // Date.parse takes 30 February for a day in March.
  if (Number.isNaN(at) || new Date(at).toISOString() !== iso) throw malformed('a time that is none');
  return at;
}

/** Requires TRUE: an encoded FALSE is not DER, since FALSE is the default of every BOOLEAN used here. */
export function readTrue({ contents }: DerValue): void {
  if (contents.length !== 1 || contents[0] !== 0xff) throw malformed('a boolean that is not TRUE');
}

/** DER sorts the values of a SET OF by their octets (X.690 §11.6). */
export const inSetOrder = (encodings: readonly Uint8Array[]): Uint8Array[] =>
  [...encodings].sort((a, b) => Buffer.compare(a, b));
