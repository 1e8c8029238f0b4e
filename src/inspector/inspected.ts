/** What an inspector shows, and the commands that it can run. */
import type { Observable } from 'rxjs';
import type { Connecting } from '../control/operator.ts';
import type { TraceRecord } from '../trace/record.ts';
import type { View } from '../trace/view/view.ts';

export interface Inspected {
  view(): View;
  /** The records in memory, as lines of a trace file. */
  traceLines(): Iterable<string>;
  /**
   * When a trace file is shown instead of a running manager: its name, and the time at its end, in milliseconds since
   * the epoch.
   */
  readonly trace?: { readonly name: string; readonly atMs: number };
  /** Absent when nothing is running: then there is nothing to watch and no command to run. */
  readonly live?: Live;
}

/** What a running manager offers besides its view. */
export interface Live {
  readonly records$: Observable<TraceRecord>;
  /** The domains of a stream's two ends, as far as they are known; null when the stream has ended. */
  partiesOf(stream: number): Parties | null;
  readonly commands: Commands;
  /** Receives a description of each operator action, for the log. */
  readonly tell: (text: string) => void;
}

export interface Parties {
  readonly local: string;
  readonly remote: string;
}

/** The commands of the connection manager. */
export interface Commands {
  connect(local: string, remote: string): Connecting;
  retry(local: string, remote: string): boolean;
  closeStream(stream: number): boolean;
  block(domain: string): boolean;
  unblock(domain: string): boolean;
  readonly blocked: readonly string[];
}
