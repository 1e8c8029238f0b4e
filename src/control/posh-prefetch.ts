/**
 * Documents of domains that we are about to connect to, asked for while their SRV records are: so that the fingerprints are there
 * when the certificate is (RFC 7711 §5, RFC 7712 §5.2). What comes is remembered by the source, and whoever asks meanwhile joins.
 */
import { limits } from '../../machines/limits.ts';
import type { Clock, PoshSource } from '../ports.ts';
import type { Service } from '../protocol/service.ts';

export interface PoshPrefetchPorts {
  /** Null: nobody fetches documents here. */
  readonly source: PoshSource | null;
  readonly clock: Clock;
  /** Whether POSH is the first prooftype that is asked about the domain. */
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

  /** Of more than so many at once the others are fetched when their turn comes. For our own stanzas only. */
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
    // What failed is told by the prooftype, which asks again.
    source.fetch(domain, service, controller.signal, { purpose: 'stanzas' }).then(over, over);
  }

  stop(): void {
    for (const controller of this.#underWay.values()) controller.abort();
  }
}
