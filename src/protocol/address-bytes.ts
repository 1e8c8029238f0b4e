/**
 * The domain of an address, by its bytes. One that came lately is known by them: that takes no string of the address and no look
 * at its characters, and it is the same string each time, whose hash the tables need not compute anew. What is known answers
 * for the very bytes that it is spelled with; so peers that choose names for one slot only put each other out of it.
 */
import { canonicalDomain } from './names.ts';

const AT = 0x40;
const SLASH = 0x2f;
export const SLOT_BITS = 14;
/** Longer names are not kept, so that all are not more than a megabyte and a half. */
const LONGEST_BYTES = 63;
const known = new Array<string>(2 ** SLOT_BITS).fill('');

/** Where the domain of an address stands, and the slot of its bytes; of the address that {@link findDomain} has seen last. */
export const found = { from: 0, to: 0, slot: 0 };

/** False: the text between `start` and `end` has an empty local part, domain or resource. */
export function findDomain(bytes: Uint8Array, start: number, end: number): boolean {
  let from = start;
  let to = start;
  let hash = 0;
  for (; to < end; to += 1) {
    const byte = bytes[to] as number;
    if (byte === SLASH) break;
    if (byte === AT && from === start) {
      from = to + 1;
      hash = 0;
    } else {
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
  }
  found.from = from;
  found.to = to;
  found.slot = Math.imul(hash ^ (hash >>> 15), 0x9e3779b1) >>> (32 - SLOT_BITS);
  return !(from === start + 1 || from === to || to === end - 1);
}

/** What `domainOfJid` says of the text between `start` and `end`, which is UTF-8. */
export function domainOfJidIn(bytes: Buffer, start: number, end: number): string | null {
  if (!findDomain(bytes, start, end)) return null;
  const { from, to, slot } = found;
  const candidate = known[slot] as string;
  if (candidate.length === to - from && isSpelled(candidate, bytes, from)) return candidate;
  const spelled = bytes.toString('utf8', from, to);
  const domain = canonicalDomain(spelled);
  if (domain === spelled && to - from <= LONGEST_BYTES) known[slot] = domain;
  return domain;
}

/** Whether a canonical domain, which is ASCII, stands at `from`. */
function isSpelled(domain: string, bytes: Uint8Array, from: number): boolean {
  for (let i = 0; i < domain.length; i += 1) if (domain.charCodeAt(i) !== bytes[from + i]) return false;
  return true;
}
