/** Bytes of an element that is cut, kept until the rest comes; they are copied, so that large chunks are not kept alive. */
import { viewOf } from './characters.ts';

const SMALLEST_BYTES = 512;
/** So much room may stay unused behind an element that is handed over. */
const LARGEST_WASTE_BYTES = 16_384;
/** Shorter pieces are copied byte by byte: a native call costs more than it saves. */
const SHORT_BYTES = 80;
const NO_BYTES = Buffer.alloc(0);
const NO_VIEW = viewOf(NO_BYTES);

export class HeldBytes {
  /** What is held, and room behind it. */
  bytes: Buffer = NO_BYTES;
  /** Looks on `bytes`. */
  view: DataView = NO_VIEW;
  length = 0;

  /** The room doubles when it grows, so that bytes that come one by one cost the same each. */
  append(source: Buffer, start: number, end: number): void {
    const length = this.length + end - start;
    if (length > this.bytes.length) this.#grow(length);
    const { bytes } = this;
    if (end - start < SHORT_BYTES) for (let i = start, at = this.length; i < end; i++) bytes[at++] = source[i] as number;
    else source.copy(bytes, this.length, start, end);
    this.length = length;
  }

  /** Hands over the first `length` bytes and forgets the rest. */
  take(length: number): Buffer {
    const whole = this.bytes.subarray(0, length);
    const taken = this.bytes.length - length > LARGEST_WASTE_BYTES ? Buffer.from(whole) : whole;
    this.clear();
    return taken;
  }

  clear(): void {
    this.length = 0;
    this.bytes = NO_BYTES;
    this.view = NO_VIEW;
  }

  #grow(length: number): void {
    const larger = Buffer.allocUnsafe(Math.max(length + (length >> 1), 2 * this.bytes.length, SMALLEST_BYTES));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
    this.view = viewOf(larger);
  }
}
