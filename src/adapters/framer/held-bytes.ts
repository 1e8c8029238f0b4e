/** Contiguous bytes of elements that came in several chunks; copied, so that large chunks are not kept alive. */
import { NO_BYTES, NO_VIEW, viewOf } from './characters.ts';

const SMALLEST_BYTES = 512;
/** When split elements follow each other, the buffer has room for this many like the last, up to the spare size. */
const PIECES = 8;
/** A buffer up to this size is left to the next framer that needs one. */
const LARGEST_SPARE_BYTES = 8192;
/**
 * An element is copied out of a buffer that exceeds it by more than this: a retained element would keep the whole
 * buffer alive. In a buffer larger than this, no further element is begun.
 */
const LARGEST_SHARED_BYTES = 16_384;
/** Pieces up to this size are copied by hand: a native call costs more than it saves. */
const BY_HAND_BYTES = 24;
const GREATER = 0x3e;
const SPACE = 0x20;

/** The buffer released last, and where its free part begins. Shared, so that a framer that holds nothing keeps none. */
let spare = NO_BYTES;
let spareView = NO_VIEW;
let spareFrom = 0;

// Each term sets the high bit of every byte that matches; a borrow may set it for a later byte too.

/** Whether these four bytes may contain a `>`. */
function hasGreater(word: number): boolean {
  const greater = word ^ 0x3e3e3e3e;
  return ((greater - 0x01010101) & ~greater & 0x80808080) !== 0;
}

/** Whether such a `>` may follow `before` (0: any byte) or white space; `previous` is the byte before the four. */
function endsAmong(word: number, previous: number, before: number): boolean {
  if (before === 0) return true;
  const greater = word ^ 0x3e3e3e3e;
  const preceding = (word << 8) | previous;
  const name = preceding ^ Math.imul(before, 0x01010101);
  const after = ((name - 0x01010101) & ~name) | ((preceding - 0x21212121) & ~preceding);
  return ((greater - 0x01010101) & ~greater & after & 0x80808080) !== 0;
}

export class HeldBytes {
  /** The bytes held are between `from` and `end`: before them are delivered elements, after them free room. */
  bytes: Buffer = NO_BYTES;
  /** A view of `bytes`. */
  view: DataView = NO_VIEW;
  from = 0;
  end = 0;

  get length(): number {
    return this.end - this.from;
  }

  /** Appends bytes to those held. If there was no room, the bytes held begin at 0 afterwards. */
  append(source: Buffer, start: number, end: number): void {
    if (this.end + end - start > this.bytes.length) this.#makeRoom(end - start);
    const { bytes } = this;
    if (end - start <= BY_HAND_BYTES)
      for (let i = start, at = this.end; i < end; i++) bytes[at++] = source[i] as number;
    else if (end - start === source.length) bytes.set(source, this.end);
    else source.copy(bytes, this.end, start, end);
    this.end += end - start;
  }

  /**
   * Writes a few bytes after those held, without holding them yet; there must be room. Returns whether they may contain
   * a `>` that follows `before` (0: any byte) or white space. Works four bytes at a time, writing some twice: a native
   * call costs more than it saves.
   */
  lay(source: Buffer, before: number): boolean {
    const { length } = source;
    if (length < 4) return this.#layFew(source, before);
    if (length > BY_HAND_BYTES) return this.#layMany(source, before);
    const { bytes, view, end } = this;
    let found = false;
    for (let i = 0; ; i += 4) {
      if (i > length - 4) i = length - 4;
      const word =
        (source[i] as number) |
        ((source[i + 1] as number) << 8) |
        ((source[i + 2] as number) << 16) |
        ((source[i + 3] as number) << 24);
      view.setInt32(end + i, word, true);
      if (hasGreater(word)) found ||= endsAmong(word, bytes[end + i - 1] as number, before);
      if (i === length - 4) return found;
    }
  }

  #layFew(source: Buffer, before: number): boolean {
    const { bytes, end } = this;
    let previous = bytes[end - 1] as number;
    let found = false;
    for (let i = 0; i < source.length; i++) {
      const byte = source[i] as number;
      if (byte === GREATER && (before === 0 || previous === before || previous <= SPACE)) found = true;
      bytes[end + i] = previous = byte;
    }
    return found;
  }

  #layMany(source: Buffer, before: number): boolean {
    const { bytes, view, end } = this;
    const last = end + source.length - 4;
    bytes.set(source, end);
    for (let at = end; ; at = Math.min(at + 4, last)) {
      const word = view.getInt32(at, true);
      if (hasGreater(word) && endsAmong(word, bytes[at - 1] as number, before)) return true;
      if (at === last) return false;
    }
  }

  /** Adds this many bytes, which were written after those held, to them. */
  hold(bytes: number): void {
    this.end += bytes;
  }

  /** Delivers the bytes held up to `end`; the following ones stay. */
  take(end: number): Buffer {
    const whole = this.bytes.subarray(this.from, end);
    return this.bytes.length - whole.length > LARGEST_SHARED_BYTES ? Buffer.from(whole) : whole;
  }

  /** Releases the bytes held up to `end`. Returns whether any are left and the buffer is small enough to go on in. */
  drop(end: number): boolean {
    this.from = end;
    return end < this.end && this.bytes.length <= LARGEST_SHARED_BYTES;
  }

  /** Releases all bytes held, and the buffer. */
  clear(): void {
    const { bytes, end } = this;
    if (bytes.length <= LARGEST_SPARE_BYTES && bytes.length - end > spare.length - spareFrom) {
      spare = bytes;
      spareView = this.view;
      spareFrom = end;
    }
    this.bytes = NO_BYTES;
    this.view = NO_VIEW;
    this.from = 0;
    this.end = 0;
  }

  #takeSpare(): void {
    this.bytes = spare;
    this.view = spareView;
    this.from = this.end = spareFrom;
    spare = NO_BYTES;
    spareView = NO_VIEW;
    spareFrom = 0;
  }

  /**
   * The buffer doubles when one element fills it, so that bytes that come one by one cost the same each. It also
   * doubles, up to a bound, when several elements have filled it.
   */
  #makeRoom(further: number): void {
    if (this.bytes.length === 0) {
      this.#takeSpare();
      if (this.end + further <= this.bytes.length) return;
    }
    const { bytes, from, end, length } = this;
    const needed = length + further;
    const shared = from === 0 ? 0 : Math.min(Math.max(2 * bytes.length, PIECES * needed), LARGEST_SPARE_BYTES);
    // The next pieces are likely to be of similar length.
    const larger = Buffer.allocUnsafe(Math.max(SMALLEST_BYTES, 2 * length, needed + (further >> 1), shared));
    bytes.copy(larger, 0, from, end);
    this.bytes = larger;
    this.view = viewOf(larger);
    this.from = 0;
    this.end = length;
  }
}
