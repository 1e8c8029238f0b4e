/** All open streams, and those being opened, indexed by what they may be reused for (RFC 7712 §4.4). */
import type { StreamContext } from '../../machines/stream/context.ts';
import type { RouteManner, StreamId, StreamPurpose } from '../../machines/events.ts';
import type { CertificateChain } from '../ports.ts';
import type { Endpoint } from '../protocol/dns.ts';

/** How far a stream has come; it only moves forwards. */
export type Stage = 'opening' | 'verifiable' | 'established' | 'closing';

export interface StreamRow {
  readonly id: StreamId;
  readonly initiating: boolean;
  readonly purpose: StreamPurpose;
  readonly endpoint: Endpoint | null;
  /** The address of the peer that opened it; null when we did. */
  readonly openedFrom: string | null;
  /** The current context of its machine. */
  readonly context: () => StreamContext;
  stage: Stage;
  /** The remote domains under which it is indexed. */
  readonly leadsTo: Set<string>;
  /** Logical times, set by the table, that tell apart streams opened at the same time. */
  openedAt: number;
  establishedAt: number;
  /** The chain that the far end presented in TLS. */
  chain: CertificateChain | null;
  /** Bytes counted by its transport; null before it has one. */
  bytes: { readonly in: number; readonly out: number } | null;
}

export interface Wanted {
  readonly remote: string;
  readonly purpose: StreamPurpose;
  readonly endpoints: readonly Endpoint[];
  readonly avoid: readonly StreamId[];
}

/** A stream that may serve is being opened, or is about to be opened (null): ask again when something has changed. */
export interface Pending {
  readonly pending: StreamId | null;
}

export type Found = { readonly stream: StreamId; readonly manner: RouteManner } | Pending | null;

export const isPending = (found: Found): found is Pending => found !== null && 'pending' in found;

const hostKey = ({ host, port }: Endpoint): string => `${host}:${port}`;

/**
 * Where a stream will lead, before it is known which address answers: to the host, or to a host of another name with
 * exactly the same addresses, as the tenants of a hoster may have (L3).
 */
export function placeKeys(endpoint: Endpoint): string[] {
  const all = endpoint.addresses.map(({ address }) => address).sort();
  return all.length === 0 ? [hostKey(endpoint)] : [hostKey(endpoint), `${all.join()}:${endpoint.port}`];
}

/**
 * Where a stream leads: to the host that it was opened to, and to the address that answered; to no other of its
 * addresses.
 */
export function addressKeys({ endpoint, context }: StreamRow): string[] {
  if (endpoint === null) return [];
  const { connectedTo } = context();
  return connectedTo === null ? placeKeys(endpoint) : [...placeKeys(endpoint), `${connectedTo}:${endpoint.port}`];
}

/** The places where a domain may be reached: the same host and port, or the same address and port (XEP-0220 §2.6.2). */
export function endpointKeys(endpoint: Endpoint): string[] {
  const ofAddresses = endpoint.addresses.map(({ address }) => `${address}:${endpoint.port}`);
  return [...new Set([...placeKeys(endpoint), ...ofAddresses])];
}

/** Protects memory against a peer with an endless number of endpoints. */
const CERTIFICATES_REMEMBERED = 4_096;

export class StandingStreams {
  readonly #rows = new Map<StreamId, StreamRow>();
  /** The streams that we opened. */
  readonly #dialled = new Set<StreamId>();
  readonly #byRemote = new Map<string, Set<StreamId>>();
  readonly #byEndpoint = new Map<string, Set<StreamId>>();
  /** Established bidirectional streams, by the certificate of the far end (SHA-256). */
  readonly #bidiByCertificate = new Map<string, Set<StreamId>>();
  #moment = 0;
  /** Endpoints to which a stream is about to be opened. */
  readonly #promised = new Set<string>();
  /** By `host:port`: the certificate that was presented there (SHA-256). */
  readonly #certificateAt = new Map<string, string>();

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
    row.openedAt = ++this.#moment;
    if (row.endpoint === null) return;
    this.#dialled.add(row.id);
    for (const key of placeKeys(row.endpoint)) {
      this.#promised.delete(key);
      index(this.#byEndpoint, key, row.id);
    }
  }

  /** The address that answered is known: of all the endpoint's addresses, the stream leads only to that one. */
  verifiable(row: StreamRow): void {
    if (row.stage === 'opening') row.stage = 'verifiable';
    for (const key of addressKeys(row)) index(this.#byEndpoint, key, row.id);
  }

  established(row: StreamRow): void {
    row.stage = 'established';
    row.establishedAt = ++this.#moment;
    const shown = certificateOf(row);
    if (shown === undefined) return;
    if (isBidi(row)) index(this.#bidiByCertificate, shown, row.id);
    if (row.endpoint === null) return;
    if (this.#certificateAt.size >= CERTIFICATES_REMEMBERED) this.#certificateAt.clear();
    this.#certificateAt.set(hostKey(row.endpoint), shown);
  }

  /**
   * Streams of ours that a stream from the far end makes redundant: both are bidirectional and lead to the same
   * certificate, each was opened before the other was established, and ours has the greater id. A stream that was
   * opened later was opened for a reason.
   */
  doublesOf(row: StreamRow): StreamRow[] {
    if (!isBidi(row)) return [];
    const doubles: StreamRow[] = [];
    for (const other of this.#bidiShowing(certificateOf(row))) {
      if (other.initiating === row.initiating) continue;
      const [ours, theirs] = row.initiating ? [row, other] : [other, row];
      if (ours.openedAt < theirs.establishedAt && idOf(ours) > idOf(theirs)) doubles.push(ours);
    }
    return doubles;
  }

  /** A bidirectional stream opened to us by the holder of the endpoint's certificate (XEP-0288 §2.2). */
  #reverseOf(endpoint: Endpoint, avoid: readonly StreamId[]): StreamRow | null {
    const shown = this.#certificateAt.get(hostKey(endpoint));
    for (const row of this.#bidiShowing(shown)) {
      if (!row.initiating && !avoid.includes(row.id)) return row;
    }
    return null;
  }

  *#bidiShowing(certificate: string | undefined): Iterable<StreamRow> {
    if (certificate === undefined) return;
    for (const id of this.#bidiByCertificate.get(certificate) ?? []) {
      const row = this.#rows.get(id);
      if (row !== undefined && isBidi(row)) yield row;
    }
  }

  /**
   * Marks an endpoint to which a stream is about to be added: until then, or until this is revoked, others find it
   * pending.
   */
  promise(endpoint: Endpoint): () => boolean {
    const keys = placeKeys(endpoint);
    for (const key of keys) this.#promised.add(key);
    return () => keys.filter((key) => this.#promised.delete(key)).length > 0;
  }

  /**
   * Whether a stream to this place is promised; a search for a domain at this place finds at least that one pending.
   */
  isPromised(place: string): boolean {
    return this.#promised.has(place);
  }

  /** Records that the stream leads to `remote`, which is proved on it or wanted. */
  leadsTo(id: StreamId, remote: string): void {
    const row = this.#rows.get(id);
    if (row === undefined) return;
    row.leadsTo.add(remote);
    index(this.#byRemote, remote, id);
  }

  /** The stream no longer leads to `remote`; returns false if it never did. */
  leadsNoMore(id: StreamId, remote: string): boolean {
    if (this.#rows.get(id)?.leadsTo.delete(remote) !== true) return false;
    unindex(this.#byRemote, remote, id);
    return true;
  }

  remove(id: StreamId): void {
    const row = this.#rows.get(id);
    if (row === undefined) return;
    this.#rows.delete(id);
    this.#dialled.delete(id);
    for (const key of addressKeys(row)) unindex(this.#byEndpoint, key, id);
    for (const domain of row.leadsTo) unindex(this.#byRemote, domain, id);
    unindex(this.#bidiByCertificate, certificateOf(row) ?? '', id);
  }

  /** A stream that already leads to the remote domain: a new sender domain is asserted on it (RFC 7712 §4.4.1). */
  leadingTo({ remote, purpose, avoid }: Omit<Wanted, 'endpoints'>): StreamRow | null {
    for (const id of this.#byRemote.get(remote) ?? []) {
      const row = this.#rows.get(id);
      if (row !== undefined && !avoid.includes(id) && serves(row, purpose)) return row;
    }
    return null;
  }

  /**
   * Whether any stream of ours can carry dialback requests: only then may one exist that leads to the domain's server.
   */
  mayAskSomewhere(avoid: readonly StreamId[]): boolean {
    for (const id of this.#dialled) {
      const row = this.#rows.get(id);
      if (row !== undefined && !avoid.includes(id) && serves(row, 'verification')) return true;
    }
    return false;
  }

  find(wanted: Wanted): Found {
    const leading = this.leadingTo(wanted);
    if (leading !== null) return { stream: leading.id, manner: 'assertion' };
    let promised = false;
    let pending: StreamId | null = null;
    const [first] = wanted.endpoints;
    for (const key of first === undefined ? [] : endpointKeys(first)) {
      promised ||= this.#promised.has(key);
      for (const id of this.#byEndpoint.get(key) ?? []) {
        const row = this.#rows.get(id);
        if (row === undefined || wanted.avoid.includes(id) || row.stage === 'closing') continue;
        if (wanted.purpose === 'verification') {
          // Any stream that we opened to the same endpoint may carry the request.
          if (serves(row, 'verification')) return { stream: id, manner: 'assertion' };
          if (row.stage === 'opening') pending ??= id;
        } else if (row.purpose === 'stanzas') {
          // XEP-0220 §2.6.2: only where the failure of one pair does not affect the others.
          if (row.stage === 'established' && row.context().negotiation.features?.dialbackErrors === true) {
            return { stream: id, manner: 'supposition' };
          }
          if (row.stage !== 'established') pending ??= id;
        }
      }
    }
    if (first !== undefined && wanted.purpose === 'stanzas') {
      const reverse = this.#reverseOf(first, wanted.avoid);
      if (reverse !== null) return { stream: reverse.id, manner: 'supposition' };
    }
    return promised || pending !== null ? { pending } : null;
  }
}

/** The id of an established stream, which both ends know. */
const idOf = (row: StreamRow): string => row.context().negotiation.wireId ?? '';

export const isBidi = (row: StreamRow): boolean =>
  row.stage === 'established' && row.purpose === 'stanzas' && row.context().negotiation.bidi;

const certificateOf = (row: StreamRow): string | undefined => row.context().tls?.certificate?.sha256;

function serves(row: StreamRow, purpose: StreamPurpose): boolean {
  if (row.stage === 'closing') return false;
  // A dialback request goes only on a stream that we opened, to the address that DNS gave us (XEP-0288 §2.2).
  if (purpose === 'verification') return row.initiating && row.stage !== 'opening';
  return row.purpose === 'stanzas' && row.stage === 'established' && (row.initiating || row.context().negotiation.bidi);
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
