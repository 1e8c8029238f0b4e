/**
 * Costly answers. They are computed in slices between which stanzas are processed, take turns when there are several,
 * and are cached for a while, so that pages that ask every second use only a small share of the processor, however much
 * there is to look at.
 */

/**
 * Longest slice, in milliseconds. One slice runs per event loop turn: an answer that takes 80 ms is ready after ten
 * turns, and anything else that is ready waits for one slice.
 */
const SLICE_MS = 8;
/**
 * An answer is cached for this many times the processor time that it took, so that about one part in this many is spent
 * on it, within the bounds below.
 */
const GOOD_FOR_TIMES = 100;
/** The least and the most time for which an answer is cached, in milliseconds. */
const GOOD_FOR_MS = [250, 12_000] as const;
/** How long a polling client waits for a complete answer before it gets the part that is ready, in milliseconds. */
const PATIENCE_MS = 100;
/** How often that part is updated while the answer is being computed, in milliseconds. */
const AGAIN_MS = 1_000;
/** Answers older than this, in milliseconds, are not given to anybody. */
const STALE_MS = 30_000;
/** Most cached answers; a page asks for a few lists each. */
const MOST_KEPT = 32;

/** Answers computed in turns; the others wait until one of them is done. */
const MADE_AT_ONCE = 4;
/**
 * Maximum number of unfinished answers, waiting ones included; further ones are rejected, since a started one is held
 * in memory.
 */
const MOST_MAKINGS = 64;

/** Too many answers are being computed. */
export class Overasked extends Error {
  override readonly name = 'Overasked';
}

/** Makes an answer from what has been computed so far. */
export type Interim<Answer> = () => Answer;
export type Steps<Answer> = () => Generator<Interim<Answer> | undefined, Answer>;

export interface Given<Answer> {
  readonly answer: Answer;
  /** Its age, in milliseconds. */
  readonly ageMs: number;
}

interface Found<Answer> {
  readonly answer: Answer;
  readonly atMs: number;
}

interface Made<Answer> extends Found<Answer> {
  /** Time from the question to the answer, including the turns of others, in milliseconds. */
  readonly lastedMs: number;
}

interface Kept<Answer> {
  /** The complete answer; and that, or the part that is ready when `PATIENCE_MS` have passed. */
  readonly whole: Promise<Answer>;
  readonly soon: Promise<Found<Answer>>;
  /** The latest part, once `PATIENCE_MS` have passed. */
  found: Found<Answer> | null;
  /** When it expires; Infinity while it is being computed. */
  untilMs: number;
  made: Made<Answer> | null;
  /** The previous answer. */
  readonly before: Made<Answer> | null;
}

interface Making<Answer> {
  readonly steps: Generator<Interim<Answer> | undefined, Answer>;
  readonly askedMs: number;
  /** Processor time used, in milliseconds. */
  usedMs: number;
  /** When the next part is given out. */
  tellsMs: number;
  readonly done: (answer: Answer) => void;
  readonly found: (answer: Answer) => void;
  readonly failed: (error: unknown) => void;
}

export class Paced<Answer> {
  readonly #nowMs: () => number;
  readonly #usedMs: () => number;
  readonly #kept = new Map<string, Kept<Answer>>();
  /** Those being computed, then those that wait; the first has the next slice. */
  readonly #makings: Making<Answer>[] = [];
  #isRunning = false;

  /** @param usedMs processor time used so far: unlike elapsed time, it does not grow while other processes run */
  constructor(nowMs: () => number = () => performance.now(), usedMs: () => number = processorMs) {
    this.#nowMs = nowMs;
    this.#usedMs = usedMs;
  }

  /**
   * Returns the answer for `key`; requests made meanwhile or soon after get the same one.
   * @throws Overasked when too many others are being computed; so does {@link soon}
   */
  async answer(key: string, steps: Steps<Answer>): Promise<Given<Answer>> {
    const kept = this.#keptFor(key, steps);
    const answer = await kept.whole;
    return { answer, ageMs: this.#ageOf(kept.made) };
  }

  /**
   * The same for clients that ask every second: when an answer takes long, they get the previous one, or the part that
   * is ready. A later request gets more.
   */
  async soon(key: string, steps: Steps<Answer>): Promise<Given<Answer>> {
    const kept = this.#keptFor(key, steps);
    const { made, before } = kept;
    if (made !== null) return { answer: made.answer, ageMs: this.#ageOf(made) };
    const isLong = before !== null && before.lastedMs > PATIENCE_MS && this.#ageOf(before) <= STALE_MS;
    if (isLong) return { answer: before.answer, ageMs: this.#ageOf(before) };
    const soon = await kept.soon;
    const given = kept.made ?? kept.found ?? soon;
    return { answer: given.answer, ageMs: this.#ageOf(given) };
  }

  /** Clears the cache after an operator command, so that its effect is visible at once. */
  forget(): void {
    this.#kept.clear();
  }

  #ageOf(made: Found<Answer> | null): number {
    return made === null ? 0 : this.#nowMs() - made.atMs;
  }

  #keptFor(key: string, steps: Steps<Answer>): Kept<Answer> {
    const known = this.#kept.get(key);
    if (known !== undefined && known.untilMs > this.#nowMs()) return known;
    const kept = this.#make(steps, known?.made ?? known?.before ?? null);
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    for (const [oldest, { untilMs }] of this.#kept) {
      if (this.#kept.size <= MOST_KEPT) break;
      if (untilMs !== Infinity) this.#kept.delete(oldest); // one being computed may still be asked for
    }
    return kept;
  }

  #make(steps: Steps<Answer>, before: Made<Answer> | null): Kept<Answer> {
    if (this.#makings.length >= MOST_MAKINGS) throw new Overasked('others are asking: ask again');
    const [whole, soon] = [settling<Answer>(), settling<Found<Answer>>()];
    const kept: Kept<Answer> = {
      whole: whole.promise,
      soon: soon.promise,
      found: null,
      untilMs: Infinity,
      made: null,
      before,
    };
    const making: Making<Answer> = {
      steps: steps(),
      askedMs: this.#nowMs(),
      usedMs: 0,
      tellsMs: this.#nowMs() + PATIENCE_MS,
      found: (answer) => {
        kept.found = { answer, atMs: this.#nowMs() };
        soon.resolve(kept.found);
      },
      done: (answer) => {
        const [leastMs, mostMs] = GOOD_FOR_MS;
        const atMs = this.#nowMs();
        kept.made = { answer, atMs, lastedMs: atMs - making.askedMs };
        kept.untilMs = atMs + Math.min(Math.max(making.usedMs * GOOD_FOR_TIMES, leastMs), mostMs);
        whole.resolve(answer);
        soon.resolve(kept.made);
      },
      failed: (error) => {
        kept.untilMs = 0;
        whole.reject(error);
        soon.reject(error);
      },
    };
    this.#makings.push(making);
    if (!this.#isRunning) void this.#run();
    return kept;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    await Promise.resolve(); // the caller continues first
    for (let making = this.#makings.shift(); making !== undefined; making = this.#makings.shift()) {
      if (this.#slice(making)) this.#makings.splice(MADE_AT_ONCE - 1, 0, making);
      if (this.#makings.length > 0) await new Promise((resolve) => setImmediate(resolve));
    }
    this.#isRunning = false;
  }

  /** Runs one slice; returns whether there is more to do. */
  #slice(making: Making<Answer>): boolean {
    const [fromMs, fromUsedMs] = [this.#nowMs(), this.#usedMs()];
    try {
      let step = making.steps.next();
      while (step.done !== true && this.#nowMs() - fromMs < SLICE_MS) step = making.steps.next();
      if (step.done !== true && step.value !== undefined && this.#nowMs() > making.tellsMs) {
        making.found(step.value());
        making.tellsMs = this.#nowMs() + AGAIN_MS;
      }
      making.usedMs += this.#usedMs() - fromUsedMs;
      if (step.done === true) making.done(step.value);
      return step.done !== true;
    } catch (error) {
      making.failed(error);
      return false;
    }
  }
}

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

interface Settling<Value> {
  readonly promise: Promise<Value>;
  readonly resolve: (value: Value) => void;
  readonly reject: (error: unknown) => void;
}

/** A promise with its functions; a rejection that nobody waits for is not an unhandled one. */
function settling<Value>(): Settling<Value> {
  let resolve: (value: Value) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<Value>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}
