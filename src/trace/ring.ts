/** The newest records, as many as fit: always on, and what `explain` and the page read first. */
import type { TraceRecord } from './record.ts';
import { weigh } from './weigh.ts';

export class Ring {
  readonly #mostRecords: number;
  readonly #mostBytes: number;
  readonly #rows: (TraceRecord | undefined)[] = [];
  readonly #weights: number[] = [];
  /** Where the oldest stands, once it is full. */
  #oldest = 0;
  #size = 0;
  #bytes = 0;
  #lost = 0;

  constructor(mostRecords: number, mostBytes: number) {
    this.#mostRecords = mostRecords;
    this.#mostBytes = mostBytes;
  }

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** How many have made room for others. */
  get lost(): number {
    return this.#lost;
  }

  push(record: TraceRecord): void {
    const most = this.#mostRecords;
    if (most === 0) return;
    if (this.#size === most) this.#dropOldest();
    const weight = weigh(record);
    const at = (this.#oldest + this.#size) % most;
    this.#rows[at] = record;
    this.#weights[at] = weight;
    this.#size += 1;
    this.#bytes += weight;
    while (this.#bytes > this.#mostBytes && this.#size > 1) this.#dropOldest();
  }

  /** The oldest first. */
  records(): TraceRecord[] {
    const rows = [...this.#rows.slice(this.#oldest), ...this.#rows.slice(0, this.#oldest)];
    return rows.filter((record) => record !== undefined);
  }

  #dropOldest(): void {
    this.#bytes -= this.#weights[this.#oldest] ?? 0;
    this.#rows[this.#oldest] = undefined;
    this.#oldest = (this.#oldest + 1) % this.#mostRecords;
    this.#size -= 1;
    this.#lost += 1;
  }
}
