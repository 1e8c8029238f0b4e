/** Writes stanzas to outlets; within a batch, each outlet is corked once. */
import type { Flushed } from '../ports.ts';
import type { Stanza } from '../protocol/stanza.ts';
import type { Outlet, StreamOutlet } from './types.ts';

export class Writer {
  readonly #corked = new Set<Outlet>();
  #lastCorked: Outlet | null = null;
  #depth = 0;

  /**
   * `flushed` is only for the outlets of streams and components, when a caller waits until the bytes have left the
   * buffer.
   */
  write(outlet: StreamOutlet, stanza: Stanza, flushed?: Flushed): void {
    if (this.#depth > 0 && outlet !== this.#lastCorked) this.#cork(outlet);
    outlet.write(stanza.relay(outlet.contentNamespace), flushed);
  }

  start(): void {
    this.#depth += 1;
  }

  end(): void {
    this.#depth -= 1;
    if (this.#depth > 0 || this.#corked.size === 0) return;
    const corked = [...this.#corked];
    this.#corked.clear();
    this.#lastCorked = null;
    for (const outlet of corked) outlet.uncork();
  }

  /** Combines the writes of `run` into one per outlet. Calls nest: the outermost batch counts. */
  batch(run: () => void): void {
    this.start();
    try {
      run();
    } finally {
      this.end();
    }
  }

  #cork(outlet: Outlet): void {
    if (!this.#corked.has(outlet)) {
      this.#corked.add(outlet);
      outlet.cork();
    }
    this.#lastCorked = outlet;
  }
}
