/** Names over validated DNS: the status of every answer tells how libunbound judged its signatures (RFC 4035 §4.3). */
import type { Resolver } from '../../ports.ts';
import { resolverOver, type ResolverOptions } from './resolver.ts';
import { createUnboundSource, type UnboundOptions } from './unbound/source.ts';

export type ValidatingResolverOptions = UnboundOptions & Omit<ResolverOptions, 'servers' | 'tries'>;

export interface ValidatingResolver extends Resolver {
  /** Frees the resources of the validator; questions under way end as failed. */
  close(): void;
}

/**
 * @throws FaultError `dns`, local: `validator-unavailable` when the system has no libunbound (Debian: `libunbound8`);
 * `trust-anchor-malformed`; `validator-misconfigured` when it refuses a server, a stub or a trust anchor. TypeError
 * when a server is not an address.
 */
export function createValidatingResolver(options: ValidatingResolverOptions = {}): ValidatingResolver {
  const source = createUnboundSource(options);
  return { ...resolverOver(source, options), close: () => source.close() };
}
