/**
 * Many networks in one process, over one fabric of ordered byte streams: no sockets, no real time, no chance of its own.
 * Same seed, same calls, same events at the same milliseconds.
 */
import { fault, FaultError } from '../protocol/faults.ts';
import type { Accepted, Clock, ConnectionEvents, ListenOptions, Network, Random } from '../ports.ts';
import { raceAddresses } from './happy-eyeballs.ts';
import { MemoryConnection } from './memory-connection.ts';
import type { ChunkKind, Far, MemoryParts } from './memory-connection.ts';
import { Pipe, travelMs } from './memory-link.ts';
import type { LinkTiming } from './memory-link.ts';
import { RECORD } from './memory-tls.ts';
import type { TlsVersion } from './memory-tls.ts';
import { connectFault } from './network.ts';
import type { CredentialStore } from './tls.ts';

export interface MemoryNetworkOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** One way, in milliseconds. @defaultValue 10 */
  readonly latencyMs?: number;
  /** Up to this much more per segment, at random, in milliseconds. @defaultValue 0 */
  readonly jitterMs?: number;
  /** Share of segments lost and sent again, in percent. @defaultValue 0 */
  readonly lossPercent?: number;
  /** @defaultValue 200 */
  readonly retransmitMs?: number;
  /** @defaultValue 262144 */
  readonly highWaterBytes?: number;
  /** Bytes on their way to one reader, unread ones included. @defaultValue 65536 */
  readonly windowBytes?: number;
  /** Largest segment; small ones show what a parser does with torn input. @defaultValue 16384 */
  readonly segmentBytes?: number;
  /** RFC 8305 §8. @defaultValue 250 */
  readonly attemptDelayMs?: number;
  /** @defaultValue 5000 */
  readonly endTimeoutMs?: number;
  /** @defaultValue 15000 */
  readonly firstByteTimeoutMs?: number;
}

export interface MemoryHostOptions {
  /** Its addresses; connections come from the first. @defaultValue the next free one of 10.0.0.0/8 */
  readonly addresses?: readonly string[];
  /** @defaultValue 'TLSv1.3' */
  readonly maxVersion?: TlsVersion;
}

/** One TCP connection, by its ends. */
export interface LinkEnds {
  readonly client: string;
  readonly server: string;
  readonly port: number;
}

export interface LinkRecord extends LinkEnds {
  readonly atMs: number;
  readonly event: 'connected' | 'refused' | 'unreachable' | 'closed';
}

export interface WireChunk extends LinkEnds {
  /** Who sends it. */
  readonly from: 'client' | 'server';
  /** `encrypted` chunks are shown as they were written. */
  readonly kind: ChunkKind;
  readonly bytes: Buffer;
}

export interface MemoryNetwork {
  /** The network of one more host on this fabric. */
  network(credentials: CredentialStore, host?: MemoryHostOptions): Network & { readonly address: string };
  /** TCP connections that are open, each counted once. */
  readonly sockets: number;
  readonly links: readonly LinkEnds[];
  /** What became of every attempt to connect, and every end. */
  readonly history: readonly LinkRecord[];
  /** Nothing passes between the two any more, and nobody is told: only deadlines notice. */
  cut(addressA: string, addressB: string): void;
  /** Cuts every address of one side from every address of the other. */
  partition(sideA: readonly string[], sideB: readonly string[]): void;
  /** Mends one cut, or without arguments all of them; what was stopped arrives late. */
  mend(addressA?: string, addressB?: string): void;
  /** Resets the open connections that match, at both ends; answers how many. */
  reset(matches?: (link: LinkEnds) => boolean): number;
  /** Shows every chunk that is sent to `hook`, which answers what is sent in its place; null is nothing. */
  intercept(hook: ((chunk: WireChunk) => Buffer | null) | null): void;
}

interface Listener {
  readonly tls: ListenOptions['tls'];
  readonly parts: Omit<MemoryParts, 'intercept' | 'gone'>;
  readonly accept: (accepted: Accepted) => ConnectionEvents;
}

interface Link {
  readonly ends: LinkEnds;
  readonly connections: readonly MemoryConnection[];
  readonly pipes: readonly Pipe[];
}

/** How long a client waits for an answer to its SYN before it sends another; doubles. */
const SYN_RETRANSMIT_MS = 1_000;
const EVERYWHERE = new Set(['0.0.0.0', '::']);

export function createMemoryNetwork(options: MemoryNetworkOptions): MemoryNetwork {
  const { clock, attemptDelayMs = 250, firstByteTimeoutMs = 15_000 } = options;
  const timing: LinkTiming = { latencyMs: 10, jitterMs: 0, lossPercent: 0, retransmitMs: 200, ...options };
  const listeners = new Map<string, Listener>();
  const addressesInUse = new Set<string>();
  const cuts = new Set<string>();
  const links = new Set<Link>();
  const history: LinkRecord[] = [];
  let hook: ((chunk: WireChunk) => Buffer | null) | null = null;
  let hosts = 0;
  let nextPort = 40_000;

  const pairOf = (a: string, b: string): string => [a, b].sort().join(' ');
  const isCut = (a: string, b: string): boolean => cuts.has(pairOf(a, b));
  const record = (event: LinkRecord['event'], ends: LinkEnds): void => {
    history.push({ atMs: clock.now(), event, ...ends });
  };
  const wire =
    (ends: LinkEnds, from: WireChunk['from']): MemoryParts['intercept'] =>
    (kind, bytes) =>
      hook === null ? bytes : hook({ ...ends, from, kind, bytes });

  /** A listener's end comes to life when the first segment arrives there. */
  const acceptAt = (listener: Listener, server: MemoryConnection): void => {
    const announce = (directTls: boolean): void => {
      if (directTls) server.startTlsServer({ streamTo: null });
      server.announced(listener.accept({ connection: server, directTls }));
    };
    if (listener.tls !== 'detect') announce(listener.tls === 'direct');
    else detections.set(server, { announce, deadline: clock.setTimeout(() => server.destroy(), firstByteTimeoutMs) });
  };
  const detections = new Map<MemoryConnection, { announce: (directTls: boolean) => void; deadline: unknown }>();
  const detected = (server: MemoryConnection): void => {
    const detection = detections.get(server);
    if (detection === undefined) return;
    clock.clearTimeout(detection.deadline);
    detections.delete(server);
    if (server.firstByte === undefined) server.destroy();
    else detection.announce(server.firstByte === RECORD.handshake);
  };

  /** Both ends of a connection that was answered. */
  const join = (ends: LinkEnds, client: MemoryConnection, listener: Listener, closed: { client: boolean }): Far => {
    let serverGone = false;
    const gone = (): void => {
      if (!closed.client || !serverGone) return;
      links.delete(link);
      for (const pipe of link.pipes) pipe.close();
      record('closed', ends);
    };
    const server = new MemoryConnection(
      {
        ...listener.parts,
        intercept: wire(ends, 'server'),
        gone: () => {
          serverGone = true;
          detected(server);
          gone();
        },
      },
      ends.client,
      null,
    );
    const cut = (): boolean => isCut(ends.client, ends.server);
    const toClient = new Pipe(timing, cut, (segment) => {
      if (segment.kind !== 'open') client.receive(segment);
    });
    const toServer = new Pipe(timing, cut, (segment) => {
      if (segment.kind === 'open') {
        acceptAt(listener, server);
        return;
      }
      server.receive(segment);
      detected(server);
    });
    const link: Link = { ends, connections: [client, server], pipes: [toClient, toServer] };
    links.add(link);
    clientEnds.set(client, gone);
    server.opened({ pipe: toClient, consumed: client.consumed }, ends.client);
    toServer.send({ kind: 'open' });
    return { pipe: toServer, consumed: server.consumed };
  };
  const clientEnds = new WeakMap<MemoryConnection, () => void>();

  const makeNetwork = (
    credentials: CredentialStore,
    host: MemoryHostOptions,
  ): Network & { readonly address: string } => {
    hosts += 1;
    const own = host.addresses ?? [`10.${hosts >> 16}.${(hosts >> 8) & 0xff}.${hosts & 0xff}`];
    const address = own[0] ?? '';
    for (const one of own) addressesInUse.add(one);
    const parts = {
      clock,
      credentials,
      maxVersion: host.maxVersion ?? 'TLSv1.3',
      highWaterBytes: options.highWaterBytes ?? 262_144,
      endTimeoutMs: options.endTimeoutMs ?? 5_000,
      windowBytes: options.windowBytes ?? 65_536,
      segmentBytes: options.segmentBytes ?? 16_384,
      latencyMs: timing.latencyMs,
    } as const;

    const connect: Network['connect'] = ({ addresses, port }, events) => {
      const state = { client: false };
      let ends: LinkEnds = { client: address, server: addresses[0]?.address ?? '', port };
      const connection: MemoryConnection = new MemoryConnection(
        {
          ...parts,
          intercept: (kind, bytes) => wire(ends, 'client')(kind, bytes),
          gone: () => {
            state.client = true;
            clientEnds.get(connection)?.();
          },
        },
        ends.server,
        events,
      );
      const cancel = raceAddresses<Listener>({
        addresses,
        clock,
        attemptDelayMs,
        attempt: (target, connected, failed) => {
          const attempt = { client: address, server: target.address, port };
          let timer: unknown;
          const answerLater = (answer: () => void): void => {
            timer = clock.setTimeout(answer, travelMs(timing));
          };
          const arrived = (retransmitMs: number) => (): void => {
            const listener = listeners.get(`${target.address} ${port}`);
            if (isCut(address, target.address)) {
              timer = clock.setTimeout(arrived(retransmitMs * 2), retransmitMs);
            } else if (listener !== undefined) {
              answerLater(() => connected(listener));
            } else if (addressesInUse.has(target.address)) {
              record('refused', attempt);
              answerLater(() => failed(fault('tcp', 'connection-refused', 'peer', 'connection refused')));
            } else {
              record('unreachable', attempt);
              failed(fault('tcp', 'host-unreachable', 'peer', 'no route to host'));
            }
          };
          timer = clock.setTimeout(arrived(SYN_RETRANSMIT_MS), travelMs(timing));
          return () => clock.clearTimeout(timer);
        },
        won: (listener, target) => {
          ends = { client: address, server: target.address, port };
          record('connected', ends);
          connection.opened(join(ends, connection, listener, state), target.address);
          events.connected({ remoteAddress: target.address, remotePort: port });
        },
        lost: (failures) => connection.fail(connectFault(failures, port)),
      });
      connection.connecting(cancel);
      return connection;
    };

    const listen: Network['listen'] = (where, accept) => {
      const port = where.port === 0 ? nextPort++ : where.port;
      const at = EVERYWHERE.has(where.address) ? own : [where.address];
      const keys = at.map((one) => `${one} ${port}`);
      if (keys.some((key) => listeners.has(key))) {
        const text = `${where.address} port ${port} is in use`;
        return Promise.reject(new FaultError(fault('tcp', 'address-in-use', 'local', text)));
      }
      for (const one of at) addressesInUse.add(one);
      for (const key of keys) listeners.set(key, { tls: where.tls, parts, accept });
      return Promise.resolve({
        address: where.address,
        port,
        close: () => {
          for (const key of keys) listeners.delete(key);
          return Promise.resolve();
        },
      });
    };

    return { address, connect, listen };
  };

  const mend = (...pair: readonly (string | undefined)[]): void => {
    const [a, b] = pair;
    if (a !== undefined && b !== undefined) cuts.delete(pairOf(a, b));
    else cuts.clear();
    for (const { ends, pipes } of links) {
      if (!isCut(ends.client, ends.server)) for (const pipe of pipes) pipe.mended();
    }
  };

  return {
    network: (credentials, host = {}) => makeNetwork(credentials, host),
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
    mend,
    reset: (matches = () => true) => {
      const hit = Array.from(links).filter(({ ends }) => matches(ends));
      for (const { connections, pipes } of hit) {
        for (const pipe of pipes) pipe.close();
        for (const connection of connections)
          connection.fail(fault('tcp', 'connection-reset', 'peer', 'read ECONNRESET'));
      }
      return hit.length;
    },
    intercept: (next) => {
      hook = next;
    },
  };
}
