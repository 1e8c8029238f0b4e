/** Merges equal concurrent questions into one, which is cancelled when nobody waits for its answer any more. */
type Purpose = 'stanzas' | 'verification';

interface Question<Answer> {
  readonly answer: Promise<Answer>;
  /** Called when nobody waits for it any more. */
  readonly forget: () => void;
  askers: number;
}

export class SharedQuestions<Answer> {
  readonly #cancelled: Answer;
  /** Separate, since questions for verification may wait for a turn, and our own stanzas must not wait with them. */
  readonly #underWay = {
    stanzas: new Map<string, Question<Answer>>(),
    verification: new Map<string, Question<Answer>>(),
  };

  /** `cancelled` is the answer for callers that stop waiting. */
  constructor(cancelled: Answer) {
    this.#cancelled = cancelled;
  }

  /** The answer of `ask`, which must never reject, or that of an equal question under way. */
  ask(
    key: string,
    signal: AbortSignal,
    purpose: Purpose,
    ask: (stop: AbortSignal) => Promise<Answer>,
  ): Promise<Answer> {
    if (signal.aborted) return Promise.resolve(this.#cancelled);
    const { stanzas, verification } = this.#underWay;
    const underWay = stanzas.get(key) ?? (purpose === 'verification' ? verification.get(key) : undefined);
    return this.#join(underWay ?? this.#start(key, this.#underWay[purpose], ask), signal);
  }

  #start(
    key: string,
    table: Map<string, Question<Answer>>,
    ask: (stop: AbortSignal) => Promise<Answer>,
  ): Question<Answer> {
    const controller = new AbortController();
    const end = (): void => {
      if (table.get(key) === question) table.delete(key);
    };
    const forget = (): void => {
      end();
      controller.abort();
    };
    const question: Question<Answer> = { answer: ask(controller.signal).finally(end), forget, askers: 0 };
    table.set(key, question);
    return question;
  }

  #join(question: Question<Answer>, signal: AbortSignal): Promise<Answer> {
    question.askers += 1;
    return new Promise((resolve) => {
      const leave = (): void => {
        question.askers -= 1;
        if (question.askers === 0) question.forget();
        resolve(this.#cancelled);
      };
      signal.addEventListener('abort', leave, { once: true });
      void question.answer.then((told) => {
        signal.removeEventListener('abort', leave);
        resolve(told);
      });
    });
  }
}
