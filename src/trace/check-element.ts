/** Checks whether a value that was read is an element of the negotiation. */
import type { WireElement } from '../protocol/wire.ts';
import {
  type Fields,
  type FieldsOf,
  fits,
  flag,
  isObject,
  isText,
  oneOf,
  orAbsent,
  orNull,
  text,
  texts,
  typed,
} from './field-checks.ts';

type Kind = WireElement['kind'];

const answer = orNull(typed);
const dialback = { from: text, to: text, key: orNull(text), answer };
const failure = { condition: text, text: orNull(text) };

/** The fields of each kind, besides `kind` itself. */
export const elementFields: { readonly [K in Kind]: FieldsOf<Omit<Extract<WireElement, { kind: K }>, 'kind'>> } = {
  streamHeader: { to: orNull(text), from: orNull(text), id: orNull(text), version: orNull(text), dialback: flag },
  features: {
    startTls: oneOf('absent', 'optional', 'required'),
    mechanisms: texts,
    dialback: flag,
    dialbackErrors: flag,
    bidi: flag,
    asserts: orAbsent(texts),
    unknown: texts,
  },
  result: dialback,
  verify: { ...dialback, id: text },
  auth: { mechanism: text, initialResponse: orNull(text) },
  response: { data: text },
  saslFailure: failure,
  streamError: failure,
  unsupported: { name: text },
  dnaAssert: { from: text },
  dnaChallenge: { to: text, types: texts },
  dnaProof: { from: text, type: text, data: orNull(text) },
  dnaImpossible: { from: text },
  dnaValid: { to: text },
  dnaInvalid: { to: text },
  starttls: {},
  proceed: {},
  starttlsFailure: {},
  challenge: {},
  abort: {},
  success: {},
  bidi: {},
};

export function isElement(value: unknown): boolean {
  if (!isObject(value) || !isText(value['kind']) || !Object.hasOwn(elementFields, value['kind'])) return false;
  const fields: Fields = elementFields[value['kind'] as Kind]; // an own property, so a known kind
  return fits(value, fields);
}
