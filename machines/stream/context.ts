/** The state that one XML stream keeps, at either end, and the events that it receives. */
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

/** Settings that all streams of a manager share. */
export interface StreamSettings {
  /** Domains served here, canonical. */
  readonly hosted: GrowingSet;
  readonly policy: PolicyOptions;
  readonly bidi: boolean;
  /** Sources of proof other than the certificate. */
  readonly material: {
    /** DNS answers are DNSSEC-validated: DANE and secure delegation may prove or refute a domain. */
    readonly secureDns: boolean;
    readonly posh: boolean;
  };
  /** The DNA protocol of 2009. */
  readonly dna: {
    /** A checker for proofs of delegation is configured: the far end may be challenged for one. */
    readonly checks: boolean;
    /** By domain served here: the proofs to show when it is challenged. */
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

/** How far the two ends have negotiated: all of this is reset under TLS (RFC 6120 §5.4.3.3, S5). */
export interface Negotiation {
  readonly phase: 'open' | 'authenticated';
  /** The id of the response header in force, if there is one (RFC 6120 §4.7.3). */
  readonly wireId: string | null;
  readonly headerSent: boolean;
  readonly features: StreamFeatures | null;
  readonly peerSpeaksDialback: boolean;
  /** The peer's header has no version: no features follow (RFC 6120 §4.7.5). */
  readonly peerPredatesFeatures: boolean;
  readonly saslAttempts: number;
  /** The condition with which we last refused a request of the far end (RFC 6120 §6.5). */
  readonly saslRefused: string | null;
  readonly bidi: boolean;
}

/**
 * The state of the DNA protocol of 2009, under TLS; empty on most streams. Domains are associated with the stream one
 * by one: they are added, and may be withdrawn, while the stream is open (ProtoXEP §6.8).
 */
export interface Dna {
  /** The far end speaks the protocol: it has asserted a domain, challenged us, or declared a domain of ours valid. */
  readonly isSpoken: boolean;
  /** Domains of the far end for which it was challenged, not yet settled. */
  readonly challenges: Slots;
  /** Domains that the far end has asserted and that await our verdict. */
  readonly asserted: readonly string[];
  /** Domains of the far end that we have declared valid; false again if they no longer are. */
  readonly believed: GrowingTable<boolean>;
  /** Domains that were proved here and for which the far end no longer speaks; false again once proved anew. */
  readonly withdrawn: GrowingTable<boolean>;
  /** Domains of ours that the far end has declared valid or invalid. */
  readonly standing: GrowingTable<'valid' | 'invalid'>;
  /** Domains of ours for which a proof was shown. */
  readonly shown: GrowingSet;
  /** Domains in `shown` for which a proof was shown recently. */
  readonly shownLately: readonly string[];
}

/** Exchanges begun on the stream and not yet settled. */
export interface Pending {
  /** Our assertions that have not had their turn yet. */
  readonly waitingAssertions: WaitingLine<DomainPair>;
  /** By {@link pairId}: our assertions sent on this stream and not yet answered (S6). */
  readonly assertions: Slots;
  /** Those of `assertions` unanswered for so long that others may be sent meanwhile. */
  readonly overdueAssertions: readonly string[];
  /** Further domains of the far end that are being proved. */
  readonly associations: Slots;
  /** By {@link pairId}: assertions of the peer being verified. */
  readonly verifications: Slots;
  /** By {@link verifyId}: our questions to the far end as an authoritative server. */
  readonly questions: readonly string[];
}

/**
 * Fields are grouped because V8 makes a copy with about twenty fields or more a hash table, which costs twenty times as
 * much (docs/adr/streams-and-pairs.md).
 */
export interface StreamContext extends StreamInput {
  /** The one of the endpoint's addresses that answered; null on the receiving side. */
  readonly connectedTo: string | null;
  readonly tls: TlsFacts | null;
  readonly negotiation: Negotiation;
  readonly pending: Pending;
  readonly dna: Dna;
  readonly associated: AssociationOutcome | null;
  /** Domains of the far end proved on this stream. */
  readonly proved: GrowingTable<Proof>;
  /** Pairs proved to us or to the peer, each with the prooftype, strength and expiry of its first proof. */
  readonly validPairs: ProvedPairs;
  readonly fault: Fault | null;
  /** The peer ended the stream: its own fault is not sent back to it. */
  readonly endedByPeer: boolean;
}

export type StreamEvent =
  | PeerEvent
  | TransportEvent
  | StreamRequest
  // Done and error events of spawned children, whose ids consist of the machine's name and the slot.
  | { readonly type: `xstate.done.actor.assertion.${number}`; readonly output: AssertionOutcome }
  | { readonly type: `xstate.done.actor.verification.${number}`; readonly output: VerificationOutcome }
  | { readonly type: `xstate.done.actor.association.${number}`; readonly output: AssociationOutcome }
  | { readonly type: `xstate.done.actor.challenge.${number}`; readonly output: ChallengeOutcome }
  | { readonly type: `xstate.error.actor.assertion.${number}`; readonly error: unknown }
  | { readonly type: `xstate.error.actor.verification.${number}`; readonly error: unknown }
  | { readonly type: `xstate.error.actor.association.${number}`; readonly error: unknown }
  | { readonly type: `xstate.error.actor.challenge.${number}`; readonly error: unknown }
  /** Raised by the stream itself: proofs that were shown recently may be shown again. */
  | { readonly type: 'proofs.rested' }
  /** Raised by the stream itself: the answer to this assertion is taking long. */
  | ({ readonly type: 'assertion.overdue' } & DomainPair);

/** A spawned child that failed. */
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
  ...input, // last: fields added after a spread give each object its own hidden class
});

export const dialbackIsOffered = ({ negotiation: { wireId, peerSpeaksDialback, features } }: StreamContext): boolean =>
  wireId !== null && (peerSpeaksDialback || features?.dialback === true);

/** The progress reported to the peer actor when the stream ends. */
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
