/** Records that are made one within the other: whoever was born of a transition stands after it, and is recorded before. */
import type { TraceBody } from '../trace/record.ts';

/** Of a record, before anybody reads it. */
interface Entry {
  readonly seq: number;
  readonly atMs: number;
  readonly actor: string;
  readonly cause: number | null;
  readonly body: TraceBody;
}

export type Keep = (seq: number, atMs: number, actor: string, cause: number | null, body: TraceBody) => void;

export class RecordBatch {
  #entries: Entry[] = [];

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  /** In the order of the numbers, in which they come but for the outermost. */
  add(seq: number, atMs: number, actor: string, cause: number | null, body: TraceBody): void {
    const entry = { seq, atMs, actor, cause, body };
    const at = this.#entries.findLastIndex((before) => before.seq < seq) + 1;
    if (at === this.#entries.length) this.#entries.push(entry);
    else this.#entries.splice(at, 0, entry);
  }

  /** Hands over all that were added; what `keep` sets going may add others. */
  drain(keep: Keep): void {
    if (this.isEmpty) return;
    const entries = this.#entries;
    this.#entries = [];
    for (const { seq, atMs, actor, cause, body } of entries) keep(seq, atMs, actor, cause, body);
  }
}
