/** Which resolvers are queried and which are trusted for DNSSEC; checks the options that depend on each other. */
import { isLoopbackServer, parseServer } from '../adapters/dns/server-address.ts';
import type { ConfigFile } from './schema.ts';

export interface DnsOptions {
  readonly validator: 'libunbound' | 'trusted-resolver' | 'none';
  /** Forwarders, as `127.0.0.1@5399` or `[::1]@5399`; empty: the resolvers of the system. */
  readonly servers: readonly string[];
  /** Whether a trusted resolver may be on another machine. */
  readonly trustRemote: boolean;
  /** The server to query for each zone, written in the same way. */
  readonly stubs: Readonly<Record<string, string>>;
  /** Texts with DS or DNSKEY records. */
  readonly trustAnchors: readonly string[];
}

export function dnsOptions(file: ConfigFile['dns'] = {}): DnsOptions {
  const { validator, servers = [], trustRemote, stubs, trustAnchors } = file;
  const who = validator?.value ?? 'none';
  if (who !== 'libunbound') {
    // Supplied anchors (dnssec-ta) are validated by libunbound, if present, whichever validator does the rest.
    for (const own of who === 'none' ? [stubs, trustAnchors] : [trustAnchors])
      own?.spot.warn(`only libunbound uses it, and dns.validator is ${who}`);
  }
  if (who === 'trusted-resolver') {
    if (servers.length === 0) validator?.spot.problem('expected dns.servers as well: the resolvers to trust');
    for (const { value, spot } of trustRemote?.value === true ? [] : servers) {
      if (isLoopbackServer(parseServer(value))) continue;
      spot.problem(
        'expected a resolver on this machine, or dns.trustRemote: true: an attacker on the way to a remote one can prove anything',
      );
    }
  } else trustRemote?.spot.warn(`only trusted-resolver uses it, and dns.validator is ${who}`);
  return {
    validator: who,
    servers: servers.map(({ value }) => value),
    trustRemote: trustRemote?.value ?? false,
    stubs: Object.fromEntries(stubs?.value ?? []),
    trustAnchors: trustAnchors?.value ?? [],
  };
}
