/** The real ports, made from the configuration: sockets, DNS, path validation, clock and chance. */
import { systemClock } from '../adapters/clock.ts';
import { createResolver } from '../adapters/dns.ts';
import { createNetwork } from '../adapters/network.ts';
import { createPathValidator } from '../adapters/pkix.ts';
import { createRandom } from '../adapters/random.ts';
import type { ServeConfig } from '../config/load.ts';
import type { Credential, Ports } from '../ports.ts';
import { canonicalDomain } from '../protocol/names.ts';

/** @throws FaultError `pkix`: what is wrong with the trust anchors; `openssl-unavailable` when Node lacks a function. */
export function createPorts(config: ServeConfig): Ports {
  const { hosts } = config.manager;
  const [first = null] = Object.values(hosts);
  const forServerName = (name: string | null): Credential | null => {
    const domain = name === null ? null : canonicalDomain(name);
    // Nothing known, or not ours: a handshake that ends in an error of the stream says more than one that fails.
    return domain !== null && Object.hasOwn(hosts, domain) ? (hosts[domain] ?? first) : first;
  };
  return {
    clock: systemClock,
    random: createRandom(),
    network: createNetwork({ clock: systemClock, credentials: { forServerName } }),
    resolver: createResolver(config.dns.servers.length === 0 ? {} : { servers: config.dns.servers }),
    pathValidator: createPathValidator({ system: config.trust.system, anchors: config.trust.files }),
  };
}
