/** The second of the two tables (DESIGN §2): which stream serves this (local, remote) going out. */
import type { StreamId } from './types.ts';

export interface Pair {
  readonly local: string;
  readonly remote: string;
}

/** Routes by local, then remote domain; and per stream the pairs that it serves, so that it can be withdrawn whole. */
export class RouteTable {
  readonly #routes = new Map<string, Map<string, StreamId>>();
  readonly #served = new Map<StreamId, Map<string, Set<string>>>();
  // Stanzas come in runs of one local domain.
  #lastLocal = '';
  #lastRemotes: ReadonlyMap<string, StreamId> = new Map();

  find(local: string, remote: string): StreamId | null {
    if (local === this.#lastLocal) return this.#lastRemotes.get(remote) ?? null;
    const remotes = this.#routes.get(local);
    if (remotes === undefined) return null;
    this.#lastLocal = local;
    this.#lastRemotes = remotes;
    return remotes.get(remote) ?? null;
  }

  set(local: string, remote: string, stream: StreamId): void {
    this.delete(local, remote);
    let remotes = this.#routes.get(local);
    if (remotes === undefined) this.#routes.set(local, (remotes = new Map<string, StreamId>()));
    remotes.set(remote, stream);
    let served = this.#served.get(stream);
    if (served === undefined) this.#served.set(stream, (served = new Map<string, Set<string>>()));
    const targets = served.get(local);
    if (targets === undefined) served.set(local, new Set([remote]));
    else targets.add(remote);
  }

  delete(local: string, remote: string): void {
    const remotes = this.#routes.get(local);
    const stream = remotes?.get(remote);
    if (remotes === undefined || stream === undefined) return;
    remotes.delete(remote);
    if (remotes.size === 0) this.#drop(local);
    const served = this.#served.get(stream);
    const targets = served?.get(local);
    targets?.delete(remote);
    if (targets?.size === 0) served?.delete(local);
    if (served?.size === 0) this.#served.delete(stream);
  }

  /** Deletes every route of a stream, and answers the pairs that it served. */
  withdraw(stream: StreamId): Pair[] {
    const pairs: Pair[] = [];
    for (const [local, targets] of this.#served.get(stream) ?? []) {
      const remotes = this.#routes.get(local);
      for (const remote of targets) {
        remotes?.delete(remote);
        pairs.push({ local, remote });
      }
      if (remotes?.size === 0) this.#drop(local);
    }
    this.#served.delete(stream);
    return pairs;
  }

  /** The pairs of one domain that a stream serves. */
  of(stream: StreamId, end: keyof Pair, domain: string): Pair[] {
    const served = this.#served.get(stream) ?? new Map<string, Set<string>>();
    if (end === 'local') return [...(served.get(domain) ?? [])].map((remote) => ({ local: domain, remote }));
    return [...served].filter(([, targets]) => targets.has(domain)).map(([local]) => ({ local, remote: domain }));
  }

  *rows(): Generator<Pair & { stream: StreamId }> {
    for (const [local, remotes] of this.#routes)
      for (const [remote, stream] of remotes) yield { local, remote, stream };
  }

  #drop(local: string): void {
    this.#routes.delete(local);
    this.#lastLocal = ''; // no domain is empty
  }
}
