/** Dialback keys (XEP-0185 §2) and the answers of XEP-0220. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** An answer to `db:result` or `db:verify` (XEP-0220 §2.1, §2.2). `condition` is a stanza error condition (§2.5). */
export type DialbackAnswer =
  | { readonly type: 'valid' }
  | { readonly type: 'invalid' }
  | { readonly type: 'error'; readonly condition: string; readonly text?: string };

/** Makes keys from one secret. Stateless, so that any node that shares the secret can answer a `db:verify`. */
export interface DialbackKeys {
  /** The key with which `sender` proves itself to `target` on the stream `id`: 64 lower-case hex digits. */
  make(target: string, sender: string, id: string): string;
  /** Recomputes the key and compares in constant time; white space around the key is ignored. */
  matches(key: string, target: string, sender: string, id: string): boolean;
}

/**
 * @param secret shared by all nodes of one provider; at least 16 characters
 * @see XEP-0185 §2: the HMAC key is the hex *string* of SHA-256(secret), and the fields are separated by single spaces,
 *   so that no crafted id can pass for another domain (CVE-2016-0756). Domains are canonical A-labels here.
 */
export function dialbackKeys(secret: string): DialbackKeys {
  const hmacKey = createHash('sha256').update(secret).digest('hex');
  const make = (target: string, sender: string, id: string): string =>
    createHmac('sha256', hmacKey).update(`${target} ${sender} ${id}`).digest('hex');
  return {
    make,
    matches(key, target, sender, id) {
      const given = Buffer.from(key.trim(), 'utf8');
      const expected = Buffer.from(make(target, sender, id), 'utf8');
      return given.length === expected.length && timingSafeEqual(given, expected);
    },
  };
}
