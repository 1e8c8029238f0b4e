/** Remote domains that somebody wants a stream to, and those whose failures are remembered. */
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
  /** What policy and chance say of a remote domain now. */
  readonly inputOf: (remote: string) => PeerInput;
  readonly reported: (report: PeerReport) => void;
  /** The domain is being looked up, for stanzas of ours. */
  readonly lookingUp: (remote: string) => void;
  /** It is forgotten; what was wished of it is refused next. */
  readonly errored: (remote: string, why: Fault) => void;
}

type PeerActor = ActorRefFrom<Machines['peer']>;

export class PeerActors {
  readonly #options: PeerActorsOptions;
  readonly #actors = new Map<string, PeerActor>();
  /** Those within a step of theirs in which they report, and what they are woken for meanwhile: the step may end them. */
  readonly #speaking = new Map<PeerActor, PeerActorEvent[]>();
  /** Peers that rest and remember failures, the longest ago first, with what makes us forget them. */
  readonly #remembered = new Map<string, () => void>();

  constructor(options: PeerActorsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#actors.size;
  }

  /** Awake, or remembered for its failures. */
  knows(remote: string): boolean {
    return this.#actors.has(remote);
  }

  /** To the peer, which is woken for it. */
  wake(remote: string, event: PeerActorEvent): void {
    const actor = this.#actors.get(remote) ?? this.#start(remote);
    const heldBack = this.#speaking.get(actor);
    if (heldBack !== undefined) {
      heldBack.push(event);
      return;
    }
    actor.send(event);
    // It broke on the wish itself, and so does not remember it.
    const { status, context, error } = actor.getSnapshot();
    if (status !== 'error' || event.type !== 'local.streamWanted') return;
    const { local, purpose, avoid } = event;
    if (wishesOf(context).some((wish) => wish.local === local && wish.purpose === purpose)) return;
    this.#refuse(remote, [{ local, purpose, avoid }], toFault(error, 'internal'));
  }

  /** To the peer, if it is known. */
  send(remote: string, event: PeerActorEvent): void {
    this.#actors.get(remote)?.send(event);
  }

  /** With why it failed; null where it does not hold off. */
  holdOffOf(remote: string): { readonly fault: Fault | null } | null {
    const snapshot = this.#actors.get(remote)?.getSnapshot();
    return snapshot?.matches('failed') === true ? { fault: snapshot.context.fault } : null;
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
    this.#hasSpoken(actor, remote);
    return context.stream;
  }

  /**
   * Starts them anew with what policy says now; what was wished of them is wished again, and failures are forgotten. Who has
   * a stream opened that the change does not concern goes on with it: another would only wait for that one.
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

  /** What the peer was woken for while it spoke is for it now; or for another, if that was its end. */
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

  /** Whoever asserts domain after domain that cannot be reached must not fill our memory with them (FACTS §14.22). */
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
