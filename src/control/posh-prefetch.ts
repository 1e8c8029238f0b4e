/**
 * Fetches the POSH documents of domains that we are about to connect to in parallel with their SRV look-up, so that the
 * fingerprints are there when the certificate is (RFC 7711 §5, RFC 7712 §5.2). The source caches the result, and later
 * requests join a fetch that is under way.
 */
import { limits } from '../../machines/limits.ts';
import type { Clock, PoshSource } from '../ports.ts';
import type { Service } from '../protocol/service.ts';

export interface PoshPrefetchPorts {
  /** Null when nobody fetches documents here. */
  readonly source: PoshSource | null;
  readonly clock: Clock;
  /** Whether POSH is the first prooftype to be tried for the domain. */
  readonly asksFor: (domain: string) => boolean;
}

export class PoshPrefetch {
  readonly #ports: PoshPrefetchPorts;
  readonly #underWay = new Map<string, AbortController>();

  constructor(ports: PoshPrefetchPorts) {
    this.#ports = ports;
  }

  get size(): number {
    return this.#underWay.size;
  }

  /**
   * Starts a fetch, for our own stanzas only. When `documentsAhead` fetches are under way, does nothing: the document
   * is fetched later, when it is needed.
   */
  begin(domain: string, service: Service): void {
    const { source, clock, asksFor } = this.#ports;
    if (source === null || this.#underWay.has(domain) || this.#underWay.size >= limits.documentsAhead) return;
    if (!asksFor(domain)) return;
    const controller = new AbortController();
    const over = (): void => {
      clock.clearTimeout(deadline);
      if (this.#underWay.get(domain) === controller) this.#underWay.delete(domain);
    };
    const deadline = clock.setTimeout(() => {
      controller.abort();
      over();
    }, limits.webMs);
    this.#underWay.set(domain, controller);
    // A failure is reported by the prooftype, which fetches again.
    source.fetch(domain, service, controller.signal, { purpose: 'stanzas' }).then(over, over);
  }

  stop(): void {
    for (const controller of this.#underWay.values()) controller.abort();
  }
}
