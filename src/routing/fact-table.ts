/** The first of the two tables (DESIGN §2): may this (stream, from, to) come in. */
import type { StreamId } from './types.ts';

export type Verdict =
  | 'held'
  /** Nothing at all has been proved on this stream. */
  | 'stream-unproved'
  /** Something has, but not `from`. */
  | 'from-unproved'
  /** `from` has, but not towards this `to`. */
  | 'pair-unproved';

/** Facts by stream, then sender domain, then target domain: the pair counts, never two separate sets (XEP-0220 §1.2). */
export class FactTable {
  readonly #streams = new Map<StreamId, Map<string, Set<string>>>();
  /** Senders that were withdrawn while their stream goes on. */
  readonly #withdrawn = new Map<StreamId, Set<string>>();
  // Stanzas come in runs of one stream and one sender domain.
  #lastStream: StreamId = NaN;
  #lastFrom = '';
  #lastTargets: ReadonlySet<string> = new Set();

  admit(stream: StreamId, from: string, to: string): void {
    let senders = this.#streams.get(stream);
    if (senders === undefined) this.#streams.set(stream, (senders = new Map<string, Set<string>>()));
    const targets = senders.get(from);
    if (targets === undefined) senders.set(from, new Set([to]));
    else targets.add(to);
    this.#withdrawn.get(stream)?.delete(from);
  }

  revoke(stream: StreamId, from: string, to: string): void {
    const senders = this.#streams.get(stream);
    const targets = senders?.get(from);
    if (senders === undefined || targets === undefined || !targets.delete(to)) return;
    if (targets.size === 0) senders.delete(from);
    if (senders.size === 0) this.#streams.delete(stream);
    this.#lastStream = NaN;
  }

  /** Nothing of this sender comes in on the stream any more, towards whomever. */
  withdraw(stream: StreamId, from: string): void {
    const senders = this.#streams.get(stream);
    if (senders?.delete(from) !== true) return;
    if (senders.size === 0) this.#streams.delete(stream);
    const withdrawn = this.#withdrawn.get(stream);
    if (withdrawn === undefined) this.#withdrawn.set(stream, new Set([from]));
    else withdrawn.add(from);
    this.#lastStream = NaN;
  }

  /** The far end may have sent before it heard of that. */
  wasWithdrawn(stream: StreamId, from: string): boolean {
    return this.#withdrawn.get(stream)?.has(from) === true;
  }

  forget(stream: StreamId): void {
    this.#streams.delete(stream);
    this.#withdrawn.delete(stream);
    this.#lastStream = NaN;
  }

  /** Whether anything at all is proved on this stream. */
  has(stream: StreamId): boolean {
    return this.#streams.has(stream);
  }

  verdict(stream: StreamId, from: string, to: string): Verdict {
    if (stream === this.#lastStream && from === this.#lastFrom)
      return this.#lastTargets.has(to) ? 'held' : 'pair-unproved';
    const senders = this.#streams.get(stream);
    if (senders === undefined) return 'stream-unproved';
    const targets = senders.get(from);
    if (targets === undefined) return 'from-unproved';
    this.#lastStream = stream;
    this.#lastFrom = from;
    this.#lastTargets = targets;
    return targets.has(to) ? 'held' : 'pair-unproved';
  }

  *rows(): Generator<{ stream: StreamId; from: string; to: string }> {
    for (const [stream, senders] of this.#streams)
      for (const [from, targets] of senders) for (const to of targets) yield { stream, from, to };
  }
}
