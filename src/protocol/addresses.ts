/** The order in which the addresses of one host are raced (RFC 8305 §4). */
import type { AddressRecord } from './dns.ts';

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
