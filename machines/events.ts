/** Every event, by origin: `peer.*` is untrusted, `transport.*` our own sockets, `local.*` the owner, the rest our actors. */
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

/** Of a chart that hears of nothing but its own children and deadlines; who wants no answer any more stops it. */
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

/** What `<proof/>` brought. */
export interface ReceivedProof {
  /** Null: a proof type that we do not know. */
  readonly prooftype: DnaProofType | null;
  /** Null: larger than anybody looks at. */
  readonly data: string | null;
}

/** What the far end of the stream said. Domains are canonical already; nothing else was checked. */
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
  /** `keyMatches` was computed by the adapter, which alone holds the secret (XEP-0185). */
  | ({ readonly type: 'peer.verifyRequested'; readonly id: string; readonly keyMatches: boolean } & DomainPair)
  | ({ readonly type: 'peer.verifyAnswered'; readonly id: string; readonly answer: DialbackAnswer } & DomainPair)
  /** The far end says that it speaks for the domain; this and what follows: ProtoXEP "Domain Name Assertions" §4. */
  | { readonly type: 'peer.domainAsserted'; readonly domain: string }
  /** A domain of ours is to be proved; `prooftypes` are those that we know, in the far end's order. */
  | {
      readonly type: 'peer.challengeReceived';
      readonly domain: string;
      readonly prooftypes: readonly DnaProofType[];
    }
  | ({ readonly type: 'peer.proofReceived'; readonly domain: string } & ReceivedProof)
  /** An answer to a challenge; unasked, the far end no longer speaks for the domain. */
  | { readonly type: 'peer.proofDeclaredImpossible'; readonly domain: string }
  /** The far end believes that we speak for the domain. */
  | { readonly type: 'peer.domainDeclaredValid'; readonly domain: string }
  /** It does not, or no longer. */
  | { readonly type: 'peer.domainDeclaredInvalid'; readonly domain: string }
  | { readonly type: 'peer.streamErrorReceived'; readonly condition: string; readonly text: string | null }
  | { readonly type: 'peer.streamClosed' }
  | { readonly type: 'peer.unsupportedReceived'; readonly name: string };

export type TransportEvent =
  | { readonly type: 'transport.connected'; readonly remoteAddress: string; readonly remotePort: number }
  | { readonly type: 'transport.secured'; readonly tls: TlsFacts }
  /** Bytes that are not an XML stream, or break a limit: the condition is a stream error (RFC 6120 §4.9.3). */
  | { readonly type: 'transport.inputRefused'; readonly fault: Fault }
  /** The gate refused a stanza; of which pair, for the trace, where both its addresses were any. */
  | { readonly type: 'transport.stanzaRefused'; readonly fault: Fault; readonly pair?: DomainPair }
  | { readonly type: 'transport.idle' }
  | { readonly type: 'transport.closed'; readonly fault: Fault | null };

export type StreamRequest =
  | ({ readonly type: 'local.assertionRequested' } & DomainPair)
  | { readonly type: 'local.associationRequested'; readonly domain: string }
  /** The proof of this domain will end soon: it is looked for again, while the one at hand holds. */
  | { readonly type: 'local.renewalRequested'; readonly domain: string }
  | ({ readonly type: 'local.verifyRequested'; readonly id: string; readonly key: string } & DomainPair)
  /** Nobody waits for this answer any more. */
  | ({ readonly type: 'local.verifyAbandoned'; readonly id: string } & DomainPair)
  /** The far end is to prove a domain of its own, in one of these ways. */
  | {
      readonly type: 'local.challengeRequested';
      readonly domain: string;
      readonly prooftypes: readonly DnaProofType[];
    }
  /** The proof of this domain has ended, and was not renewed; the far end knows a word for that. */
  | { readonly type: 'local.proofEnded'; readonly domain: string }
  /** Domains of ours have these proofs to show from now on, and no others. */
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

/** What became of one challenge of ours. */
export interface ChallengeOutcome {
  readonly domain: string;
  /** The type of the proof that came; null if none did that was asked for. */
  readonly prooftype: DnaProofType | null;
  /** The far end cannot prove it, or took it back: it is not told our verdict (ProtoXEP §4.5). */
  readonly isImpossible: boolean;
  readonly verdict: ProofVerdict;
}

/** What a stream tells the registry. */
export type StreamReport =
  /** Headers, features and TLS are done: `db:verify` may go down this stream. */
  | { readonly type: 'stream.verifiable'; readonly stream: StreamId }
  /** Assertions may go down this stream. */
  | { readonly type: 'stream.established'; readonly stream: StreamId }
  /** It was the turn of this pair: `from` (local) is asserted to `to` (remote), and the answer is awaited. */
  | ({ readonly type: 'pair.asserted'; readonly stream: StreamId } & DomainPair)
  /** The far end lets `from` (local) send to `to` (remote) on this stream, and is proved for `to` under the policy. */
  | ({ readonly type: 'pair.accepted'; readonly stream: StreamId; readonly proof: Proof } & DomainPair)
  | ({ readonly type: 'pair.refused'; readonly stream: StreamId; readonly fault: Fault } & DomainPair)
  /** `from` (remote) may send to `to` (local) on this stream. */
  | ({ readonly type: 'pair.admitted'; readonly stream: StreamId; readonly proof: Proof } & DomainPair)
  | { readonly type: 'association.settled'; readonly stream: StreamId; readonly outcome: AssociationOutcome }
  | { readonly type: 'verification.settled'; readonly stream: StreamId; readonly outcome: VerificationOutcome }
  | { readonly type: 'challenge.settled'; readonly stream: StreamId; readonly outcome: ChallengeOutcome }
  /** The far end asserts the domain, perhaps not for the first time. */
  | { readonly type: 'domain.asserted'; readonly stream: StreamId; readonly domain: string }
  /** What the far end thinks of a domain of ours. */
  | {
      readonly type: 'domain.judged';
      readonly stream: StreamId;
      readonly domain: string;
      readonly verdict: 'valid' | 'invalid';
    }
  /** The domain belongs to this end of the stream no more: its pairs come in and go out elsewhere, or not at all. */
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
  /** Nothing more goes down this stream. */
  | { readonly type: 'stream.closing'; readonly stream: StreamId; readonly fault: Fault | null }
  | { readonly type: 'stream.closed'; readonly stream: StreamId; readonly fault: Fault | null };

/** What a stream is wanted for. */
export type StreamPurpose = 'stanzas' | 'verification';

/** How a pair may use the stream that it is offered. */
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

/** What a pair asks of the registry. */
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
  /** Streams that will not do: the pair was refused there, or they brought the question. */
  readonly avoid: readonly StreamId[];
}

/** How far the attempt came at its endpoint: what is left to try there depends on it. */
export interface AttemptProgress {
  /** The address that answered, of all that the endpoint has. */
  readonly connectedTo: string | null;
  readonly dialbackOffered: boolean;
}

export type PeerActorEvent =
  /** `known`: what looking the domain up has brought a moment ago, where that was done before the wish. */
  | ({ readonly type: 'local.streamWanted'; readonly known?: Resolution } & StreamWish)
  | { readonly type: 'local.retryRequested' }
  /** The standing stream that is looked for is still being opened, and is this one. */
  | { readonly type: 'stream.awaited'; readonly stream: StreamId }
  /** The stream that was requested has this id, and starts now. */
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

/** What a peer asks of the registry. */
export type PeerReport =
  /** Nobody could say whether a stream stands already: one is opened. */
  | { readonly type: 'search.failed'; readonly remote: string; readonly fault: Fault }
  | {
      readonly type: 'stream.requested';
      readonly remote: string;
      readonly local: string;
      readonly purpose: StreamPurpose;
      readonly endpoint: Endpoint;
      /** SASL EXTERNAL made the peer close the stream: do not try it again there. */
      readonly avoidExternal: boolean;
    }
  /** The attempt took too long: nobody waits for this stream any more. */
  | { readonly type: 'stream.abandoned'; readonly remote: string; readonly stream: StreamId; readonly fault: Fault }
  | {
      readonly type: 'stream.offered';
      readonly remote: string;
      readonly wish: StreamWish;
      readonly stream: StreamId;
      readonly manner: RouteManner;
    }
  | { readonly type: 'stream.refused'; readonly remote: string; readonly wish: StreamWish; readonly fault: Fault };

/** An actor of ours broke, and is gone; what it was to do is refused. */
export type BrokenActor =
  | { readonly type: 'peer.errored'; readonly remote: string; readonly fault: Fault }
  | { readonly type: 'pair.errored'; readonly local: string; readonly remote: string; readonly fault: Fault };
