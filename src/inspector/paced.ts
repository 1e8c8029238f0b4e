/**
 * Answers that cost: made in slices between which stanzas pass, by turns where there are several, and good for a while, so that
 * pages that ask every second take no more than a small share of the processor, however much there is to look at.
 */

/**
 * Longest slice, in milliseconds. One is made in each turn of the event loop: an answer that takes 80 ms is there after ten turns,
 * and whatever else is ready waits for one slice.
 */
const SLICE_MS = 8;
/** An answer is good for so many times the processor time that it took: one part in so many is spent on it, if that is below the bound. */
const GOOD_FOR_TIMES = 100;
/** And for at least, and at most, so long, in milliseconds. */
const GOOD_FOR_MS = [250, 12_000] as const;
/** Whoever asks for what is soon to be had is not kept waiting for longer, in milliseconds. */
const PATIENCE_MS = 100;
/** And once more so often, in milliseconds, while it is being made. */
const AGAIN_MS = 1_000;
/** Older than this, in milliseconds, an answer is given to nobody. */
const STALE_MS = 30_000;
/** Pages ask for a few lists each. */
const MOST_KEPT = 32;

/** So many are made by turns; the others wait until one of them is there. */
const MADE_AT_ONCE = 4;
/** More than so many, those among them, are not taken on: what has been begun is held in memory. */
const MOST_MAKINGS = 64;

/** Too many questions are being answered. */
export class Overasked extends Error {
  override readonly name = 'Overasked';
}

/** What is there already of an answer that is being made. */
export type Interim<Answer> = () => Answer;
export type Steps<Answer> = () => Generator<Interim<Answer> | undefined, Answer>;

export interface Given<Answer> {
  readonly answer: Answer;
  /** How long ago it was made, in milliseconds. */
  readonly ageMs: number;
}

interface Found<Answer> {
  readonly answer: Answer;
  readonly atMs: number;
}

interface Made<Answer> extends Found<Answer> {
  /** From the question to the answer, others having had their turns. */
  readonly lastedMs: number;
}

interface Kept<Answer> {
  /** The answer; and that, or what has been found of it when patience ends. */
  readonly whole: Promise<Answer>;
  readonly soon: Promise<Found<Answer>>;
  /** What has been found lately, when patience has ended. */
  found: Found<Answer> | null;
  /** Infinity while it is being made. */
  untilMs: number;
  made: Made<Answer> | null;
  /** What was answered before. */
  readonly before: Made<Answer> | null;
}

interface Making<Answer> {
  readonly steps: Generator<Interim<Answer> | undefined, Answer>;
  readonly askedMs: number;
  /** Of the processor. */
  usedMs: number;
  /** When somebody is told what has been found by then. */
  tellsMs: number;
  readonly done: (answer: Answer) => void;
  readonly found: (answer: Answer) => void;
  readonly failed: (error: unknown) => void;
}

export class Paced<Answer> {
  readonly #nowMs: () => number;
  readonly #usedMs: () => number;
  readonly #kept = new Map<string, Kept<Answer>>();
  /** Those that are being made, and behind them those that wait; the first has the next slice. */
  readonly #makings: Making<Answer>[] = [];
  #isRunning = false;

  /** @param usedMs of the processor, so far: on a machine that does other things as well, answers are not the older for it */
  constructor(nowMs: () => number = () => performance.now(), usedMs: () => number = processorMs) {
    this.#nowMs = nowMs;
    this.#usedMs = usedMs;
  }

  /**
   * Whoever asks for the same, meanwhile or soon after, is given the same.
   * @throws Overasked where too many others are being answered; so does {@link soon}
   */
  async answer(key: string, steps: Steps<Answer>): Promise<Given<Answer>> {
    const kept = this.#keptFor(key, steps);
    const answer = await kept.whole;
    return { answer, ageMs: this.#ageOf(kept.made) };
  }

  /**
   * The same, for whoever asks every second: where an answer takes long, the one before it, or what is there of it by then. The
   * next that asks has more.
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

  /** Something was changed by hand: whoever did it wants to see that. */
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
      if (untilMs !== Infinity) this.#kept.delete(oldest); // else others may ask for it while it is being made
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
    await Promise.resolve(); // whoever asked goes on first
    for (let making = this.#makings.shift(); making !== undefined; making = this.#makings.shift()) {
      if (this.#slice(making)) this.#makings.splice(MADE_AT_ONCE - 1, 0, making);
      if (this.#makings.length > 0) await new Promise((resolve) => setImmediate(resolve));
    }
    this.#isRunning = false;
  }

  /** Whether there is more to be done. */
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

/** A promise that somebody else settles; that it is rejected is no fault where nobody waits. */
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
