/** Work with bounded concurrency and duration: look-ups, fetches, checks. */
import type { Clock, LookUpOptions } from '../ports.ts';

export interface Bounds {
  readonly clock: Clock;
  /** Time limit for one piece of work, in milliseconds, including the wait for its turn. */
  readonly timeoutMs: number;
  /** Pieces of work that run at one time; at most half of them are for verification. */
  readonly most: number;
  /** Pieces of work that may wait for a turn; further ones fail at once. */
  readonly mostWaiting: number;
}

/** On whose behalf the work is done. */
export type Purpose = NonNullable<LookUpOptions['purpose']>;

/**
 * `full`: too many wait already; `no-turn`: the time ran out while waiting; `timeout`: it ran out during the work;
 * `cancelled`: by the caller, or by `close`.
 */
export type WhyNotDone = 'full' | 'no-turn' | 'timeout' | 'cancelled';

export class NotDone extends Error {
  override readonly name = 'NotDone';
  readonly why: WhyNotDone;

  constructor(why: WhyNotDone, text: string, options?: ErrorOptions) {
    super(text, options);
    this.why = why;
  }
}

export class BoundedWork {
  readonly #bounds: Bounds;
  readonly #slots: Slots;
  /** Verification needs one of these as well as one of `#slots`: the rest of `#slots` is left to our own stanzas. */
  readonly #slotsForVerification: Slots;
  readonly #underWay = new Set<Follower>();
  #isClosed = false;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
    const { most, mostWaiting } = bounds;
    this.#slots = createSlots(most, mostWaiting);
    this.#slotsForVerification = createSlots(Math.max(1, Math.floor(most / 2)), mostWaiting);
  }

  /**
   * Waits for a turn and runs `work`, which must end when its signal fires: it keeps its turn until it has ended.
   * @throws NotDone, and whatever `work` throws before its signal fires
   */
  async run<T>(work: (stop: AbortSignal) => Promise<T>, signal: AbortSignal, purpose: Purpose = 'stanzas'): Promise<T> {
    const { clock, timeoutMs } = this.#bounds;
    if (this.#isClosed) throw new NotDone('cancelled', 'closed');
    const gates = purpose === 'verification' ? [this.#slotsForVerification, this.#slots] : [this.#slots];
    if (gates.some(({ full }) => full)) throw new NotDone('full', 'too many wait already');
    const limit = followSignal(signal);
    this.#underWay.add(limit);
    const late = `no answer within ${timeoutMs} ms`;
    const timer = clock.setTimeout(() => limit.abort(late), timeoutMs);
    const taken: (() => void)[] = [];
    try {
      for (const gate of gates) {
        const release = await gate.take(limit.signal);
        if (release !== null) taken.push(release);
        limit.signal.throwIfAborted(); // it may have fired while `take` was being resolved
      }
      return await work(limit.signal);
    } catch (cause) {
      if (!limit.signal.aborted) throw cause;
      if (limit.signal.reason !== late) throw new NotDone('cancelled', 'cancelled', { cause });
      throw new NotDone(taken.length < gates.length ? 'no-turn' : 'timeout', late, { cause });
    } finally {
      clock.clearTimeout(timer);
      limit.unfollow();
      this.#underWay.delete(limit);
      for (const release of taken) release();
    }
  }

  /** Cancels the work under way; later calls of `run` fail with `cancelled`. */
  close(): void {
    this.#isClosed = true;
    for (const limit of this.#underWay) limit.abort('closed');
  }
}

export interface Follower {
  readonly signal: AbortSignal;
  abort(why: string): void;
  unfollow(): void;
}

/** An abort controller that also follows `signal`, until `unfollow` is called: outer signals may live for days. */
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
    /** Resolves to the function that releases the slot, or to null if `signal` fires first. */
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
