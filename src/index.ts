/** The public API of xmpp-dna, and only that. The charts are in `xmpp-dna/machines`, traces in `xmpp-dna/trace`. */
export {
  ConnectionManager,
  type ListeningAt,
  type LocalRouting,
  type ManagerSnapshot,
  type ManagerTotals,
  type StreamView,
} from './manager.ts';
export type { Connecting } from './control/operator.ts';
export type {
  DnaProofs,
  DomainPolicy,
  Federation,
  FixedTarget,
  LimitOptions,
  ManagerOptions,
  PolicyOptions,
  ProoftypeName,
  TargetOptions,
  TraceOptions,
} from './options.ts';

// Stanzas: what is sent and received, and its outcome.
export { Stanza, type StanzaErrorType, type StanzaKind, type StanzaScope } from './protocol/stanza.ts';
export type { StanzaErrorCondition } from './protocol/conditions.ts';
/** Elements, made with `xml(name, attributes, ...children)`; {@link Stanza.element} returns them too. */
export { default as xml, Element, Parser } from '@xmpp/xml';
export type * from './routing/types.ts';
export { type Fault, FaultError, type FaultLayer, type FaultOrigin, faultSentence } from './protocol/faults.ts';
export type { Evidence, Proof, ProofAttempt, ProofVerdict, ProvedBy, DnaProofType } from './protocol/proof.ts';
// Your own prooftypes (RFC 7712 §7).
export type * from './prooftype.ts';
export type { Stage } from './control/standing-streams.ts';
export type { RouterSnapshot } from './routing/types.ts';
export type { ReportRecord, TraceBody, TraceRecord } from './trace/record.ts';
// Negotiations as OpenTelemetry spans (docs/spans.md).
export { type SpanOptions, traceSpans } from './telemetry/spans.ts';
// Why negotiations are stuck, and what their two ends disagree about.
export { type ChainLink, explain, type Explanation, type PairWanted } from './trace/explain/explain.ts';
export { type Disagreement, join } from './trace/join/join.ts';
export { replay, type ReplayOptions } from './trace/view/replay.ts';
export type { ActorView, Divergence, Ending, View, Waiting } from './trace/view/view.ts';

// Components (XEP-0114), and domains to which nothing is attached.
export {
  ComponentListener,
  type ComponentEvent,
  type ComponentLimits,
  type ComponentListenerOptions,
  type ComponentListenerPorts,
  type ComponentRouter,
} from './components/component-listener.ts';
export { answerUnattended } from './components/unattended.ts';

// The ports: all real ones at once, each one separately, and the interfaces to implement when replacing one.
export { createNodePorts, type NodePorts, type NodePortsOptions, type PoshOptions } from './node-ports.ts';
export type * from './ports.ts';
export type * from './protocol/dns.ts';
export type * from './protocol/certificate.ts';
export type { TlsaRecord } from './protocol/tlsa.ts';
export type { PoshFingerprint, PoshHash, PoshMaterial } from './protocol/posh.ts';
export type { Service } from './protocol/service.ts';
export { createNetwork, type NetworkOptions } from './adapters/network/network.ts';
export { createResolver, type ResolverOptions } from './adapters/dns/resolver.ts';
/** What the owner of a domain gives to the provider that serves it: see docs/delegation-proofs.md. */
export { issueAttributeCertificate } from './adapters/dna/attribute-cert/issue.ts';
export { issueXmlAssertion } from './adapters/dna/xml-assertion/issue.ts';
export type { DelegationOrder } from './adapters/dna/order.ts';
export { anchorProof } from './adapters/dna/dnssec-ta/anchor-chain.ts';
export { zoneKeyFiles } from './adapters/dna/dnssec-ta/zone-key.ts';
export { createDnaProofJudge, type DnaProofJudgePorts } from './adapters/dna/judge.ts';
export { createPoshSource, type PoshSourceOptions } from './adapters/posh/source.ts';
export { createPathValidator } from './adapters/pkix/path-validator.ts';
export type { TrustOptions } from './adapters/pkix/trust.ts';
export type { CredentialStore } from './adapters/network/tls.ts';
export { createRandom, createSeededRandom } from './adapters/random.ts';
export { systemClock } from './adapters/clock.ts';

// For embedders' tests and simulations.
export {
  createMemoryNetwork,
  type LinkRecord,
  type MemoryHostOptions,
  type MemoryNetwork,
  type MemoryNetworkOptions,
  type WireChunk,
} from './simulation/memory-network.ts';
export { SimulatedClock } from './simulation/simulated-clock.ts';
export {
  createTablePoshSource,
  type PoshTable,
  type PoshTableEntry,
  type TablePoshSource,
} from './simulation/table-posh.ts';
export {
  createTableResolver,
  type DnsTable,
  type TableEntry,
  type TableResolver,
  type TableResolverOptions,
} from './simulation/table-dns.ts';
export {
  createCertificateAuthority,
  type AuthorityOptions,
  type CertificateAuthority,
  type IssuedCredential,
  type IssueOptions,
  type ExtendedKeyUsage,
  type KeyType,
} from './simulation/certificate-authority.ts';
