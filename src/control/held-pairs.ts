/** Pairs whose stream is closing: they wait until it has ended, so that stanzas stay in order (S7). */
import type { StreamId, StreamReport } from '../../machines/events.ts';
import { pairId } from '../protocol/pairs.ts';

/** A held pair about which something became known meanwhile. */
export interface HeldPair {
  readonly local: string;
  readonly remote: string;
  /** A stanza waits for the pair. */
  wanted: boolean;
  /** Another stream serves the pair. */
  accepted: Extract<StreamReport, { type: 'pair.accepted' }> | null;
}

/** The pairs that the stream served. */
interface Pairs {
  readonly size: number;
  has(local: string, remote: string): boolean;
}

export class HeldPairs {
  readonly #byStream = new Map<StreamId, { readonly pairs: Pairs; readonly awaited: Map<string, HeldPair> }>();

  hold(stream: StreamId, pairs: Pairs): void {
    if (pairs.size > 0) this.#byStream.set(stream, { pairs, awaited: new Map() });
  }

  /** What to do for the pair once its stream has ended; undefined when the pair is not held. */
  get(local: string, remote: string): HeldPair | undefined {
    const holding = [...this.#byStream.values()].findLast(({ pairs }) => pairs.has(local, remote));
    if (holding === undefined) return undefined;
    const key = pairId({ from: local, to: remote });
    const held = holding.awaited.get(key) ?? { local, remote, wanted: false, accepted: null };
    holding.awaited.set(key, held);
    return held;
  }

  /** The stream has ended: its pairs may move on. */
  release(stream: StreamId): Iterable<HeldPair> {
    const awaited = this.#byStream.get(stream)?.awaited.values() ?? [];
    this.#byStream.delete(stream);
    return awaited;
  }
}
