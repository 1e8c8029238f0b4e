/** Bytes that are kept until the rest of their element comes; they are copied, so that large chunks are not kept alive. */
const SMALLEST = 512;
/** An empty store that has grown larger than this is given back. */
const LARGEST_IDLE = 16_384;
const NONE = Buffer.alloc(0);

export class HeldBytes {
  #store: Buffer = NONE;
  length = 0;

  /** What is held, and room behind it. */
  get store(): Buffer {
    return this.#store;
  }

  /** The store doubles when it grows, so that bytes that come one by one cost the same each. */
  append(bytes: Buffer, start: number, end: number): void {
    const length = this.length + end - start;
    if (length > this.#store.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, 2 * this.#store.length, SMALLEST));
      this.#store.copy(larger, 0, 0, this.length);
      this.#store = larger;
    }
    bytes.copy(this.#store, this.length, start, end);
    this.length = length;
  }

  /** Hands over what is held: the store itself, unless much of it would be kept alive for nothing. */
  take(): Buffer {
    const whole = this.#store.subarray(0, this.length);
    const taken = this.#store.length > LARGEST_IDLE ? Buffer.from(whole) : whole;
    this.length = 0;
    this.#store = NONE;
    return taken;
  }

  clear(): void {
    this.length = 0;
    if (this.#store.length > LARGEST_IDLE) this.#store = NONE;
  }
}
