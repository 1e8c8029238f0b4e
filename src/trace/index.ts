/** Writing, reading, replaying and explaining traces (`xmpp-dna/trace`; docs/trace-format.md). */
export type * from './record.ts';
export type * from './view/view.ts';
export { TRACE_VERSION, type HeaderFields, TraceEncoder, type TraceHeader } from './format.ts';
export { TraceFile, type TraceFileOptions } from './trace-file.ts';
export { type ReadBounds, readTrace, type Trace, TraceError } from './read.ts';
export { readTraceFile } from './read-file.ts';
export { type Attempt, type History, history } from './queries/history.ts';
export type { AttemptEnded, AttemptEvidence, AttemptVerdict } from './attempt.ts';
export { replay, type ReplayOptions } from './view/replay.ts';
export { type ChainLink, explain, type Explanation, type PairWanted } from './explain/explain.ts';
export { type Disagreement, join } from './join/join.ts';
export { traceLimits } from './limits.ts';
