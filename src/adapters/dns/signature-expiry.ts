/** When signatures expire: no answer may be kept longer (RFC 4035 §5.3.3), and libunbound's TTL does not tell. */
import { type ResourceRecord, TYPE } from './message.ts';

/** Offset in the RDATA of RRSIG, after type, algorithm, labels and original TTL (RFC 4034 §3.1). */
const EXPIRATION_AT = 8;

/** Seconds until the first signature among `records` expires; negative when it has, infinite when there is none. */
export function secondsSigned(records: readonly ResourceRecord[], nowSeconds: number): number {
  const signatures = records.filter(({ type, rdata }) => type === TYPE.rrsig && rdata.length >= EXPIRATION_AT + 4);
  // Serial number arithmetic (RFC 4034 §3.1.5): the difference, as a signed number of 32 bits.
  return Math.min(...signatures.map(({ rdata }) => (rdata.readUInt32BE(EXPIRATION_AT) - nowSeconds) | 0));
}
