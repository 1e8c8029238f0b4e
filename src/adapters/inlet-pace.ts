/** Slows down a stream that exceeds its bytes per second: its socket is not read again until those bytes are due. */
import type { Clock, Connection } from '../ports.ts';
import { Allowance } from './allowance.ts';

interface InletPaceOptions {
  readonly connection: Pick<Connection, 'pause' | 'resume'>;
  readonly clock: Clock;
  /** Infinity: no limit. What was not used of the last second may arrive at once. */
  readonly bytesPerSecond: number;
  /** Called the first time that the stream is slowed down. */
  readonly slowed: () => void;
}

/** Other components pause and resume the connection through this class: it is read while neither side has paused it. */
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

  /** Removes the limit: when we close a stream, everything that the peer still had under way is read without delay. */
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

  /** Checks again after the wait: bytes that were read before the pause may still arrive meanwhile. */
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
