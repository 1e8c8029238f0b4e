/** Caches strings of attribute values by their bytes: namespaces recur, and a look-up is cheaper than a new string. */
const SLOTS = 1024;
const SHORTEST_BYTES = 4;
const LONGEST_BYTES = 64;

export class ValueCache {
  readonly #strings: string[] = new Array<string>(SLOTS).fill('');
  readonly #lengths = new Uint8Array(SLOTS);
  readonly #bytes = new Uint8Array(SLOTS * LONGEST_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);

  /** The text between `start` and `end`; `view` is a view of `bytes`. The last four bytes may be read twice. */
  read(bytes: Buffer, view: DataView, start: number, end: number): string {
    const length = end - start;
    if (length < SHORTEST_BYTES || length > LONGEST_BYTES) return bytes.toString('utf8', start, end);
    let hash = length ^ view.getInt32(end - 4, true);
    for (let i = start; i + 4 < end; i += 4) hash = Math.imul(hash ^ view.getInt32(i, true), 0x9e3779b1);
    hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
    const slot = (hash >>> 13) & (SLOTS - 1);
    const at = slot * LONGEST_BYTES;
    if (this.#lengths[slot] === length && this.#holds(view, at, start, end)) return this.#strings[slot] as string;
    const fresh = bytes.toString('utf8', start, end);
    bytes.copy(this.#bytes, at, start, end);
    this.#lengths[slot] = length;
    this.#strings[slot] = fresh;
    return fresh;
  }

  #holds(view: DataView, at: number, start: number, end: number): boolean {
    const kept = this.#view;
    if (kept.getInt32(at + end - start - 4, true) !== view.getInt32(end - 4, true)) return false;
    for (let i = start; i + 4 < end; i += 4) {
      if (kept.getInt32(at + i - start, true) !== view.getInt32(i, true)) return false;
    }
    return true;
  }
}
