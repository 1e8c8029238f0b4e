/**
 * Strings of addresses, kept by their bytes: the same few addresses come again and again, and a look-up is cheaper than a
 * new string; what comes out again is also the same string object, whose hash the routing tables then know already.
 */
const SLOTS = 1024;
const LONGEST_BYTES = 128;
const SAMPLED_BYTES = 8;

export class AddressCache {
  readonly #strings: string[] = new Array<string>(SLOTS).fill('');

  read(bytes: Buffer, start: number, end: number): string {
    const length = end - start;
    if (length > LONGEST_BYTES) return bytes.toString('utf8', start, end);
    // Addresses differ near their beginning or near their end; what lies between is only compared.
    let hash = length;
    const head = Math.min(end, start + SAMPLED_BYTES);
    for (let i = start; i < head; i++) hash = (Math.imul(hash, 31) + (bytes[i] as number)) | 0;
    for (let i = Math.max(head, end - SAMPLED_BYTES); i < end; i++)
      hash = (Math.imul(hash, 31) + (bytes[i] as number)) | 0;
    const slot = (hash ^ (hash >>> 10)) & (SLOTS - 1);
    const known = this.#strings[slot] as string;
    if (known.length === length) {
      let i = 0;
      while (i < length && known.charCodeAt(i) === bytes[start + i]) i++;
      if (i === length) return known;
    }
    const fresh = bytes.toString('utf8', start, end);
    // Only ASCII is kept (as many characters as bytes), so that equal codes mean equal bytes.
    if (fresh.length === length) this.#strings[slot] = fresh;
    return fresh;
  }
}
