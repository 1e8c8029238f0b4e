/** Real ports: sockets, DNS, path validation, clock and chance, as Node has them. */
import { systemClock } from './adapters/clock.ts';
import { rememberAnswers } from './adapters/dns/answer-cache.ts';
import { createResolver } from './adapters/dns/resolver.ts';
import { createNetwork } from './adapters/network/network.ts';
import { createPathValidator } from './adapters/pkix/path-validator.ts';
import { createRandom } from './adapters/random.ts';
import type { Credential, Ports } from './ports.ts';
import { credentialOf } from './protocol/hosts.ts';
import { canonicalDomain } from './protocol/names.ts';

export interface NodePortsOptions {
  /** The same as in `ManagerOptions`: a handshake shows the certificate of the domain that it names. */
  readonly hosts: Readonly<Record<string, Credential | null>>;
  readonly trust?: {
    /** The trust anchors of the system. @defaultValue true */
    readonly system?: boolean;
    /** Further trust anchors, PEM. */
    readonly anchors?: readonly string[];
  };
  readonly dns?: {
    /** Name servers, such as `127.0.0.1@5399`. @defaultValue those of the system */
    readonly servers?: readonly string[];
  };
}

/** @throws FaultError `pkix`: what is wrong with the trust anchors; `openssl-unavailable` when Node lacks a function. */
export function createNodePorts({ hosts, trust = {}, dns = {} }: NodePortsOptions): Ports {
  const byDomain = new Map(
    Object.entries(hosts).map(([host, credential]) => [canonicalDomain(host) ?? host, credential]),
  );
  const first = Object.values(hosts).find((credential) => credential !== null) ?? null;
  const forServerName = (name: string | null): Credential | null => {
    const domain = name === null ? null : canonicalDomain(name);
    // Nothing known, or not ours: a handshake that ends in an error of the stream says more than one that fails.
    return domain !== null && byDomain.has(domain) ? (credentialOf(byDomain, domain) ?? first) : first;
  };
  const servers = dns.servers ?? [];
  return {
    clock: systemClock,
    random: createRandom(),
    network: createNetwork({ clock: systemClock, credentials: { forServerName } }),
    resolver: rememberAnswers(createResolver(servers.length === 0 ? {} : { servers })),
    pathValidator: createPathValidator({ system: trust.system ?? true, anchors: trust.anchors ?? [] }),
  };
}
