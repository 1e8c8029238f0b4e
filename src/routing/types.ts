/** What the data plane touches (DESIGN §2): outlets that stanzas are written to, inlets that they come from. */
import type { Stanza } from '../protocol/stanza.ts';
import type { Fault } from '../protocol/faults.ts';

/** One XML stream in the tables; given by the registry, never reused within a process. */
export type StreamId = number;

/** Something that stanzas can be written to: an s2s stream, a component, the embedding program. */
export interface Outlet {
  /** Content namespace in which stanzas are written. */
  readonly contentNamespace: string;
  /** False while its buffer is above the high-water mark; `drained` of {@link OutletEvents} follows. */
  readonly writable: boolean;
  write(bytes: Buffer): void;
  /** Collects writes until `uncork`, so that a batch becomes one write on the socket. */
  cork(): void;
  uncork(): void;
}

/** Something that stanzas are read from. Pausing it is how back-pressure travels to the sender. */
export interface Inlet {
  pause(): void;
  resume(): void;
}

/** What became of a stanza that was accepted (DESIGN §6, L1). */
export type Delivery =
  /** Handed to a stream that is authorised for its domain pair, or to a local outlet. */
  | { readonly outcome: 'sent'; readonly stream: StreamId | null }
  /** Not sent; `fault` says why, and `reply` is the stanza error that it earned (null where none may be sent). */
  | { readonly outcome: 'returned'; readonly fault: Fault; readonly reply: Stanza | null }
  /** Written, and the stream broke before it could be known whether it arrived. */
  | { readonly outcome: 'unknown'; readonly stream: StreamId };

/** What the data plane asks of the control plane. Called synchronously; must not throw. */
export interface RouterEvents {
  /** A stanza waits for this pair and no stream serves it. Called once per wish, not per stanza. */
  routeWanted(local: string, remote: string): void;
  /** The gate refused a stanza: the stream has to be closed with this stream error (RFC 6120 §4.9.3). */
  refused(stream: StreamId, fault: Fault): void;
}
