/** DNS that another resolver has validated: one that the operator names, by default only on this machine. */
import type { Resolver } from '../../ports.ts';
import { systemClock } from '../clock.ts';
import { resolverOver, TIMEOUT_MS, type ResolverOptions } from './resolver.ts';
import { createTrustedSource } from './trusted/source.ts';

export interface TrustedResolverOptions extends ResolverOptions {
  /** The resolvers whose AD bit is trusted. */
  readonly servers: readonly string[];
  /** Whether one may be on another machine: anyone on the path to it can then forge any proof. @defaultValue false */
  readonly trustRemote?: boolean;
}

/**
 * @throws FaultError `dns`, local: `validator-misconfigured` when no server is named, or one on another machine without
 * `trustRemote`. TypeError when a server is not an address with an optional port.
 */
export function createTrustedResolver(options: TrustedResolverOptions): Resolver {
  const { timeoutMs = TIMEOUT_MS, tries = 2, clock = systemClock } = options;
  return resolverOver(createTrustedSource({ ...options, timeoutMs, tries, clock }), options);
}
