/** Domain pairs that have an actor: a pair that rests or is routed is only a row in the router's tables. */
import { type ActorRefFrom, createActor } from 'xstate';
import type { PairEvent, PairReport, StreamId } from '../../machines/events.ts';
import type { pair } from '../../machines/pair.machine.ts';
import { type Fault, toFault } from '../protocol/faults.ts';
import type { Machines } from './effects.ts';
import type { Recorder } from './recorder.ts';
import { keepDeadlines } from './steps/deadlines.ts';

interface AwakePair {
  readonly actor: ActorRefFrom<typeof pair>;
  readonly sleep: () => void;
  /** The stream whose answer it waits for. */
  stream: StreamId | null;
}

export interface PairActorsOptions {
  readonly machine: Machines['pair'];
  readonly recorder: Recorder;
  readonly reported: (report: PairReport) => void;
  /** The actor failed; only this pair is affected. */
  readonly errored: (local: string, remote: string, why: Fault) => void;
}

export class PairActors {
  readonly #options: PairActorsOptions;
  /** By remote, then by local domain: news about a remote domain concerns only its own pairs. */
  readonly #awake = new Map<string, Map<string, AwakePair>>();
  readonly #waitingOn = new Map<StreamId, Set<AwakePair>>();

  constructor(options: PairActorsOptions) {
    this.#options = options;
  }

  get size(): number {
    let size = 0;
    for (const row of this.#awake.values()) size += row.size;
    return size;
  }

  /** Sends to the pair, which is woken if necessary. */
  wake(local: string, remote: string, event: PairEvent): void {
    (this.#awake.get(remote)?.get(local) ?? this.#start(local, remote)).actor.send(event);
  }

  /** Sends to the pair, if it is awake. */
  send(local: string, remote: string, event: PairEvent): void {
    this.#awake.get(remote)?.get(local)?.actor.send(event);
  }

  /** The reason for its failure; null when it is not held off. */
  holdOffOf(local: string, remote: string): { readonly fault: Fault | null } | null {
    const snapshot = this.#awake.get(remote)?.get(local)?.actor.getSnapshot();
    return snapshot?.matches('failed') === true ? { fault: snapshot.context.fault } : null;
  }

  /** Puts a failed pair to rest: its failure is forgotten. */
  endHoldOff(local: string, remote: string): void {
    if (this.holdOffOf(local, remote) !== null) this.#awake.get(remote)?.get(local)?.sleep();
  }

  /** The pair now waits for an answer on this stream, and on no other. */
  waitsOn(stream: StreamId, local: string, remote: string): void {
    const awake = this.#awake.get(remote)?.get(local);
    if (awake === undefined) return;
    this.#leave(awake);
    awake.stream = stream;
    const waiting = this.#waitingOn.get(stream);
    if (waiting === undefined) this.#waitingOn.set(stream, new Set([awake]));
    else waiting.add(awake);
  }

  sendToThoseOn(stream: StreamId, event: PairEvent): void {
    for (const { actor } of [...(this.#waitingOn.get(stream) ?? [])]) actor.send(event);
  }

  sendToThoseTowards(remote: string, event: PairEvent): void {
    for (const { actor } of [...(this.#awake.get(remote)?.values() ?? [])]) actor.send(event);
  }

  stop(): void {
    const rows = [...this.#awake.values()];
    this.#awake.clear();
    this.#waitingOn.clear();
    for (const row of rows) for (const { actor } of row.values()) actor.stop();
  }

  #start(local: string, remote: string): AwakePair {
    const { machine, recorder, reported, errored } = this.#options;
    const input = { local, remote };
    const { clock } = recorder;
    const actor = keepDeadlines(createActor(machine, { id: `pair:${local}>${remote}`, input, clock }));
    const row = this.#awake.get(remote) ?? new Map<string, AwakePair>();
    const sleep = (): void => {
      this.#leave(awake);
      if (row.get(local) === awake) row.delete(local);
      if (row.size === 0 && this.#awake.get(remote) === row) this.#awake.delete(remote);
      actor.stop();
    };
    const awake: AwakePair = { actor, sleep, stream: null };
    this.#awake.set(remote, row.set(local, awake));
    actor.on('*', reported);
    let born = false;
    actor.subscribe({
      next: (snapshot) => {
        if (born && snapshot.hasTag('quiet')) sleep();
        born = true;
      },
      error: (thrown) => {
        sleep();
        errored(local, remote, toFault(thrown, 'internal'));
      },
    });
    actor.start();
    born = true;
    return awake;
  }

  #leave(awake: AwakePair): void {
    if (awake.stream === null) return;
    const waiting = this.#waitingOn.get(awake.stream);
    waiting?.delete(awake);
    if (waiting?.size === 0) this.#waitingOn.delete(awake.stream);
    awake.stream = null;
  }
}
