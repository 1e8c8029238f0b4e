/**
 * Small decoders that convert a spot of the file to a typed value, or report what is expected there. They never stop at
 * the first problem, so that the operator sees all of them at once.
 */
import { isMap, isScalar, isSeq, type Node } from 'yaml';
import { suggestion } from './nearest.ts';
import { refused, type Refused, type Spot } from './spot.ts';

/** Returns {@link refused} exactly when it has reported a problem. */
export type Decoder<T> = (spot: Spot) => T | Refused;

/** A value with its place in the file, for checks that need more than one value. */
export interface Located<T> {
  readonly value: T;
  readonly spot: Spot;
}

interface Field<T, Presence extends 'required' | 'optional'> {
  readonly decode: Decoder<T>;
  readonly presence: Presence;
}
type AnyField = Field<unknown, 'required' | 'optional'>;
type ValueOf<F> = F extends Field<infer T, 'required' | 'optional'> ? T : never;
type DecodedRecord<F extends Readonly<Record<string, AnyField>>> = {
  readonly [K in keyof F as F[K]['presence'] extends 'required' ? K : never]: ValueOf<F[K]>;
} & { readonly [K in keyof F as F[K]['presence'] extends 'optional' ? K : never]?: ValueOf<F[K]> };

export const required = <T>(decode: Decoder<T>): Field<T, 'required'> => ({ decode, presence: 'required' });
export const optional = <T>(decode: Decoder<T>): Field<T, 'optional'> => ({ decode, presence: 'optional' });

/** A mapping with known keys only. An absent or empty optional key is left out of the result. */
export function record<F extends Readonly<Record<string, AnyField>>>(fields: F): Decoder<DecodedRecord<F>> {
  const known = Object.keys(fields);
  return (spot) => {
    const entries = pairsOf(spot, `a mapping with ${known.join(', ')}`);
    if (entries === refused) return refused;
    let whole = true;
    const found = new Map<string, Spot>();
    for (const entry of entries) {
      if (found.has(entry.key)) whole = complain(entry.spot, 'appears here twice');
      else if (Object.hasOwn(fields, entry.key)) found.set(entry.key, entry.spot);
      else
        whole = complain(
          entry.spot,
          `unknown key${suggestion(entry.key, known) || `; known here: ${known.join(', ')}`}`,
        );
    }
    const values: Record<string, unknown> = {};
    for (const [key, field] of Object.entries(fields)) {
      const at = found.get(key);
      if (at === undefined || isAbsent(at)) {
        if (field.presence === 'required') whole = complain(at ?? spot.below(key, null), 'is missing');
        continue;
      }
      const value = field.decode(at);
      if (value === refused) whole = false;
      else values[key] = value;
    }
    // The loop above has set exactly the keys of the type, which the compiler cannot verify.
    return whole ? (values as DecodedRecord<F>) : refused;
  };
}

/** A mapping whose keys are data, such as domains: each key is decoded too, and may occur only once. */
export function table<T>(what: string, decodeKey: Decoder<string>, decode: Decoder<T>): Decoder<Map<string, T>> {
  return (spot) => {
    const entries = pairsOf(spot, `a mapping ${what}`);
    if (entries === refused) return refused;
    let whole = true;
    const values = new Map<string, T>();
    for (const { spot: at, keySpot } of entries) {
      const key = decodeKey(keySpot);
      const value = decode(at);
      if (key === refused || value === refused) whole = false;
      else if (values.has(key)) whole = complain(at, `appears here twice: this is ${JSON.stringify(key)} again`);
      else values.set(key, value);
    }
    return whole ? values : refused;
  };
}

export function list<T>(decode: Decoder<T>): Decoder<readonly T[]> {
  return (spot) => {
    if (!isSeq<Node>(spot.node)) return spot.problem(`expected a list, got ${shown(spot)}`);
    const values: T[] = [];
    for (const [index, item] of spot.node.items.entries()) {
      const value = decode(spot.below(index, item));
      if (value !== refused) values.push(value);
    }
    return values.length === spot.node.items.length ? values : refused;
  };
}

export function located<T>(decode: Decoder<T>): Decoder<Located<T>> {
  return (spot) => {
    const value = decode(spot);
    return value === refused ? refused : { value, spot };
  };
}

/** Decodes a value and converts it with `next`, which may refuse it too. */
export function andThen<T, U>(decode: Decoder<T>, next: (value: T, spot: Spot) => U | Refused): Decoder<U> {
  return (spot) => {
    const value = decode(spot);
    return value === refused ? refused : next(value, spot);
  };
}

/** Text that `parse` understands; `expected` completes the sentence "expected …". */
export function parsed<T>(expected: string, parse: (text: string) => T | null): Decoder<T> {
  return (spot) => {
    const text = scalar(spot);
    const value = typeof text === 'string' && text !== '' ? parse(text) : null;
    return value ?? spot.problem(`expected ${expected}, got ${shown(spot)}`);
  };
}

/** One of a few words. An unquoted `1.2` is the word "1.2", not a number. */
export function oneOf<const Word extends string>(...words: readonly Word[]): Decoder<Word> {
  return (spot) => {
    const written = asWritten(spot.node);
    const word = words.find((candidate) => candidate === written);
    if (word !== undefined) return word;
    return spot.problem(`expected one of ${words.join(' | ')}, got ${shown(spot)}`);
  };
}

export function integer(min: number, max: number, what = 'a whole number'): Decoder<number> {
  return (spot) => {
    const value = scalar(spot);
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    return spot.problem(`expected ${what} from ${min} to ${max}, got ${shown(spot)}`);
  };
}

export const boolean: Decoder<boolean> = (spot) => {
  const value = scalar(spot);
  return typeof value === 'boolean' ? value : spot.problem(`expected true or false, got ${shown(spot)}`);
};

/** Text that is never shown in a message, not even when it is wrong. */
export function secret(minLength: number): Decoder<string> {
  return (spot) => {
    const value = scalar(spot);
    if (typeof value === 'string' && value.length >= minLength) return value;
    const expected = minLength === 1 ? 'a text that is not empty' : `a text of at least ${minLength} characters`;
    return spot.problem(`expected ${expected}${typeof value === 'number' ? ' (put it in quotes)' : ''}`);
  };
}

/** True when nothing or only `null` was written here; an unresolved alias is not absent. */
export function isAbsent(spot: Spot): boolean {
  if (spot.missingAnchor !== null) return false;
  return spot.node === null || (isScalar(spot.node) && spot.node.value === null);
}

function scalar(spot: Spot): unknown {
  return isScalar(spot.node) ? spot.node.value : undefined;
}

/** A scalar as text: `1.2` stays "1.2", although its value is a number. */
function asWritten(node: Node | null): string | undefined {
  if (!isScalar(node)) return undefined;
  return typeof node.value === 'string' ? node.value : node.source;
}

function complain(spot: Spot, sentence: string): false {
  spot.problem(sentence);
  return false;
}

interface Entry {
  readonly key: string;
  readonly spot: Spot;
  readonly keySpot: Spot;
}

function pairsOf(spot: Spot, expected: string): readonly Entry[] | Refused {
  if (!isMap<Node, Node | null>(spot.node)) return spot.problem(`expected ${expected}, got ${shown(spot)}`);
  return spot.node.items.map((pair) => {
    const key = asWritten(pair.key) ?? '?';
    return {
      key,
      spot: spot.below(key, pair.value, pair.key),
      // A problem with a key is reported with the path of its value, which ends in the key.
      keySpot: spot.below(key, pair.key),
    };
  });
}

/** How a value is shown in a message: shortened, and only as its kind when it is not a scalar. */
function shown(spot: Spot): string {
  if (isMap(spot.node)) return 'a mapping';
  if (isSeq(spot.node)) return 'a list';
  const value = scalar(spot);
  if (value === null || value === undefined) return 'nothing';
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
