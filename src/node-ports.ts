/** Real ports: sockets, DNS, path validation, clock and randomness, on top of Node. */
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
  /** The same as in `ManagerOptions`: a handshake shows the certificate of the domain named in SNI. */
  readonly hosts: Readonly<Record<string, Credential | null>>;
  readonly trust?: {
    /** Whether the system's trust anchors are used. @defaultValue true */
    readonly system?: boolean;
    /** Additional trust anchors, PEM. */
    readonly anchors?: readonly string[];
  };
  readonly dns?: {
    /**
     * Who validates answers (DNSSEC): the system's `libunbound`; the resolvers in `servers`, whose AD bit is then
     * trusted; or nobody.
     * @defaultValue `none`
     */
    readonly validator?: 'libunbound' | 'trusted-resolver' | 'none';
    /**
     * Recursive name servers, such as `127.0.0.1@5399`. @defaultValue the system's; `trusted-resolver` has no default
     */
    readonly servers?: readonly string[];
    /** Whether a trusted resolver may be on another machine. @defaultValue false */
    readonly trustRemote?: boolean;
    /** Authoritative name servers by zone; only with libunbound. */
    readonly stubs?: Readonly<Record<string, string>>;
    /**
     * DNSSEC trust anchors, DS or DNSKEY records; only with libunbound. @defaultValue the root's, if the system has it
     */
    readonly trustAnchors?: readonly string[];
  };
  readonly posh?: PoshOptions;
}

export interface PoshOptions {
  /** Whether POSH documents are fetched at all (RFC 7711). @defaultValue true */
  readonly enabled?: boolean;
  /** Whether the system's certificate authorities are trusted for web servers. @defaultValue true */
  readonly system?: boolean;
  /** Additional trust anchors for web servers, PEM. */
  readonly anchors?: readonly string[];
  /**
   * Whether to connect to private and loopback addresses. Risky: whoever asserts a domain chooses the address.
   * @defaultValue false
   */
  readonly allowPrivate?: boolean;
  /** Port of the domains' web servers. @defaultValue 443 */
  readonly port?: number;
}

export interface NodePorts extends Ports {
  /**
   * Replaces certificates of hosted domains, from the next handshake on. See `ConnectionManager.setCredentials`.
   * @throws TypeError when a domain is not hosted; then nothing is changed
   */
  setCredentials(hosts: NodePortsOptions['hosts']): void;
  /**
   * Frees the resources that native libraries hold. Call it only after the manager has stopped; use no port afterwards.
   */
  close(): void;
}

/**
 * Creates all ports at once.
 * @throws FaultError, local. `pkix`: a condition that names what is wrong with the trust anchors, or
 *   `openssl-unavailable` when Node lacks a function. `dns`: `validator-unavailable` when the system has no libunbound;
 *   `trust-anchor-malformed`; `validator-misconfigured`, also when no trusted resolver is named or it is on another
 *   machine.
 */
export function createNodePorts({ hosts, trust = {}, dns = {}, posh = {} }: NodePortsOptions): NodePorts {
  const byDomain = new Map(
    Object.entries(hosts).map(([host, credential]) => [canonicalDomain(host) ?? host, credential]),
  );
  const first = (): Credential | null => [...byDomain.values()].find((credential) => credential !== null) ?? null;
  const forServerName = (name: string | null): Credential | null => {
    // No name known: a stream error after the handshake tells the peer more than a failed handshake does.
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
