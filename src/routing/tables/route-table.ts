/** The second of the two tables: which stream serves this (local, remote) going out. */
import type { StreamId } from '../types.ts';
import { type Numbers, type Pair, PairSet } from './pair-set.ts';

export interface Served extends Iterable<Pair> {
  readonly size: number;
  has(local: string, remote: string): boolean;
}

export const NO_PAIRS: Served = { size: 0, has: () => false, [Symbol.iterator]: () => [][Symbol.iterator]() };

/**
 * The pairs that each stream serves; and for each remote domain the streams that serve one of its pairs, mostly a
 * single one.
 */
export class RouteTable {
  readonly #numbers: Numbers;
  readonly #streams = new Map<StreamId, PairSet>();
  /** Withdrawn, but not yet forgotten. */
  readonly #withdrawn = new Map<StreamId, PairSet>();
  /** By the number of the remote domain. */
  readonly #serving: (PairSet | undefined)[] = [];
  readonly #alsoServing = new Map<number, Set<PairSet>>();
  // Stanzas come in runs with the same local domain.
  #lastLocal = '';
  #lastNumber: number | undefined;

  constructor(numbers: Numbers) {
    this.#numbers = numbers;
  }

  get size(): number {
    let size = 0;
    for (const pairs of this.#streams.values()) size += pairs.size;
    return size;
  }

  find(local: string, remote: string): StreamId | null {
    return this.#pairsWith(local, remote)?.stream ?? null;
  }

  /** The same, by the domains' numbers. */
  findNumbers(ours: number, theirs: number): StreamId | null {
    return this.#withNumbers(ours, theirs)?.stream ?? null;
  }

  set(local: string, remote: string, stream: StreamId): void {
    let pairs = this.#streams.get(stream);
    if (pairs === undefined) this.#streams.set(stream, (pairs = new PairSet(stream, this.#numbers)));
    const before = this.#pairsWith(local, remote);
    if (before === pairs) return;
    before?.delete(local, remote);
    pairs.add(local, remote);
    this.#lastLocal = ''; // the domain may have got its number only now
    const number = this.#numbers.remotes.numberOf(remote) ?? 0; // always defined: the new row holds it
    this.#serves(pairs, number);
  }

  delete(local: string, remote: string): void {
    this.#pairsWith(local, remote)?.delete(local, remote);
  }

  /**
   * Deletes every route of a stream, and returns the pairs that it served, which stay readable until it is forgotten.
   */
  withdraw(stream: StreamId): Served {
    const pairs = this.#streams.get(stream);
    if (pairs === undefined) return NO_PAIRS;
    this.#streams.delete(stream);
    this.#withdrawn.set(stream, pairs);
    for (const remote of pairs.remotes()) this.#servesNoMore(pairs, remote);
    return pairs;
  }

  /** The pairs that the stream served are no longer needed. */
  forget(stream: StreamId): void {
    this.#withdrawn.get(stream)?.clear();
    this.#withdrawn.delete(stream);
  }

  /** The pairs of one domain that a stream serves. */
  of(stream: StreamId, end: keyof Pair, domain: string): Pair[] {
    return this.#streams.get(stream)?.of(end, domain) ?? [];
  }

  *rows(): Generator<Pair & { stream: StreamId }> {
    for (const [stream, pairs] of this.#streams) for (const pair of pairs) yield { ...pair, stream };
  }

  #pairsWith(local: string, remote: string): PairSet | undefined {
    if (local !== this.#lastLocal) {
      this.#lastLocal = local;
      this.#lastNumber = this.#numbers.locals.numberOf(local);
    }
    const ours = this.#lastNumber;
    const theirs = this.#numbers.remotes.numberOf(remote);
    return ours === undefined || theirs === undefined ? undefined : this.#withNumbers(ours, theirs);
  }

  #withNumbers(ours: number, theirs: number): PairSet | undefined {
    const serving = this.#serving[theirs];
    if (serving?.hasNumbers(ours, theirs) === true) return serving;
    for (const also of this.#alsoServing.get(theirs) ?? []) if (also.hasNumbers(ours, theirs)) return also;
    return undefined;
  }

  #serves(pairs: PairSet, remote: number): void {
    while (this.#serving.length <= remote) this.#serving.push(undefined); // an array with holes is slow
    const serving = this.#serving[remote];
    if (serving === pairs) return;
    if (serving === undefined) {
      this.#serving[remote] = pairs;
      return;
    }
    const also = this.#alsoServing.get(remote);
    if (also === undefined) this.#alsoServing.set(remote, new Set([pairs]));
    else also.add(pairs);
  }

  #servesNoMore(pairs: PairSet, remote: number): void {
    const also = this.#alsoServing.get(remote);
    also?.delete(pairs);
    if (this.#serving[remote] === pairs) {
      const [next] = also ?? [];
      this.#serving[remote] = next;
      if (next !== undefined) also?.delete(next);
    }
    if (also?.size === 0) this.#alsoServing.delete(remote);
  }
}
