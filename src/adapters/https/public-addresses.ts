/** Which addresses an untrusted peer may make us connect to: those of the public Internet only. */
import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** IPv4 blocks outside of the public Internet (RFC 6890 and the IANA registry that it created). */
const SPECIAL_IPV4 = subnets('ipv4', [
  ['0.0.0.0', 8], // this network; 0.0.0.0 connects to this machine
  ['10.0.0.0', 8], // private (RFC 1918)
  ['100.64.0.0', 10], // carrier-grade NAT (RFC 6598)
  ['127.0.0.0', 8], // loopback
  ['169.254.0.0', 16], // link-local, and the metadata services of clouds
  ['172.16.0.0', 12], // private
  ['192.0.0.0', 24], // IETF protocols
  ['192.0.2.0', 24], // documentation
  ['192.88.99.0', 24], // 6to4 relays (deprecated)
  ['192.168.0.0', 16], // private
  ['198.18.0.0', 15], // benchmarking
  ['198.51.100.0', 24], // documentation
  ['203.0.113.0', 24], // documentation
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved, and broadcast
]);

/**
 * All IPv6 addresses allocated for the public Internet are in this block; everything else (loopback, link-local, unique
 * local, multicast, IPv4 in the lowest bits) is refused.
 */
const GLOBAL_IPV6 = subnets('ipv6', [['2000::', 3]]);
/** Blocks within GLOBAL_IPV6 that are refused nevertheless. */
const SPECIAL_IPV6 = subnets('ipv6', [
  ['2001::', 23], // IETF protocols; Teredo embeds an IPv4 address
  ['2001:db8::', 32], // documentation
  ['2002::', 16], // 6to4 embeds an IPv4 address
  ['3fff::', 20], // documentation
]);
/** An IPv4 address embedded for NAT64 (RFC 6052 §2.1): behind a NAT64, IPv4 hosts have no other address. */
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

/** The URL parser writes each IPv6 address in one form (RFC 5952 §4, without embedded dots). */
const canonicalIpv6 = (address: string): string => new URL(`http://[${address}]/`).hostname.slice(1, -1);

function embeddedIpv4(high: string, low: string): string {
  const [first, second] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [first >> 8, first & 0xff, second >> 8, second & 0xff].join('.');
}
