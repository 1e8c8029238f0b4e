/** Where the page gets its answers from: a running daemon, or an opened trace. The views know only this interface. */
import type { Explanation } from '../../src/trace/explain/explain.ts';
import type { History } from '../../src/trace/queries/history.ts';
import type { Ladder } from '../../src/trace/queries/ladder.ts';
import type { ActorAnswer, Overview, RowKind, Rows } from '../../src/trace/queries/queries.ts';
import type { RecordOf } from '../../src/trace/record.ts';

export interface Source {
  readonly kind: 'live' | 'trace';
  /** For a trace: the name of its file. */
  readonly name: string;
  overview(): Promise<Overview>;
  rows(kind: RowKind, filter: string, offset: number, limit: number): Promise<Rows>;
  /** Null if the actor is not known, or no longer. */
  actor(id: string): Promise<ActorAnswer | null>;
  /** @param pair `a.example>b.example`, or a remote domain */
  explain(pair: string): Promise<readonly Explanation[]>;
  ladder(id: string): Promise<Ladder | null>;
  history(domain: string): Promise<History>;
  /** Calls `listener` with the actors that may have changed; null for all. Returns a function that unsubscribes. */
  onChanged(listener: (actors: readonly string[] | null) => void): () => void;
  /** Null where nothing changes by itself. */
  readonly watching: Watching | null;
  readonly commands: Commands | null;
  readonly timeline: Timeline | null;
  close(): void;
}

/** This version of the source cannot answer the request. */
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
  /**
   * Watches until the returned function is called. `dropped`: the number of elements that could not be delivered in
   * time.
   */
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
  /** @param index the number of records up to then */
  moveTo(index: number): Promise<Moment>;
}

export interface Moment {
  readonly index: number;
  /** Number of records. */
  readonly count: number;
  readonly firstMs: number;
  readonly atMs: number;
  /** The sequence number of the last record up to this moment; null before the first. */
  readonly seq: number | null;
  readonly actor: string;
  readonly told: string;
  /** Records that are missing, up to here. */
  readonly lost: number;
  /** In the whole file. */
  readonly unknown: number;
  readonly isCutOff: boolean;
  /** Where the charts of this version disagree with the trace, up to here. */
  readonly diverged: {
    readonly count: number;
    readonly first: { readonly seq: number; readonly actor: string } | null;
  };
}
