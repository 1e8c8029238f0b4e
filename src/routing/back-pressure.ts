/** Which inlets are paused, and why: pausing is how a full buffer reaches the sender that fills it. */
import type { Inlet } from './types.ts';

/**
 * An inlet is held by causes (an outlet that cannot take more, a queue that is half full) and resumes when the last of
 * them is gone. A cause holds only inlets that wrote to it, so one slow receiver slows only its own senders.
 */
export class BackPressure {
  readonly #heldBy = new Map<object, Set<Inlet>>();
  readonly #causes = new Map<Inlet, number>();

  get pausedInlets(): number {
    return this.#causes.size;
  }

  hold(inlet: Inlet, cause: object): void {
    const held = this.#heldBy.get(cause);
    if (held?.has(inlet) === true) return;
    if (held === undefined) this.#heldBy.set(cause, new Set([inlet]));
    else held.add(inlet);
    const causes = this.#causes.get(inlet) ?? 0;
    this.#causes.set(inlet, causes + 1);
    if (causes === 0) inlet.pause();
  }

  /** The cause is gone; true if it had held anything. */
  release(cause: object): boolean {
    const held = this.#heldBy.get(cause);
    if (held === undefined) return false;
    this.#heldBy.delete(cause); // first: `resume` may bring stanzas at once, and with them a new hold
    for (const inlet of held) this.#resumeOne(inlet);
    return true;
  }

  /** The inlet is no longer in use: it is no longer held and is resumed, so that it is read to its end. */
  forget(inlet: Inlet): void {
    if (!this.#causes.delete(inlet)) return;
    for (const [cause, held] of this.#heldBy) if (held.delete(inlet) && held.size === 0) this.#heldBy.delete(cause);
    inlet.resume();
  }

  #resumeOne(inlet: Inlet): void {
    const causes = this.#causes.get(inlet) ?? 0;
    if (causes > 1) {
      this.#causes.set(inlet, causes - 1);
    } else if (this.#causes.delete(inlet)) {
      inlet.resume();
    }
  }
}
