/** The charts, for code that draws, explains, tests or embeds them. */
export { initiatingStream } from './initiating-stream.machine.ts';
export { receivingStream } from './receiving-stream.machine.ts';
export { association } from './association.machine.ts';
export { assertion } from './assertion.machine.ts';
export { verification } from './verification.machine.ts';
export { challenge } from './challenge.machine.ts';
export { resolution } from './resolution.machine.ts';
export { pair } from './pair.machine.ts';
export { peer } from './peer.machine.ts';
export { daneProoftype } from './prooftypes/dane.machine.ts';
export { pkixProoftype } from './prooftypes/pkix.machine.ts';
export { poshProoftype } from './prooftypes/posh.machine.ts';
export { dialbackProoftype } from './prooftypes/dialback.machine.ts';
export { decide, type Decision, type NextStep } from './failures.ts';
export { limits } from './limits.ts';
export { declareEffect, type LookUpManner, type Mover, type StateMeta } from './declare.ts';
export { type GrowingSet, type GrowingTable, setOf } from './collections/growing-table.ts';

// Their inputs, and the outputs of the effects supplied through `provide()`.
export type { AssociationInput, OwnProoftypeInput } from './association.machine.ts';
export type { VerificationInput } from './verification.machine.ts';
export type { ChallengeInput, ProofClaim } from './challenge.machine.ts';
export type { ResolutionInput, Resolution, ServiceRecords, TargetTlsa } from './resolution.machine.ts';
export type { PairInput } from './pair.machine.ts';
export type { PeerInput, StandingStream } from './peer.machine.ts';
export type { DaneInput } from './prooftypes/dane.machine.ts';
export type { DialbackInput, VerifyStream } from './prooftypes/dialback.machine.ts';
export type { PoshFinding, PoshInput } from './prooftypes/posh.machine.ts';
export type { PkixInput } from './prooftypes/pkix.machine.ts';
export type { StreamContext, StreamInput, StreamSettings } from './stream/context.ts';
export type { CertificateEvidence, DaneMatch, PathVerdict } from '../src/protocol/certificate.ts';
export type { DialbackAnswer } from '../src/protocol/dialback.ts';
export type { AddressRecord, DnsAnswer, Endpoint, SrvRecord } from '../src/protocol/dns.ts';
export type { Fault } from '../src/protocol/faults.ts';
export type { FixedTarget, PolicyOptions, ResolvedPolicy } from '../src/protocol/policy.ts';
export type { Proof, ProofAttempt, ProofVerdict } from '../src/protocol/proof.ts';
export type { SecureDelegationFinding, SecureDelegation, SecureTarget } from '../src/protocol/secure-delegation.ts';
export type { DaneMaterial, TlsaRecord, TlsaSet } from '../src/protocol/tlsa.ts';
export type { Service } from '../src/protocol/service.ts';
export type { Target } from '../src/protocol/srv.ts';
export type { StreamFeatures, StreamHeader, WireElement } from '../src/protocol/wire.ts';

export type * from './events.ts';
