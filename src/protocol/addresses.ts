/** The order in which the addresses of one host are raced (RFC 8305 §4). */
import type { AddressRecord } from './dns.ts';
import { isIpLiteral } from './names.ts';

/**
 * Alternates address families, starting with the family of the first address (first-family count 1); within a family
 * the order is kept. Surplus addresses of the larger family come last; none is lost and none is added.
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

/** The address of an IP literal in canonical form (`192.0.2.1`, `[2001:db8::1]`), or null for a name. */
export function literalAddress(host: string): AddressRecord | null {
  if (!isIpLiteral(host)) return null;
  return host.startsWith('[') ? { family: 6, address: host.slice(1, -1) } : { family: 4, address: host };
}

/** Whether a listening address can be reached only from this machine. */
export const isLoopback = (address: string): boolean =>
  /^127(?:\.\d{1,3}){3}$/.test(address) || address === '::1' || address === 'localhost';

/**
 * The unit for counting and limiting peers by address: an IPv4 address itself, or the /64 of an IPv6 address, which is
 * the least that one host is assigned and contains 2^64 addresses (RFC 6177 §2).
 */
export function addressBlock(address: string): string {
  if (!address.includes(':')) return address;
  const groups = (text: string): string[] => text.split(':').filter((group) => group !== '');
  const [head = '', tail = ''] = address.replace(/%.*$/, '').split('::');
  const before = groups(head);
  const after = groups(tail);
  const octets = after.at(-1)?.includes('.') === true ? 1 : 0; // a dotted quad replaces two groups
  const zeros = Array<string>(Math.max(0, 8 - before.length - after.length - octets)).fill('0');
  const network = [...before, ...zeros, ...after].slice(0, 4);
  return `${network.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}
