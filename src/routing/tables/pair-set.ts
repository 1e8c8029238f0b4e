/** Pairs of a local and a remote domain: those that a stream serves, or those that are proved on it. */
import type { StreamId } from '../types.ts';
import { BlockTable } from './block-table.ts';
import type { DomainNumbers } from './domain-numbers.ts';

export interface Pair {
  readonly local: string;
  readonly remote: string;
}

/** Shared by both tables. Local domains are few, and keep their numbers. */
export interface Numbers {
  readonly locals: DomainNumbers;
  readonly remotes: DomainNumbers;
}

/** A row holds one remote domain and 32 local ones, at one bit each. */
const BLOCK_BITS = 5;
const blockOf = (local: number): number => local >>> BLOCK_BITS;
const bitOf = (local: number): number => 1 << local;

export class PairSet implements Iterable<Pair> {
  readonly stream: StreamId;
  readonly #numbers: Numbers;
  #rows = new BlockTable();
  #size = 0;

  constructor(stream: StreamId, numbers: Numbers) {
    this.stream = stream;
    this.#numbers = numbers;
  }

  get size(): number {
    return this.#size;
  }

  has(local: string, remote: string): boolean {
    return this.hasNumbers(this.#numbers.locals.numberOf(local), this.#numbers.remotes.numberOf(remote));
  }

  hasNumbers(local: number | undefined, remote: number | undefined): boolean {
    if (local === undefined || remote === undefined) return false;
    return (this.#rows.bitsOf(remote, blockOf(local)) & bitOf(local)) !== 0;
  }

  /** Whether there is any pair with this remote domain. */
  hasRemote(remote: number): boolean {
    for (let block = 0; block < this.#blocks; block += 1) if (this.#rows.bitsOf(remote, block) !== 0) return true;
    return false;
  }

  add(local: string, remote: string): void {
    const { locals, remotes } = this.#numbers;
    const ours = locals.numberOf(local) ?? locals.hold(local);
    const theirs = remotes.hold(remote); // each row holds a reference to its domain
    const before = this.#rows.bitsOf(theirs, blockOf(ours));
    if ((before & bitOf(ours)) === 0) this.#size += 1;
    if (!this.#rows.set(theirs, blockOf(ours), before | bitOf(ours))) remotes.release(theirs);
  }

  /** Returns false when the pair is not there. */
  delete(local: string, remote: string): boolean {
    const ours = this.#numbers.locals.numberOf(local);
    const theirs = this.#numbers.remotes.numberOf(remote);
    if (ours === undefined || theirs === undefined || !this.hasNumbers(ours, theirs)) return false;
    this.#rows.set(theirs, blockOf(ours), this.#rows.bitsOf(theirs, blockOf(ours)) & ~bitOf(ours));
    this.#size -= 1;
    return true;
  }

  /** The pairs of one domain. */
  of(end: keyof Pair, domain: string): Pair[] {
    const pairs: Pair[] = [];
    if (end === 'local') {
      const { locals, remotes } = this.#numbers;
      const ours = locals.numberOf(domain);
      this.#rows.each((remote, block, bits) => {
        if (ours !== undefined && block === blockOf(ours) && (bits & bitOf(ours)) !== 0)
          pairs.push({ local: domain, remote: remotes.nameOf(remote) });
      });
      return pairs;
    }
    const remote = this.#numbers.remotes.numberOf(domain);
    for (let block = 0; remote !== undefined && block < this.#blocks; block += 1)
      for (const local of this.#localsOf(block, this.#rows.bitsOf(remote, block)))
        pairs.push({ local, remote: domain });
    return pairs;
  }

  /** The numbers of the remote domains of which there are, or were, pairs. */
  remotes(): ReadonlySet<number> {
    const remotes = new Set<number>();
    this.#rows.each((remote) => remotes.add(remote));
    return remotes;
  }

  *[Symbol.iterator](): Iterator<Pair> {
    const rows: { remote: string; block: number; bits: number }[] = [];
    const { remotes } = this.#numbers;
    this.#rows.each((remote, block, bits) => bits !== 0 && rows.push({ remote: remotes.nameOf(remote), block, bits }));
    for (const { remote, block, bits } of rows)
      for (const local of this.#localsOf(block, bits)) yield { local, remote };
  }

  /** Empties the set and releases its references to domains. */
  clear(): void {
    this.#rows.each((remote) => this.#numbers.remotes.release(remote));
    this.#rows = new BlockTable();
    this.#size = 0;
  }

  get #blocks(): number {
    return Math.ceil(this.#numbers.locals.size / 2 ** BLOCK_BITS);
  }

  *#localsOf(block: number, bits: number): Iterable<string> {
    for (let left = bits; left !== 0; left &= left - 1)
      yield this.#numbers.locals.nameOf((block << BLOCK_BITS) + 31 - Math.clz32(left & -left));
  }
}
