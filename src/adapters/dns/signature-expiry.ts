/** When the signatures of a DNS message end: no answer may be kept for longer (RFC 4035 §5.3.3), and libunbound's TTL does not say. */

const HEADER_BYTES = 12;
const COUNTS_AT = 4;
const TYPE_RRSIG = 46;
/** Type, class, TTL and length, behind the owner of a record. */
const RECORD_BYTES = 10;
/** In the RDATA of RRSIG, behind type, algorithm, labels and original TTL (RFC 4034 §3.1). */
const EXPIRATION_AT = 8;
const POINTER = 0xc0;

/** Seconds until the first of the signatures in `message` ends, negative when it has; infinite when it has none, or cannot be read on. */
export function secondsSigned(message: Uint8Array, nowSeconds: number): number {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  let left = Infinity;
  if (bytes.length < HEADER_BYTES) return left;
  const [questions = 0, ...records] = [0, 2, 4, 6].map((offset) => bytes.readUInt16BE(COUNTS_AT + offset));
  let at = HEADER_BYTES;
  for (let i = 0; i < questions; i += 1) at = behindName(bytes, at) + 4;
  for (let i = records.reduce((sum, count) => sum + count, 0); i > 0; i -= 1) {
    at = behindName(bytes, at) + RECORD_BYTES;
    if (at > bytes.length) break;
    const length = bytes.readUInt16BE(at - 2);
    const end = at + EXPIRATION_AT + 4;
    if (bytes.readUInt16BE(at - RECORD_BYTES) === TYPE_RRSIG && end <= Math.min(at + length, bytes.length)) {
      // Serial number arithmetic (RFC 4034 §3.1.5): the difference counts, as a signed number of 32 bits.
      left = Math.min(left, (bytes.readUInt32BE(at + EXPIRATION_AT) - nowSeconds) | 0);
    }
    at += length;
  }
  return left;
}

function behindName(bytes: Buffer, start: number): number {
  let at = start;
  for (let length = bytes[at] ?? 0; length !== 0; length = bytes[at] ?? 0) {
    if (length >= POINTER) return at + 2;
    at += 1 + length;
  }
  return at + 1;
}
