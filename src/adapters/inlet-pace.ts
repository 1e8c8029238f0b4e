/** Slows who brings more bytes a second than is allowed: its socket is read no further until they are due (FEATURES L2). */
import type { Clock, Connection } from '../ports.ts';
import { Allowance } from './allowance.ts';

interface InletPaceOptions {
  readonly connection: Pick<Connection, 'pause' | 'resume'>;
  readonly clock: Clock;
  /** Infinity: nobody is slowed. What was not used of the last second may come at once. */
  readonly bytesPerSecond: number;
  /** Told the first time. */
  readonly slowed: () => void;
}

/** Stands before the connection for whoever else pauses it: it is read when neither holds it. */
export class InletPace {
  readonly #connection: InletPaceOptions['connection'];
  readonly #clock: Clock;
  #allowance: Allowance | null;
  readonly #slowed: () => void;
  #wasSlowed = false;
  #isPaused = false;
  #waits: unknown = null;

  constructor({ connection, clock, bytesPerSecond, slowed }: InletPaceOptions) {
    this.#connection = connection;
    this.#slowed = slowed;
    this.#clock = clock;
    this.#allowance =
      bytesPerSecond === Infinity
        ? null
        : new Allowance({ perSecond: bytesPerSecond, most: bytesPerSecond }, clock.now());
  }

  pause(): void {
    this.#isPaused = true;
    if (this.#waits === null) this.#connection.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#waits === null) this.#connection.resume();
  }

  brought(bytes: number): void {
    if (this.#allowance === null) return;
    this.#allowance.use(bytes, this.#clock.now());
    if (this.#waits === null) this.#waitFor(this.#allowance);
  }

  /** It is read as fast as it comes from now on: of whom we take leave, all that was under way is heard. */
  lift(): void {
    this.#allowance = null;
    if (this.#waits === null) return;
    this.stop();
    this.#waits = null;
    if (!this.#isPaused) this.#connection.resume();
  }

  stop(): void {
    this.#clock.clearTimeout(this.#waits);
  }

  /** More may come meanwhile: what was read before the pause. */
  #waitFor(allowance: Allowance): void {
    const debtMs = allowance.debtMs(this.#clock.now());
    if (debtMs === 0) return;
    if (!this.#wasSlowed) this.#slowed();
    this.#wasSlowed = true;
    if (!this.#isPaused) this.#connection.pause();
    this.#waits = this.#clock.setTimeout(() => {
      this.#waits = null;
      this.#waitFor(allowance);
      if (this.#waits === null && !this.#isPaused) this.#connection.resume();
    }, Math.ceil(debtMs));
  }
}
