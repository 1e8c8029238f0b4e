/** One {@link Connection} over a Node socket: TCP first, later TLS over the same socket. */
import { Socket } from 'node:net';
import { fault, toFault } from '../../protocol/faults.ts';
import type { Fault } from '../../protocol/faults.ts';
import type { ClientTls, Clock, Connection, ConnectionEvents, Flushed, ServerTls } from '../../ports.ts';
import { tlsFault } from './tls.ts';
import type { HandshakeEvents, TlsEngine } from './tls.ts';

export interface SocketLimits {
  /** With more unsent bytes than this, a connection is not writable. */
  readonly highWaterBytes: number;
  /** How long after `end` the peer may neither accept more unsent bytes nor close its half, in milliseconds. */
  readonly endTimeoutMs: number;
}

export interface SocketParts extends SocketLimits {
  readonly clock: Clock;
  readonly tls: TlsEngine;
}

/**
 * `ending`: our half is closed or closing, the peer's is not yet. `dropped`: nothing more happens, except that `closed`
 * is still to be reported.
 */
type Phase = 'connecting' | 'open' | 'ending' | 'dropped' | 'closed';

/** A connection yields to others after reading this many bytes, or after a chunk that took this many milliseconds. */
const TURN_BYTES = 131_072;
const TURN_MS = 5;
/** Writes of one event loop turn go out together at its end; a batch of this size goes out at once. */
const BATCH_BYTES = 65_536;
/** Pieces of at least this average size, in bytes, are not joined: off-heap allocations hasten garbage collections. */
const PIECE_BYTES = 2_048;

/** A contiguous range of memory. Adjacent writes, such as stanzas that were read together, form one piece. */
interface Piece {
  readonly bytes: ArrayBufferLike;
  readonly from: number;
  end: number;
}

export class SocketConnection implements Connection {
  readonly #parts: SocketParts;
  #events: ConnectionEvents | null;
  #phase: Phase = 'connecting';
  #socket: Socket | null = null;
  #remoteAddress: string;
  #tls: 'none' | 'handshake' | 'secured' = 'none';
  /** TLS comes first (XEP-0368) and has not begun: nothing may go out in the clear. */
  #awaitsTls = false;
  #paused = false;
  /** Whether reading waits while others have their turn, and the bytes read since their last turn. */
  #yields = false;
  #turnBytes = 0;
  #fault: Fault | null = null;
  #endTimer: unknown = null;
  #cancelConnecting: () => void = () => undefined;

  /** Connecting counts as a cork. */
  #corks = 1;
  #batch: Piece[] = [];
  #batchBytes = 0;
  /** A flush is scheduled for the end of this turn. */
  #flushes = false;
  /** Callbacks that wait for bytes of the batch. */
  #awaiting: Flushed[] = [];
  /** More than the high-water mark was buffered, so `drained` is due. */
  #full = false;

  constructor(parts: SocketParts, remoteAddress: string, events: ConnectionEvents | null) {
    this.#parts = parts;
    this.#remoteAddress = remoteAddress;
    this.#events = events;
  }

  get remoteAddress(): string {
    return this.#remoteAddress;
  }

  get bufferedBytes(): number {
    return this.#batchBytes + (this.#socket?.writableLength ?? 0);
  }

  get writable(): boolean {
    return this.#takesWrites && this.bufferedBytes <= this.#parts.highWaterBytes;
  }

  get #takesWrites(): boolean {
    return this.#phase === 'open' || this.#phase === 'connecting';
  }

  get #over(): boolean {
    return this.#phase === 'dropped' || this.#phase === 'closed';
  }

  /** Sets how to stop connecting, in case the connection is dropped first. */
  connecting(cancel: () => void): void {
    if (this.#over) cancel();
    else this.#cancelConnecting = cancel;
  }

  /** TCP is up: from here on this connection owns the socket. */
  opened(socket: Socket): void {
    this.#remoteAddress = plainAddress(socket);
    this.#phase = 'open';
    this.#attach(socket);
    this.uncork();
  }

  /**
   * Sets the receiver of events. Sockets report only in later turns, so no event was missed; `first` was read before
   * this call.
   */
  announced(events: ConnectionEvents, first: Buffer | null): void {
    this.#events = events;
    if (first !== null) this.#received(first);
  }

  /** Holds what is written until TLS begins. */
  holdForTls(): void {
    this.#awaitsTls = true;
  }

  write(bytes: Buffer | string, flushed?: Flushed): void {
    if (!this.#takesWrites || bytes.length === 0) {
      flushed?.(bytes.length === 0);
      return;
    }
    const buffer = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    if (this.bufferedBytes + buffer.length > this.#parts.highWaterBytes) this.#full = true;
    if (flushed !== undefined) this.#awaiting.push(flushed);
    this.#batchBytes += buffer.length;
    const last = this.#batch.at(-1);
    if (last !== undefined && last.bytes === buffer.buffer && last.end === buffer.byteOffset) last.end += buffer.length;
    else this.#batch.push({ bytes: buffer.buffer, from: buffer.byteOffset, end: buffer.byteOffset + buffer.length });
    if (this.#corks === 0) this.#flushSoon();
  }

  cork(): void {
    this.#corks += 1;
  }

  uncork(): void {
    if (this.#corks === 0) return;
    this.#corks -= 1;
    if (this.#corks === 0) this.#flushSoon();
  }

  pause(): void {
    if (this.#over) return;
    this.#paused = true;
    this.#socket?.pause();
  }

  resume(): void {
    if (this.#over) return;
    this.#paused = false;
    if (!this.#yields) this.#socket?.resume();
  }

  startTlsClient(options: ClientTls): void {
    this.#startTls((socket, events) => this.#parts.tls.startClient(socket, options, events));
  }

  startTlsServer(options: ServerTls): void {
    this.#startTls((socket, events) => this.#parts.tls.startServer(socket, options, events));
  }

  end(): void {
    if (this.#phase === 'connecting') this.destroy();
    if (this.#phase !== 'open') return;
    this.#flush();
    this.#phase = 'ending';
    this.#socket?.end();
    this.#awaitEnd();
  }

  /** As long as the kernel accepts written bytes, the peer is slow, not silent. */
  #awaitEnd(): void {
    const { bufferedBytes } = this;
    this.#endTimer = this.#parts.clock.setTimeout(() => {
      if (this.bufferedBytes < bufferedBytes) this.#awaitEnd();
      else this.destroy(closeTimeout);
    }, this.#parts.endTimeoutMs);
  }

  destroy(reason: Fault = fault('tcp', 'connection-aborted', 'local')): void {
    if (this.#over) return;
    if (this.#corks === 0) this.#flush();
    this.#phase = 'dropped';
    this.#fault ??= reason;
    this.#parts.clock.clearTimeout(this.#endTimer);
    this.#batch = [];
    this.#batchBytes = 0;
    this.#cancelConnecting();
    // `closed` always comes later, never inside the call that caused it.
    if (this.#socket === null) process.nextTick(() => this.#close());
    else this.#socket.destroy();
  }

  #close(): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#parts.clock.clearTimeout(this.#endTimer);
    this.#takeAwaiting()(false);
    this.#events?.closed(this.#fault);
  }

  #attach(socket: Socket): void {
    this.#socket = socket;
    socket.on('data', this.#received);
    if (this.#paused) socket.pause();
    else socket.resume();
    socket.on('end', this.#peerEnded);
    socket.on('close', this.#socketClosed);
    socket.on('error', this.#failed);
  }

  readonly #received = (bytes: Buffer): void => {
    if (this.#over) return;
    const begunMs = performance.now();
    this.#turnBytes += bytes.length;
    this.#events?.data(bytes);
    if (this.#turnBytes >= TURN_BYTES || performance.now() - begunMs > TURN_MS) this.#yield();
  };

  /** Continues reading in the next event loop turn. Node would continue at once, for up to two megabytes. */
  #yield(): void {
    if (this.#yields || this.#paused || this.#over || this.#tls === 'handshake') return;
    this.#yields = true;
    this.#socket?.pause();
    setImmediate(() => {
      this.#yields = false;
      this.#turnBytes = 0;
      if (!this.#paused && !this.#over) this.#socket?.resume();
    });
  }

  readonly #peerEnded = (): void => {
    if (this.#tls === 'handshake')
      this.destroy(fault('tls', 'connection-reset', 'peer', 'closed during the handshake'));
    else if (this.#phase === 'open') {
      this.end();
      this.#events?.ended?.();
    }
  };

  readonly #failed = (error: NodeJS.ErrnoException): void => {
    this.destroy(
      this.#tls === 'handshake' || error.code?.startsWith('ERR_') === true ? tlsFault(error) : tcpFault(error),
    );
  };

  readonly #socketClosed = (): void => {
    if (this.#phase === 'open')
      this.#fault ??= fault(this.#tls === 'handshake' ? 'tls' : 'tcp', 'connection-reset', 'peer');
    this.#close();
  };

  #startTls(start: (socket: Socket, events: HandshakeEvents) => Socket): void {
    const plain = this.#socket;
    if (this.#phase !== 'open' || plain === null) return;
    if (this.#tls !== 'none') throw new TypeError('TLS was started on this connection before');
    this.#flush(); // `<proceed/>` goes out in the clear
    this.#tls = 'handshake';
    // Bytes that arrive from here on are for TLS. The paused socket keeps chunks already read, and TLS takes them over.
    plain.off('data', this.#received);
    plain.off('end', this.#peerEnded);
    plain.off('close', this.#socketClosed);
    plain.pause();
    try {
      this.#attach(
        start(plain, {
          secured: (session) => {
            if (this.#over) return;
            this.#tls = 'secured';
            this.#events?.secured(session);
          },
          failed: (reason) => this.destroy(reason),
        }),
      );
    } catch (error) {
      plain.on('close', this.#socketClosed);
      this.destroy(toFault(error, 'tls'));
    }
    this.#awaitsTls = false;
    if (this.#corks === 0) this.#flushSoon();
  }

  #flushSoon(): void {
    if (this.#batchBytes >= BATCH_BYTES) this.#flush();
    else if (!this.#flushes && this.#batchBytes > 0) {
      this.#flushes = true;
      setImmediate(this.#flushNow);
    }
  }

  readonly #flushNow = (): void => {
    this.#flushes = false;
    if (this.#corks === 0) this.#flush();
  };

  /** One write, and as few TLS records as possible. Small pieces are joined: cheaper than handing many to Node. */
  #flush(): void {
    const batch = this.#batch;
    const socket = this.#socket;
    if (batch.length === 0 || socket === null || this.#awaitsTls) return;
    const isSmall = batch.length > 1 && this.#batchBytes < batch.length * PIECE_BYTES;
    const pieces = isSmall ? [Buffer.concat(batch.map(bufferOf))] : batch.map(bufferOf);
    this.#batch = [];
    this.#batchBytes = 0;
    const last = pieces.length - 1;
    if (last > 0) socket.cork();
    for (let i = 0; i < last; i += 1) socket.write(pieces[i] as Buffer);
    this.#send(socket, pieces[last] as Buffer);
    if (last > 0) socket.uncork();
  }

  #send(socket: Socket, buffer: Buffer): void {
    if (this.#awaiting.length > 0) this.#sendAwaited(socket, buffer);
    else if (this.#full) socket.write(buffer, this.#written);
    else socket.write(buffer);
  }

  /** Node calls back a write that was pending when its socket was destroyed without an error, whatever became of it. */
  #sendAwaited(socket: Socket, buffer: Buffer): void {
    const tell = this.#takeAwaiting();
    socket.write(buffer, (error) => {
      tell(error == null && !socket.destroyed);
      this.#written();
    });
  }

  #takeAwaiting(): Flushed {
    const awaiting = this.#awaiting;
    this.#awaiting = [];
    return (handedOver) => {
      for (const flushed of awaiting) flushed(handedOver);
    };
  }

  readonly #written = (): void => {
    if (!this.#full || this.#phase !== 'open' || this.bufferedBytes > 0) return;
    this.#full = false;
    this.#events?.drained();
  };
}

const bufferOf = ({ bytes, from, end }: Piece): Buffer => Buffer.from(bytes, from, end - from);

export const closeTimeout = fault('tcp', 'close-timeout', 'peer', 'the peer did not close its half of the connection');

/** The remote address, IPv4 in its plain form even on a dual-stack socket. */
export const plainAddress = (socket: Socket): string => (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '');

const CONDITIONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection-refused',
  ECONNRESET: 'connection-reset',
  EPIPE: 'connection-reset',
  ECONNABORTED: 'connection-reset',
  ETIMEDOUT: 'connect-timeout',
  EHOSTUNREACH: 'host-unreachable',
  ENETUNREACH: 'host-unreachable',
  EHOSTDOWN: 'host-unreachable',
  EADDRNOTAVAIL: 'address-unavailable',
  EADDRINUSE: 'address-in-use',
  EACCES: 'permission-denied',
  EPERM: 'permission-denied',
  EMFILE: 'too-many-sockets',
  ENFILE: 'too-many-sockets',
};
const LOCAL = new Set(['address-unavailable', 'address-in-use', 'permission-denied', 'too-many-sockets']);

export function tcpFault(error: NodeJS.ErrnoException): Fault {
  const condition = CONDITIONS[error.code ?? ''] ?? 'connection-failed';
  return fault('tcp', condition, LOCAL.has(condition) ? 'local' : 'peer', error.message);
}
