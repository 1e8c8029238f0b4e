/**
 * Records created inside one another: an actor born within a transition comes after that transition, but is recorded
 * before it.
 */
import type { TraceBody } from '../trace/record.ts';

/** A record that nobody has read yet. */
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

  /** Inserts by sequence number; all but the outermost record arrive in that order. */
  add(seq: number, atMs: number, actor: string, cause: number | null, body: TraceBody): void {
    const entry = { seq, atMs, actor, cause, body };
    const at = this.#entries.findLastIndex((before) => before.seq < seq) + 1;
    if (at === this.#entries.length) this.#entries.push(entry);
    else this.#entries.splice(at, 0, entry);
  }

  /** Hands over all entries; `keep` may cause others to be added. */
  drain(keep: Keep): void {
    if (this.isEmpty) return;
    const entries = this.#entries;
    this.#entries = [];
    for (const { seq, atMs, actor, cause, body } of entries) keep(seq, atMs, actor, cause, body);
  }
}
