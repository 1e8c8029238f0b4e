/** The {@link Network} of the daemon: node:net and node:tls. */
import * as net from 'node:net';
import { fault, FaultError } from '../../protocol/faults.ts';
import type { Fault } from '../../protocol/faults.ts';
import type {
  Accepted,
  Clock,
  ConnectionEvents,
  ConnectOptions,
  Listening,
  ListenOptions,
  Network,
} from '../../ports.ts';
import { PerAddress } from '../per-address.ts';
import { raceAddresses } from './happy-eyeballs.ts';
import type { AttemptFailure } from './happy-eyeballs.ts';
import { plainAddress, SocketConnection, tcpFault } from './tcp.ts';
import type { SocketLimits } from './tcp.ts';
import { createTlsEngine } from './tls.ts';
import type { CredentialStore } from './tls.ts';

export interface NetworkOptions extends Partial<SocketLimits> {
  readonly credentials: CredentialStore;
  readonly clock: Clock;
  /** RFC 8305 §8. @defaultValue 250 */
  readonly attemptDelayMs?: number;
  /** How long a listener that detects TLS waits for the first byte. @defaultValue 15000 */
  readonly firstByteTimeoutMs?: number;
  /** Most connections from one address (or IPv6 /64) whose first byte such a listener awaits. @defaultValue 256 */
  readonly undecidedPerAddress?: number;
}

/** Content type of a TLS handshake record; no XML starts with this byte. */
const TLS_HANDSHAKE = 0x16;
const KEEP_ALIVE_MS = 60_000;
const SOCKET = { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS } as const;

/** @defaultValue `highWaterBytes` 262144, `endTimeoutMs` 5000 */
export function createNetwork(options: NetworkOptions): Network {
  const { clock, attemptDelayMs = 250, firstByteTimeoutMs = 15_000, undecidedPerAddress = 256 } = options;
  const parts = {
    clock,
    tls: createTlsEngine(options),
    highWaterBytes: options.highWaterBytes ?? 262_144,
    endTimeoutMs: options.endTimeoutMs ?? 5_000,
  };

  const connect = ({ addresses, port }: ConnectOptions, events: ConnectionEvents): SocketConnection => {
    const connection = new SocketConnection(parts, addresses[0]?.address ?? '', events);
    const cancel = raceAddresses<net.Socket>({
      addresses,
      clock,
      attemptDelayMs,
      attempt: ({ address, family }, connected, failed) => {
        // Node 20 ignores these two when they are passed to `connect`.
        const socket = new net.Socket().setNoDelay(SOCKET.noDelay).setKeepAlive(SOCKET.keepAlive, KEEP_ALIVE_MS);
        socket.once('connect', () => connected(socket));
        socket.on('error', (error) => failed(tcpFault(error)));
        try {
          socket.connect({ host: address, port, family });
        } catch (error) {
          failed(fault('tcp', 'address-unavailable', 'local', error instanceof Error ? error.message : String(error)));
        }
        return () => socket.destroy();
      },
      won: (socket, { address }) => {
        connection.opened(socket);
        events.connected({ remoteAddress: address, remotePort: port });
      },
      lost: (failures) => connection.destroy(connectFault(failures, port)),
    });
    connection.connecting(cancel);
    return connection;
  };

  const listen = (where: ListenOptions, accept: (accepted: Accepted) => ConnectionEvents): Promise<Listening> => {
    const announce = (socket: net.Socket, directTls: boolean, first: Buffer | null = null): void => {
      const connection = new SocketConnection(parts, plainAddress(socket), null);
      connection.opened(socket);
      if (directTls) connection.holdForTls();
      connection.announced(accept({ connection, directTls }), first);
      // After `accept`: a connection that it drops costs no TLS.
      if (directTls) connection.startTlsServer({ streamTo: null });
    };

    const undecided = new Set<net.Socket>();
    const places = new PerAddress(undecidedPerAddress);
    const detect = (socket: net.Socket): void => {
      const address = plainAddress(socket); // read now: a closed socket has none
      if (!places.take(address)) {
        socket.destroy();
        return;
      }
      undecided.add(socket);
      const drop = (): void => {
        socket.destroy();
      };
      const deadline = clock.setTimeout(drop, firstByteTimeoutMs);
      const decided = (): void => {
        clock.clearTimeout(deadline);
        undecided.delete(socket);
        places.release(address);
        socket.off('end', drop).off('close', decided);
      };
      socket.once('data', (first: Buffer) => {
        decided();
        if (first[0] !== TLS_HANDSHAKE) {
          announce(socket, false, first);
          return;
        }
        socket.pause();
        socket.unshift(first); // TLS reads it from the socket
        announce(socket, true);
      });
      socket.on('end', drop).on('close', decided);
    };

    const server = net.createServer(SOCKET, (socket) => {
      socket.on('error', () => undefined); // the connection adds its own listener; before it, nobody needs to know
      if (where.tls === 'detect') detect(socket);
      else announce(socket, where.tls === 'direct');
    });

    return new Promise((resolve, reject) => {
      server.once('error', (error) => reject(new FaultError(tcpFault(error), { cause: error })));
      server.listen({ host: where.address, port: where.port }, () => {
        server.on('error', () => undefined); // accept(2) failed for lack of descriptors; the next one may succeed
        const bound = server.address();
        resolve({
          address: where.address,
          port: typeof bound === 'object' && bound !== null ? bound.port : where.port,
          close: () => {
            for (const socket of undecided) socket.destroy();
            // Not awaited: Node would wait until all accepted connections have closed, and those go on.
            server.close();
            return Promise.resolve();
          },
        });
      });
    });
  };

  return { connect, listen };
}

/** From the most to the least informative: any answer says more than silence. */
const TELLING = [
  'connection-refused',
  'connection-reset',
  'connect-timeout',
  'host-unreachable',
  'address-unavailable',
];

/** One fault for a lost race; its text names every address. */
export function connectFault(failures: readonly AttemptFailure[], port: number): Fault {
  if (failures.length === 0) return fault('tcp', 'host-unreachable', 'dns', 'the target has no address');
  const rank = ({ fault: { condition } }: AttemptFailure): number => TELLING.indexOf(condition) + 1 || 99;
  const [first] = failures.toSorted((a, b) => rank(a) - rank(b));
  const text = failures.map(
    ({ address, fault: why }) => `${address.address} port ${port}: ${why.text ?? why.condition}`,
  );
  return fault('tcp', first?.fault.condition ?? 'connection-failed', first?.fault.origin ?? 'peer', text.join('; '));
}
