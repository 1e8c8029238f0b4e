/** Actions of an operator: neither a stanza nor a peer causes them. */
import type { StreamId } from '../../machines/events.ts';
import { fault, type Fault, FaultError } from '../protocol/faults.ts';
import { canonicalDomain } from '../protocol/names.ts';
import { deniedBy, type PolicyOptions } from '../protocol/policy.ts';
import type { Router } from '../routing/router.ts';
import type { Registry } from './registry.ts';

/** The result of {@link ConnectionManager.connect}. */
export type Connecting =
  | { readonly outcome: 'stands'; readonly stream: StreamId }
  /** A stream is being searched for or opened; `records$` and `view()` show the outcome. */
  | { readonly outcome: 'opening' }
  /** It has failed, and nothing is tried for a while; {@link ConnectionManager.retry} ends that. */
  | { readonly outcome: 'held-off'; readonly fault: Fault | null };

export interface OperatorOptions {
  readonly registry: Registry;
  readonly router: Pick<Router, 'routeOf'>;
  /** The initially configured policy, in canonical form. */
  readonly policy: PolicyOptions;
  readonly isHosted: (domain: string) => boolean;
}

export class Operator {
  readonly #options: OperatorOptions;
  #configured: PolicyOptions;
  readonly #blocked = new Set<string>();

  constructor(options: OperatorOptions) {
    this.#options = options;
    this.#configured = options.policy;
  }

  get blocked(): readonly string[] {
    return [...this.#blocked];
  }

  /** Replaces the configured policy; domains blocked by hand stay blocked. */
  setPolicy(policy: PolicyOptions): void {
    this.#configured = policy;
    this.#options.registry.enforcePolicy(this.#inForce());
  }

  connect(local: string, remote: string): Connecting {
    const pair = this.#pairOf(local, remote);
    const { registry, router } = this.#options;
    const stream = router.routeOf(pair.local, pair.remote);
    if (stream !== null) return { outcome: 'stands', stream };
    this.#mayOpen(pair.remote);
    const held = registry.holdOffOf(pair.local, pair.remote);
    if (held !== null) return { outcome: 'held-off', fault: held.fault };
    registry.routeWanted(pair.local, pair.remote);
    return { outcome: 'opening' };
  }

  retry(local: string, remote: string): boolean {
    const pair = this.#pairOf(local, remote);
    const { registry } = this.#options;
    this.#mayOpen(pair.remote);
    if (registry.holdOffOf(pair.local, pair.remote) === null) return false;
    registry.endHoldOff(pair.local, pair.remote);
    registry.routeWanted(pair.local, pair.remote);
    return true;
  }

  block(domain: string): boolean {
    const name = canonical('domain', domain);
    if (this.#options.isHosted(name)) throw new TypeError(`domain: ${name} is served here`);
    if (this.#blocked.has(name)) return false;
    this.#blocked.add(name);
    this.#options.registry.enforcePolicy(this.#inForce());
    return true;
  }

  unblock(domain: string): boolean {
    if (!this.#blocked.delete(canonical('domain', domain))) return false;
    this.#options.registry.enforcePolicy(this.#inForce());
    return true;
  }

  #inForce(): PolicyOptions {
    const { deny = [] } = this.#configured;
    return this.#blocked.size === 0 ? this.#configured : { ...this.#configured, deny: [...deny, ...this.#blocked] };
  }

  #pairOf(local: string, remote: string): { local: string; remote: string } {
    const { isHosted } = this.#options;
    const pair = { local: canonical('local', local), remote: canonical('remote', remote) };
    if (!isHosted(pair.local)) throw new TypeError(`local: ${pair.local} is not served here`);
    if (isHosted(pair.remote)) throw new TypeError(`remote: ${pair.remote} is served here`);
    return pair;
  }

  #mayOpen(remote: string): void {
    const { registry } = this.#options;
    const denied = deniedBy(this.#inForce(), remote);
    if (denied !== null) throw new FaultError(denied);
    if (registry.isDraining)
      throw new FaultError(fault('stream', 'system-shutdown', 'local', 'this server is shutting down'));
  }
}

function canonical(name: string, domain: string): string {
  const found = canonicalDomain(domain);
  if (found === null) throw new TypeError(`${name}: ${JSON.stringify(domain)} is no domain`);
  return found;
}
