/** Addresses of name servers, as written in a configuration. */
import { BlockList, isIP } from 'node:net';

export interface ServerAddress {
  readonly address: string;
  readonly family: 4 | 6;
  readonly port: number;
}

/**
 * `192.0.2.1`, `192.0.2.1@5399`, `192.0.2.1:5399`, `[2001:db8::1]@5399`; port 53 when none is given.
 * @throws TypeError when it is not an address with an optional port.
 */
export function parseServer(server: string): ServerAddress {
  const [, host = server, port = '53'] = isIP(server) ? [] : (/^(.+?)(?:[@:](\d{1,5}))?$/.exec(server) ?? []);
  const address = /^\[(.+)\]$/.exec(host)?.[1] ?? host;
  const family = isIP(address);
  if ((family !== 4 && family !== 6) || Number(port) === 0 || Number(port) > 65_535) {
    throw new TypeError(`not the address of a name server: ${server}`);
  }
  return { address, family, port: Number(port) };
}

/** Whether the server is on this machine. */
export function isLoopbackServer({ address, family }: ServerAddress): boolean {
  return loopback.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');
