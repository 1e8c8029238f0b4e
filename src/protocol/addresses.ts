/** The order in which the addresses of one host are raced (RFC 8305 §4). */
import type { AddressRecord } from './dns.ts';
import { isIpLiteral } from './names.ts';

/**
 * Addresses with the families taking turns, first the family of the first address (first-family count 1); within a family
 * the order is kept. What one family has more than the other comes last; nothing is lost and nothing is added.
 */
export function interleaveFamilies<A extends Pick<AddressRecord, 'family'>>(addresses: readonly A[]): A[] {
  const first = addresses.filter(({ family }) => family === addresses[0]?.family);
  const second = addresses.filter(({ family }) => family !== addresses[0]?.family);
  const pairs = Math.min(first.length, second.length);
  return [
    ...first.slice(0, pairs).flatMap((address, i) => [address, ...second.slice(i, i + 1)]),
    ...first.slice(pairs),
    ...second.slice(pairs),
  ];
}

/** The address that an IP literal in canonical form is (`192.0.2.1`, `[2001:db8::1]`), or null for a name. */
export function literalAddress(host: string): AddressRecord | null {
  if (!isIpLiteral(host)) return null;
  return host.startsWith('[') ? { family: 6, address: host.slice(1, -1) } : { family: 4, address: host };
}
