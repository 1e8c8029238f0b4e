/** So many at once, and of one party; the rest wait their turn, party by party, so that whoever brings much delays nobody else. */

type Waiting = () => void;

export interface TurnLimits {
  /** Over all parties. */
  readonly atOnce: number;
  /** Of one party: its share, however much is free. */
  readonly perParty: number;
  /** Of one party; a further one is turned away. */
  readonly waitingPerParty: number;
}

export class Turns {
  readonly #limits: TurnLimits;
  #free: number;
  /** By party; those that have none are not in it. */
  readonly #taken = new Map<string, number>();
  /** By party, in the order of whose turn is next. */
  readonly #waiting = new Map<string, Set<Waiting>>();

  constructor(limits: TurnLimits) {
    this.#limits = limits;
    this.#free = limits.atOnce;
  }

  /** As many of this party wait as may. */
  isCrowded(party: string): boolean {
    return (this.#waiting.get(party)?.size ?? 0) >= this.#limits.waitingPerParty;
  }

  /** Resolves when it is the turn of this party: call {@link release} afterwards. Rejects with the reason of `signal`. */
  async take(party: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#free > 0 && this.#hasShareLeft(party)) {
      this.#seize(party);
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

  /** The turn of this party is over. */
  release(party: string): void {
    const left = this.#takenBy(party) - 1;
    if (left > 0) this.#taken.set(party, left);
    else this.#taken.delete(party);
    this.#free += 1;
    this.#callNext();
  }

  /** Those that are passed over have their whole share: never more than `atOnce / perParty`. */
  #callNext(): void {
    for (const [party, line] of this.#waiting) {
      if (!this.#hasShareLeft(party)) continue;
      this.#waiting.delete(party);
      const [first] = line;
      if (first === undefined) continue;
      line.delete(first);
      if (line.size > 0) this.#waiting.set(party, line); // behind the others
      this.#seize(party);
      first();
      return;
    }
  }

  #seize(party: string): void {
    this.#free -= 1;
    this.#taken.set(party, this.#takenBy(party) + 1);
  }

  #hasShareLeft(party: string): boolean {
    return this.#takenBy(party) < this.#limits.perParty;
  }

  #takenBy(party: string): number {
    return this.#taken.get(party) ?? 0;
  }
}
