/** The newest records, as many as fit: always on, and what `explain` and the page read first. */
import type { TraceRecord } from './record.ts';
import { RingIndex } from './ring-index.ts';
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
  #index: RingIndex | null = null;

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

  get pushed(): number {
    return this.#lost + this.#size;
  }

  get oldest(): TraceRecord | undefined {
    return this.#rows[this.#oldest];
  }

  /** By actor; nobody pays for it before it is asked for. */
  get index(): RingIndex {
    return (this.#index ??= new RingIndex(this));
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
    // Nobody has asked for so long that nothing in it is here any more.
    if (this.#index !== null && this.pushed - this.#index.seen > most) this.#index = null;
  }

  /** The oldest first. */
  records(): TraceRecord[] {
    const rows = [...this.#rows.slice(this.#oldest), ...this.#rows.slice(0, this.#oldest)];
    return rows.filter((record) => record !== undefined);
  }

  /** The newest, the oldest of them first. */
  newest(count: number): TraceRecord[] {
    const from = this.#oldest + this.#size - Math.min(count, this.#size);
    const rows = Array.from(
      { length: Math.min(count, this.#size) },
      (_, i) => this.#rows[(from + i) % this.#mostRecords],
    );
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
