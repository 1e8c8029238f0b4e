/** The streams that stand, or are on their way, indexed by what they may be reused for (FEATURES M1, M2, M3, M8). */
import type { StreamContext } from '../machines/stream-setup.ts';
import type { RouteManner, StreamId, StreamPurpose } from '../machines/events.ts';
import type { CertificateChain } from './ports.ts';
import type { Endpoint } from './protocol/dns.ts';

/** Where a stream stands on its way; only ever forwards. */
export type Stage = 'opening' | 'verifiable' | 'established' | 'closing';

export interface StreamRow {
  readonly id: StreamId;
  readonly initiating: boolean;
  readonly purpose: StreamPurpose;
  readonly endpoint: Endpoint | null;
  /** What the machine knows now. */
  readonly context: () => StreamContext;
  stage: Stage;
  /** When the first proof on it ends, in milliseconds since the epoch, and the timer for it. */
  expiresAtMs: number;
  expiry: unknown;
  /** What the far end presented in TLS. */
  chain: CertificateChain | null;
}

export interface Wanted {
  readonly remote: string;
  readonly purpose: StreamPurpose;
  readonly endpoints: readonly Endpoint[];
  readonly avoid: readonly StreamId[];
}

/** `pending`: one is being opened that may serve; ask again when something has changed. */
export type Found = { readonly stream: StreamId; readonly manner: RouteManner } | 'pending' | null;

/** The same host and port, or the same address and port (XEP-0220 §2.6.2). */
function endpointKeys({ host, port, addresses }: Endpoint): string[] {
  return [`${host}:${port}`, ...addresses.map(({ address }) => `${address}:${port}`)];
}

export class StandingStreams {
  readonly #rows = new Map<StreamId, StreamRow>();
  readonly #byRemote = new Map<string, Set<StreamId>>();
  readonly #byEndpoint = new Map<string, Set<StreamId>>();

  get size(): number {
    return this.#rows.size;
  }

  rows(): IterableIterator<StreamRow> {
    return this.#rows.values();
  }

  get(id: StreamId): StreamRow | undefined {
    return this.#rows.get(id);
  }

  add(row: StreamRow): void {
    this.#rows.set(row.id, row);
    if (row.endpoint !== null) for (const key of endpointKeys(row.endpoint)) index(this.#byEndpoint, key, row.id);
  }

  /** The stream leads to `remote`, proved or wanted for it. */
  leadsTo(id: StreamId, remote: string): void {
    if (this.#rows.has(id)) index(this.#byRemote, remote, id);
  }

  remove(id: StreamId): void {
    const row = this.#rows.get(id);
    if (row === undefined) return;
    this.#rows.delete(id);
    if (row.endpoint !== null) for (const key of endpointKeys(row.endpoint)) unindex(this.#byEndpoint, key, id);
    const { remote, proved } = row.context();
    for (const domain of new Set([remote, ...Object.keys(proved)])) unindex(this.#byRemote, domain, id);
  }

  /** A stream that already leads to the remote domain: a new sender domain is asserted on it (RFC 7712 §4.4.1). */
  leadingTo({ remote, purpose, avoid }: Omit<Wanted, 'endpoints'>): StreamRow | null {
    for (const id of this.#byRemote.get(remote) ?? []) {
      const row = this.#rows.get(id);
      if (row !== undefined && !avoid.includes(id) && serves(row, purpose)) return row;
    }
    return null;
  }

  find(wanted: Wanted): Found {
    const leading = this.leadingTo(wanted);
    if (leading !== null) return { stream: leading.id, manner: 'assertion' };
    let pending = false;
    const [first] = wanted.endpoints;
    for (const key of first === undefined ? [] : endpointKeys(first)) {
      for (const id of this.#byEndpoint.get(key) ?? []) {
        const row = this.#rows.get(id);
        if (row === undefined || wanted.avoid.includes(id) || row.stage === 'closing') continue;
        if (wanted.purpose === 'verification') {
          // M8: any stream that we opened to the same endpoint may carry the question.
          if (serves(row, 'verification')) return { stream: id, manner: 'assertion' };
          pending ||= row.stage === 'opening';
        } else if (row.purpose === 'stanzas') {
          // XEP-0220 §2.6.2: only where one pair's failure leaves the others alone.
          if (row.stage === 'established' && row.context().features?.dialbackErrors === true) {
            return { stream: id, manner: 'supposition' };
          }
          pending ||= row.stage === 'opening' || row.stage === 'verifiable';
        }
      }
    }
    return pending ? 'pending' : null;
  }
}

function serves(row: StreamRow, purpose: StreamPurpose): boolean {
  if (row.stage === 'closing') return false;
  // A question goes down a stream that we opened, to the address that DNS gave us (FACTS §14.3).
  if (purpose === 'verification') return row.initiating && row.stage !== 'opening';
  return row.purpose === 'stanzas' && row.stage === 'established' && (row.initiating || row.context().bidi);
}

function index(map: Map<string, Set<StreamId>>, key: string, id: StreamId): void {
  const ids = map.get(key);
  if (ids === undefined) map.set(key, new Set([id]));
  else ids.add(id);
}

function unindex(map: Map<string, Set<StreamId>>, key: string, id: StreamId): void {
  const ids = map.get(key);
  ids?.delete(id);
  if (ids?.size === 0) map.delete(key);
}
