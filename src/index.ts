/** The public API of xmpp-dna, and only that. The charts are in `xmpp-dna/machines`. */
export { ConnectionManager, type ListeningAt, type ManagerSnapshot, type StreamView } from './manager.ts';
export type { LimitOptions, ManagerOptions } from './options.ts';
export type { DomainPolicy, Federation, FixedTarget, PolicyOptions, ProoftypeName } from './protocol/policy.ts';
export { createNodePorts, type NodePortsOptions } from './node-ports.ts';
export type * from './ports.ts';
export { type Fault, FaultError, type FaultLayer, type FaultOrigin, faultSentence } from './protocol/faults.ts';
export type { Evidence, Proof, ProofAttempt, ProofVerdict, ProvedBy } from './protocol/proof.ts';
export { Stanza, type StanzaErrorType, type StanzaKind } from './protocol/stanza.ts';
export type { StanzaErrorCondition } from './protocol/conditions.ts';
export type { Delivery, Inlet, Outlet, StreamId } from './routing/types.ts';
export type { ReportRecord, TraceBody, TraceRecord } from './trace/record.ts';
export { ComponentListener } from './components/component-listener.ts';
export { answerUnattended } from './components/unattended.ts';
/** Elements: made with `xml(name, attributes, ...children)`, as {@link Stanza.element} has them. */
export { default as xml, Element, Parser } from '@xmpp/xml';
// For tests and simulations of those who embed it (FEATURES E3).
export { createMemoryNetwork, type MemoryNetwork } from './adapters/memory-network.ts';
export { SimulatedClock } from './adapters/simulated-clock.ts';
export { createRandom, createSeededRandom } from './adapters/random.ts';
export { createTableResolver, type DnsTable, type TableResolver } from './adapters/table-dns.ts';
export { createCertificateAuthority, type CertificateAuthority } from './adapters/certificate-authority.ts';
export { createPathValidator } from './adapters/pkix.ts';
export { createNetwork } from './adapters/network.ts';
export { createResolver } from './adapters/dns.ts';
export { systemClock } from './adapters/clock.ts';
