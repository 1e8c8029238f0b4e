/**
 * Packed sets of small numbers: a row is (owner, block) with one bit for each of the 32 members of the block. Open
 * addressing in one typed array. It grows without a pause: rows move to the larger array a few at a time, as others are
 * added. Rows are never removed, only emptied.
 */

/** Words of a row: the owner plus one (0 marks a free slot), the block, the bits of its members. */
const OWNER = 0;
const BLOCK = 1;
const BITS = 2;
const WIDTH = 3;
const FIRST_SLOTS = 4;
/**
 * Old slots examined for rows to move, for each row added: enough to finish the move long before the new array is full.
 */
const MOVED_AT_ONCE = 16;

const slotsFor = (slots: number): Uint32Array => new Uint32Array(slots * WIDTH);

export class BlockTable {
  #words = slotsFor(FIRST_SLOTS);
  #rows = 0;
  /** The array that has become too small, and the position up to which its rows have moved. */
  #left: Uint32Array | null = null;
  #moved = 0;

  /** The owner's members in this block, as bits; 0 where there is no such row. */
  bitsOf(owner: number, block: number): number {
    const hash = hashOf(owner, block);
    const at = placeOf(this.#words, hash, owner, block);
    if (this.#left === null || this.#words[at + OWNER] !== 0) return this.#words[at + BITS] ?? 0;
    return this.#left[placeOf(this.#left, hash, owner, block) + BITS] ?? 0;
  }

  /** Returns true when this is a new row. */
  set(owner: number, block: number, bits: number): boolean {
    const hash = hashOf(owner, block);
    const at = placeOf(this.#words, hash, owner, block);
    const isNew = this.#words[at + OWNER] === 0 && !this.#isLeft(hash, owner, block);
    this.#words[at + OWNER] = owner + 1; // if the row is still in the old array, this moves it
    this.#words[at + BLOCK] = block;
    this.#words[at + BITS] = bits;
    if (isNew) {
      this.#rows += 1;
      this.#makeRoom();
    }
    return isNew;
  }

  /** Visits all rows, empty ones included. */
  each(visit: (owner: number, block: number, bits: number) => void): void {
    this.#move(Infinity);
    const words = this.#words;
    for (let at = 0; at < words.length; at += WIDTH) {
      const owner = words[at + OWNER] ?? 0;
      if (owner !== 0) visit(owner - 1, words[at + BLOCK] ?? 0, words[at + BITS] ?? 0);
    }
  }

  #isLeft(hash: number, owner: number, block: number): boolean {
    return this.#left !== null && this.#left[placeOf(this.#left, hash, owner, block) + OWNER] !== 0;
  }

  #makeRoom(): void {
    if (this.#left !== null) this.#move(MOVED_AT_ONCE);
    else if (4 * (this.#rows + 1) > 3 * (this.#words.length / WIDTH)) {
      this.#left = this.#words;
      this.#moved = 0;
      this.#words = new Uint32Array(2 * this.#left.length);
    }
  }

  /** Moves the rows found in the next `slots` slots of the old array. */
  #move(slots: number): void {
    const left = this.#left;
    if (left === null) return;
    const end = Math.min(left.length, this.#moved + slots * WIDTH);
    for (; this.#moved < end; this.#moved += WIDTH) {
      const owner = (left[this.#moved + OWNER] ?? 0) - 1;
      if (owner < 0) continue;
      const block = left[this.#moved + BLOCK] ?? 0;
      const at = placeOf(this.#words, hashOf(owner, block), owner, block);
      if (this.#words[at + OWNER] !== 0) continue; // set since then
      this.#words[at + OWNER] = owner + 1;
      this.#words[at + BLOCK] = block;
      this.#words[at + BITS] = left[this.#moved + BITS] ?? 0;
    }
    if (end === left.length) this.#left = null;
  }
}

/** The position of the row, or of the free slot where it would go. */
function placeOf(words: Uint32Array, hash: number, owner: number, block: number): number {
  const slots = words.length / WIDTH;
  for (let slot = hash & (slots - 1); ; slot = (slot + 1) & (slots - 1)) {
    const at = slot * WIDTH;
    const held = words[at + OWNER];
    if (held === 0 || (held === owner + 1 && words[at + BLOCK] === block)) return at;
  }
}

/** Owners and blocks are consecutive numbers from 0; the hash has to scatter them. */
function hashOf(owner: number, block: number): number {
  let hash = Math.imul(owner + 1, 0x9e3779b1) ^ Math.imul(block + 1, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 16), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 13), 0x297a2d39);
  return (hash ^ (hash >>> 16)) >>> 0;
}
