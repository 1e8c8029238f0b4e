/** The charts, for those who draw, explain, test or embed them. */
export { initiatingStream } from './initiating-stream.machine.ts';
export { receivingStream } from './receiving-stream.machine.ts';
export { association } from './association.machine.ts';
export { assertion } from './assertion.machine.ts';
export { verification } from './verification.machine.ts';
export { resolution } from './resolution.machine.ts';
export { pair } from './pair.machine.ts';
export { peer } from './peer.machine.ts';
export { pkixProoftype } from './prooftypes/pkix.machine.ts';
export { dialbackProoftype } from './prooftypes/dialback.machine.ts';
export { decide, type Decision, type NextStep } from './failures.ts';
export { limits } from './limits.ts';
export { declareEffect, type Mover, type StateMeta } from './declare.ts';
export { type GrowingSet, type GrowingTable, setOf } from './collections/growing-table.ts';

// What goes into them.
export type { AssociationInput } from './association.machine.ts';
export type { VerificationInput } from './verification.machine.ts';
export type { ResolutionInput, Resolution } from './resolution.machine.ts';
export type { PairInput } from './pair.machine.ts';
export type { PeerInput } from './peer.machine.ts';
export type { DialbackInput } from './prooftypes/dialback.machine.ts';
export type { PkixInput } from './prooftypes/pkix.machine.ts';
export type { StreamContext, StreamInput, StreamSettings } from './stream/context.ts';

export type * from './events.ts';
