/** An opened trace at any of its moments: gives the answers of a daemon, from records. */
import { explain, type Explanation, pairFrom } from '../../src/trace/explain/explain.ts';
import { history, type History } from '../../src/trace/queries/history.ts';
import { ladder, type Ladder } from '../../src/trace/queries/ladder.ts';
import { momentOf } from '../../src/trace/view/moment.ts';
import {
  actor,
  type ActorAnswer,
  overview,
  type Overview,
  type RowKind,
  type Rows,
  rows,
} from '../../src/trace/queries/queries.ts';
import { readTrace, type Trace } from '../../src/trace/read.ts';
import { inALine, wordsOfRecord } from '../../src/trace/queries/record-words.ts';
import { Replayer } from '../../src/trace/view/replay.ts';
import type { View } from '../../src/trace/view/view.ts';
import type { Moment } from './source.ts';

export class TraceBook {
  readonly #trace: Trace;
  readonly #replayer: Replayer;
  /** The time at the end of the trace, in milliseconds since the epoch. */
  readonly #endMs: number;
  #index: number;
  #view: View;

  private constructor(trace: Trace, nowMs: number) {
    const { header, records } = trace;
    this.#trace = trace;
    this.#replayer = new Replayer(records, { hosts: header.hosts });
    this.#index = records.length;
    this.#replayer.moveTo(this.#index);
    this.#endMs = momentOf(this.#replayer.view(), header, nowMs);
    this.#view = this.#replayer.view(this.#endMs);
  }

  /**
   * @param nowMs the latest possible end of the trace, in milliseconds since the epoch
   * @throws TraceError naming the line and what was expected there
   */
  static async open(chunks: AsyncIterable<Uint8Array>, nowMs: number): Promise<TraceBook> {
    return new TraceBook(await readTrace(chunks), nowMs);
  }

  /** @param index the number of records up to then */
  moveTo(index: number): Moment {
    const { records } = this.#trace;
    this.#index = Math.max(0, Math.min(index, records.length));
    this.#replayer.moveTo(this.#index);
    const isEnd = this.#index === records.length;
    this.#view = this.#replayer.view(isEnd ? this.#endMs : records[Math.max(0, this.#index - 1)]?.atMs);
    return this.moment;
  }

  get moment(): Moment {
    const { records, unknown, isCutOff } = this.#trace;
    const { atMs, lost, diverged } = this.#view;
    const last = this.#index === 0 ? undefined : records[this.#index - 1];
    return {
      index: this.#index,
      count: records.length,
      firstMs: records[0]?.atMs ?? this.#endMs,
      atMs,
      seq: last?.seq ?? null,
      actor: last?.actor ?? '',
      told: last === undefined ? 'before the first record' : inALine(wordsOfRecord(last)),
      diverged: { count: diverged.length, first: diverged[0] ?? null },
      ...{ lost, unknown, isCutOff },
    };
  }

  overview(): Overview {
    return overview(this.#view);
  }

  rows(kind: RowKind, filter: string, offset: number, limit: number): Rows {
    return rows(this.#view, kind, filter, offset, limit);
  }

  actor(id: string): ActorAnswer | null {
    return actor(this.#view, id);
  }

  explain(pair: string): readonly Explanation[] {
    return explain(this.#view, pairFrom(pair));
  }

  ladder(id: string): Ladder | null {
    return ladder(this.#view, id);
  }

  history(domain: string): History {
    return history(this.#view, domain);
  }
}
