/** So many at once; the rest wait their turn, party by party, so that whoever brings much delays nobody else. */

type Waiting = () => void;

export class Turns {
  #free: number;
  /** By party, in the order of whose turn is next. */
  readonly #waiting = new Map<string, Set<Waiting>>();

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  /** Resolves when it is the turn of this party: call {@link release} afterwards. Rejects with the reason of `signal`. */
  async take(party: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    const line = this.#waiting.get(party) ?? new Set<Waiting>();
    this.#waiting.set(party, line);
    await new Promise<void>((resolve, reject) => {
      const abandoned = (): void => {
        line.delete(called);
        if (line.size === 0 && this.#waiting.get(party) === line) this.#waiting.delete(party);
        reject(new Error('nobody waits for it any more', { cause: signal.reason }));
      };
      const called = (): void => {
        signal.removeEventListener('abort', abandoned);
        resolve();
      };
      line.add(called);
      signal.addEventListener('abort', abandoned, { once: true });
    });
  }

  release(): void {
    for (const [party, line] of this.#waiting) {
      this.#waiting.delete(party);
      const [first] = line;
      if (first === undefined) continue;
      line.delete(first);
      if (line.size > 0) this.#waiting.set(party, line); // behind the others
      first();
      return;
    }
    this.#free += 1;
  }
}
