/**
 * Numbers of domains by the bytes that spell them, for stanzas as they were read: each with its name in one line of the cache, so
 * that among thousands of domains each costs one look at memory that is far, and no string. Of those that fall on one place the
 * last is kept.
 */
import { findDomain, found, SLOT_BITS } from '../../protocol/address-bytes.ts';

/** Of a slot, in bytes: the number and one, of which 0 is a free slot; the length of the name; the name. */
const WIDTH = 64;
const LENGTH = 4;
const NAME = 5;
const LONGEST = WIDTH - NAME;

export class SpelledNumbers {
  readonly #bytes = new Uint8Array(2 ** SLOT_BITS * WIDTH);
  readonly #words = new Uint32Array(this.#bytes.buffer);

  /** The number of the domain in the address between `start` and `end`; undefined where none is kept for its spelling. */
  find(bytes: Buffer, start: number, end: number): number | undefined {
    if (!findDomain(bytes, start, end)) return undefined;
    const { from, to, slot } = found;
    const at = slot * WIDTH;
    const number = this.#words[at >>> 2] as number;
    if (number === 0 || this.#bytes[at + LENGTH] !== to - from) return undefined;
    for (let i = from, j = at + NAME; i < to; i += 1, j += 1) if (bytes[i] !== this.#bytes[j]) return undefined;
    return number - 1;
  }

  keep(name: string, number: number): void {
    if (name.length > LONGEST) return;
    const spelled = Buffer.from(name);
    const at = placeOf(spelled);
    this.#bytes.set(spelled, at + NAME);
    this.#bytes[at + LENGTH] = spelled.length;
    this.#words[at >>> 2] = number + 1;
  }

  forget(name: string, number: number): void {
    const at = placeOf(Buffer.from(name));
    if (this.#words[at >>> 2] === number + 1) this.#words[at >>> 2] = 0;
  }
}

/** Of a canonical domain, which is an address, too. */
function placeOf(spelled: Buffer): number {
  findDomain(spelled, 0, spelled.length);
  return found.slot * WIDTH;
}
