/**
 * Finds out where an asserted domain is served before a stream to it is requested: one that leads there may exist
 * already.
 */
import { type ActorRefFrom, createActor } from 'xstate';
import type { PeerInput } from '../../machines/peer.machine.ts';
import type { Resolution } from '../../machines/resolution.machine.ts';
import { fault, toFault } from '../protocol/faults.ts';
import type { Machines } from './effects.ts';
import type { Recorder } from './recorder.ts';
import { keepDeadlines } from './steps/deadlines.ts';

export interface WhereaboutsOptions {
  readonly machine: Machines['resolution'];
  readonly recorder: Recorder;
  readonly inputOf: (remote: string) => PeerInput;
}

/** One look-up in progress, given up when nobody waits for it any more. */
interface LookUp {
  readonly actor: ActorRefFrom<Machines['resolution']>;
  readonly settled: Promise<Resolution>;
  askers: number;
}

const notFinished = fault('dns', 'not-finished', 'local');

export class Whereabouts {
  readonly #options: WhereaboutsOptions;
  readonly #underWay = new Map<string, LookUp>();

  constructor(options: WhereaboutsOptions) {
    this.#options = options;
  }

  /** What the domain's peer would find out, shared by all who ask at the same time; null when `signal` fires. */
  find(remote: string, signal: AbortSignal): Promise<Resolution | null> {
    if (signal.aborted) return Promise.resolve(null);
    const lookUp = this.#underWay.get(remote) ?? this.#start(remote);
    lookUp.askers += 1;
    return new Promise((resolve) => {
      const leave = (): void => {
        lookUp.askers -= 1;
        if (lookUp.askers === 0) this.#forget(remote, lookUp);
        resolve(null);
      };
      signal.addEventListener('abort', leave, { once: true });
      void lookUp.settled.then((resolution) => {
        signal.removeEventListener('abort', leave);
        resolve(resolution);
      });
    });
  }

  #start(remote: string): LookUp {
    const { machine, recorder, inputOf } = this.#options;
    const { fixedTarget, asksForTlsa, service = 'xmpp-server' } = inputOf(remote);
    const manner = { fresh: false, purpose: 'verification' as const };
    const { clock } = recorder;
    const input = { remoteDomain: remote, service, fixedTarget, asksForTlsa, targets: [], ...manner };
    const actor = keepDeadlines(createActor(machine, { id: `resolution:${remote}`, input, clock }));
    const settled = new Promise<Resolution>((resolve) => {
      actor.subscribe({
        complete: () => resolve(actor.getSnapshot().output ?? { kind: 'failed', fault: notFinished }),
        error: (thrown) => resolve({ kind: 'failed', fault: toFault(thrown, 'dns') }),
      });
    });
    const lookUp: LookUp = { actor, settled, askers: 0 };
    this.#underWay.set(remote, lookUp);
    void settled.then(() => this.#forget(remote, lookUp));
    actor.start();
    return lookUp;
  }

  #forget(remote: string, lookUp: LookUp): void {
    if (this.#underWay.get(remote) === lookUp) this.#underWay.delete(remote);
    lookUp.actor.stop();
  }
}
