/** Names of the open elements, outermost first, as bytes: an end tag is compared with them and not read as a name. */
import { CLASS as CLASS_, SPACE as SPACE_ } from './characters.ts';
import { BAD_TAG, MISMATCH } from './problems.ts';
import { INCOMPLETE as INCOMPLETE_ } from './tag-scanner.ts';
// Imported bindings are read from their cells at every byte; local ones are not.
const CLASS = CLASS_;
const SPACE = SPACE_;
const INCOMPLETE = INCOMPLETE_;

export class OpenNames {
  /** Elements open. */
  depth = 0;
  #bytes = new Uint8Array(256);
  /** Where the name of the element at each depth ends. */
  readonly #ends: Int32Array;

  constructor(maxDepth: number) {
    this.#ends = new Int32Array(maxDepth + 1);
  }

  push(bytes: Buffer, start: number, end: number): void {
    let at = this.#ends[this.depth] as number;
    const after = at + end - start;
    if (after > this.#bytes.length) {
      const larger = new Uint8Array(after * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    const names = this.#bytes;
    for (let i = start; i < end; i++) names[at++] = bytes[i] as number;
    this.depth++;
    this.#ends[this.depth] = after;
  }

  /** The last byte of the name of the element at `depth`. */
  lastByte(depth: number): number {
    return this.#bytes[(this.#ends[depth] as number) - 1] as number;
  }

  /** Reads the end tag whose `<` stands at `at`, and closes the innermost element: the position after it, or a problem. */
  close(bytes: Buffer, at: number, end: number): number {
    if (this.depth === 0) return BAD_TAG;
    const names = this.#bytes;
    const nameEnd = this.#ends[this.depth] as number;
    let i = at + 2;
    for (let n = this.#ends[this.depth - 1] as number; n < nameEnd; n++, i++) {
      if (i >= end) return INCOMPLETE;
      if (bytes[i] !== names[n]) return MISMATCH;
    }
    if (i < end && bytes[i] !== 0x3e) {
      const before = i;
      while (i < end && ((CLASS[bytes[i] as number] as number) & SPACE) !== 0) i++;
      if (i < end && bytes[i] !== 0x3e) return i === before ? MISMATCH : BAD_TAG;
    }
    if (i >= end) return INCOMPLETE;
    this.depth--;
    return i + 1;
  }
}
