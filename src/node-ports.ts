/** Real ports: sockets, DNS, path validation, clock and chance, as Node has them. */
import { systemClock } from './adapters/clock.ts';
import { rememberAnswers } from './adapters/dns/answer-cache.ts';
import { createResolver } from './adapters/dns/resolver.ts';
import { createTrustedResolver } from './adapters/dns/trusted-resolver.ts';
import { createValidatingResolver } from './adapters/dns/validating-resolver.ts';
import { createNetwork } from './adapters/network/network.ts';
import { createDnaProofJudge } from './adapters/dna/judge.ts';
import { createHttpsClient } from './adapters/https/client.ts';
import { createPoshSource } from './adapters/posh/source.ts';
import { createPathValidator } from './adapters/pkix/path-validator.ts';
import { createRandom } from './adapters/random.ts';
import type { Credential, Ports, Resolver } from './ports.ts';
import { credentialOf, replaceCredentials } from './protocol/hosts.ts';
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
    /**
     * Who validates answers (DNSSEC): `libunbound` of this system, the resolvers in `servers`, whose AD bit is then taken for
     * it, or nobody. @defaultValue `none`
     */
    readonly validator?: 'libunbound' | 'trusted-resolver' | 'none';
    /** Recursive name servers, such as `127.0.0.1@5399`. @defaultValue those of the system; none to be trusted */
    readonly servers?: readonly string[];
    /** Whether a trusted resolver may be on another machine. @defaultValue false */
    readonly trustRemote?: boolean;
    /** Authoritative name servers by zone; with libunbound only. */
    readonly stubs?: Readonly<Record<string, string>>;
    /** DNSSEC trust anchors, DS or DNSKEY records; with libunbound only. @defaultValue the root's, where the system has it */
    readonly trustAnchors?: readonly string[];
  };
  readonly posh?: PoshOptions;
}

export interface PoshOptions {
  /** Whether documents of POSH are fetched at all (RFC 7711). @defaultValue true */
  readonly enabled?: boolean;
  /** Whether the authorities of the system are trusted for web servers. @defaultValue true */
  readonly system?: boolean;
  /** Further trust anchors for web servers, PEM. */
  readonly anchors?: readonly string[];
  /** Whether private and loopback addresses are connected to: whoever asserts a domain chooses them. @defaultValue false */
  readonly allowPrivate?: boolean;
  /** Where the web servers of domains listen. @defaultValue 443 */
  readonly port?: number;
}

export interface NodePorts extends Ports {
  /**
   * Other certificates for hosted domains, from the next handshake on. See `ConnectionManager.setCredentials`.
   * @throws TypeError when one is not hosted; then nothing is changed
   */
  setCredentials(hosts: NodePortsOptions['hosts']): void;
  /** Frees what libraries hold. Not before the manager has stopped; nothing may be asked afterwards. */
  close(): void;
}

/**
 * @throws FaultError, local. `pkix`: what is wrong with the trust anchors; `openssl-unavailable` when Node lacks a function.
 * `dns`: `validator-unavailable` where the system has no libunbound; `trust-anchor-malformed`, `validator-misconfigured`; the latter
 * also for a trusted resolver that nobody named, or on another machine.
 */
export function createNodePorts({ hosts, trust = {}, dns = {}, posh = {} }: NodePortsOptions): NodePorts {
  const byDomain = new Map(
    Object.entries(hosts).map(([host, credential]) => [canonicalDomain(host) ?? host, credential]),
  );
  const first = (): Credential | null => [...byDomain.values()].find((credential) => credential !== null) ?? null;
  const forServerName = (name: string | null): Credential | null => {
    // Nothing known: a handshake that ends in an error of the stream says more than one that fails.
    if (name === null) return first();
    const domain = canonicalDomain(name);
    return domain !== null && byDomain.has(domain) ? (credentialOf(byDomain, domain) ?? first()) : null;
  };
  const names = createNames(dns);
  const pathValidator = createPathValidator({ system: trust.system ?? true, anchors: trust.anchors ?? [] });
  const resolver = rememberAnswers(names.resolver);
  const { enabled = true, ...web } = posh;
  const client = createHttpsClient({ ...web, resolver });
  const documents = enabled ? createPoshSource({ client }) : null;
  const dnaProofs = createDnaProofJudge({
    pathValidator,
    clock: systemClock,
    resolver,
    get: (url, signal) => client.turn((get) => get(url), signal, { purpose: 'verification' }),
    dns: { servers: dns.servers ?? [], stubs: dns.stubs ?? {} },
    isOurs: (host) => byDomain.has(host),
  });
  return {
    clock: systemClock,
    random: createRandom(),
    network: createNetwork({ clock: systemClock, credentials: { forServerName } }),
    resolver,
    pathValidator,
    ...(documents === null ? {} : { posh: documents }),
    dnaProofs,
    setCredentials: (others) => replaceCredentials(byDomain, others),
    close: () => {
      dnaProofs.close();
      client.close();
      names.close();
      pathValidator.close();
    },
  };
}

function createNames(dns: NonNullable<NodePortsOptions['dns']>): { resolver: Resolver; close: () => void } {
  const { validator = 'none', servers = [], trustRemote = false } = dns;
  const nothing = (): void => undefined;
  switch (validator) {
    case 'libunbound': {
      const resolver = createValidatingResolver(dns);
      return { resolver, close: () => resolver.close() };
    }
    case 'trusted-resolver':
      return { resolver: createTrustedResolver({ servers, trustRemote }), close: nothing };
    case 'none':
      return { resolver: createResolver({ servers }), close: nothing };
  }
}
