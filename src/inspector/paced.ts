/**
 * Answers that cost: made one after the other, in slices between which stanzas pass, and good for a while, so that pages that
 * ask every second take no more than a small share of the processor, however much there is to look at.
 */

/** Longest slice, in milliseconds. */
const SLICE_MS = 8;
/** An answer is good for so many times as long as it took: at most one part in so many is spent on answers. */
const GOOD_FOR_TIMES = 50;
/** And for at least, and at most, so long, in milliseconds. */
const GOOD_FOR_MS = [250, 10_000] as const;
/** Pages ask for a few lists each. */
const MOST_KEPT = 32;

export type Steps<Answer> = () => Generator<undefined, Answer>;

interface Kept<Answer> {
  readonly answer: Promise<Answer>;
  /** Infinity while it is being made. */
  untilMs: number;
}

export class Paced<Answer> {
  readonly #nowMs: () => number;
  readonly #kept = new Map<string, Kept<Answer>>();
  /** The last of those that are made, or wait for their turn. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Whoever asks for the same, meanwhile or soon after, is given the same. */
  answer(key: string, steps: Steps<Answer>): Promise<Answer> {
    const known = this.#kept.get(key);
    if (known !== undefined && known.untilMs > this.#nowMs()) return known.answer;
    const made = this.#last.then(() => this.#make(steps));
    this.#last = made.catch(() => undefined);
    const kept: Kept<Answer> = { answer: made.then(({ answer }) => answer), untilMs: Infinity };
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= MOST_KEPT) break;
      this.#kept.delete(oldest);
    }
    made.then(
      ({ tookMs }) => {
        const [least, most] = GOOD_FOR_MS;
        kept.untilMs = this.#nowMs() + Math.min(Math.max(tookMs * GOOD_FOR_TIMES, least), most);
      },
      () => (kept.untilMs = 0),
    );
    return kept.answer;
  }

  /** Something was changed by hand: whoever did it wants to see that. */
  forget(): void {
    this.#kept.clear();
  }

  async #make(steps: Steps<Answer>): Promise<{ readonly answer: Answer; readonly tookMs: number }> {
    const making = steps();
    let tookMs = 0;
    for (;;) {
      const fromMs = this.#nowMs();
      let spentMs = 0;
      let step = making.next();
      while (step.done !== true && spentMs < SLICE_MS) {
        step = making.next();
        spentMs = this.#nowMs() - fromMs;
      }
      tookMs += this.#nowMs() - fromMs;
      if (step.done === true) return { answer: step.value, tookMs };
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
