/** Remote domains to which a stream is wanted, and those whose failures are remembered. */
import { type ActorRefFrom, createActor } from 'xstate';
import type { PeerActorEvent, PeerReport, StreamId, StreamWish } from '../../machines/events.ts';
import { limits } from '../../machines/limits.ts';
import { type PeerInput, wishesOf } from '../../machines/peer.machine.ts';
import { type Fault, toFault } from '../protocol/faults.ts';
import type { Machines } from './effects.ts';
import type { Recorder } from './recorder.ts';
import { keepDeadlines } from './steps/deadlines.ts';

export interface PeerActorsOptions {
  readonly machine: Machines['peer'];
  readonly recorder: Recorder;
  /** The input from the current policy, and a random jitter, for a remote domain. */
  readonly inputOf: (remote: string) => PeerInput;
  readonly reported: (report: PeerReport) => void;
  /** The domain is being looked up for our own stanzas. */
  readonly lookingUp: (remote: string) => void;
  /** The actor failed and is forgotten; its pending wishes are refused next. */
  readonly errored: (remote: string, why: Fault) => void;
}

type PeerActor = ActorRefFrom<Machines['peer']>;

export class PeerActors {
  readonly #options: PeerActorsOptions;
  readonly #actors = new Map<string, PeerActor>();
  /** Actors that are reporting within a step, and the events held back for them meanwhile: the step may end them. */
  readonly #speaking = new Map<PeerActor, PeerActorEvent[]>();
  /** Idle peers that remember failures, those remembered longest first, with a function that forgets each. */
  readonly #remembered = new Map<string, () => void>();

  constructor(options: PeerActorsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#actors.size;
  }

  /** Whether the peer has an actor: awake, or kept for its failures. */
  knows(remote: string): boolean {
    return this.#actors.has(remote);
  }

  /** Sends to the peer, which is woken if necessary. */
  wake(remote: string, event: PeerActorEvent): void {
    const actor = this.#actors.get(remote) ?? this.#start(remote);
    const heldBack = this.#speaking.get(actor);
    if (heldBack !== undefined) {
      heldBack.push(event);
      return;
    }
    actor.send(event);
    // The actor failed on the wish itself, and so does not remember it.
    const { status, context, error } = actor.getSnapshot();
    if (status !== 'error' || event.type !== 'local.streamWanted') return;
    const { local, purpose, avoid } = event;
    if (wishesOf(context).some((wish) => wish.local === local && wish.purpose === purpose)) return;
    this.#refuse(remote, [{ local, purpose, avoid }], toFault(error, 'internal'));
  }

  /** Sends to the peer, if it is known. */
  send(remote: string, event: PeerActorEvent): void {
    this.#actors.get(remote)?.send(event);
  }

  /** The reason for its failure; null when it is not held off. */
  holdOffOf(remote: string): { readonly fault: Fault | null } | null {
    const snapshot = this.#actors.get(remote)?.getSnapshot();
    return snapshot?.matches('failed') === true ? { fault: snapshot.context.fault } : null;
  }

  /**
   * Forgets the peer if it has wishes and none of them `matters`; returns the stream that was being opened for them.
   */
  dismiss(remote: string, matters: (wish: StreamWish) => boolean): StreamId | null {
    const actor = this.#actors.get(remote);
    if (actor === undefined) return null;
    const { context } = actor.getSnapshot();
    const wishes = wishesOf(context);
    if (wishes.length === 0 || wishes.some(matters)) return null;
    this.#actors.delete(remote);
    actor.stop();
    this.#hasSpoken(actor, remote);
    return context.stream;
  }

  /**
   * Restarts the peers under the policy now in force: their wishes are made again, and failures are forgotten. A peer
   * that is having a stream opened and is not concerned by the change continues, since a new actor would only wait for
   * the same stream.
   */
  restart(concerns: (remote: string) => boolean): void {
    const actors = [...this.#actors.values()].filter((actor) => {
      const { context } = actor.getSnapshot();
      return context.stream === null || concerns(context.remote);
    });
    this.#remembered.clear();
    for (const actor of actors) {
      this.#actors.delete(actor.getSnapshot().context.remote);
      actor.stop();
    }
    for (const actor of actors) {
      const { context } = actor.getSnapshot();
      for (const wish of wishesOf(context)) this.wake(context.remote, { type: 'local.streamWanted', ...wish });
      this.#hasSpoken(actor, context.remote);
    }
  }

  stop(): void {
    const actors = [...this.#actors.values()];
    this.#actors.clear();
    this.#remembered.clear();
    for (const actor of actors) actor.stop();
  }

  /** Delivers the events held back while the peer was reporting: to it, or to a new actor if it has ended. */
  #hasSpoken(actor: PeerActor, remote: string): void {
    const heldBack = this.#speaking.get(actor) ?? [];
    this.#speaking.delete(actor);
    for (const event of heldBack) this.wake(remote, event);
  }

  #refuse(remote: string, wishes: readonly StreamWish[], why: Fault): void {
    for (const wish of wishes) this.#options.reported({ type: 'stream.refused', remote, wish, fault: why });
  }

  #start(remote: string): PeerActor {
    const { machine, recorder, inputOf, reported, errored, lookingUp } = this.#options;
    const { clock } = recorder;
    const actor = keepDeadlines(createActor(machine, { id: `peer:${remote}`, input: inputOf(remote), clock }));
    this.#actors.set(remote, actor);
    const forget = (): void => {
      if (this.#actors.get(remote) === actor) this.#actors.delete(remote);
      actor.stop();
    };
    actor.on('*', (report) => {
      if (!this.#speaking.has(actor)) this.#speaking.set(actor, []);
      reported(report);
    });
    let born = false;
    actor.subscribe({
      next: (snapshot) => {
        this.#remembered.delete(remote);
        const { attempts, purpose } = snapshot.context;
        if (snapshot.matches('dnsResolution') && attempts === 0 && purpose === 'stanzas') lookingUp(remote);
        if (born && snapshot.hasTag('quiet')) {
          if (snapshot.context.failures === 0) forget();
          else this.#rememberFailures(remote, forget);
        }
        born = true;
        this.#hasSpoken(actor, remote);
      },
      error: (thrown) => {
        forget();
        const why = toFault(thrown, 'internal');
        errored(remote, why);
        this.#refuse(remote, wishesOf(actor.getSnapshot().context), why);
        this.#hasSpoken(actor, remote);
      },
    });
    actor.start();
    born = true;
    return actor;
  }

  /**
   * Bounds the memory that a peer can make us use by asserting one unreachable domain after another (XEP-0220 §2.1.1,
   * §2.5).
   */
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
