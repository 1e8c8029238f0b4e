/**
 * A picture of a manager at one moment: every actor with its state, what it waits for, and its last records. Explanations, the
 * page and the command line read this and nothing else; whether it was taken live or from a trace makes no difference to them.
 */
import type { Mover } from '../../../machines/declare.ts';
import type { Fault } from '../../protocol/faults.ts';
import type { Glance } from './glance.ts';
import type { RecordOf, TraceRecord } from '../record.ts';

export interface View {
  /** The moment that is shown, in milliseconds since the epoch. */
  readonly atMs: number;
  readonly origin: 'live' | 'trace';
  /** A domain served here, to tell two views apart; null where a trace does not say. */
  readonly host: string | null;
  /** Domains served here. */
  readonly hosts: readonly string[];
  /** By id; those that have ended as long as records of them are there. Made one by one, as they are asked for. */
  readonly actors: ReadonlyMap<string, ActorView>;
  /** An actor at a glance, where that is cheaper than the whole of it; without it, {@link actors} has the same. */
  glance?(id: string): Glance | undefined;
  /** Bytes of XML that a stream that lives has brought and taken; a trace does not say. */
  bytesOf?(stream: string): { readonly in: number; readonly out: number } | null;
  /** Whether it has not ended, likewise. */
  lives?(id: string): boolean;
  /** Ids of those that have not ended, and of those that have: both, or neither. */
  living?(): Iterable<string>;
  ended?(): Iterable<string>;
  /** Its context as its chart has it, where that is cheaper; not to be changed, and not to be shown. */
  context?(id: string): unknown;
  /** Records of this actor alone, the oldest first; with `most`, the newest of them. */
  recordsOf(actor: string, most?: number): readonly TraceRecord[];
  /** All records at hand, the oldest first. */
  readonly records: readonly TraceRecord[];
  /** What is remembered of attempts with this remote domain that are decided, the oldest first; they outlast other records. */
  attempts(remote: string): readonly RecordOf<'attempt'>[];
  /** Remote domains of which all attempts were forgotten, for there was no room; a trace does not say. */
  readonly forgotten?: number;
  /** Of what time records tell, where that is known better than from the records themselves. */
  readonly covers?: { readonly sinceMs: number; readonly untilMs: number };
  /** How many records are missing because there was no room for them. */
  readonly lost: number;
  /** Where replaying led an actor elsewhere than the trace says; nothing of the kind in a live view. */
  readonly diverged: readonly Divergence[];
}

export interface ActorView {
  /** `pair:a.example>b.example`, `stream:3`, `stream:3/association.b.example/posh`. */
  readonly id: string;
  /** Id of its chart: `pair`, `peer`, `initiatingStream`, … */
  readonly machine: string;
  readonly parent: string | null;
  /** Ids of those of its children that are charts, ended ones not. */
  readonly children: readonly string[];
  /** Effects that it has running: `lookUpServices`, `fetchPoshDocument`, `transport`, … */
  readonly effects: readonly string[];
  /** Path through the chart, from the outside in; empty where the trace does not say. */
  readonly state: readonly string[];
  /** The states that it went through, the oldest first, as far as records reach; `state` is the path, joined by dots. */
  readonly path: readonly { readonly state: string; readonly atMs: number }[];
  /** Of the innermost state, from the chart. */
  readonly description: string;
  readonly spec: string;
  /** Null where nothing is waited for. */
  readonly waits: Waiting | null;
  /** Plain JSON, without secrets; empty where the trace does not say. */
  readonly context: Readonly<Record<string, unknown>>;
  readonly bornMs: number | null;
  readonly ended: Ending | null;
  /** Ids of the actors on whose progress it waits now: pair, peer, stream, association, prooftype, stream to the authoritative server. */
  readonly waitsOn: readonly string[];
}

export interface Waiting {
  /** From the state that waits, as its chart has them. */
  readonly awaits: string;
  readonly mover: Mover;
  readonly ifLate: string;
  readonly sinceMs: number;
  /** Null: until something moves. */
  readonly deadlineMs: number | null;
}

export interface Ending {
  readonly atMs: number;
  /** `stopped`: by its owner, who needs it no more. */
  readonly how: 'done' | 'stopped' | 'errored';
  readonly output?: unknown;
  readonly fault: Fault | null;
}

export interface Divergence {
  readonly seq: number;
  readonly actor: string;
  /** Where the trace says that it was, and where the chart leads to. */
  readonly lived: readonly string[];
  readonly replayed: readonly string[];
}
