/**
 * Domain numbers by the bytes that spell the domain, for stanzas as they were read. Each entry fills one cache line
 * together with its name, so that among thousands of domains a look-up costs one cache miss and creates no string. A
 * name has two possible slots, next to each other; when both are taken, the latest name replaces the one in its first
 * slot.
 */
import { findDomain, found, SLOT_BITS } from '../../protocol/address-bytes.ts';

/** Layout of a slot, in bytes: the number plus one (0 marks a free slot); the length of the name; the name. */
const WIDTH = 64;
const LENGTH = 4;
const NAME = 5;
const LONGEST = WIDTH - NAME;

export class SpelledNumbers {
  readonly #bytes = new Uint8Array(2 ** SLOT_BITS * WIDTH);
  readonly #words = new Uint32Array(this.#bytes.buffer);

  /**
   * The number of the domain in the address between `start` and `end`; undefined when none is stored for its spelling.
   */
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

/** The slot of a canonical domain, which is a valid address as well. */
function placeOf(spelled: Buffer): number {
  findDomain(spelled, 0, spelled.length);
  return found.slot * WIDTH;
}

const besides = (at: number): number => at ^ WIDTH;
