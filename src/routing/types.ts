/** The interfaces of the data plane: outlets that stanzas are written to, inlets that they come from. */
import type { Flushed } from '../ports.ts';
import type { Fault } from '../protocol/faults.ts';
import type { DomainPair } from '../protocol/pairs.ts';
import type { Stanza } from '../protocol/stanza.ts';
import type { StreamId } from '../protocol/transport.ts';

export type { StreamId } from '../protocol/transport.ts';

/**
 * Something that stanzas can be written to: an s2s stream, a component, the embedding program.
 *
 * While it is not writable, every stream and component that has written to it is paused, along with everything else
 * that these carry. Whoever attaches an outlet that can fill up is therefore responsible for it: it must drain and
 * report that, or its owner must detach it after a while. The manager's streams and {@link ComponentListener} have
 * deadlines for that; the data plane has none for other outlets.
 */
export interface Outlet {
  /** Content namespace in which stanzas are written, such as `jabber:server`. */
  readonly contentNamespace: string;
  /**
   * False while its buffer is above the high-water mark; once drained, its owner calls the router's `streamDrained` or
   * `outletDrained`.
   */
  readonly writable: boolean;
  /** Takes the bytes unchanged. Must not throw and must not call back into the router; a no-op once closed. */
  write(bytes: Buffer): void;
  /** Collects writes until `uncork`, so that a batch becomes one write on the socket. */
  cork(): void;
  uncork(): void;
}

/**
 * The outlet of an s2s stream or of a component. It can break with bytes in its buffer, so it reports their outcome on
 * request: `flushed` is always called exactly once, at the latest when the connection is closed, and possibly within
 * `write`.
 */
export interface StreamOutlet extends Outlet {
  write(bytes: Buffer, flushed?: Flushed): void;
}

/** Something that stanzas are read from. Pausing it passes back-pressure on to the sender. */
export interface Inlet {
  pause(): void;
  resume(): void;
}

/** The outcome of a stanza that was accepted (invariant L1 in machines/SPEC.md). */
export type Delivery =
  /**
   * Handed to the kernel without error, on a stream that is authorised for its domain pair; or handed to a local
   * outlet.
   */
  | { readonly outcome: 'sent'; readonly stream: StreamId | null }
  /** Not sent; `fault` says why, and `reply` is the stanza error returned for it (null where none may be sent). */
  | { readonly outcome: 'returned'; readonly fault: Fault; readonly reply: Stanza | null }
  /** Written, but the stream broke before all its bytes were handed to the kernel: some of them may have arrived. */
  | { readonly outcome: 'unknown'; readonly stream: StreamId };

/** Called once with a stanza's outcome, in a task of its own, never inside the call that brought the stanza. */
export type Settle = (delivery: Delivery) => void;

/**
 * A stanza that was returned to its sender, or dropped because it must not be answered with an error (RFC 6120 §8.3.1).
 */
export interface Returned {
  readonly stanza: Stanza;
  readonly fault: Fault;
}

/** Counters of the data plane since its creation. A live object: read it, do not keep it. */
export interface RouterCounters {
  /** Stanzas that passed the gate. */
  readonly admitted: number;
  /** Stanzas that the gate refused. */
  readonly refused: number;
  /** Stanzas given to a local outlet. */
  readonly delivered: number;
  /** Stanzas for a local domain to which nothing is attached. */
  readonly unattended: number;
  /** Stanzas written to a stream. */
  readonly sent: number;
  /** Stanzas that had to wait in the queue of their pair. */
  readonly queued: number;
  /** Stanzas answered with a stanza error. */
  readonly returned: number;
  /** Stanzas that could not be sent and must not be answered with an error. */
  readonly dropped: number;
  /**
   * Stanzas that may not have arrived: written to a stream shortly before it broke, or never flushed by a stream or
   * component.
   */
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
  /** Pairs that have waiting stanzas, the number of these stanzas, and their bytes. */
  readonly queues: { readonly pairs: number; readonly stanzas: number; readonly bytes: number };
  readonly routes: number;
  readonly facts: number;
}

/** What the data plane asks of the control plane. Called synchronously; must not throw. */
export interface RouterEvents {
  /** A stanza waits for this pair and no stream serves it. Called once per request for a route, not per stanza. */
  routeWanted(local: string, remote: string): void;
  /** The gate refused a stanza: the stream has to be closed with this stream error (RFC 6120 §4.9.3). */
  refused(stream: StreamId, fault: Fault, pair: DomainPair | null): void;
  /**
   * `from` is proved on the stream, but not towards `to`: whether the existing proof covers the pair.
   * @defaultValue never
   */
  coversPair?(stream: StreamId, from: string, to: string): boolean;
  /** For the trace: called once when a queue begins to wait for a route, and once when that ends; never per stanza. */
  queueChanged?(edge: QueueEdge): void;
}

export interface QueueEdge {
  readonly local: string;
  readonly remote: string;
  /**
   * `waiting`: the first stanza waits for a route. `flushed`: a stream takes the waiting stanzas. `returned`: they went
   * back to their senders. `full`: there is no room for more; further stanzas are returned at once until the queue is
   * flushed.
   */
  readonly change: 'waiting' | 'flushed' | 'returned' | 'full';
  readonly stanzas: number;
  /** Why they were returned. */
  readonly fault: Fault | null;
}
