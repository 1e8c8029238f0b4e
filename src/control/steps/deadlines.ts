/** Deadlines of the actors below one root, by actor: xstate searches those of all actors whenever one ends. */
import type { AnyActor, AnyEventObject } from 'xstate';
import { type Scheduler, type System, systemOf } from './system.ts';

/** Replaces the scheduler of a root actor that has not been started. */
export function keepDeadlines<Root extends AnyActor>(root: Root): Root {
  const system = systemOf(root);
  system.scheduler = new Deadlines(system, root.clock);
  return root;
}

class Deadlines implements Scheduler {
  readonly #system: System;
  readonly #clock: AnyActor['clock'];
  readonly #timers = new Map<object, Map<string, unknown>>();
  #unnamed = 0;

  constructor(system: System, clock: AnyActor['clock']) {
    this.#system = system;
    this.#clock = clock;
  }

  schedule(source: object, target: unknown, event: AnyEventObject, delayMs: number, id = `${this.#unnamed++}`): void {
    let own = this.#timers.get(source);
    if (own === undefined) this.#timers.set(source, (own = new Map<string, unknown>()));
    else this.cancel(source, id);
    const timer: unknown = this.#clock.setTimeout(() => {
      own.delete(id);
      this.#system._relay(source, target, event);
    }, delayMs);
    own.set(id, timer);
  }

  cancel(source: object, id: string): void {
    const own = this.#timers.get(source);
    const timer = own?.get(id);
    if (own?.delete(id) === true) this.#clock.clearTimeout(timer);
  }

  cancelAll(source: object): void {
    const own = this.#timers.get(source);
    if (own === undefined) return;
    this.#timers.delete(source);
    for (const timer of own.values()) this.#clock.clearTimeout(timer);
  }
}
