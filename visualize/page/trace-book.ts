/** A trace that was opened, at any of its moments: what a daemon answers, answered from records. */
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
import { replay, Replayer } from '../../src/trace/view/replay.ts';
import type { View } from '../../src/trace/view/view.ts';
import type { Moment } from './source.ts';

export class TraceBook {
  readonly #trace: Trace;
  /** What the end of the trace is, in milliseconds since the epoch. */
  readonly #endMs: number;
  #replayer = new Replayer();
  #index = 0;
  #view: View;

  private constructor(trace: Trace, endMs: number) {
    this.#trace = trace;
    this.#endMs = endMs;
    this.#view = this.#viewAt(0);
    this.moveTo(trace.records.length);
  }

  /**
   * @param nowMs what its end may be, at most, in milliseconds since the epoch
   * @throws TraceError naming line and what was expected there
   */
  static async open(chunks: AsyncIterable<Uint8Array>, nowMs: number): Promise<TraceBook> {
    const trace = await readTrace(chunks);
    const whole = replay(trace.records, { hosts: trace.header.hosts });
    return new TraceBook(trace, momentOf(whole, trace.header, nowMs));
  }

  /** @param index how many records have been by then */
  moveTo(index: number): Moment {
    const to = Math.max(0, Math.min(index, this.#trace.records.length));
    if (to < this.#index) {
      this.#replayer = new Replayer();
      this.#index = 0;
    }
    for (; this.#index < to; this.#index += 1) {
      const record = this.#trace.records[this.#index];
      if (record !== undefined) this.#replayer.take(record);
    }
    this.#view = this.#viewAt(to);
    return this.moment;
  }

  get moment(): Moment {
    const { records, unknown, isCutOff } = this.#trace;
    const last = this.#index === 0 ? undefined : records[this.#index - 1];
    const lost = records.reduce((sum, record) => sum + (record.kind === 'lost' ? record.records : 0), 0);
    return {
      index: this.#index,
      count: records.length,
      firstMs: records[0]?.atMs ?? this.#endMs,
      atMs: this.#view.atMs,
      seq: last?.seq ?? null,
      actor: last?.actor ?? '',
      told: last === undefined ? 'before the first record' : inALine(wordsOfRecord(last)),
      diverged: this.#view.diverged.map(({ seq, actor: id }) => ({ seq, actor: id })),
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

  #viewAt(index: number): View {
    const { header, records } = this.#trace;
    const view = this.#replayer.view(records.slice(0, index), { hosts: header.hosts });
    const isEnd = index === records.length;
    return { ...view, atMs: isEnd ? this.#endMs : index === 0 ? (records[0]?.atMs ?? 0) : view.atMs };
  }
}
