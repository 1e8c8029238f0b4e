/**
 * The domain of an address, from its bytes. A recently seen domain is recognised by its bytes: no string of the address
 * is created and its characters are not checked, and the result is always the same string, whose hash the tables need
 * not compute again. A cached domain matches only the exact bytes of its spelling, so peers that choose names for one
 * slot can only evict each other from it.
 */
import { canonicalDomain } from './names.ts';

const AT = 0x40;
const SLASH = 0x2f;
export const SLOT_BITS = 14;
/** Longer names are not cached, so that the cache takes at most a megabyte and a half. */
const LONGEST_BYTES = 63;
const known = new Array<string>(2 ** SLOT_BITS).fill('');

/** Position and slot of the domain in the address that {@link findDomain} examined last. */
export const found = { from: 0, to: 0, slot: 0 };

/** Sets {@link found}. False if the text between `start` and `end` has an empty local part, domain or resource. */
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

/** The result of `domainOfJid` for the UTF-8 text between `start` and `end`. */
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

/** Whether the bytes at `from` spell this canonical domain, which is ASCII. */
function isSpelled(domain: string, bytes: Uint8Array, from: number): boolean {
  for (let i = 0; i < domain.length; i += 1) if (domain.charCodeAt(i) !== bytes[from + i]) return false;
  return true;
}
