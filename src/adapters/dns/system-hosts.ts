/** Host names that this machine knows without the DNS. */
import { lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { AddressRecord } from '../../protocol/dns.ts';
import { canonicalDomain } from '../../protocol/names.ts';

const HOSTS_FILE = '/etc/hosts';

/**
 * Addresses of `host` from the hosts file, or else, for a name without a dot such as `localhost` or that of a
 * container, from the system's resolver. Empty when the system knows none. The queries of c-ares use neither.
 *
 * Names with a dot are not given to the system's resolver: it runs in Node's pool of four threads and cannot be
 * cancelled, so four domains with silent name servers would stop all file and key operations of the process.
 */
export async function systemAddresses(host: string): Promise<AddressRecord[]> {
  const listed = parseHosts(await readFile(HOSTS_FILE, 'utf8').catch(() => ''), host);
  if (listed.length > 0 || host.includes('.')) return listed;
  const found = await lookup(host, { all: true, verbatim: true }).catch(() => []);
  return found.flatMap(({ address }) => toAddress(address));
}

/** The addresses that a hosts file gives to `host`, in its order: `address name alias… # comment` on each line. */
export function parseHosts(text: string, host: string): AddressRecord[] {
  return text.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    return names.some((name) => canonicalDomain(name) === host) ? toAddress(address) : [];
  });
}

function toAddress(address: string): AddressRecord[] {
  const family = isIP(address);
  return family === 4 || family === 6 ? [{ family, address }] : [];
}
