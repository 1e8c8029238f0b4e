/** Which addresses a stranger may have us connect to: those of the public Internet only (FACTS §14, 23). */
import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** IPv4 blocks that are no host's of the public Internet (RFC 6890 and the IANA registry that it made). */
const SPECIAL_IPV4 = subnets('ipv4', [
  ['0.0.0.0', 8], // this network; 0.0.0.0 connects to this machine
  ['10.0.0.0', 8], // private (RFC 1918)
  ['100.64.0.0', 10], // behind a carrier's NAT (RFC 6598)
  ['127.0.0.0', 8], // loopback
  ['169.254.0.0', 16], // link-local, and what clouds tell their machines
  ['172.16.0.0', 12], // private
  ['192.0.0.0', 24], // IETF protocols
  ['192.0.2.0', 24], // documentation
  ['192.88.99.0', 24], // 6to4 relays, of old
  ['192.168.0.0', 16], // private
  ['198.18.0.0', 15], // benchmarks
  ['198.51.100.0', 24], // documentation
  ['203.0.113.0', 24], // documentation
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved, and broadcast
]);

/**
 * All that is given out of IPv6 is in here: what is not (loopback, link-local, unique local, multicast, IPv4 in the lowest
 * bits) is out.
 */
const GLOBAL_IPV6 = subnets('ipv6', [['2000::', 3]]);
/** Except these. */
const SPECIAL_IPV6 = subnets('ipv6', [
  ['2001::', 23], // IETF protocols; Teredo hides an IPv4 address
  ['2001:db8::', 32], // documentation
  ['2002::', 16], // 6to4 hides an IPv4 address
  ['3fff::', 20], // documentation
]);
/** An IPv4 address as a NAT64 wants it (RFC 6052 §2.1): where there is one, it is all that IPv4 hosts have. */
const NAT64 = /^64:ff9b::(?:([\da-f]{1,4}):)?([\da-f]{1,4})$/;

export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !SPECIAL_IPV4.check(address, 'ipv4');
  if (!isIPv6(address) || address.includes('%')) return false;
  const [, high = '0', low] = NAT64.exec(canonicalIpv6(address)) ?? [];
  if (low !== undefined) return isPublicAddress(embeddedIpv4(high, low));
  return GLOBAL_IPV6.check(address, 'ipv6') && !SPECIAL_IPV6.check(address, 'ipv6');
}

function subnets(family: 'ipv4' | 'ipv6', blocks: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of blocks) list.addSubnet(network, prefix, family);
  return list;
}

/** The URL parser writes IPv6 in one way (RFC 5952 §4, without embedded dots). */
const canonicalIpv6 = (address: string): string => new URL(`http://[${address}]/`).hostname.slice(1, -1);

function embeddedIpv4(high: string, low: string): string {
  const [first, second] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [first >> 8, first & 0xff, second >> 8, second & 0xff].join('.');
}
