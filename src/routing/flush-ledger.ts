/** Which stanzas that somebody asked about have been written and not yet flushed: the `unknown` of L1. */
import type { Outlet, Settle } from './types.ts';

interface Entry {
  readonly settle: Settle;
  /** `writtenBytes` of the outlet right after this stanza. */
  readonly endsAt: number;
}

/** The entries of one stream, oldest first. Its buffer bounds them: nothing is written to a stream that is not writable. */
export class FlushLedger {
  readonly #outlet: Outlet;
  #entries: Entry[] = [];

  constructor(outlet: Outlet) {
    this.#outlet = outlet;
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  /** Notes what has just been written; false if it is flushed already, or the outlet cannot tell. */
  note(settle: Settle): boolean {
    const { writtenBytes, flushedBytes } = this.#outlet;
    if (writtenBytes === undefined || flushedBytes === undefined || flushedBytes >= writtenBytes) return false;
    this.#entries.push({ settle, endsAt: writtenBytes });
    return true;
  }

  /** Takes those that have been flushed since. */
  takeFlushed(): Settle[] {
    const flushed = this.#outlet.flushedBytes ?? 0;
    const end = this.#entries.findIndex(({ endsAt }) => endsAt > flushed);
    return this.#take(end === -1 ? this.#entries.length : end);
  }

  /** Takes all that are left: the stream is gone. */
  takeAll(): Settle[] {
    return this.#take(this.#entries.length);
  }

  #take(count: number): Settle[] {
    if (count === 0) return [];
    return this.#entries.splice(0, count).map(({ settle }) => settle);
  }
}
