/** Names over DNS that somebody else has validated: a resolver that the operator names, on this machine unless told otherwise. */
import type { Resolver } from '../../ports.ts';
import { systemClock } from '../clock.ts';
import { resolverOver, TIMEOUT_MS, type ResolverOptions } from './resolver.ts';
import { createTrustedSource } from './trusted/source.ts';

export interface TrustedResolverOptions extends ResolverOptions {
  /** The resolvers whose AD bit is believed. */
  readonly servers: readonly string[];
  /** Whether one may be on another machine: whoever is on the way there can then prove anything. @defaultValue false */
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
