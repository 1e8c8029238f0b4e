/** Writes DER (X.690 §10), the few types that a certificate needs. Reading is done elsewhere, by a full parser. */

export function tagged(tag: number, content: Uint8Array): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest >>>= 8) octets.unshift(rest & 0xff);
  return Buffer.concat([Buffer.of(tag, 0x80 | octets.length, ...octets), content]);
}

export const sequence = (...items: readonly Uint8Array[]): Buffer => tagged(0x30, Buffer.concat(items));
export const set = (...items: readonly Uint8Array[]): Buffer => tagged(0x31, Buffer.concat(items));
export const octetString = (content: Uint8Array): Buffer => tagged(0x04, content);
export const bitString = (content: Uint8Array, unusedBits = 0): Buffer =>
  tagged(0x03, Buffer.concat([Buffer.of(unusedBits), content]));
export const derBoolean = (value: boolean): Buffer => tagged(0x01, Buffer.of(value ? 0xff : 0));

/** A positive integer from its big-endian octets, whose first bit the caller keeps at zero. */
export const integer = (octets: Uint8Array): Buffer => tagged(0x02, octets);

export const text = (kind: 'utf8' | 'ia5', value: string): Buffer =>
  kind === 'utf8' ? tagged(0x0c, Buffer.from(value, 'utf8')) : tagged(0x16, Buffer.from(value, 'latin1'));

/** `[n]`: around whole values (constructed), or in place of a primitive type's own tag. */
export const contextTag = (n: number, content: Uint8Array, { constructed = true } = {}): Buffer =>
  tagged((constructed ? 0xa0 : 0x80) | n, content);

export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const octets = [first * 40 + second, ...rest].flatMap((arc) => {
    const groups = [arc & 0x7f];
    for (let high = Math.floor(arc / 128); high > 0; high = Math.floor(high / 128))
      groups.unshift(0x80 | (high & 0x7f));
    return groups;
  });
  return tagged(0x06, Buffer.from(octets));
}

/** UTCTime until 2049, GeneralizedTime from 2050 on (RFC 5280 §4.1.2.5). */
export function derTime(at: Date | number): Buffer {
  const digits = new Date(at).toISOString().replace(/[-:T]|\.\d+/g, '');
  const utc = Number(digits.slice(0, 4)) < 2050;
  return tagged(utc ? 0x17 : 0x18, Buffer.from(utc ? digits.slice(2) : digits, 'latin1'));
}
