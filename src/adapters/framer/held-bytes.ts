/** Bytes of elements that came in pieces, one behind the other; they are copied, so that large chunks are not kept alive. */
import { viewOf } from './characters.ts';

const SMALLEST_BYTES = 512;
/** Where elements follow each other in pieces, there is room for so many like the last, up to a bound. */
const PIECES = 8;
const LARGEST_SHARED_BYTES = 16_384;
/** Shorter pieces are copied byte by byte: a native call costs more than it saves. */
const SHORT_BYTES = 24;
const NO_BYTES = Buffer.alloc(0);
const NO_VIEW = viewOf(NO_BYTES);

export class HeldBytes {
  /** What is held stands between `from` and `end`: before it elements that were handed over, behind it room. */
  bytes: Buffer = NO_BYTES;
  /** Looks on `bytes`. */
  view: DataView = NO_VIEW;
  from = 0;
  end = 0;

  get length(): number {
    return this.end - this.from;
  }

  /** Puts bytes behind those held; what is held begins at 0 afterwards if there was no room. */
  append(source: Buffer, start: number, end: number): void {
    if (this.end + end - start > this.bytes.length) this.#makeRoom(end - start);
    const { bytes } = this;
    if (end - start < SHORT_BYTES) for (let i = start, at = this.end; i < end; i++) bytes[at++] = source[i] as number;
    else if (end - start === source.length) bytes.set(source, this.end);
    else source.copy(bytes, this.end, start, end);
    this.end += end - start;
  }

  /** Hands over what is held up to `end`; what follows stays. */
  take(end: number): Buffer {
    const whole = this.bytes.subarray(this.from, end);
    return this.bytes.length - whole.length > LARGEST_SHARED_BYTES ? Buffer.from(whole) : whole;
  }

  /** Lets go what is held up to `end`: whether anything is left, in a room of which little is wasted. */
  drop(end: number): boolean {
    this.from = end;
    return end < this.end && this.bytes.length <= LARGEST_SHARED_BYTES;
  }

  clear(): void {
    this.bytes = NO_BYTES;
    this.view = NO_VIEW;
    this.from = 0;
    this.end = 0;
  }

  /** The room doubles when an element fills it, so that bytes that come one by one cost the same each. */
  #makeRoom(further: number): void {
    const { bytes, from, end, length } = this;
    const needed = length + further;
    const shared = from === 0 ? SMALLEST_BYTES : Math.min(PIECES * needed, LARGEST_SHARED_BYTES);
    const larger = Buffer.allocUnsafe(Math.max(2 * length, needed + (further >> 1), shared));
    bytes.copy(larger, 0, from, end);
    this.bytes = larger;
    this.view = viewOf(larger);
    this.from = 0;
    this.end = length;
  }
}
