/** One end of a connection of the in-memory network. It behaves, in the same order, as tcp.ts does with sockets. */
import { fault, toFault } from '../protocol/faults.ts';
import type { Fault } from '../protocol/faults.ts';
import type { ClientTls, Clock, Connection, ConnectionEvents, Flushed, ServerTls, TlsSession } from '../ports.ts';
import { SendQueue, tell } from './memory-queue.ts';
import type { Pipe, Segment } from './memory-pipe.ts';
import { alertFault, alertOf, clientHandshake, RECORD, serverHandshake, takeRecord, toRecords } from './memory-tls.ts';
import type { Handshake, RecordType, TlsVersion } from './memory-tls.ts';
import { closeTimeout } from '../adapters/network/tcp.ts';
import type { SocketLimits } from '../adapters/network/tcp.ts';
import type { CredentialStore } from '../adapters/network/tls.ts';

export type ChunkKind = 'plain' | 'encrypted' | 'handshake';

export interface MemoryParts extends SocketLimits {
  readonly clock: Clock;
  readonly credentials: CredentialStore;
  readonly maxVersion: TlsVersion;
  /** How many bytes may be under way to a reader, unread ones included. */
  readonly windowBytes: number;
  readonly segmentBytes: number;
  readonly latencyMs: number;
  /** Returns what the wire delivers in place of the bytes sent; null drops them. */
  readonly intercept: (kind: ChunkKind, bytes: Buffer) => Buffer | null;
  /** Called when both directions of this end are closed. */
  readonly gone: () => void;
}

/** What one end needs of the other: where to send bytes, and how to report that bytes were read. */
export interface Far {
  readonly pipe: Pipe;
  readonly consumed: (bytes: number) => void;
}

const NOTHING = Buffer.alloc(0);
const RECORD_OF = { plain: RECORD.applicationData, encrypted: RECORD.applicationData, handshake: RECORD.handshake };

export class MemoryConnection implements Connection {
  readonly #parts: MemoryParts;
  #events: ConnectionEvents | null;
  #remoteAddress: string;
  #far: Far | null = null;
  #phase: 'connecting' | 'open' | 'ending' | 'dropped' | 'closed' = 'connecting';
  #fault: Fault | null = null;
  #endTimer: unknown = null;
  #cancelConnecting: () => void = () => undefined;

  #tls: 'none' | 'handshake' | 'secured' = 'none';
  #handshake: Handshake | null = null;
  /** Received bytes that do not form a whole TLS record yet. */
  #wire: Buffer = NOTHING;
  readonly #unread: Buffer[] = [];
  /** Bytes that arrived and have not been reported to the other end as read. */
  #owed = 0;
  #paused = false;
  #peerEnded = false;

  /** The nesting of corks; connecting and handshakes count as one each. */
  #corks = 1;
  #batch: Buffer[] = [];
  #batchBytes = 0;
  /** Callbacks that wait for bytes of the batch. */
  #awaiting: Flushed[] = [];
  readonly #queue = new SendQueue();
  #onTheWay = 0;
  #blocked = false;
  #full = false;
  #ended = false;

  constructor(parts: MemoryParts, remoteAddress: string, events: ConnectionEvents | null) {
    this.#parts = parts;
    this.#remoteAddress = remoteAddress;
    this.#events = events;
  }

  get remoteAddress(): string {
    return this.#remoteAddress;
  }

  get bufferedBytes(): number {
    return this.#batchBytes + this.#queue.bytes;
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

  // Called by the network.

  connecting(cancel: () => void): void {
    if (this.#over) cancel();
    else this.#cancelConnecting = cancel;
  }

  opened(far: Far, remoteAddress: string): void {
    this.#far = far;
    this.#remoteAddress = remoteAddress;
    this.#phase = 'open';
    this.uncork();
  }

  /** The first byte that arrived and has not been read, for a listener that detects TLS. */
  get firstByte(): number | undefined {
    return this.#unread[0]?.[0];
  }

  /** From now on events have a receiver. */
  announced(events: ConnectionEvents): void {
    this.#events = events;
    this.#later(() => this.#read());
  }

  receive(segment: Exclude<Segment, { kind: 'open' }>): void {
    if (this.#over) return;
    switch (segment.kind) {
      case 'bytes':
        this.#owed += segment.bytes.length;
        if (this.#tls === 'none') this.#unread.push(segment.bytes);
        else this.#decode(segment.bytes);
        break;
      case 'end':
        this.#peerEnded = true;
        break;
      case 'reset':
        this.fail(fault(this.#tls === 'handshake' ? 'tls' : 'tcp', 'connection-reset', 'peer', 'read ECONNRESET'));
        return;
    }
    this.#read();
  }

  /** The other end has read bytes: more may be sent, after the latency of that news. */
  readonly consumed = (bytes: number): void => {
    this.#onTheWay -= bytes;
    if (!this.#blocked || this.#over) return;
    this.#blocked = false;
    this.#parts.clock.setTimeout(() => this.#pump(), this.#parts.latencyMs);
  };

  /** Closes this end alone, without notifying the other. */
  fail(reason: Fault | null): void {
    if (this.#over) return;
    this.#phase = 'dropped';
    this.#fault ??= reason;
    this.#parts.clock.clearTimeout(this.#endTimer);
    const unsent = [...this.#queue.clear(), ...this.#awaiting];
    this.#batch = [];
    this.#awaiting = [];
    this.#batchBytes = 0;
    this.#cancelConnecting();
    this.#later(() => {
      this.#phase = 'closed';
      tell(unsent, false);
      this.#parts.gone();
      this.#events?.closed(this.#fault);
    });
  }

  // Called by the owner.

  write(bytes: Buffer | string, flushed?: Flushed): void {
    if (!this.#takesWrites || bytes.length === 0) {
      flushed?.(bytes.length === 0);
      return;
    }
    if (flushed !== undefined) this.#awaiting.push(flushed);
    const buffer = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    this.#batch.push(buffer);
    this.#batchBytes += buffer.length;
    if (this.bufferedBytes > this.#parts.highWaterBytes) this.#full = true;
    if (this.#corks === 0) this.#flush();
  }

  cork(): void {
    this.#corks += 1;
  }

  uncork(): void {
    if (this.#corks === 0) return;
    this.#corks -= 1;
    if (this.#corks === 0) this.#flush();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused || this.#over) return;
    this.#paused = false;
    this.#later(() => this.#read());
  }

  startTlsClient(options: ClientTls): void {
    if (!this.#startTls()) return;
    const handshake = clientHandshake(options);
    this.#handshake = handshake;
    this.#send('handshake', handshake.hello);
    this.#decode(NOTHING);
  }

  startTlsServer(options: ServerTls): void {
    if (!this.#startTls()) return;
    this.#handshake = serverHandshake(this.#parts.credentials, options, this.#parts.maxVersion);
    this.#decode(NOTHING);
  }

  end(): void {
    if (this.#phase === 'connecting') this.destroy();
    if (this.#phase !== 'open') return;
    if (this.#tls !== 'handshake') this.#flush();
    this.#phase = 'ending';
    this.#pump();
    this.#awaitEnd();
  }

  #awaitEnd(): void {
    const { bufferedBytes } = this;
    this.#endTimer = this.#parts.clock.setTimeout(() => {
      if (this.bufferedBytes < bufferedBytes) this.#awaitEnd();
      else this.destroy(closeTimeout);
    }, this.#parts.endTimeoutMs);
  }

  destroy(reason: Fault = fault('tcp', 'connection-aborted', 'local')): void {
    if (this.#over) return;
    this.#far?.pipe.send({ kind: 'reset' });
    this.fail(reason);
  }

  // Reading.

  #read(): void {
    this.#acknowledge();
    while (!this.#paused && !this.#over && this.#events !== null) {
      const next = this.#unread.shift();
      if (next === undefined) break;
      this.#events.data(next);
    }
    if (!this.#peerEnded || this.#paused || this.#over || this.#unread.length > 0) return;
    if (this.#tls === 'handshake') {
      this.destroy(fault('tls', 'connection-reset', 'peer', 'closed during the handshake'));
      return;
    }
    const wasOpen = this.#phase === 'open';
    this.end();
    if (wasOpen) this.#events?.ended?.();
    this.#closeWhenEnded();
  }

  /** A paused reader stops the other end by not acknowledging; a handshake continues all the same. */
  #acknowledge(): void {
    if (this.#owed === 0 || (this.#paused && this.#tls !== 'handshake')) return;
    this.#far?.consumed(this.#owed);
    this.#owed = 0;
  }

  #decode(bytes: Buffer): void {
    this.#wire = this.#wire.length === 0 ? bytes : Buffer.concat([this.#wire, bytes]);
    try {
      while (!this.#over && this.#wire.length > 0) {
        const record = takeRecord(this.#wire);
        if (record === null) return;
        this.#wire = record.rest;
        this.#record(record.type, record.payload);
      }
    } catch (error) {
      this.#send('handshake', alertOf(error), { type: RECORD.alert });
      this.#pump();
      this.#far?.pipe.send({ kind: 'end' });
      this.fail(toFault(error, 'tls'));
    }
  }

  #record(type: number, payload: Buffer): void {
    if (type === RECORD.applicationData && this.#tls === 'secured') {
      this.#unread.push(payload);
      return;
    }
    if (type === RECORD.alert) {
      this.destroy(alertFault(payload));
      return;
    }
    const { reply, session } = this.#handshake?.take(payload) ?? { reply: null, session: null };
    if (reply !== null) this.#send('handshake', reply);
    if (session !== null) this.#secured(session);
  }

  #secured(session: TlsSession): void {
    this.#tls = 'secured';
    this.#handshake = null;
    this.#events?.secured(session);
    this.uncork();
  }

  #startTls(): boolean {
    if (this.#phase !== 'open') return false;
    if (this.#tls !== 'none') throw new TypeError('TLS was started on this connection before');
    this.#flush();
    this.cork();
    this.#tls = 'handshake';
    // Unread bytes, and bytes that arrive from now on, belong to TLS.
    this.#wire = Buffer.concat(this.#unread);
    this.#unread.length = 0;
    this.#acknowledge();
    return true;
  }

  // Writing.

  #flush(): void {
    if (this.#batch.length === 0) return;
    const bytes = Buffer.concat(this.#batch);
    const awaiting = this.#awaiting;
    this.#batch = [];
    this.#batchBytes = 0;
    this.#awaiting = [];
    this.#send(this.#tls === 'secured' ? 'encrypted' : 'plain', bytes, { awaiting });
  }

  #send(
    kind: ChunkKind,
    bytes: Buffer,
    { type = RECORD_OF[kind], awaiting = [] }: { type?: RecordType; awaiting?: readonly Flushed[] } = {},
  ): void {
    const changed = this.#parts.intercept(kind, bytes);
    // Dropped by the wire, which the sender is not told; or the connection was closed meanwhile.
    if (changed === null || changed.length === 0 || this.#over) {
      tell(awaiting, !this.#over);
      return;
    }
    const pieces = kind === 'plain' ? [changed] : toRecords(type, changed);
    // One record is one piece of the queue, so that data is not split more often than necessary.
    this.#queue.push(Buffer.concat(pieces), awaiting);
    this.#pump();
  }

  #pump(): void {
    if (this.#over || this.#far === null) return;
    const { pipe } = this.#far;
    while (!this.#queue.isEmpty) {
      const room = Math.min(this.#parts.windowBytes - this.#onTheWay, this.#parts.segmentBytes);
      if (room <= 0) {
        this.#blocked = true;
        return;
      }
      this.#queue.take(room, (bytes) => {
        this.#onTheWay += bytes.length;
        pipe.send({ kind: 'bytes', bytes });
      });
    }
    if (this.#phase === 'ending' && !this.#ended) {
      this.#ended = true;
      this.#far.pipe.send({ kind: 'end' });
      this.#closeWhenEnded();
    }
    if (this.#full && this.bufferedBytes === 0) this.#later(this.#drained);
  }

  readonly #drained = (): void => {
    if (!this.#full || this.#phase !== 'open' || this.bufferedBytes > 0) return;
    this.#full = false;
    this.#events?.drained();
  };

  #closeWhenEnded(): void {
    if (this.#ended && this.#peerEnded && this.#unread.length === 0) this.fail(null);
  }

  #later(fn: () => void): void {
    this.#parts.clock.setTimeout(fn, 0);
  }
}
