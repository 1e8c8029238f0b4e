/** Records that are made one within the other: whoever was born of a transition stands after it, and is recorded before. */
import type { TraceBody } from '../trace/record.ts';

/** Room for more is not kept. */
const FEW = 64;

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
  // Used again and again: an array that begins empty takes room for seventeen with the first.
  #entries: Entry[] = [];
  #size = 0;

  get isEmpty(): boolean {
    return this.#size === 0;
  }

  /** In the order of the numbers, in which they come but for the outermost. */
  add(seq: number, atMs: number, actor: string, cause: number | null, body: TraceBody): void {
    const entries = this.#entries;
    let at = this.#size++;
    for (let before = entries[at - 1]; at > 0 && before !== undefined && before.seq > seq; before = entries[at - 1])
      entries[at--] = before;
    entries[at] = { seq, atMs, actor, cause, body };
  }

  /** Hands over all that were added; what `keep` sets going may add others. */
  drain(keep: Keep): void {
    const size = this.#size;
    const [first] = this.#entries;
    if (size === 0 || first === undefined) return;
    const others = size === 1 ? NONE : this.#entries.slice(1, size);
    this.#size = 0;
    if (size > FEW) this.#entries = [];
    else this.#entries.fill(first, 1, size); // the others are the ring's to keep
    keep(first.seq, first.atMs, first.actor, first.cause, first.body);
    for (const { seq, atMs, actor, cause, body } of others) keep(seq, atMs, actor, cause, body);
  }
}

const NONE: readonly Entry[] = [];
