/**
 * The newest records, as many as fit: always on, and the first source for `explain` and the inspector page. Records are
 * stored as parallel columns and only created when somebody reads them; most are never read.
 */
import { type TraceBody, type TraceRecord, recordOf } from './record.ts';
import { RingIndex } from './ring-index.ts';
import { weigh } from './weigh.ts';

/** Numbers per row, in this order: seq, atMs, cause, weight. */
const NUMBERS = 4;
const NO_CAUSE = -1;

export class Ring {
  readonly #mostRecords: number;
  readonly #mostBytes: number;
  readonly #numbers: Float64Array;
  readonly #actors: string[] = [];
  readonly #bodies: (TraceBody | undefined)[] = [];
  /** Row of the oldest record. */
  #oldest = 0;
  #size = 0;
  #bytes = 0;
  #lost = 0;
  #index: RingIndex | null = null;

  constructor(mostRecords: number, mostBytes: number) {
    this.#mostRecords = mostRecords;
    this.#mostBytes = mostBytes;
    this.#numbers = new Float64Array(this.#mostRecords * NUMBERS);
  }

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** How many records were dropped to make room for others. */
  get lost(): number {
    return this.#lost;
  }

  get pushed(): number {
    return this.#lost + this.#size;
  }

  /** The `seq` of the oldest record; 0 if there is none. */
  get oldestSeq(): number {
    return this.#size === 0 ? 0 : (this.#numbers[this.#oldest * NUMBERS] ?? 0);
  }

  /** Index by actor; created on first use. */
  get index(): RingIndex {
    return (this.#index ??= new RingIndex(this));
  }

  push(seq: number, atMs: number, actor: string, cause: number | null, body: TraceBody): void {
    const most = this.#mostRecords;
    if (most === 0) return;
    if (this.#size === most) this.#dropOldest();
    const weight = weigh(body);
    const at = (this.#oldest + this.#size) % most;
    const numbers = this.#numbers;
    numbers[at * NUMBERS] = seq;
    numbers[at * NUMBERS + 1] = atMs;
    numbers[at * NUMBERS + 2] = cause ?? NO_CAUSE;
    numbers[at * NUMBERS + 3] = weight;
    this.#actors[at] = actor;
    this.#bodies[at] = body;
    this.#size += 1;
    this.#bytes += weight;
    while (this.#bytes > this.#mostBytes && this.#size > 1) this.#dropOldest();
    // It was last queried so long ago that none of its records is left in the ring.
    if (this.#index !== null && this.pushed - this.#index.seen > most) this.#index = null;
  }

  /** The oldest first. */
  records(): TraceRecord[] {
    return this.newest(this.#size);
  }

  /** The newest records, the oldest of them first. */
  newest(count: number): TraceRecord[] {
    const made: TraceRecord[] = [];
    const from = this.#size - Math.min(count, this.#size);
    for (let i = from; i < this.#size; i += 1) {
      const at = (this.#oldest + i) % this.#mostRecords;
      const body = this.#bodies[at];
      if (body !== undefined) made.push(this.#recordAt(at, body));
    }
    return made;
  }

  #recordAt(at: number, body: TraceBody): TraceRecord {
    const {
      [at * NUMBERS]: seq = 0,
      [at * NUMBERS + 1]: atMs = 0,
      [at * NUMBERS + 2]: cause = NO_CAUSE,
    } = this.#numbers;
    return recordOf(seq, atMs, this.#actors[at] ?? '', cause === NO_CAUSE ? null : cause, body);
  }

  #dropOldest(): void {
    const at = this.#oldest;
    this.#bytes -= this.#numbers[at * NUMBERS + 3] ?? 0;
    this.#bodies[at] = undefined;
    this.#oldest = (at + 1) % this.#mostRecords;
    this.#size -= 1;
    this.#lost += 1;
  }
}
