/** What one XML stream knows of itself, at either end, and what can happen to it. */
import type { DnaProofs } from '../../src/protocol/dna.ts';
import type { Endpoint } from '../../src/protocol/dns.ts';
import type { Fault } from '../../src/protocol/faults.ts';
import type { PolicyOptions } from '../../src/protocol/policy.ts';
import type { Proof } from '../../src/protocol/proof.ts';
import type { Service } from '../../src/protocol/service.ts';
import type { StreamFeatures } from '../../src/protocol/wire.ts';
import type { GrowingSet, GrowingTable } from '../collections/growing-table.ts';
import { noPairs, type ProvedPairs } from '../collections/proved-pairs.ts';
import type { Slots } from '../collections/slots.ts';
import { nobodyWaiting, type WaitingLine } from '../collections/waiting-line.ts';
import type {
  AssertionOutcome,
  AssociationOutcome,
  AttemptProgress,
  ChallengeOutcome,
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
  /** Where proofs may come from, beside the certificate. */
  readonly material: {
    /** Somebody validates the DNS: DANE and secure delegation may prove a domain, or refute it. */
    readonly secureDns: boolean;
    readonly posh: boolean;
  };
  /** The DNA protocol of 2009. */
  readonly dna: {
    /** Somebody judges proofs of delegation: the far end may be challenged for one. */
    readonly checks: boolean;
    /** By domain served here: what it has to show when it is challenged. */
    readonly proofs: GrowingTable<DnaProofs>;
  };
}

export interface StreamInput {
  readonly stream: StreamId;
  readonly settings: StreamSettings;
  readonly purpose: StreamPurpose;
  /** Empty on the receiving side until the header of the peer names them. */
  readonly local: string;
  readonly remote: string;
  readonly endpoint: Endpoint | null;
  readonly service: Service;
  /** TLS comes before any XML (XEP-0368). */
  readonly directTls: boolean;
  readonly avoidExternal: boolean;
}

/** How far the two ends have come with each other: all of it starts anew under TLS (RFC 6120 §5.4.3.3, S5). */
export interface Negotiation {
  readonly phase: 'open' | 'authenticated';
  /** The id of the response header in force, if there is one (RFC 6120 §4.7.3). */
  readonly wireId: string | null;
  readonly headerSent: boolean;
  readonly features: StreamFeatures | null;
  readonly peerSpeaksDialback: boolean;
  /** No version on its header: no features follow (RFC 6120 §4.7.5). */
  readonly peerPredatesFeatures: boolean;
  readonly saslAttempts: number;
  /** The condition with which we last refused a request of the far end (RFC 6120 §6.5). */
  readonly saslRefused: string | null;
  readonly bidi: boolean;
}

/**
 * What was said in the DNA protocol of 2009, under TLS; on most streams, nothing. Its domains belong to the stream one by one:
 * they come, and may go, while the stream stands (ProtoXEP §6.8).
 */
export interface Dna {
  /** The far end speaks it: it has asserted or challenged, or believed us. */
  readonly isSpoken: boolean;
  /** Domains of the far end that it has been challenged for, and that are not settled. */
  readonly challenges: Slots;
  /** Domains that the far end has asserted, and that wait for our verdict. */
  readonly asserted: readonly string[];
  /** Domains of the far end that we have declared valid; false once more where they no longer are. */
  readonly believed: GrowingTable<boolean>;
  /** Domains that were proved here, and that the far end no longer speaks for. */
  readonly withdrawn: GrowingTable<boolean>;
  /** Domains of ours that the far end has declared valid, or not. */
  readonly standing: GrowingTable<'valid' | 'invalid'>;
  /** Domains of ours of which a proof was shown. */
  readonly shown: GrowingSet;
  /** Those of them of which one was shown lately. */
  readonly shownLately: readonly string[];
}

/** What was begun on the stream and is not settled. */
export interface Pending {
  /** Ours, for which there was no turn yet. */
  readonly waitingAssertions: WaitingLine<DomainPair>;
  /** By {@link pairId}: what we asked on this very stream and was not answered yet (S6). */
  readonly assertions: Slots;
  /** Those of them that have been unanswered for so long that others may be asked meanwhile. */
  readonly overdueAssertions: readonly string[];
  /** Further domains of the far end that are being proved. */
  readonly associations: Slots;
  /** By {@link pairId}: what the peer asserted. */
  readonly verifications: Slots;
  /** By {@link verifyId}: what we asked the far end as an authoritative server. */
  readonly questions: readonly string[];
}

/** In groups: a copy of twenty fields or more is a hash table to V8, and twenty times as dear (docs/adr/streams-and-pairs.md). */
export interface StreamContext extends StreamInput {
  /** The address that answered, of all that the endpoint has; null on the receiving side. */
  readonly connectedTo: string | null;
  readonly tls: TlsFacts | null;
  readonly negotiation: Negotiation;
  readonly pending: Pending;
  readonly dna: Dna;
  readonly associated: AssociationOutcome | null;
  /** Domains of the far end proved on this stream. */
  readonly proved: GrowingTable<Proof>;
  /** What was proved to us or to the peer, and by which prooftype, how strongly and until when each pair was at first. */
  readonly validPairs: ProvedPairs;
  readonly fault: Fault | null;
  /** The peer ended the stream: its own fault is not said back to it. */
  readonly endedByPeer: boolean;
}

export type StreamEvent =
  | PeerEvent
  | TransportEvent
  | StreamRequest
  // Ends of spawned children, whose ids are the name of their machine and their slot.
  | { readonly type: `xstate.done.actor.assertion.${number}`; readonly output: AssertionOutcome }
  | { readonly type: `xstate.done.actor.verification.${number}`; readonly output: VerificationOutcome }
  | { readonly type: `xstate.done.actor.association.${number}`; readonly output: AssociationOutcome }
  | { readonly type: `xstate.done.actor.challenge.${number}`; readonly output: ChallengeOutcome }
  | { readonly type: `xstate.error.actor.assertion.${number}`; readonly error: unknown }
  | { readonly type: `xstate.error.actor.verification.${number}`; readonly error: unknown }
  | { readonly type: `xstate.error.actor.association.${number}`; readonly error: unknown }
  | { readonly type: `xstate.error.actor.challenge.${number}`; readonly error: unknown }
  /** Raised by the stream itself: what was shown lately may be shown again. */
  | { readonly type: 'proofs.rested' }
  /** Raised by the stream itself: the answer to this assertion takes its time. */
  | ({ readonly type: 'assertion.overdue' } & DomainPair);

/** A spawned child that broke. */
export interface FailedChild {
  readonly slot: number;
  readonly error: unknown;
}

export const nothingNegotiated: Negotiation = {
  phase: 'open',
  wireId: null,
  headerSent: false,
  features: null,
  peerSpeaksDialback: false,
  peerPredatesFeatures: false,
  saslAttempts: 0,
  saslRefused: null,
  bidi: false,
};

export const nothingSaid: Dna = {
  isSpoken: false,
  challenges: [],
  asserted: [],
  believed: [],
  withdrawn: [],
  standing: [],
  shown: [],
  shownLately: [],
};

const nothingPending: Pending = {
  waitingAssertions: nobodyWaiting,
  assertions: [],
  overdueAssertions: [],
  associations: [],
  verifications: [],
  questions: [],
};

export const newStream = ({ input }: { input: StreamInput }): StreamContext => ({
  connectedTo: null,
  tls: null,
  negotiation: nothingNegotiated,
  pending: nothingPending,
  dna: nothingSaid,
  associated: null,
  proved: [],
  validPairs: noPairs,
  fault: null,
  endedByPeer: false,
  ...input, // last: what is added after a spread has a shape of its own each time
});

export const dialbackIsOffered = ({ negotiation: { wireId, peerSpeaksDialback, features } }: StreamContext): boolean =>
  wireId !== null && (peerSpeaksDialback || features?.dialback === true);

/** What the peer is told of it when it ends. */
export const progressOf = (context: StreamContext): AttemptProgress => ({
  connectedTo: context.connectedTo,
  dialbackOffered: dialbackIsOffered(context),
});

export const withNegotiated = ({ negotiation }: StreamContext, step: Partial<Negotiation>) => ({
  negotiation: { ...negotiation, ...step },
});

export const withPending = ({ pending }: StreamContext, change: Partial<Pending>) => ({
  pending: { ...pending, ...change },
});

export const withDna = ({ dna }: StreamContext, change: Partial<Dna>) => ({ dna: { ...dna, ...change } });

export const without = (ids: readonly string[], id: string): readonly string[] => ids.filter((other) => other !== id);
