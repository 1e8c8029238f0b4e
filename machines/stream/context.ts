/** What one XML stream knows of itself, at either end, and what can happen to it. */
import type { Endpoint } from '../../src/protocol/dns.ts';
import type { Fault } from '../../src/protocol/faults.ts';
import type { PolicyOptions } from '../../src/protocol/policy.ts';
import type { Proof } from '../../src/protocol/proof.ts';
import type { StreamFeatures } from '../../src/protocol/wire.ts';
import type { GrowingSet, GrowingTable } from '../collections/growing-table.ts';
import { nobodyWaiting, type WaitingLine } from '../collections/waiting-line.ts';
import type {
  AssertionOutcome,
  AssociationOutcome,
  DomainPair,
  PeerEvent,
  StreamId,
  StreamPurpose,
  StreamRequest,
  TlsFacts,
  TransportEvent,
  VerificationOutcome,
} from '../events.ts';

/** What all streams of a manager are told alike. */
export interface StreamSettings {
  /** Domains served here, canonical. */
  readonly hosted: GrowingSet;
  readonly policy: PolicyOptions;
  readonly bidi: boolean;
}

export interface StreamInput {
  readonly stream: StreamId;
  readonly settings: StreamSettings;
  readonly purpose: StreamPurpose;
  /** Empty on the receiving side until the header of the peer names them. */
  readonly local: string;
  readonly remote: string;
  readonly endpoint: Endpoint | null;
  /** TLS comes before any XML (XEP-0368). */
  readonly directTls: boolean;
  readonly avoidExternal: boolean;
}

export interface StreamContext extends StreamInput {
  readonly phase: 'open' | 'authenticated';
  /** The id of the response header in force, if there is one (RFC 6120 §4.7.3). */
  readonly wireId: string | null;
  readonly headerSent: boolean;
  /** The address that answered, of all that the endpoint has; null on the receiving side. */
  readonly connectedTo: string | null;
  readonly tls: TlsFacts | null;
  readonly features: StreamFeatures | null;
  readonly peerSpeaksDialback: boolean;
  /** No version on its header: no features follow (RFC 6120 §4.7.5). */
  readonly peerPredatesFeatures: boolean;
  readonly bidi: boolean;
  readonly saslAttempts: number;
  /** Domains of the far end proved on this stream. */
  readonly proved: GrowingTable<Proof>;
  readonly associated: AssociationOutcome | null;
  /** Ours, for which there was no turn yet. */
  readonly assertionsWaiting: WaitingLine<DomainPair>;
  /** By {@link pairId}: what we asked on this very stream and was not answered yet (S6). */
  readonly assertionsPending: readonly string[];
  /** Those of them that have been unanswered for so long that others may be asked meanwhile. */
  readonly assertionsOverdue: readonly string[];
  /** Further domains of the far end that are being proved. */
  readonly associationsPending: readonly string[];
  readonly verificationsPending: readonly string[];
  /** By {@link verifyId}. */
  readonly verifiesOutstanding: readonly string[];
  /** By {@link pairId}: what was proved to us or to the peer, with the first proof of the domain at the far end. */
  readonly validPairs: GrowingTable<Proof>;
  readonly fault: Fault | null;
  /** The peer ended the stream: its own fault is not said back to it. */
  readonly endedByPeer: boolean;
}

export type StreamEvent =
  | PeerEvent
  | TransportEvent
  | StreamRequest
  // Ends of spawned children, whose ids begin with the name of their machine.
  | { readonly type: `xstate.done.actor.assertion.${string}`; readonly output: AssertionOutcome }
  | { readonly type: `xstate.done.actor.verification.${string}`; readonly output: VerificationOutcome }
  | { readonly type: `xstate.done.actor.association.${string}`; readonly output: AssociationOutcome }
  | { readonly type: `xstate.error.actor.assertion.${string}`; readonly error: unknown }
  | { readonly type: `xstate.error.actor.verification.${string}`; readonly error: unknown }
  | { readonly type: `xstate.error.actor.association.${string}`; readonly error: unknown }
  /** Raised by the stream itself: the answer to this assertion takes its time. */
  | ({ readonly type: 'assertion.overdue' } & DomainPair);

/** Context at birth. Written out: a spread before so many fields takes 40 µs and 16 kB. */
export const newStream = ({ input }: { input: StreamInput }): StreamContext => ({
  stream: input.stream,
  settings: input.settings,
  purpose: input.purpose,
  local: input.local,
  remote: input.remote,
  endpoint: input.endpoint,
  directTls: input.directTls,
  avoidExternal: input.avoidExternal,
  phase: 'open',
  wireId: null,
  headerSent: false,
  connectedTo: null,
  tls: null,
  features: null,
  peerSpeaksDialback: false,
  peerPredatesFeatures: false,
  bidi: false,
  saslAttempts: 0,
  proved: [],
  associated: null,
  assertionsWaiting: nobodyWaiting,
  assertionsPending: [],
  assertionsOverdue: [],
  associationsPending: [],
  verificationsPending: [],
  verifiesOutstanding: [],
  validPairs: [],
  fault: null,
  endedByPeer: false,
});
