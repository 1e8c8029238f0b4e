/**
 * Strings of addresses, kept by their bytes: the same few addresses come again and again, and a look-up is cheaper than a
 * new string; what comes out again is also the same string object, whose hash the routing tables then know already.
 */
const SLOTS = 1024;
const LONGEST_BYTES = 64;

export class AddressCache {
  readonly #strings: string[] = new Array<string>(SLOTS).fill('');
  readonly #lengths = new Uint8Array(SLOTS);
  readonly #bytes = new Uint8Array(SLOTS * LONGEST_BYTES);

  read(bytes: Buffer, start: number, end: number): string {
    const length = end - start;
    if (length > LONGEST_BYTES || length === 0) return bytes.toString('utf8', start, end);
    let hash = length;
    let other = 0; // two lanes, so that one multiplication need not wait for the other
    let i = start;
    for (; i + 1 < end; i += 2) {
      hash = (Math.imul(hash, 31) + (bytes[i] as number)) | 0;
      other = (Math.imul(other, 37) + (bytes[i + 1] as number)) | 0;
    }
    hash = (hash + other + (bytes[end - 1] as number)) | 0;
    const slot = (hash ^ (hash >>> 10)) & (SLOTS - 1);

    const kept = this.#bytes;
    const at = slot * LONGEST_BYTES;
    if (this.#lengths[slot] === length) {
      i = 0;
      while (i < length && kept[at + i] === bytes[start + i]) i++;
      if (i === length) return this.#strings[slot] as string;
    }
    const fresh = bytes.toString('utf8', start, end);
    bytes.copy(kept, at, start, end);
    this.#lengths[slot] = length;
    this.#strings[slot] = fresh;
    return fresh;
  }
}
