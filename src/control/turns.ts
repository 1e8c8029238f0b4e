/**
 * A bound on how many work at once, in total and per party; the rest wait in turn, party by party, so that a busy party
 * delays no other.
 */

type Waiting = () => void;

export interface TurnLimits {
  /** Turns at once, over all parties. */
  readonly atOnce: number;
  /** Turns at once of one party: its share, however many are free. */
  readonly perParty: number;
  /** How many of one party may wait; further ones are rejected. */
  readonly waitingPerParty: number;
}

export class Turns {
  readonly #limits: TurnLimits;
  #free: number;
  /** By party; parties without a turn are not in it. */
  readonly #taken = new Map<string, number>();
  /** By party; the first party is next. */
  readonly #waiting = new Map<string, Set<Waiting>>();

  constructor(limits: TurnLimits) {
    this.#limits = limits;
    this.#free = limits.atOnce;
  }

  /** Whether no further one of this party may wait. */
  isCrowded(party: string): boolean {
    return (this.#waiting.get(party)?.size ?? 0) >= this.#limits.waitingPerParty;
  }

  /** Resolves when it is the party's turn: call {@link release} afterwards. Rejects with the reason of `signal`. */
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

  /** Returns a turn of this party. */
  release(party: string): void {
    const left = this.#takenBy(party) - 1;
    if (left > 0) this.#taken.set(party, left);
    else this.#taken.delete(party);
    this.#free += 1;
    this.#callNext();
  }

  /** Parties that are passed over have their whole share; there are never more than `atOnce / perParty` of them. */
  #callNext(): void {
    for (const [party, line] of this.#waiting) {
      if (!this.#hasShareLeft(party)) continue;
      this.#waiting.delete(party);
      const [first] = line;
      if (first === undefined) continue;
      line.delete(first);
      if (line.size > 0) this.#waiting.set(party, line); // moves behind the other parties
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
