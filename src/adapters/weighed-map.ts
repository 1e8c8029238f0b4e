/**
 * A map that bounds its size in bytes and the lifetime of its entries; the least recently used ones are evicted first.
 * For data from untrusted peers, which choose how large each entry is and how many there are.
 */
import type { Clock } from '../ports.ts';

export interface WeighedMapLimits {
  readonly maxBytes: number;
  /** Larger entries are not kept. */
  readonly maxEntryBytes: number;
  readonly lifetimeMs: number;
}

interface Entry<Value> {
  readonly value: Value;
  readonly bytes: number;
  readonly sinceMs: number;
}

export class WeighedMap<Value> {
  readonly #limits: WeighedMapLimits;
  readonly #clock: Pick<Clock, 'now'>;
  /** In order of use, the least recent first. */
  readonly #entries = new Map<string, Entry<Value>>();
  #bytes = 0;

  constructor(limits: WeighedMapLimits, clock: Pick<Clock, 'now'>) {
    this.#limits = limits;
    this.#clock = clock;
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.delete(key);
    if (this.#isOver(entry)) return undefined;
    this.#put(key, entry);
    return entry.value;
  }

  /** Remembers `value`, which takes `bytes`, for a lifetime that began at `sinceMs`. */
  set(key: string, value: Value, bytes: number, sinceMs: number = this.#clock.now()): void {
    this.delete(key);
    if (bytes <= this.#limits.maxEntryBytes) this.#put(key, { value, bytes, sinceMs });
    for (const [oldest, entry] of this.#entries) {
      if (this.#bytes <= this.#limits.maxBytes && !this.#isOver(entry)) break;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    this.#bytes -= this.#entries.get(key)?.bytes ?? 0;
    this.#entries.delete(key);
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  #put(key: string, entry: Entry<Value>): void {
    this.#entries.set(key, entry);
    this.#bytes += entry.bytes;
  }

  /** An entry from the future was stored before the clock was set back: its age is unknown. */
  #isOver({ sinceMs }: Entry<Value>): boolean {
    const ageMs = this.#clock.now() - sinceMs;
    return ageMs < 0 || ageMs > this.#limits.lifetimeMs;
  }
}
