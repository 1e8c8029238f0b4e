/** One TCP connection of the in-memory network: two ends and two pipes. */
import { fault } from '../protocol/faults.ts';
import type { Accepted, ConnectionEvents, ListenOptions } from '../ports.ts';
import { MemoryConnection } from './memory-connection.ts';
import type { ChunkKind, MemoryParts } from './memory-connection.ts';
import { Pipe } from './memory-pipe.ts';
import type { LinkTiming, Segment } from './memory-pipe.ts';
import { RECORD } from './memory-tls.ts';

/** A connection, identified by its addresses. */
export interface LinkEnds {
  readonly client: string;
  readonly server: string;
  readonly port: number;
}

/** The parts shared by all ends of one host. */
export type HostParts = Omit<MemoryParts, 'intercept' | 'gone'>;

export interface Listener {
  readonly tls: ListenOptions['tls'];
  readonly firstByteTimeoutMs: number;
  readonly host: HostParts;
  readonly accept: (accepted: Accepted) => ConnectionEvents;
}

export interface LinkOptions {
  readonly ends: LinkEnds;
  readonly client: MemoryConnection;
  readonly listener: Listener;
  readonly timing: LinkTiming;
  readonly isCut: () => boolean;
  /** Returns what the wire delivers in place of bytes that the server sends; null drops them. */
  readonly intercept: (kind: ChunkKind, bytes: Buffer) => Buffer | null;
  /** Called when both ends are closed. */
  readonly closed: (link: Link) => void;
}

export class Link {
  readonly ends: LinkEnds;
  readonly #options: LinkOptions;
  readonly #server: MemoryConnection;
  readonly #toClient: Pipe;
  readonly #toServer: Pipe;
  #openEnds = 2;
  /** Set while a listener that detects TLS waits for the first byte. */
  #firstByteTimer: unknown = null;

  constructor(options: LinkOptions) {
    const { ends, client, listener, timing, isCut, intercept } = options;
    this.ends = ends;
    this.#options = options;
    this.#server = new MemoryConnection(
      { ...listener.host, intercept, gone: () => this.endClosed() },
      ends.client,
      null,
    );
    this.#toClient = new Pipe(timing, isCut, (segment) => {
      if (segment.kind !== 'open') client.receive(segment);
    });
    this.#toServer = new Pipe(timing, isCut, this.#serverReceives);
    this.#server.opened({ pipe: this.#toClient, consumed: client.consumed }, ends.client);
    // Sent before anything that the client sends.
    this.#toServer.send({ kind: 'open' });
    client.opened({ pipe: this.#toServer, consumed: this.#server.consumed }, ends.server);
  }

  endClosed(): void {
    this.#openEnds -= 1;
    if (this.#openEnds > 0) return;
    this.#stop();
    this.#options.closed(this);
  }

  mended(): void {
    this.#toClient.mended();
    this.#toServer.mended();
  }

  reset(): void {
    this.#stop();
    for (const end of [this.#options.client, this.#server]) end.fail(fault('tcp', 'connection-reset', 'peer', 'reset'));
  }

  #stop(): void {
    this.#options.listener.host.clock.clearTimeout(this.#firstByteTimer);
    this.#toClient.close();
    this.#toServer.close();
  }

  readonly #serverReceives = (segment: Segment): void => {
    const { tls, host, firstByteTimeoutMs } = this.#options.listener;
    if (segment.kind !== 'open') {
      this.#server.receive(segment);
      this.#detect();
    } else if (tls === 'detect') {
      this.#firstByteTimer = host.clock.setTimeout(() => this.#server.destroy(), firstByteTimeoutMs);
    } else {
      this.#announce(tls === 'direct');
    }
  };

  #detect(): void {
    if (this.#firstByteTimer === null) return;
    this.#options.listener.host.clock.clearTimeout(this.#firstByteTimer);
    this.#firstByteTimer = null;
    const { firstByte } = this.#server;
    // It was closed before it sent anything.
    if (firstByte === undefined) this.#server.destroy();
    else this.#announce(firstByte === RECORD.handshake);
  }

  #announce(directTls: boolean): void {
    const connection = this.#server;
    if (directTls) connection.startTlsServer({ streamTo: null });
    connection.announced(this.#options.listener.accept({ connection, directTls }));
  }
}
