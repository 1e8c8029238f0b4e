/**
 * Numbers of domains by the bytes that spell them, for stanzas as they were read: each with its name in one line of the cache, so
 * that among thousands of domains each costs one look at memory that is far, and no string. A name has two places, side by side;
 * of those that meet in both the last is kept.
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
    const first = slot * WIDTH;
    if (this.#isSpelled(first, bytes, from, to)) return this.#held(first) - 1;
    const second = besides(first);
    return this.#isSpelled(second, bytes, from, to) ? this.#held(second) - 1 : undefined;
  }

  keep(name: string, number: number): void {
    if (name.length > LONGEST) return;
    const spelled = Buffer.from(name);
    const first = placeOf(spelled);
    const at = this.#held(first) !== 0 && this.#held(besides(first)) === 0 ? besides(first) : first;
    this.#bytes.set(spelled, at + NAME);
    this.#bytes[at + LENGTH] = spelled.length;
    this.#words[at >>> 2] = number + 1;
  }

  forget(name: string, number: number): void {
    const first = placeOf(Buffer.from(name));
    for (const at of [first, besides(first)]) if (this.#held(at) === number + 1) this.#words[at >>> 2] = 0;
  }

  #held(at: number): number {
    return this.#words[at >>> 2] as number;
  }

  #isSpelled(at: number, bytes: Buffer, from: number, to: number): boolean {
    if (this.#held(at) === 0 || this.#bytes[at + LENGTH] !== to - from) return false;
    for (let i = from, j = at + NAME; i < to; i += 1, j += 1) if (bytes[i] !== this.#bytes[j]) return false;
    return true;
  }
}

/** Of a canonical domain, which is an address, too. */
function placeOf(spelled: Buffer): number {
  findDomain(spelled, 0, spelled.length);
  return found.slot * WIDTH;
}

const besides = (at: number): number => at ^ WIDTH;
