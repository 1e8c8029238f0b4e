/** Pairs whose stream is closing: they wait for its end, so that nothing overtakes (S7). */
import type { StreamId, StreamReport } from '../../machines/events.ts';
import { pairId } from '../protocol/pairs.ts';

export interface HeldPair {
  readonly local: string;
  readonly remote: string;
  readonly stream: StreamId;
  /** A stanza waits for the pair meanwhile. */
  wanted: boolean;
  /** Another stream serves the pair meanwhile. */
  accepted: Extract<StreamReport, { type: 'pair.accepted' }> | null;
}

const keyOf = (local: string, remote: string): string => pairId({ from: local, to: remote });

export class HeldPairs {
  readonly #byPair = new Map<string, HeldPair>();
  readonly #byStream = new Map<StreamId, HeldPair[]>();

  hold(stream: StreamId, pairs: readonly { readonly local: string; readonly remote: string }[]): void {
    if (pairs.length === 0) return;
    const held = pairs.map(({ local, remote }) => ({ local, remote, stream, wanted: false, accepted: null }));
    for (const pair of held) this.#byPair.set(keyOf(pair.local, pair.remote), pair);
    this.#byStream.set(stream, held);
  }

  get(local: string, remote: string): HeldPair | undefined {
    return this.#byPair.get(keyOf(local, remote));
  }

  /** The stream has ended: its pairs may move on. */
  release(stream: StreamId): readonly HeldPair[] {
    const held = this.#byStream.get(stream) ?? [];
    this.#byStream.delete(stream);
    for (const { local, remote } of held) this.#byPair.delete(keyOf(local, remote));
    return held;
  }
}
