/** Writes DER (X.690 §10): the few types that a certificate needs. The reader is src/protocol/der.ts. */
import { constructedTag, oidContents, primitiveTag, TAG } from '../protocol/der.ts';

export function tagged(tag: number, content: Uint8Array): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest >>>= 8) octets.unshift(rest & 0xff);
  return Buffer.concat([Buffer.of(tag, 0x80 | octets.length, ...octets), content]);
}

export const sequence = (...items: readonly Uint8Array[]): Buffer => tagged(TAG.sequence, Buffer.concat(items));
export const set = (...items: readonly Uint8Array[]): Buffer => tagged(TAG.set, Buffer.concat(items));
export const octetString = (content: Uint8Array): Buffer => tagged(TAG.octetString, content);
export const bitString = (content: Uint8Array, unusedBits = 0): Buffer =>
  tagged(TAG.bitString, Buffer.concat([Buffer.of(unusedBits), content]));
export const derBoolean = (value: boolean): Buffer => tagged(TAG.boolean, Buffer.of(value ? 0xff : 0));

/** A positive integer from its big-endian octets; the caller ensures that the first bit is zero. */
export const integer = (octets: Uint8Array): Buffer => tagged(TAG.integer, octets);

export const text = (kind: 'utf8' | 'ia5', value: string): Buffer =>
  kind === 'utf8'
    ? tagged(TAG.utf8String, Buffer.from(value, 'utf8'))
    : tagged(TAG.ia5String, Buffer.from(value, 'latin1'));

/** The context-specific tag `[n]`: around whole values (constructed), or in place of a primitive type's own tag. */
export const contextTag = (n: number, content: Uint8Array, { constructed = true } = {}): Buffer =>
  tagged(constructed ? constructedTag(n) : primitiveTag(n), content);

export const oid = (dotted: string): Buffer => tagged(TAG.oid, oidContents(dotted));

/** UTCTime until 2049, GeneralizedTime from 2050 on (RFC 5280 §4.1.2.5). */
export function derTime(at: Date | number): Buffer {
  const digits = new Date(at).toISOString().replace(/[-:T]|\.\d+/g, '');
  const utc = Number(digits.slice(0, 4)) < 2050;
  return tagged(utc ? TAG.utcTime : TAG.generalizedTime, Buffer.from(utc ? digits.slice(2) : digits, 'latin1'));
}
