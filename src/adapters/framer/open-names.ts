/**
 * Names of the open elements, outermost first, as positions: an end tag is compared with the bytes of its start tag.
 * The name of the stream's root is copied, since its bytes are gone when its end tag comes.
 */
import { CLASS as CLASS_, SPACE as SPACE_ } from './characters.ts';
import { BAD_TAG, MISMATCH } from './problems.ts';
import { INCOMPLETE as INCOMPLETE_ } from './tag-scanner.ts';
// Imported bindings would be read from their module cells at every byte; local ones are not.
const CLASS = CLASS_;
const SPACE = SPACE_;
const INCOMPLETE = INCOMPLETE_;

const GREATER = 0x3e;

export class OpenNames {
  /** Number of open elements. */
  depth = 0;
  /** Where the name of the element at each depth begins and ends, counted from the first-level element. */
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  #root = '';

  constructor(maxDepth: number) {
    this.#starts = new Int32Array(maxDepth + 1);
    this.#ends = new Int32Array(maxDepth + 1);
  }

  /** Opens an element whose name is between `start` and `end`; `from` is where its first-level element begins. */
  push(bytes: Buffer, start: number, end: number, from: number): void {
    const depth = ++this.depth;
    this.#starts[depth] = start - from;
    this.#ends[depth] = end - from;
    if (depth === 1) this.#root = bytes.toString('latin1', start, end);
  }

  /** Where the name of the first-level element ends, counted from its beginning. */
  get firstLevelEnd(): number {
    return this.#ends[2] as number;
  }

  /** Reads the end tag that begins at `at`, closing the innermost element: the position after it, or a problem. */
  close(bytes: Buffer, at: number, end: number, from: number): number {
    const { depth } = this;
    if (depth <= 1) return depth === 0 ? BAD_TAG : this.#closeRoot(bytes, at, end);
    const nameEnd = from + (this.#ends[depth] as number);
    let i = at + 2;
    for (let n = from + (this.#starts[depth] as number); n < nameEnd; n++, i++) {
      if (i >= end) return INCOMPLETE;
      if (bytes[i] !== bytes[n]) return MISMATCH;
    }
    return this.#closeAfterName(bytes, i, end);
  }

  #closeRoot(bytes: Buffer, at: number, end: number): number {
    let i = at + 2;
    for (let n = 0; n < this.#root.length; n++, i++) {
      if (i >= end) return INCOMPLETE;
      if (bytes[i] !== this.#root.charCodeAt(n)) return MISMATCH;
    }
    return this.#closeAfterName(bytes, i, end);
  }

  #closeAfterName(bytes: Buffer, at: number, end: number): number {
    let i = at;
    if (i < end && bytes[i] !== GREATER) {
      while (i < end && ((CLASS[bytes[i] as number] as number) & SPACE) !== 0) i++;
      if (i < end && bytes[i] !== GREATER) return i === at ? MISMATCH : BAD_TAG;
    }
    if (i >= end) return INCOMPLETE;
    this.depth--;
    return i + 1;
  }
}
