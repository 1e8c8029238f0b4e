/**
 * Defers what must not happen inside the call that caused it to a fresh task: bounces, outcomes, requests for routes.
 */
import type { Clock } from '../ports.ts';

/**
 * Runs functions in order, in one task of the clock. Functions that they add run in the next task, so a sender that
 * answers every bounce with a new stanza neither recurses nor starves the sockets.
 */
export class Later {
  readonly #clock: Clock;
  readonly #around: (run: () => void) => void;
  #tasks: (() => void)[] = [];
  #armed = false;

  constructor(clock: Clock, around: (run: () => void) => void) {
    this.#clock = clock;
    this.#around = around;
  }

  add(task: () => void): void {
    this.#tasks.push(task);
    this.#arm();
  }

  #arm(): void {
    if (this.#armed) return;
    this.#armed = true;
    this.#clock.setTimeout(() => this.#run(), 0);
  }

  #run(): void {
    this.#armed = false;
    const tasks = this.#tasks;
    this.#tasks = [];
    let done = 0;
    try {
      this.#around(() => {
        for (const task of tasks) {
          done += 1;
          task();
        }
      });
    } finally {
      // A callback that throws is the embedder's fault; those after it still run.
      if (done < tasks.length) this.#tasks = [...tasks.slice(done), ...this.#tasks];
      if (this.#tasks.length > 0) this.#arm();
    }
  }
}
