/** Where the page has its answers from: a daemon that runs, or a trace that was opened. The views know only this. */
import type { Explanation } from '../../src/trace/explain/explain.ts';
import type { History } from '../../src/trace/queries/history.ts';
import type { Ladder } from '../../src/trace/queries/ladder.ts';
import type { ActorAnswer, Overview, RowKind, Rows } from '../../src/trace/queries/queries.ts';
import type { RecordOf } from '../../src/trace/record.ts';

export interface Source {
  readonly kind: 'live' | 'trace';
  /** Of a trace: the name of its file. */
  readonly name: string;
  overview(): Promise<Overview>;
  rows(kind: RowKind, filter: string, offset: number, limit: number): Promise<Rows>;
  /** Null: it is not known, or no longer. */
  actor(id: string): Promise<ActorAnswer | null>;
  /** @param pair `a.example>b.example`, or a remote domain */
  explain(pair: string): Promise<readonly Explanation[]>;
  ladder(id: string): Promise<Ladder | null>;
  history(domain: string): Promise<History>;
  /** Tells what may look otherwise now; null: anything. Answers how not to be told any more. */
  onChanged(listener: (actors: readonly string[] | null) => void): () => void;
  /** Null where nothing moves by itself. */
  readonly watching: Watching | null;
  readonly commands: Commands | null;
  readonly timeline: Timeline | null;
  close(): void;
}

/** What is asked has no answer in this version of whoever answers. */
export class NotAvailable extends Error {
  override readonly name = 'NotAvailable';
}

export interface WatchFilter {
  readonly domain?: string;
  readonly stream?: number;
  readonly direction?: 'in' | 'out';
  readonly element?: string;
}

export type WireElement = RecordOf<'wire'>['element'];

export interface WatchedElement {
  readonly seq: number;
  readonly atMs: number;
  readonly stream: number | null;
  readonly direction: 'in' | 'out';
  readonly element: WireElement;
  readonly bytes: number | null;
  readonly local: string;
  readonly remote: string;
}

export interface Watching {
  /** Until what it answers is called. `dropped`: so many elements there was no time to tell of. */
  watch(
    filter: WatchFilter,
    hear: (elements: readonly WatchedElement[]) => void,
    dropped: (records: number) => void,
  ): () => void;
}

export type Command =
  | { readonly command: 'connect' | 'retry'; readonly local: string; readonly remote: string }
  | { readonly command: 'close'; readonly stream: number }
  | { readonly command: 'block' | 'unblock'; readonly domain: string };

export interface Outcome {
  readonly done: boolean;
  readonly text: string;
}

export interface Commands {
  list(): Promise<{ readonly commands: readonly string[]; readonly blocked: readonly string[] }>;
  run(command: Command): Promise<Outcome>;
}

/** The moments of a trace: one after each of its records, and its end. */
export interface Timeline {
  readonly moment: Moment;
  /** @param index how many records have been by then */
  moveTo(index: number): Promise<Moment>;
}

export interface Moment {
  readonly index: number;
  /** Of records. */
  readonly count: number;
  readonly firstMs: number;
  readonly atMs: number;
  /** Of the last record that has been; null before the first. */
  readonly seq: number | null;
  readonly actor: string;
  readonly told: string;
  /** Records that are missing, up to here. */
  readonly lost: number;
  /** Of the whole file. */
  readonly unknown: number;
  readonly isCutOff: boolean;
  /** Where the charts of this version lead elsewhere than the trace says, up to here. */
  readonly diverged: {
    readonly count: number;
    readonly first: { readonly seq: number; readonly actor: string } | null;
  };
}
