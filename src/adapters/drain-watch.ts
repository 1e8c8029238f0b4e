/** Notices a far end that has stopped reading: whoever writes to it is held meanwhile, and with it all else that they carry. */
import type { Clock, Connection } from '../ports.ts';

/** So many looks in a row find that nothing was taken: a process that was itself asleep is not deceived by its first timer. */
const LOOKS = 4;

export interface DrainWatchSetup {
  readonly connection: Pick<Connection, 'bufferedBytes' | 'writable'>;
  readonly clock: Clock;
  /** For how long a full connection may take nothing, in milliseconds. */
  readonly drainMs: number;
  /** Called once; the watch is over. */
  readonly stuck: (bufferedBytes: number) => void;
}

/**
 * Costs a comparison per write while the connection has room, and a timer while it is full. A far end that takes anything
 * at all is slow and not stuck: how much is written meanwhile makes no difference.
 */
export class DrainWatch {
  readonly #setup: DrainWatchSetup;
  #timer: unknown = null;
  #writtenBytes = 0;
  /** As of the last look. */
  #takenBytes = 0;
  #idleLooks = 0;
  #over = false;

  constructor(setup: DrainWatchSetup) {
    this.#setup = setup;
  }

  /** To be called after each write to the connection. */
  wrote(bytes: number): void {
    this.#writtenBytes += bytes;
    if (this.#timer !== null || this.#over || this.#setup.connection.writable) return;
    this.#takenBytes = this.#taken;
    this.#idleLooks = 0;
    this.#wait();
  }

  /** The connection says that it has room again. */
  drained(): void {
    this.#setup.clock.clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** The connection is over, or somebody else sees to its end. */
  stop(): void {
    this.drained();
    this.#over = true;
  }

  /** Only differences mean something: what is buffered may have been written by others too. */
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
