/** The first of the two tables: whether a stanza with this (stream, from, to) may come in. */
import type { StreamId } from '../types.ts';
import { type Numbers, PairSet } from './pair-set.ts';

export type Verdict =
  | 'held'
  /** Nothing at all has been proved on this stream. */
  | 'stream-unproved'
  /** Something has, but not `from`. */
  | 'from-unproved'
  /** `from` has, but not towards this `to`. */
  | 'pair-unproved';

/** The pairs proved on each stream: pairs, never two separate sets of domains (XEP-0220 §1.2). */
export class FactTable {
  readonly #numbers: Numbers;
  readonly #streams = new Map<StreamId, PairSet>();
  /** Senders that were withdrawn while their stream continues. */
  readonly #withdrawn = new Map<StreamId, Set<string>>();
  // Stanzas come in runs with the same stream and sender domain.
  #lastFrom = '';
  #lastNumber = 0;
  #lastPairs: PairSet | null = null;
  #lastStream: PairSet | null = null;

  constructor(numbers: Numbers) {
    this.#numbers = numbers;
  }

  get size(): number {
    let size = 0;
    for (const pairs of this.#streams.values()) size += pairs.size;
    return size;
  }

  admit(stream: StreamId, from: string, to: string): void {
    let pairs = this.#streams.get(stream);
    if (pairs === undefined) this.#streams.set(stream, (pairs = new PairSet(stream, this.#numbers)));
    pairs.add(to, from);
    this.#withdrawn.get(stream)?.delete(from);
  }

  revoke(stream: StreamId, from: string, to: string): void {
    this.#streams.get(stream)?.delete(to, from);
    this.#lastPairs = null;
  }

  /** Stanzas of this sender no longer come in on the stream, whatever their target. */
  withdraw(stream: StreamId, from: string): void {
    const pairs = this.#streams.get(stream);
    const proved = pairs?.of('remote', from) ?? [];
    if (proved.length === 0) return;
    for (const { local } of proved) pairs?.delete(local, from);
    const withdrawn = this.#withdrawn.get(stream);
    if (withdrawn === undefined) this.#withdrawn.set(stream, new Set([from]));
    else withdrawn.add(from);
    this.#lastPairs = null;
  }

  /** The far end may have sent stanzas before it learned of the withdrawal. */
  wasWithdrawn(stream: StreamId, from: string): boolean {
    return this.#withdrawn.get(stream)?.has(from) === true;
  }

  forget(stream: StreamId): void {
    this.#streams.get(stream)?.clear();
    this.#streams.delete(stream);
    this.#withdrawn.delete(stream);
    this.#lastPairs = null;
    this.#lastStream = null;
  }

  /** Whether anything at all is proved on this stream. */
  has(stream: StreamId): boolean {
    return (this.#streams.get(stream)?.size ?? 0) > 0;
  }

  /** Whether this pair, by its numbers, may come in on the stream. */
  holds(stream: StreamId, from: number, to: number): boolean {
    if (this.#lastStream?.stream !== stream) this.#lastStream = this.#streams.get(stream) ?? null;
    return this.#lastStream?.hasNumbers(to, from) === true;
  }

  verdict(stream: StreamId, from: string, to: string): Verdict {
    const target = this.#numbers.locals.numberOf(to);
    if (this.#lastPairs?.stream === stream && from === this.#lastFrom)
      return this.#lastPairs.hasNumbers(target, this.#lastNumber) ? 'held' : 'pair-unproved';
    const pairs = this.#streams.get(stream);
    if (pairs === undefined || pairs.size === 0) return 'stream-unproved';
    const sender = this.#numbers.remotes.numberOf(from);
    const holds = pairs.hasNumbers(target, sender);
    if (sender === undefined || (!holds && !pairs.hasRemote(sender))) return 'from-unproved';
    this.#lastPairs = pairs;
    this.#lastFrom = from;
    this.#lastNumber = sender;
    return holds ? 'held' : 'pair-unproved';
  }

  /** The domains that have, or had, a pair on each stream: not one row for each pair. */
  *senders(): Generator<{ stream: StreamId; from: string }> {
    for (const [stream, pairs] of this.#streams)
      for (const number of pairs.remotes()) yield { stream, from: this.#numbers.remotes.nameOf(number) };
  }

  *rows(): Generator<{ stream: StreamId; from: string; to: string }> {
    for (const [stream, pairs] of this.#streams)
      for (const { local, remote } of pairs) yield { stream, from: remote, to: local };
  }
}
