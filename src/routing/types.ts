/** What the data plane touches (DESIGN §2): outlets that stanzas are written to, inlets that they come from. */
import type { Flushed } from '../ports.ts';
import type { Fault } from '../protocol/faults.ts';
import type { DomainPair } from '../protocol/pairs.ts';
import type { Stanza } from '../protocol/stanza.ts';
import type { StreamId } from '../protocol/transport.ts';

export type { StreamId } from '../protocol/transport.ts';

/**
 * Something that stanzas can be written to: an s2s stream, a component, the embedding program.
 *
 * While it is not writable, every stream and component that has written to it is held, and with it all that these carry
 * for others. So whoever attaches one that can be full answers for its end: it drains and says so, or its owner detaches
 * it after a while. The streams of a manager and {@link ComponentListener} have deadlines for that; the data plane has
 * none for outlets of others.
 */
export interface Outlet {
  /** Content namespace in which stanzas are written. */
  readonly contentNamespace: string;
  /** False while its buffer is above the high-water mark; its owner then calls `streamDrained` or `outletDrained` of the router. */
  readonly writable: boolean;
  /** Takes the bytes as they are. Must not throw and must not call the router back; a no-op once closed. */
  write(bytes: Buffer): void;
  /** Collects writes until `uncork`, so that a batch becomes one write on the socket. */
  cork(): void;
  uncork(): void;
}

/**
 * The outlet of an s2s stream, or of a component. It can break with bytes in its buffer, so it tells those who ask what
 * became of theirs: `flushed` is called once in any case, at the latest when the connection is closed, and may be called
 * within `write`.
 */
export interface StreamOutlet extends Outlet {
  write(bytes: Buffer, flushed?: Flushed): void;
}

/** Something that stanzas are read from. Pausing it is how back-pressure travels to the sender. */
export interface Inlet {
  pause(): void;
  resume(): void;
}

/** What became of a stanza that was accepted (DESIGN §6, L1). */
export type Delivery =
  /** Handed over, on a stream that is authorised for its domain pair, to the kernel without error; or to a local outlet. */
  | { readonly outcome: 'sent'; readonly stream: StreamId | null }
  /** Not sent; `fault` says why, and `reply` is the stanza error that it earned (null where none may be sent). */
  | { readonly outcome: 'returned'; readonly fault: Fault; readonly reply: Stanza | null }
  /** Written, and the stream broke while its bytes were not all handed to the kernel: part of them may have arrived. */
  | { readonly outcome: 'unknown'; readonly stream: StreamId };

/** Told once what became of a stanza, in a task of its own, never inside the call that brought the stanza. */
export type Settle = (delivery: Delivery) => void;

/** A stanza that went back to its sender, or that was dropped because no error may answer it (RFC 6120 §8.3.1). */
export interface Returned {
  readonly stanza: Stanza;
  readonly fault: Fault;
}

/** What the data plane has done since it was made. Live: read it, do not keep it. */
export interface RouterCounters {
  /** Stanzas that passed the gate. */
  readonly admitted: number;
  /** Stanzas that the gate refused. */
  readonly refused: number;
  /** Stanzas given to a local outlet. */
  readonly delivered: number;
  /** Stanzas for a local domain to which nobody is attached. */
  readonly unattended: number;
  /** Stanzas written to a stream. */
  readonly sent: number;
  /** Stanzas that had to wait in the queue of their pair. */
  readonly queued: number;
  /** Stanzas answered with a stanza error. */
  readonly returned: number;
  /** Stanzas that earned an error and may not be answered with one. */
  readonly dropped: number;
  /** Stanzas that may not have arrived: written to a stream shortly before it broke, or never flushed by it or a component. */
  readonly unknown: number;
}

/** The tables as plain data, for the inspector. */
export interface RouterSnapshot {
  readonly queues: readonly {
    readonly local: string;
    readonly remote: string;
    readonly stanzas: number;
    readonly bytes: number;
    readonly oldestMs: number;
    readonly routeWanted: boolean;
  }[];
  readonly routes: readonly { readonly local: string; readonly remote: string; readonly stream: StreamId }[];
  readonly facts: readonly { readonly stream: StreamId; readonly from: string; readonly to: string }[];
  readonly attached: readonly string[];
  readonly pausedInlets: number;
}

export interface RouterTotals extends Pick<RouterSnapshot, 'pausedInlets'> {
  /** Pairs whose stanzas wait, these stanzas, and their bytes. */
  readonly queues: { readonly pairs: number; readonly stanzas: number; readonly bytes: number };
  readonly routes: number;
  readonly facts: number;
}

/** What the data plane asks of the control plane. Called synchronously; must not throw. */
export interface RouterEvents {
  /** A stanza waits for this pair and no stream serves it. Called once per wish, not per stanza. */
  routeWanted(local: string, remote: string): void;
  /** The gate refused a stanza: the stream has to be closed with this stream error (RFC 6120 §4.9.3). */
  refused(stream: StreamId, fault: Fault, pair: DomainPair | null): void;
  /** `from` is proved on the stream, but not towards `to`: whether what is proved covers the pair. @defaultValue never */
  coversPair?(stream: StreamId, from: string, to: string): boolean;
  /** For the trace: once when something begins to wait for a route, and once when that ends; never per stanza. */
  queueChanged?(edge: QueueEdge): void;
}

export interface QueueEdge {
  readonly local: string;
  readonly remote: string;
  /**
   * `waiting`: the first stanza waits for a route. `flushed`: a stream takes what waits. `returned`: it went back. `full`: there
   * is no room for more, which goes back at once until something is flushed.
   */
  readonly change: 'waiting' | 'flushed' | 'returned' | 'full';
  readonly stanzas: number;
  /** Why they were returned. */
  readonly fault: Fault | null;
}
