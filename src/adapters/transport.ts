/**
 * The transport of one XML stream: socket, TLS and framer behind the events and commands of the stream machines. It
 * holds what machines must not hold: sockets, bytes, secrets. Stanzas bypass the machine and go to the data plane.
 */
import type { Element } from '@xmpp/xml';
import { type CallbackActorLogic, type EventObject, fromCallback } from 'xstate';
import type { DialbackKeys } from '../protocol/dialback.ts';
import type { CertificateEvidence } from '../protocol/certificate.ts';
import { MAX_PROOF_BYTES } from '../protocol/dna.ts';
import { fault, type Fault } from '../protocol/faults.ts';
import { NS } from '../protocol/namespaces.ts';
import { type Service, serviceFacts } from '../protocol/service.ts';
import type { Stanza } from '../protocol/stanza.ts';
import { streamErrorFor } from '../protocol/stream-errors.ts';
import type { StreamId, TransportCommand, TransportInput } from '../protocol/transport.ts';
import type { StreamHeader, WireElement } from '../protocol/wire.ts';
import { readWireElement, wireToXml } from '../protocol/wire-xml.ts';
import { ownText } from '../protocol/own-text.ts';
import type {
  Accepted,
  CertificateChain,
  Clock,
  Connection,
  ConnectionEvents,
  Credential,
  Flushed,
  Network,
  Random,
  TlsSession,
} from '../ports.ts';
import { DrainWatch } from './drain-watch.ts';
import { InletPace } from './inlet-pace.ts';
import { Framer, type StreamTag } from './framer/framer.ts';
import { eventOf } from './wire-events.ts';

/** Receives the stanzas of a stream, and supplies its outbound bytes (src/routing). */
export interface StanzaPlane {
  addStream(stream: StreamId, outlet: TransportOutlet, inlet: { pause(): void; resume(): void }): void;
  /** False: refused; the owner of the machine notifies it of the reason. */
  arrived(stream: StreamId, stanza: Stanza): boolean;
  batchStart(): void;
  batchEnd(): void;
  streamDrained(stream: StreamId): void;
  /** The peer has read everything that was written, as its closing tag confirms. */
  streamFinished(stream: StreamId): void;
}

export interface TransportOutlet {
  readonly contentNamespace: string;
  readonly writable: boolean;
  write(bytes: Buffer, flushed?: Flushed): void;
  cork(): void;
  uncork(): void;
}

export interface TransportPorts {
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly keys: DialbackKeys;
  readonly plane: StanzaPlane;
  /** The connection that was accepted under this id, on the receiving side. */
  readonly accepted: (stream: StreamId) => AcceptedConnection | null;
  /** The credential to present for a domain of ours on this stream. */
  readonly credentialFor: (localDomain: string, stream: StreamId) => Credential | null;
  /** Keeps the chain that the peer presented, for path validation; `leaf` describes its first certificate. */
  readonly chainPresented: (stream: StreamId, chain: CertificateChain | null, leaf: CertificateEvidence | null) => void;
  /** Called for every negotiation element on the wire, for the trace; null when nobody listens. */
  readonly onWire: ((stream: StreamId, direction: 'in' | 'out', element: WireElement, bytes: number) => void) | null;
  /** Called once per stream, with the counters that are updated until its end. */
  readonly counted?: (stream: StreamId, bytes: Readonly<StreamBytes>) => void;
  /** Largest stanza, in bytes. */
  readonly stanzaBytes: number;
  /** Largest element before the stream may carry stanzas, in bytes. */
  readonly preAuthBytes: number;
  /** Time without bytes in either direction after which a stream is idle, in milliseconds. */
  readonly idleMs: number;
  /** How long the peer may take no bytes from a full buffer before the connection is dropped, in milliseconds. */
  readonly drainMs: number;
  /** Bytes of XML that one stream may bring per second; a faster one is read more slowly. Infinity: no limit. */
  readonly bytesPerSecond: number;
  /** Called the first time that a stream exceeds `bytesPerSecond`. */
  readonly slowed: (stream: StreamId) => void;
}

/** Bytes of XML received and sent on a stream, stanzas included, the overhead of TLS not included. */
export interface StreamBytes {
  in: number;
  out: number;
}

export interface AcceptedConnection extends Accepted {
  /** Sends the events of the connection to `events` from now on. */
  readonly listen: (events: ConnectionEvents) => void;
}

const CLOSING_TAG = '</stream:stream>';
const endedWithoutTag = fault('tcp', 'connection-closed', 'peer', 'the connection ended without a closing tag');

type Say = (event: EventObject & Record<string, unknown>) => void;

export function transport(ports: TransportPorts): CallbackActorLogic<TransportCommand, TransportInput> {
  return fromCallback<TransportCommand, TransportInput>(({ input, sendBack, receive }) => {
    const stream = new StreamTransport(ports, input, sendBack);
    receive((command) => stream.obey(command));
    return () => stream.abandon();
  });
}

class StreamTransport {
  readonly #ports: TransportPorts;
  readonly #stream: StreamId;
  readonly #isInitiating: boolean;
  readonly #service: Service;
  readonly #say: Say;
  readonly #connection: Connection;
  readonly #framer: Framer;
  readonly #acceptedDirectTls: boolean;
  readonly #drainWatch: DrainWatch;
  readonly #pace: InletPace;
  /** Id of the response header in force, whichever end chose it (RFC 6120 §4.7.3): dialback keys are made for it. */
  #wireId = '';
  #isAuthenticated = false;
  /** The peer was challenged, now or earlier. */
  #awaitsProof = false;
  #connected: boolean;
  #handshaking = false;
  /** Our closing tag has been written. */
  #closing = false;
  /** The peer's closing tag has been read. */
  #peerClosed = false;
  /** The peer has sent a stream error: how much it read of what we sent after the cause is unknown. */
  #peerFailed = false;
  /** The connection has ended. */
  #closed = false;
  readonly #bytes: StreamBytes = { in: 0, out: 0 };
  #unsupported = 0;
  #lastActivityMs: number;
  #idleTimer: unknown = null;

  constructor(ports: TransportPorts, { stream, service, endpoint }: TransportInput, say: Say) {
    this.#ports = ports;
    this.#stream = stream;
    this.#service = service;
    this.#isInitiating = endpoint !== null;
    this.#connected = endpoint === null;
    this.#say = say;
    this.#lastActivityMs = ports.clock.now();
    const counted = this.#bytes;
    ports.counted?.(stream, counted);
    this.#framer = new Framer(
      {
        streamOpened: (tag, bytes) => this.#streamOpened(tag, bytes),
        stanza: (stanza) => this.#stanza(stanza),
        element: (element, bytes) => this.#element(element, bytes),
        streamClosed: () => {
          this.#peerClosed = true;
          say({ type: 'peer.streamClosed' });
        },
        fault: (what) => say({ type: 'transport.inputRefused', fault: what }),
      },
      { elementBytes: ports.preAuthBytes },
    );
    const events: ConnectionEvents = {
      connected: ({ remoteAddress, remotePort }) => {
        this.#connected = true;
        say({ type: 'transport.connected', remoteAddress, remotePort });
      },
      data: (bytes) => this.#data(bytes),
      secured: (session) => this.#secured(session),
      drained: () => {
        this.#drainWatch.drained();
        ports.plane.streamDrained(stream);
      },
      closed: (what) => this.#ended(what),
    };
    const accepted = endpoint === null ? ports.accepted(stream) : null;
    this.#acceptedDirectTls = accepted?.directTls ?? false;
    if (accepted !== null) {
      this.#connection = accepted.connection;
      accepted.listen(events);
    } else if (endpoint !== null) {
      this.#connection = ports.network.connect({ addresses: endpoint.addresses, port: endpoint.port }, events);
    } else {
      throw new Error('no accepted connection under this stream id');
    }
    const connection = this.#connection;
    const { clock, drainMs, bytesPerSecond } = ports;
    const drainWatch = new DrainWatch({
      connection,
      clock,
      drainMs,
      stuck: (bufferedBytes) => {
        const text = `the peer took nothing for ${drainMs / 1000} s; ${bufferedBytes} bytes were left`;
        connection.destroy(fault('tcp', 'write-timeout', 'peer', text));
      },
    });
    this.#drainWatch = drainWatch;
    this.#pace = new InletPace({ connection, clock, bytesPerSecond, slowed: () => ports.slowed(stream) });
    ports.plane.addStream(
      stream,
      {
        contentNamespace: this.#contentNamespace,
        get writable() {
          return connection.writable;
        },
        write: (bytes, flushed) => {
          this.#lastActivityMs = clock.now();
          counted.out += bytes.length;
          connection.write(bytes, flushed);
          drainWatch.wrote(bytes.length);
        },
        cork: () => connection.cork(),
        uncork: () => connection.uncork(),
      },
      this.#pace,
    );
    this.#watchIdleness();
  }

  obey(command: TransportCommand): void {
    if (this.#closed) return;
    switch (command.type) {
      case 'transport.send':
        this.#send(command.element);
        break;
      case 'transport.restart':
        this.#framer.restart();
        break;
      case 'transport.authenticated':
        this.#isAuthenticated = true;
        this.#limitElements();
        break;
      case 'transport.proofAwaited':
        this.#awaitsProof = true;
        this.#limitElements();
        break;
      case 'transport.secureAsClient':
        if (!this.#beginHandshake()) break;
        this.#connection.startTlsClient({
          serverName: command.serverName,
          credential: this.#ports.credentialFor(command.local, this.#stream),
          minVersion: command.minTls === '1.3' ? 'TLSv1.3' : 'TLSv1.2',
          alpn: this.#service,
        });
        break;
      case 'transport.secureAsServer':
        if (!this.#beginHandshake() || this.#acceptedDirectTls) break; // direct TLS: the listener has started it
        this.#connection.startTlsServer({ streamTo: command.streamTo });
        break;
      case 'transport.close':
        this.#close(command.fault, command.header);
        break;
      case 'transport.end':
        this.#connection.end();
        break;
      case 'transport.drop':
        this.#connection.destroy();
    }
  }

  /** The actor stops: the connection is dropped if it is still open. */
  abandon(): void {
    this.#ports.clock.clearTimeout(this.#idleTimer);
    this.#drainWatch.stop();
    this.#pace.stop();
    if (!this.#closed) this.#connection.destroy();
    this.#closed = true;
  }

  #send(element: WireElement): void {
    if (this.#closing) return;
    const { keys } = this.#ports;
    // Our own keys are filled in here; the keys of others pass through unchanged.
    const isOwnRequest = element.kind === 'result' && element.answer === null;
    const ready = isOwnRequest ? { ...element, key: keys.make(element.to, element.from, this.#wireId) } : element;
    if (element.kind === 'streamHeader' && element.id !== null) this.#wireId = element.id;
    const xml = wireToXml(ready, this.#contentNamespace);
    const bytes = Buffer.byteLength(xml);
    this.#bytes.out += bytes;
    this.#ports.onWire?.(this.#stream, 'out', element, bytes);
    this.#connection.write(xml);
    this.#drainWatch.wrote(bytes);
  }

  get #contentNamespace(): string {
    return serviceFacts[this.#service].contentNamespace;
  }

  #limitElements(): void {
    const { stanzaBytes, preAuthBytes } = this.#ports;
    const bytes = this.#isAuthenticated ? stanzaBytes : preAuthBytes;
    this.#framer.setElementLimit(this.#awaitsProof ? Math.max(bytes, MAX_PROOF_BYTES) : bytes);
  }

  #beginHandshake(): boolean {
    if (this.#framer.pendingBytes > 0) {
      this.#dropInjection();
      return false;
    }
    this.#handshaking = true;
    this.#framer.halt();
    return true;
  }

  /** Plaintext after <starttls/> or <proceed/>, which RFC 6120 §5.4.3.1 forbids, was injected by a third party. */
  #dropInjection(): void {
    this.#connection.destroy(fault('tls', 'plain-text-after-starttls', 'peer'));
  }

  #secured({ protocol, cipher, alpn, resumed, peer, chain }: TlsSession): void {
    this.#handshaking = false;
    this.#wireId = '';
    this.#framer.restart();
    this.#ports.chainPresented(this.#stream, chain, peer);
    this.#say({ type: 'transport.secured', tls: { protocol, cipher, alpn, resumed, certificate: peer } });
  }

  #close(what: Fault | null, header: StreamHeader | null): void {
    if (this.#closing) return;
    // Before the connection is up, there is nobody to send an error to; a TLS failure gets none (RFC 6120 §5.4.3.2).
    if (!this.#connected || this.#handshaking) {
      this.#connection.destroy(what ?? undefined);
      return;
    }
    this.#connection.cork();
    // Without a header from the peer there is no id yet, but a response header must have one (RFC 6120 §4.7.3).
    if (header !== null)
      this.#send(this.#isInitiating ? header : { ...header, id: header.id ?? this.#ports.random.hex(16) });
    const error = what === null ? null : streamErrorFor(what);
    if (error !== null) this.#send(error);
    this.#closing = true;
    this.#pace.lift();
    this.#bytes.out += CLOSING_TAG.length;
    this.#connection.write(CLOSING_TAG);
    this.#connection.uncork();
  }

  #data(bytes: Buffer): void {
    this.#lastActivityMs = this.#ports.clock.now();
    this.#bytes.in += bytes.length;
    this.#pace.brought(bytes.length);
    this.#ports.plane.batchStart();
    this.#connection.cork(); // one write for everything a chunk triggers: header and features, a burst of answers
    try {
      this.#framer.push(bytes);
      // Bytes after the '>' at which TLS begins, in the same packet: the handshake may have started within `push`.
      if (this.#handshaking && this.#framer.pendingBytes > 0) this.#dropInjection();
    } finally {
      this.#connection.uncork();
      this.#ports.plane.batchEnd();
    }
  }

  /**
   * A stream ends with its closing tags (RFC 6120 §4.4); if only the connection ends, the peer's process may have been
   * killed. After our own tag we expect that, so it is no fault; but only the peer's tag tells how far it has read.
   */
  #ended(what: Fault | null): void {
    this.#closed = true;
    this.#ports.clock.clearTimeout(this.#idleTimer);
    this.#drainWatch.stop();
    this.#pace.stop();
    if (what === null && this.#peerClosed && !this.#peerFailed) this.#ports.plane.streamFinished(this.#stream);
    const isOrderly = this.#peerClosed || this.#closing;
    this.#say({ type: 'transport.closed', fault: what ?? (isOrderly ? null : endedWithoutTag) });
  }

  #stanza(stanza: Stanza): void {
    if (!this.#ports.plane.arrived(this.#stream, stanza)) this.#framer.halt();
  }

  #streamOpened(tag: StreamTag, bytes: number): void {
    const { attributes, namespaces, contentNamespace } = tag;
    const header: StreamHeader = {
      kind: 'streamHeader',
      to: own(attributes['to']),
      from: own(attributes['from']),
      id: own(attributes['id']),
      version: own(attributes['version']),
      dialback: Object.values(namespaces).includes(NS.dialback),
    };
    this.#ports.onWire?.(this.#stream, 'in', header, bytes);
    if (contentNamespace !== '' && contentNamespace !== this.#contentNamespace && contentNamespace !== NS.streams) {
      const text = `the content namespace is ${contentNamespace}`;
      this.#say({ type: 'transport.inputRefused', fault: fault('xml', 'invalid-namespace', 'peer', text) });
      return;
    }
    // On the receiving side we choose the id (RFC 6120 §4.7.3).
    if (header.id !== null && this.#isInitiating) this.#wireId = header.id;
    this.#say({ type: 'peer.streamOpened', header, freshId: this.#ports.random.hex(16) });
  }

  #element(element: Element, bytes: number): void {
    const wire = readWireElement(element);
    // Each one is recorded: with many of them, an unauthenticated peer could push out other records.
    const isUnknown = wire.kind === 'unsupported' && !this.#isAuthenticated;
    if (isUnknown && ++this.#unsupported > UNSUPPORTED_TOLD) return;
    this.#ports.onWire?.(this.#stream, 'in', wire, bytes);
    if (wire.kind === 'streamError') this.#peerFailed = true;
    const event = eventOf(wire, this.#ports.keys);
    if (event.type === 'peer.startTlsRequested' || event.type === 'peer.proceedReceived') {
      // TLS begins right after this '>' (RFC 6120 §5.4.2.3); halt first, so that what follows is counted, not parsed.
      this.#framer.halt();
    }
    this.#say(event);
  }

  #watchIdleness(): void {
    const { clock, idleMs } = this.#ports;
    const look = (): void => {
      const idleFor = clock.now() - this.#lastActivityMs;
      if (idleFor >= idleMs) {
        this.#lastActivityMs = clock.now();
        this.#say({ type: 'transport.idle' });
      }
      this.#idleTimer = clock.setTimeout(look, Math.max(1, idleMs - Math.min(idleFor, idleMs - 1)));
    };
    this.#idleTimer = clock.setTimeout(look, idleMs);
  }
}

/**
 * Unknown first-level elements that are reported per stream before authentication; further ones are dropped unreported.
 * All are ignored (RFC 6120 §4.8.4).
 */
const UNSUPPORTED_TOLD = 16;

const own = (attribute: string | undefined): string | null => (attribute === undefined ? null : ownText(attribute));
