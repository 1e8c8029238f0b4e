/** Look-ups bounded in number and in time. */
import type { Clock, LookUpOptions } from '../../ports.ts';
import type { Outcome } from './outcome.ts';

export interface Bounds {
  /** The longest that one look-up takes, in milliseconds, waiting for its turn included. */
  readonly timeoutMs: number;
  readonly maxQueries: number;
  readonly maxWaiting: number;
  readonly clock: Clock;
}

/** On whose behalf it is asked. */
export type Purpose = NonNullable<LookUpOptions['purpose']>;

export class BoundedLookUps {
  readonly #bounds: Bounds;
  readonly #slots: Slots;
  /** Part of them: what is asked on behalf of verification goes through both, so that the rest is always there for our own. */
  readonly #slotsForVerification: Slots;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
    const { maxQueries, maxWaiting } = bounds;
    this.#slots = createSlots(maxQueries, maxWaiting);
    this.#slotsForVerification = createSlots(Math.max(1, Math.floor(maxQueries / 2)), maxWaiting);
  }

  /** A look-up that waits for its turn; it ends when its time is over or `signal` fires, and then at once. */
  async run<Found>(
    look: (stop: AbortSignal) => Promise<Outcome<Found>>,
    signal: AbortSignal,
    purpose: Purpose,
  ): Promise<Outcome<Found>> {
    const { clock, timeoutMs } = this.#bounds;
    const gates = purpose === 'verification' ? [this.#slotsForVerification, this.#slots] : [this.#slots];
    if (gates.some(({ full }) => full)) return { kind: 'failed', reason: 'too many look-ups wait already' };
    const limit = followSignal(signal);
    const timer = clock.setTimeout(() => limit.abort(`no answer within ${timeoutMs} ms`), timeoutMs);
    const taken: (() => void)[] = [];
    try {
      for (const gate of gates) {
        const release = await gate.take(limit.signal);
        if (release === null) return { kind: 'failed', reason: String(limit.signal.reason) };
        taken.push(release);
      }
      limit.signal.throwIfAborted(); // it may have fired while the slot was on its way to us
      return await look(limit.signal);
    } catch (thrown) {
      return { kind: 'failed', reason: limit.signal.aborted ? String(limit.signal.reason) : String(thrown) };
    } finally {
      clock.clearTimeout(timer);
      limit.unfollow();
      for (const release of taken) release();
    }
  }
}

export interface Follower {
  readonly signal: AbortSignal;
  abort(why: string): void;
  unfollow(): void;
}

/** An abort controller that also follows `signal`, until `unfollow`: outer signals may live for days. */
export function followSignal(signal: AbortSignal): Follower {
  const controller = new AbortController();
  const follow = () => controller.abort('cancelled');
  if (signal.aborted) follow();
  else signal.addEventListener('abort', follow, { once: true });
  return {
    signal: controller.signal,
    abort: (why: string) => controller.abort(why),
    unfollow: () => signal.removeEventListener('abort', follow),
  };
}

/** Settles when `work` does, or rejects when `stop` fires; for work that cannot be cancelled. */
export function abandonable<T>(work: Promise<T>, stop: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    stop.addEventListener('abort', () => reject(new Error(String(stop.reason))), { once: true });
    work.then(resolve, reject);
  });
}

type Slots = ReturnType<typeof createSlots>;

/** A counting semaphore, first come first served. */
export function createSlots(size: number, maxWaiting: number) {
  let free = size;
  const waiting = new Set<() => void>();
  const release = () => {
    free += 1;
    const [next] = waiting;
    next?.();
  };
  return {
    get full(): boolean {
      return free === 0 && waiting.size >= maxWaiting;
    },
    /** Answers the release of a slot, or null if `signal` came first. */
    take: (signal: AbortSignal): Promise<(() => void) | null> =>
      new Promise((resolve) => {
        const giveUp = () => {
          waiting.delete(enter);
          resolve(null);
        };
        const enter = () => {
          waiting.delete(enter);
          signal.removeEventListener('abort', giveUp);
          free -= 1;
          resolve(release);
        };
        if (signal.aborted) {
          resolve(null);
        } else if (free > 0) {
          enter();
        } else {
          waiting.add(enter);
          signal.addEventListener('abort', giveUp, { once: true });
        }
      }),
  };
}
