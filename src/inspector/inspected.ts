/** What an inspector shows, and what it may have done. */
import type { Observable } from 'rxjs';
import type { Connecting } from '../control/operator.ts';
import type { TraceRecord } from '../trace/record.ts';
import type { View } from '../trace/view/view.ts';

export interface Inspected {
  view(): View;
  /** What the ring holds, as the lines of a trace file. */
  traceLines(): Iterable<string>;
  /** Where nothing runs and a file is shown: its name, and the moment that its end is, in milliseconds since the epoch. */
  readonly trace?: { readonly name: string; readonly atMs: number };
  /** Absent where nothing runs: there is nothing to watch, and nothing to be done. */
  readonly live?: Live;
}

/** What a manager that runs has beyond its view. */
export interface Live {
  readonly records$: Observable<TraceRecord>;
  /** Whom a stream is with, as far as it has been said; null when it has ended. */
  partiesOf(stream: number): Parties | null;
  readonly commands: Commands;
  /** What was done by hand, for the log. */
  readonly tell: (text: string) => void;
}

export interface Parties {
  readonly local: string;
  readonly remote: string;
}

/** Those of the connection manager (FEATURES V4). */
export interface Commands {
  connect(local: string, remote: string): Connecting;
  retry(local: string, remote: string): boolean;
  closeStream(stream: number): boolean;
  block(domain: string): boolean;
  unblock(domain: string): boolean;
  readonly blocked: readonly string[];
}
