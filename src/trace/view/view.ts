/**
 * A picture of a manager at one moment: every actor with its state, what it waits for, and its last records.
 * Explanations, the page and the command line read only this, so it makes no difference to them whether it is live or
 * from a trace.
 */
import type { Mover } from '../../../machines/declare.ts';
import type { Fault } from '../../protocol/faults.ts';
import type { Glance } from './glance.ts';
import type { RecordOf, TraceRecord } from '../record.ts';

export interface View {
  /** The moment that is shown, in milliseconds since the epoch. */
  readonly atMs: number;
  readonly origin: 'live' | 'trace';
  /** A domain served here, to tell two views apart; null if a trace does not say. */
  readonly host: string | null;
  /** Domains served here. */
  readonly hosts: readonly string[];
  /** By id; ended actors are included as long as there are records of them. Each is built on access. */
  readonly actors: ReadonlyMap<string, ActorView>;
  /** An actor at a glance, if that is cheaper than building it; otherwise use {@link actors}. */
  glance?(id: string): Glance | undefined;
  /** Bytes of XML that a live stream has received and sent; a trace does not say. */
  bytesOf?(stream: string): { readonly in: number; readonly out: number } | null;
  /** Whether an actor has not ended, if that is cheaper than building it. */
  lives?(id: string): boolean;
  /** Ids of live actors, and of ended ones: a view has both methods, or neither. */
  living?(): Iterable<string>;
  ended?(): Iterable<string>;
  /** Its context as its chart has it, if that is cheaper; not to be changed, and not to be shown as it is. */
  context?(id: string): unknown;
  /** Records of this actor only, the oldest first; with `most`, only the newest. */
  recordsOf(actor: string, most?: number): readonly TraceRecord[];
  /** All available records, the oldest first. */
  readonly records: readonly TraceRecord[];
  /** Remembered attempts with this remote domain that are decided, the oldest first; they outlast other records. */
  attempts(remote: string): readonly RecordOf<'attempt'>[];
  /** Number of remote domains all of whose attempts were dropped for lack of room; a trace does not say. */
  readonly forgotten?: number;
  /** The time that the records cover, if it is known better than from the records themselves. */
  readonly covers?: { readonly sinceMs: number; readonly untilMs: number };
  /** Number of records missing for lack of room. */
  readonly lost: number;
  /** Where a replay led an actor elsewhere than the trace says; empty in a live view. */
  readonly diverged: readonly Divergence[];
}

export interface ActorView {
  /** `pair:a.example>b.example`, `stream:3`, `stream:3/association.b.example/posh`. */
  readonly id: string;
  /** Id of its chart: `pair`, `peer`, `initiatingStream`, … */
  readonly machine: string;
  readonly parent: string | null;
  /** Ids of its children that are charts and have not ended. */
  readonly children: readonly string[];
  /** Its running effects: `lookUpServices`, `fetchPoshDocument`, `transport`, … */
  readonly effects: readonly string[];
  /** Path through the chart, outermost state first; empty if the trace does not say. */
  readonly state: readonly string[];
  /**
   * The states that it went through, the oldest first, as far back as records reach; `state` is the path, joined by
   * dots.
   */
  readonly path: readonly { readonly state: string; readonly atMs: number }[];
  /** Description of the innermost state, from the chart. */
  readonly description: string;
  readonly spec: string;
  /** Null if nothing is awaited. */
  readonly waits: Waiting | null;
  /** Plain JSON, without secrets; empty if the trace does not say. */
  readonly context: Readonly<Record<string, unknown>>;
  readonly bornMs: number | null;
  readonly ended: Ending | null;
  /**
   * Ids of the actors whose progress it now waits for: pair, peer, stream, association, prooftype, stream to the
   * authoritative server.
   */
  readonly waitsOn: readonly string[];
}

export interface Waiting {
  /** From the waiting state in its chart. */
  readonly awaits: string;
  readonly mover: Mover;
  readonly ifLate: string;
  readonly sinceMs: number;
  /** Null: no deadline. */
  readonly deadlineMs: number | null;
}

export interface Ending {
  readonly atMs: number;
  /** `stopped`: its owner no longer needs it. */
  readonly how: 'done' | 'stopped' | 'errored';
  readonly output?: unknown;
  readonly fault: Fault | null;
}

export interface Divergence {
  readonly seq: number;
  readonly actor: string;
  /** The state according to the trace, and the state that the chart led to. */
  readonly lived: readonly string[];
  readonly replayed: readonly string[];
}
