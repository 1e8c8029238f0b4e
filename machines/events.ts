/**
 * All events, by origin: `peer.*` is untrusted, `transport.*` our own sockets, `local.*` the owner, others our actors.
 */
import type { DialbackAnswer } from '../src/protocol/dialback.ts';
import type { Endpoint } from '../src/protocol/dns.ts';
import type { DnaProofs } from '../src/protocol/dna.ts';
import type { Fault } from '../src/protocol/faults.ts';
import type { CertificateEvidence } from '../src/protocol/certificate.ts';
import type { DomainPair } from '../src/protocol/pairs.ts';
import type { PolicyOptions } from '../src/protocol/policy.ts';
import type { DnaProofType, Proof, ProofAttempt, ProofVerdict } from '../src/protocol/proof.ts';
import type { StreamId } from '../src/protocol/transport.ts';
import type { StreamFeatures, StreamHeader } from '../src/protocol/wire.ts';
import type { GrowingTable } from './collections/growing-table.ts';
import type { Resolution } from './resolution.machine.ts';

export type { DomainPair } from '../src/protocol/pairs.ts';
export type { StreamId, TransportCommand, TransportInput } from '../src/protocol/transport.ts';

/**
 * For a chart that reacts only to its own children and deadlines; its owner stops it when no answer is needed any more.
 */
export interface NoEvents {
  readonly type: never;
}

export interface TlsFacts {
  readonly protocol: string;
  readonly cipher: string;
  readonly alpn: string | null;
  readonly resumed: boolean;
  readonly certificate: CertificateEvidence | null;
}

/** The content of `<proof/>`. */
export interface ReceivedProof {
  /** Null: a proof type that we do not know. */
  readonly prooftype: DnaProofType | null;
  /** Null: larger than the limit, so not examined. */
  readonly data: string | null;
}

/** What the far end of the stream said. Domains are already canonical; nothing else was checked. */
export type PeerEvent =
  /** `freshId` is an unpredictable id for the response header, made by the adapter. */
  | { readonly type: 'peer.streamOpened'; readonly header: StreamHeader; readonly freshId: string }
  | { readonly type: 'peer.featuresReceived'; readonly features: StreamFeatures }
  | { readonly type: 'peer.startTlsRequested' }
  | { readonly type: 'peer.proceedReceived' }
  | { readonly type: 'peer.startTlsRefused' }
  | { readonly type: 'peer.authRequested'; readonly mechanism: string; readonly initialResponse: string | null }
  | { readonly type: 'peer.saslChallenged' }
  | { readonly type: 'peer.saslResponded'; readonly data: string }
  | { readonly type: 'peer.saslAborted' }
  | { readonly type: 'peer.saslSucceeded' }
  | { readonly type: 'peer.saslFailed'; readonly condition: string; readonly text: string | null }
  | { readonly type: 'peer.bidiRequested' }
  | ({ readonly type: 'peer.resultRequested'; readonly key: string } & DomainPair)
  | ({ readonly type: 'peer.resultAnswered'; readonly answer: DialbackAnswer } & DomainPair)
  /** `keyMatches` was computed by the adapter; only the adapter holds the secret (XEP-0185). */
  | ({ readonly type: 'peer.verifyRequested'; readonly id: string; readonly keyMatches: boolean } & DomainPair)
  | ({ readonly type: 'peer.verifyAnswered'; readonly id: string; readonly answer: DialbackAnswer } & DomainPair)
  /** The far end claims to speak for the domain (this and the next events: ProtoXEP "Domain Name Assertions" §4). */
  | { readonly type: 'peer.domainAsserted'; readonly domain: string }
  /** The far end wants proof of a domain of ours; `prooftypes` are those that we know, in the far end's order. */
  | {
      readonly type: 'peer.challengeReceived';
      readonly domain: string;
      readonly prooftypes: readonly DnaProofType[];
    }
  | ({ readonly type: 'peer.proofReceived'; readonly domain: string } & ReceivedProof)
  /** An answer to a challenge. Unsolicited, it means that the far end no longer speaks for the domain. */
  | { readonly type: 'peer.proofDeclaredImpossible'; readonly domain: string }
  /** The far end believes that we speak for the domain. */
  | { readonly type: 'peer.domainDeclaredValid'; readonly domain: string }
  /** The far end does not, or no longer, believe that we speak for the domain. */
  | { readonly type: 'peer.domainDeclaredInvalid'; readonly domain: string }
  | { readonly type: 'peer.streamErrorReceived'; readonly condition: string; readonly text: string | null }
  | { readonly type: 'peer.streamClosed' }
  | { readonly type: 'peer.unsupportedReceived'; readonly name: string };

export type TransportEvent =
  | { readonly type: 'transport.connected'; readonly remoteAddress: string; readonly remotePort: number }
  | { readonly type: 'transport.secured'; readonly tls: TlsFacts }
  /** The bytes are not an XML stream, or exceed a limit: the condition is a stream error (RFC 6120 §4.9.3). */
  | { readonly type: 'transport.inputRefused'; readonly fault: Fault }
  /** The gate refused a stanza. `pair`, for the trace, is present if both of its addresses could be read. */
  | { readonly type: 'transport.stanzaRefused'; readonly fault: Fault; readonly pair?: DomainPair }
  | { readonly type: 'transport.idle' }
  | { readonly type: 'transport.closed'; readonly fault: Fault | null };

export type StreamRequest =
  | ({ readonly type: 'local.assertionRequested' } & DomainPair)
  | { readonly type: 'local.associationRequested'; readonly domain: string }
  /** The proof of this domain will end soon: it is renewed while the present one is still valid. */
  | { readonly type: 'local.renewalRequested'; readonly domain: string }
  | ({ readonly type: 'local.verifyRequested'; readonly id: string; readonly key: string } & DomainPair)
  /** This answer is no longer needed. */
  | ({ readonly type: 'local.verifyAbandoned'; readonly id: string } & DomainPair)
  /** The far end is to be asked to prove a domain of its own, by one of these proof types. */
  | {
      readonly type: 'local.challengeRequested';
      readonly domain: string;
      readonly prooftypes: readonly DnaProofType[];
    }
  /** The proof of this domain has ended and was not renewed; the far end speaks DNA and can be sent `<invalid/>`. */
  | { readonly type: 'local.proofEnded'; readonly domain: string }
  /** From now on our domains can show these proofs, and no others. */
  | { readonly type: 'local.proofsChanged'; readonly proofs: GrowingTable<DnaProofs> }
  /** Another policy is in force from now on. */
  | { readonly type: 'local.policyChanged'; readonly policy: PolicyOptions }
  | { readonly type: 'local.closeRequested'; readonly fault: Fault | null };

export interface AssertionOutcome extends DomainPair {
  readonly answer: DialbackAnswer | { readonly type: 'late' };
}

export interface VerificationOutcome extends DomainPair {
  readonly answer: DialbackAnswer;
  readonly proof: Proof | null;
  readonly attempts: readonly ProofAttempt[];
}

export interface AssociationOutcome {
  readonly domain: string;
  readonly verdict: ProofVerdict;
  readonly attempts: readonly ProofAttempt[];
}

/** The outcome of one challenge of ours. */
export interface ChallengeOutcome {
  readonly domain: string;
  /** The type of the proof received; null if none that we had asked for came. */
  readonly prooftype: DnaProofType | null;
  /** The far end cannot prove the domain, or withdrew it: our verdict is not sent to it (ProtoXEP §4.5). */
  readonly isImpossible: boolean;
  readonly verdict: ProofVerdict;
}

/** What a stream reports to the registry. */
export type StreamReport =
  /** Headers, features and TLS are done: `db:verify` may be sent on this stream. */
  | { readonly type: 'stream.verifiable'; readonly stream: StreamId }
  /** Assertions may be sent on this stream. */
  | { readonly type: 'stream.established'; readonly stream: StreamId }
  /** This pair has had its turn: `from` (local) was asserted to `to` (remote), and the answer is awaited. */
  | ({ readonly type: 'pair.asserted'; readonly stream: StreamId } & DomainPair)
  /** The far end accepts stanzas from `from` (local) to `to` (remote) here, and is proved for `to` under the policy. */
  | ({ readonly type: 'pair.accepted'; readonly stream: StreamId; readonly proof: Proof } & DomainPair)
  | ({ readonly type: 'pair.refused'; readonly stream: StreamId; readonly fault: Fault } & DomainPair)
  /** `from` (remote) may send to `to` (local) on this stream. */
  | ({ readonly type: 'pair.admitted'; readonly stream: StreamId; readonly proof: Proof } & DomainPair)
  | { readonly type: 'association.settled'; readonly stream: StreamId; readonly outcome: AssociationOutcome }
  | { readonly type: 'verification.settled'; readonly stream: StreamId; readonly outcome: VerificationOutcome }
  | { readonly type: 'challenge.settled'; readonly stream: StreamId; readonly outcome: ChallengeOutcome }
  /** The far end asserts the domain, possibly again. */
  | { readonly type: 'domain.asserted'; readonly stream: StreamId; readonly domain: string }
  /** The far end's verdict on a domain of ours. */
  | {
      readonly type: 'domain.judged';
      readonly stream: StreamId;
      readonly domain: string;
      readonly verdict: 'valid' | 'invalid';
    }
  /** The domain no longer belongs to this end of the stream: its pairs use another stream, or none. */
  | {
      readonly type: 'domain.withdrawn';
      readonly stream: StreamId;
      readonly domain: string;
      readonly end: 'local' | 'remote';
      readonly fault: Fault;
    }
  | ({
      readonly type: 'verify.answered';
      readonly stream: StreamId;
      readonly id: string;
      readonly answer: DialbackAnswer;
    } & DomainPair)
  /** Nothing more is sent on this stream. */
  | { readonly type: 'stream.closing'; readonly stream: StreamId; readonly fault: Fault | null }
  | { readonly type: 'stream.closed'; readonly stream: StreamId; readonly fault: Fault | null };

/** What a stream is needed for. */
export type StreamPurpose = 'stanzas' | 'verification';

/** How a pair may use the stream offered to it. */
export type RouteManner = 'assertion' | 'supposition';

export type PairEvent =
  | { readonly type: 'local.routeWanted' }
  | { readonly type: 'route.offered'; readonly stream: StreamId; readonly manner: RouteManner }
  | { readonly type: 'route.refused'; readonly fault: Fault }
  | { readonly type: 'association.settled'; readonly stream: StreamId; readonly outcome: AssociationOutcome }
  | { readonly type: 'pair.asserted'; readonly stream: StreamId }
  | { readonly type: 'pair.accepted'; readonly stream: StreamId; readonly proof: Proof }
  | { readonly type: 'pair.refused'; readonly stream: StreamId; readonly fault: Fault }
  | { readonly type: 'stream.closing'; readonly stream: StreamId; readonly fault: Fault | null };

/** What a pair asks of, or reports to, the registry. */
export type PairReport =
  | {
      readonly type: 'route.requested';
      readonly local: string;
      readonly remote: string;
      readonly avoid: readonly StreamId[];
    }
  | {
      readonly type: 'association.requested';
      readonly stream: StreamId;
      readonly local: string;
      readonly remote: string;
    }
  | { readonly type: 'assertion.requested'; readonly stream: StreamId; readonly local: string; readonly remote: string }
  | { readonly type: 'pair.routed'; readonly local: string; readonly remote: string; readonly stream: StreamId }
  | { readonly type: 'pair.failed'; readonly local: string; readonly remote: string; readonly fault: Fault };

export interface StreamWish {
  readonly local: string;
  readonly purpose: StreamPurpose;
  /** Unsuitable streams: the pair was refused there, or the question came in on them. */
  readonly avoid: readonly StreamId[];
}

/** How far the attempt got at its endpoint: what remains to be tried there depends on it. */
export interface AttemptProgress {
  /** The one of the endpoint's addresses that answered. */
  readonly connectedTo: string | null;
  readonly dialbackOffered: boolean;
}

export type PeerActorEvent =
  /** `known`: the result of resolving the domain a moment ago, if that was done before the wish. */
  | ({ readonly type: 'local.streamWanted'; readonly known?: Resolution } & StreamWish)
  | { readonly type: 'local.retryRequested' }
  /** The stream being searched for is this one, which is still being opened. */
  | { readonly type: 'stream.awaited'; readonly stream: StreamId }
  /** The requested stream has this id, and starts now. */
  | { readonly type: 'stream.assigned'; readonly stream: StreamId }
  | { readonly type: 'stream.verifiable'; readonly stream: StreamId }
  | { readonly type: 'stream.established'; readonly stream: StreamId }
  | {
      readonly type: 'stream.closing';
      readonly stream: StreamId;
      readonly fault: Fault | null;
      readonly progress: AttemptProgress;
    }
  | {
      readonly type: 'stream.closed';
      readonly stream: StreamId;
      readonly fault: Fault | null;
      readonly progress: AttemptProgress;
    };

/** What a peer asks of, or reports to, the registry. */
export type PeerReport =
  /** It could not be determined whether a suitable stream is already open: a new one is opened. */
  | { readonly type: 'search.failed'; readonly remote: string; readonly fault: Fault }
  | {
      readonly type: 'stream.requested';
      readonly remote: string;
      readonly local: string;
      readonly purpose: StreamPurpose;
      readonly endpoint: Endpoint;
      /** The previous stream there ended because of SASL EXTERNAL: do not try it again. */
      readonly avoidExternal: boolean;
    }
  /** The attempt took too long: this stream is no longer waited for. */
  | { readonly type: 'stream.abandoned'; readonly remote: string; readonly stream: StreamId; readonly fault: Fault }
  | {
      readonly type: 'stream.offered';
      readonly remote: string;
      readonly wish: StreamWish;
      readonly stream: StreamId;
      readonly manner: RouteManner;
    }
  | { readonly type: 'stream.refused'; readonly remote: string; readonly wish: StreamWish; readonly fault: Fault };

/** One of our actors failed and is gone; its pending work is refused. */
export type BrokenActor =
  | { readonly type: 'peer.errored'; readonly remote: string; readonly fault: Fault }
  | { readonly type: 'pair.errored'; readonly local: string; readonly remote: string; readonly fault: Fault };
