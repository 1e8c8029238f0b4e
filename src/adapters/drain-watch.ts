/**
 * Detects a peer that has stopped reading. Until it is detected, its back-pressure holds up the local writers, and with
 * them all other traffic that they carry.
 */
import type { Clock, Connection } from '../ports.ts';

/** Consecutive checks without progress: a process that was itself asleep must not be misled by its first timer. */
const LOOKS = 4;

export interface DrainWatchSetup {
  readonly connection: Pick<Connection, 'bufferedBytes' | 'writable'>;
  readonly clock: Clock;
  /** How long a full connection may take no bytes, in milliseconds. */
  readonly drainMs: number;
  /** Called once; the watch ends with it. */
  readonly stuck: (bufferedBytes: number) => void;
}

/**
 * Costs a comparison per write while the connection has room, and a timer while it is full. A peer that takes any bytes
 * at all is slow, not stuck, however much is written meanwhile.
 */
export class DrainWatch {
  readonly #setup: DrainWatchSetup;
  #timer: unknown = null;
  #writtenBytes = 0;
  /** As of the last check. */
  #takenBytes = 0;
  #idleLooks = 0;
  #over = false;

  constructor(setup: DrainWatchSetup) {
    this.#setup = setup;
  }

  /** Must be called after each write to the connection. */
  wrote(bytes: number): void {
    this.#writtenBytes += bytes;
    if (this.#timer !== null || this.#over || this.#setup.connection.writable) return;
    this.#takenBytes = this.#taken;
    this.#idleLooks = 0;
    this.#wait();
  }

  /** The connection has room again. */
  drained(): void {
    this.#setup.clock.clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** The connection has ended, or another component takes care of its end. */
  stop(): void {
    this.drained();
    this.#over = true;
  }

  /** Only differences are meaningful: the buffer may also hold bytes that others have written. */
  get #taken(): number {
    return this.#writtenBytes - this.#setup.connection.bufferedBytes;
  }

  #wait(): void {
    const { clock, drainMs } = this.#setup;
    this.#timer = clock.setTimeout(() => this.#look(), drainMs / LOOKS);
  }

  #look(): void {
    const taken = this.#taken;
    this.#idleLooks = taken > this.#takenBytes ? 0 : this.#idleLooks + 1;
    this.#takenBytes = taken;
    if (this.#idleLooks < LOOKS) {
      this.#wait();
      return;
    }
    this.stop();
    this.#setup.stuck(this.#setup.connection.bufferedBytes);
  }
}
