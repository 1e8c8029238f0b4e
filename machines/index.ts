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
export type { Mover, StateMeta } from './declare.ts';
export type * from './events.ts';
