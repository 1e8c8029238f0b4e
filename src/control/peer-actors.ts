/** Remote domains that somebody wants a stream to, and those whose failures are remembered. */
import { type ActorRefFrom, createActor } from 'xstate';
import type { PeerActorEvent, PeerReport, StreamId, StreamWish } from '../../machines/events.ts';
import { limits } from '../../machines/limits.ts';
import { type PeerInput, wishesOf } from '../../machines/peer.machine.ts';
import { type Fault, toFault } from '../protocol/faults.ts';
import type { Machines } from './effects.ts';
import type { Recorder } from './recorder.ts';

export interface PeerActorsOptions {
  readonly machine: Machines['peer'];
  readonly recorder: Recorder;
  /** What policy and chance say of a remote domain now. */
  readonly inputOf: (remote: string) => PeerInput;
  readonly reported: (report: PeerReport) => void;
  readonly errored: (remote: string, why: Fault) => void;
}

export class PeerActors {
  readonly #options: PeerActorsOptions;
  readonly #actors = new Map<string, ActorRefFrom<Machines['peer']>>();
  /** Peers that rest and remember failures, the longest ago first, with what makes us forget them. */
  readonly #remembered = new Map<string, () => void>();

  constructor(options: PeerActorsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#actors.size;
  }

  /** To the peer, which is woken for it. */
  wake(remote: string, event: PeerActorEvent): void {
    (this.#actors.get(remote) ?? this.#start(remote)).send(event);
  }

  /** To the peer, if it is known. */
  send(remote: string, event: PeerActorEvent): void {
    this.#actors.get(remote)?.send(event);
  }

  /** Forgets the peer if it has wishes and none of them `matters`; answers the stream that was being opened for them. */
  dismiss(remote: string, matters: (wish: StreamWish) => boolean): StreamId | null {
    const actor = this.#actors.get(remote);
    if (actor === undefined) return null;
    const { context } = actor.getSnapshot();
    const wishes = wishesOf(context);
    if (wishes.length === 0 || wishes.some(matters)) return null;
    this.#actors.delete(remote);
    actor.stop();
    return context.stream;
  }

  /** Forgets all of them, and refuses what was wished for with `why`. */
  refuseAll(why: Fault): void {
    const actors = [...this.#actors.values()];
    this.#actors.clear();
    this.#remembered.clear();
    for (const actor of actors) {
      const { context } = actor.getSnapshot();
      actor.stop();
      for (const wish of wishesOf(context)) {
        this.#options.reported({ type: 'stream.refused', remote: context.remote, wish, fault: why });
      }
    }
  }

  stop(): void {
    const actors = [...this.#actors.values()];
    this.#actors.clear();
    this.#remembered.clear();
    for (const actor of actors) actor.stop();
  }

  #start(remote: string): ActorRefFrom<Machines['peer']> {
    const { machine, recorder, inputOf, reported, errored } = this.#options;
    const actor = createActor(machine, { id: 'peer', input: inputOf(remote), ...recorder.watching(`peer:${remote}`) });
    this.#actors.set(remote, actor);
    const forget = (): void => {
      if (this.#actors.get(remote) === actor) this.#actors.delete(remote);
      actor.stop();
    };
    actor.on('*', reported);
    let born = false;
    actor.subscribe({
      next: (snapshot) => {
        this.#remembered.delete(remote);
        if (born && snapshot.hasTag('quiet')) {
          if (snapshot.context.failures === 0) forget();
          else this.#rememberFailures(remote, forget);
        }
        born = true;
      },
      error: (thrown) => {
        forget();
        errored(remote, toFault(thrown, 'internal'));
      },
    });
    actor.start();
    born = true;
    return actor;
  }

  /** Whoever claims domain after domain that cannot be reached must not fill our memory with them (FACTS §14.22). */
  #rememberFailures(remote: string, forget: () => void): void {
    this.#remembered.set(remote, forget);
    if (this.#remembered.size <= limits.failuresRemembered) return;
    for (const [oldest, forgetOldest] of this.#remembered) {
      this.#remembered.delete(oldest);
      forgetOldest();
      break;
    }
  }
}
