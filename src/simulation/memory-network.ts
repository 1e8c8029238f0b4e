/**
 * Many networks in one process, over one simulated medium of ordered byte streams: no sockets, no real time, no
 * randomness of its own. The same seed and the same calls give the same events at the same milliseconds.
 */
import { fault, FaultError } from '../protocol/faults.ts';
import type { Clock, Network, Random } from '../ports.ts';
import { raceAddresses } from '../adapters/network/happy-eyeballs.ts';
import type { Race } from '../adapters/network/happy-eyeballs.ts';
import { MemoryConnection } from './memory-connection.ts';
import type { ChunkKind, MemoryParts } from './memory-connection.ts';
import { Link } from './memory-link.ts';
import type { HostParts, LinkEnds, Listener } from './memory-link.ts';
import { travelMs } from './memory-pipe.ts';
import type { LinkTiming } from './memory-pipe.ts';
import type { TlsVersion } from './memory-tls.ts';
import { connectFault } from '../adapters/network/network.ts';
import type { CredentialStore } from '../adapters/network/tls.ts';

export type { LinkEnds } from './memory-link.ts';

export interface MemoryNetworkOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** One-way latency, in milliseconds. @defaultValue 10 */
  readonly latencyMs?: number;
  /** Largest random addition to the latency of a segment, in milliseconds. @defaultValue 0 */
  readonly jitterMs?: number;
  /** Share of segments that are lost and retransmitted, in percent. @defaultValue 0 */
  readonly lossPercent?: number;
  /** @defaultValue 200 */
  readonly retransmitMs?: number;
  /** @defaultValue 262144 */
  readonly highWaterBytes?: number;
  /** Bytes under way to one reader, unread ones included. @defaultValue 65536 */
  readonly windowBytes?: number;
  /** Largest segment, in bytes; small ones test how a parser handles split input. @defaultValue 16384 */
  readonly segmentBytes?: number;
  /** Delay between connection attempts (RFC 8305 §8), in milliseconds. @defaultValue 250 */
  readonly attemptDelayMs?: number;
  /** @defaultValue 5000 */
  readonly endTimeoutMs?: number;
  /** @defaultValue 15000 */
  readonly firstByteTimeoutMs?: number;
}

export interface MemoryHostOptions {
  /** The host's addresses; connections come from the first. @defaultValue the next free address of 10.0.0.0/8 */
  readonly addresses?: readonly string[];
  /** @defaultValue 'TLSv1.3' */
  readonly maxVersion?: TlsVersion;
}

export interface LinkRecord extends LinkEnds {
  readonly atMs: number;
  readonly event: 'connected' | 'refused' | 'unreachable' | 'closed';
}

export interface WireChunk extends LinkEnds {
  /** The end that sends it. */
  readonly from: 'client' | 'server';
  /** `encrypted` chunks are shown as they were before encryption. */
  readonly kind: ChunkKind;
  readonly bytes: Buffer;
}

export interface MemoryNetwork {
  /** The network of one more host on this medium. */
  network(credentials: CredentialStore, host?: MemoryHostOptions): Network & { readonly address: string };
  /** Number of open TCP connections, each counted once. */
  readonly sockets: number;
  readonly links: readonly LinkEnds[];
  /** The outcome of every connection attempt, and the end of every connection. */
  readonly history: readonly LinkRecord[];
  /** Stops everything between the two without notifying either: only deadlines detect it. */
  cut(addressA: string, addressB: string): void;
  /** Cuts every address of one side from every address of the other. */
  partition(sideA: readonly string[], sideB: readonly string[]): void;
  /** Mends one cut, or all of them when called without arguments; stopped segments arrive late. */
  mend(addressA?: string, addressB?: string): void;
  /** Resets the open connections that match, at both ends; returns how many. */
  reset(matches?: (link: LinkEnds) => boolean): number;
  /** Passes every chunk that is sent to `hook`, and sends what it returns instead; null sends nothing. */
  intercept(hook: ((chunk: WireChunk) => Buffer | null) | null): void;
}

/** How long a client waits for an answer to its SYN before it retransmits, in milliseconds; doubles each time. */
const SYN_RETRANSMIT_MS = 1_000;
const EVERYWHERE = new Set(['0.0.0.0', '::']);

export function createMemoryNetwork(options: MemoryNetworkOptions): MemoryNetwork {
  const { clock, attemptDelayMs = 250, firstByteTimeoutMs = 15_000 } = options;
  const timing: LinkTiming = { latencyMs: 10, jitterMs: 0, lossPercent: 0, retransmitMs: 200, ...options };
  const listeners = new Map<string, Listener>();
  const knownAddresses = new Set<string>();
  const cuts = new Set<string>();
  const links = new Set<Link>();
  const history: LinkRecord[] = [];
  let hook: ((chunk: WireChunk) => Buffer | null) | null = null;
  let hosts = 0;
  let nextPort = 40_000;

  const pairOf = (a: string, b: string): string => [a, b].sort().join(' ');
  const isCut = ({ client, server }: LinkEnds): boolean => cuts.has(pairOf(client, server));
  const record = (event: LinkRecord['event'], { client, server, port }: LinkEnds): void => {
    history.push({ atMs: clock.now(), event, client, server, port });
  };
  const intercept =
    (from: WireChunk['from'], ends: () => LinkEnds): MemoryParts['intercept'] =>
    (kind, bytes) =>
      hook === null ? bytes : hook({ ...ends(), from, kind, bytes });

  /** One SYN and its outcome. */
  const attempt = (ends: LinkEnds, connected: (listener: Listener) => void, failed: AttemptFailed): (() => void) => {
    let timer: unknown;
    const later = (answer: () => void): void => {
      timer = clock.setTimeout(answer, travelMs(timing));
    };
    const arrived = (retransmitMs: number): void => {
      const listener = listeners.get(`${ends.server} ${ends.port}`);
      if (isCut(ends)) {
        timer = clock.setTimeout(() => arrived(retransmitMs * 2), retransmitMs);
      } else if (listener !== undefined) {
        later(() => connected(listener));
      } else if (knownAddresses.has(ends.server)) {
        record('refused', ends);
        later(() => failed(fault('tcp', 'connection-refused', 'peer', 'connection refused')));
      } else {
        record('unreachable', ends);
        failed(fault('tcp', 'host-unreachable', 'peer', 'no route to host'));
      }
    };
    later(() => arrived(SYN_RETRANSMIT_MS));
    return () => clock.clearTimeout(timer);
  };

  const connectFrom = (host: HostParts, own: string): Network['connect'] => {
    return ({ addresses, port }, events) => {
      let link: Link | null = null;
      let ends: LinkEnds = { client: own, server: addresses[0]?.address ?? '', port };
      const parts = { ...host, intercept: intercept('client', () => ends), gone: () => link?.endClosed() };
      const client = new MemoryConnection(parts, ends.server, events);
      const cancel = raceAddresses<Listener>({
        addresses,
        clock,
        attemptDelayMs,
        attempt: ({ address }, connected, failed) => attempt({ client: own, server: address, port }, connected, failed),
        won: (listener, { address }) => {
          ends = { client: own, server: address, port };
          record('connected', ends);
          link = new Link({
            ends,
            client,
            listener,
            timing,
            isCut: () => isCut(ends),
            intercept: intercept('server', () => ends),
            closed: (one) => {
              links.delete(one);
              record('closed', one.ends);
            },
          });
          links.add(link);
          events.connected({ remoteAddress: address, remotePort: port });
        },
        lost: (failures) => client.fail(connectFault(failures, port)),
      });
      client.connecting(cancel);
      return client;
    };
  };

  const listenAt = (host: HostParts, own: readonly string[]): Network['listen'] => {
    return (where, accept) => {
      const port = where.port === 0 ? nextPort++ : where.port;
      const at = EVERYWHERE.has(where.address) ? own : [where.address];
      const keys = at.map((address) => `${address} ${port}`);
      if (keys.some((key) => listeners.has(key))) {
        const text = `${where.address} port ${port} is in use`;
        return Promise.reject(new FaultError(fault('tcp', 'address-in-use', 'local', text)));
      }
      for (const address of at) knownAddresses.add(address);
      for (const key of keys) listeners.set(key, { tls: where.tls, firstByteTimeoutMs, host, accept });
      return Promise.resolve({
        address: where.address,
        port,
        close: () => {
          for (const key of keys) listeners.delete(key);
          return Promise.resolve();
        },
      });
    };
  };

  const makeNetwork: MemoryNetwork['network'] = (credentials, { addresses, maxVersion = 'TLSv1.3' } = {}) => {
    hosts += 1;
    const own = addresses ?? [`10.${hosts >> 16}.${(hosts >> 8) & 0xff}.${hosts & 0xff}`];
    const address = own[0] ?? '';
    for (const one of own) knownAddresses.add(one);
    const host: HostParts = {
      clock,
      credentials,
      maxVersion,
      highWaterBytes: options.highWaterBytes ?? 262_144,
      endTimeoutMs: options.endTimeoutMs ?? 5_000,
      windowBytes: options.windowBytes ?? 65_536,
      segmentBytes: options.segmentBytes ?? 16_384,
      latencyMs: timing.latencyMs,
    };
    return { address, connect: connectFrom(host, address), listen: listenAt(host, own) };
  };

  return {
    network: makeNetwork,
    get sockets() {
      return links.size;
    },
    get links() {
      return Array.from(links, ({ ends }) => ends);
    },
    history,
    cut: (a, b) => {
      cuts.add(pairOf(a, b));
    },
    partition: (sideA, sideB) => {
      for (const a of sideA) for (const b of sideB) cuts.add(pairOf(a, b));
    },
    mend: (a, b) => {
      if (a !== undefined && b !== undefined) cuts.delete(pairOf(a, b));
      else cuts.clear();
      for (const link of links) if (!isCut(link.ends)) link.mended();
    },
    reset: (matches = () => true) => {
      const hit = Array.from(links).filter(({ ends }) => matches(ends));
      for (const link of hit) link.reset();
      return hit.length;
    },
    intercept: (next) => {
      hook = next;
    },
  };
}

type AttemptFailed = Parameters<Race<unknown>['attempt']>[2];
