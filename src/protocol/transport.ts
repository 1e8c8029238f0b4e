/** The messages between a stream machine and its transport: neither imports the other, both import this. */
import type { Endpoint } from './dns.ts';
import type { Fault } from './faults.ts';
import type { Service } from './service.ts';
import type { StreamHeader, WireElement } from './wire.ts';

/** Identifies one XML stream; assigned by the registry, never reused within a process. */
export type StreamId = number;

/** Commands from a stream machine to its transport. */
export type TransportCommand =
  | { readonly type: 'transport.send'; readonly element: WireElement }
  /** A new stream header is expected next (RFC 6120 §4.3.3). */
  | { readonly type: 'transport.restart' }
  | {
      readonly type: 'transport.secureAsClient';
      readonly serverName: string;
      readonly local: string;
      readonly minTls: '1.2' | '1.3';
    }
  | { readonly type: 'transport.secureAsServer'; readonly streamTo: string | null }
  /** The stream may carry stanzas now: the larger size limit applies. */
  | { readonly type: 'transport.authenticated' }
  /** The far end was challenged: its proof may be larger than other elements that come before stanzas are allowed. */
  | { readonly type: 'transport.proofAwaited' }
  /** Sends the stream error, if any, and `</stream:stream>`; sends `header` first if no header was sent yet. */
  | { readonly type: 'transport.close'; readonly fault: Fault | null; readonly header: StreamHeader | null }
  /** Flushes and closes the socket: both closing tags are exchanged. */
  | { readonly type: 'transport.end' }
  | { readonly type: 'transport.drop' };

export interface TransportInput {
  readonly stream: StreamId;
  readonly service: Service;
  /** Null on the receiving side, which is already connected. */
  readonly endpoint: Endpoint | null;
}
