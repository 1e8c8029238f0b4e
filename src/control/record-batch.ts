/** Records that are made one within the other: whoever was born of a transition stands after it, and is recorded before. */
import type { TraceRecord } from '../trace/record.ts';

/** Room for more is not kept. */
const FEW = 64;

export class RecordBatch {
  // Used again and again: an array that begins empty takes room for seventeen with the first.
  #records: TraceRecord[] = [];
  #size = 0;

  /** In the order of the numbers, in which they come but for the outermost. */
  add(record: TraceRecord): void {
    const records = this.#records;
    let at = this.#size++;
    for (
      let before = records[at - 1];
      at > 0 && before !== undefined && before.seq > record.seq;
      before = records[at - 1]
    )
      records[at--] = before;
    records[at] = record;
  }

  /** Hands over all that were added; what `keep` sets going may add others. */
  drain(keep: (record: TraceRecord) => void): void {
    const size = this.#size;
    const [first] = this.#records;
    if (size === 0 || first === undefined) return;
    const others = size === 1 ? NONE : this.#records.slice(1, size);
    this.#size = 0;
    if (size > FEW) this.#records = [];
    else this.#records.fill(first, 1, size); // the others are the ring's to keep
    keep(first);
    for (const record of others) keep(record);
  }
}

const NONE: readonly TraceRecord[] = [];
