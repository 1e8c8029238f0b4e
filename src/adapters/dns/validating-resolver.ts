/** Names over validated DNS: every answer says what libunbound found out about its signatures (FACTS §10.2). */
import type { Resolver } from '../../ports.ts';
import { resolverOver, type ResolverOptions } from './resolver.ts';
import { createUnboundSource, type UnboundOptions } from './unbound/source.ts';

export type ValidatingResolverOptions = UnboundOptions & Omit<ResolverOptions, 'servers' | 'tries'>;

export interface ValidatingResolver extends Resolver {
  /** Frees what the validator holds; questions under way end as failed. */
  close(): void;
}

/**
 * @throws FaultError `dns`, local: `validator-unavailable` where the system has no libunbound (Debian: `libunbound8`);
 * `trust-anchor-malformed`; `validator-misconfigured` when it refuses a server, a stub or a trust anchor. TypeError when a server is not an address.
 */
export function createValidatingResolver(options: ValidatingResolverOptions = {}): ValidatingResolver {
  const source = createUnboundSource(options);
  return { ...resolverOver(source, options), close: () => source.close() };
}
