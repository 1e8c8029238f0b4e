/** Answers of a source, requested again when they may have changed. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { NotAvailable, type Source } from './source.ts';

export interface Answered<T> {
  /** Undefined until the first answer arrives. */
  readonly value: T | undefined;
  /** Why there is no answer, or no newer one; null if there was no error. */
  readonly error: string | null;
}

export const NOT_AVAILABLE = 'Not available in this version of the daemon.';

interface Options {
  /** The subject of the question: when it changes, earlier answers are discarded. */
  readonly about: string;
  /** Whether a change of these actors may change the answer. @defaultValue all */
  readonly concerns?: (actors: readonly string[]) => boolean;
  /** Minimum interval between questions, in milliseconds. @defaultValue 500 */
  readonly everyMs?: number;
}

export function useAnswer<T>(source: Source, ask: () => Promise<T>, options: Options): Answered<T> {
  const { about, concerns = () => true, everyMs = 500 } = options;
  const [answered, setAnswered] = useState<Answered<T> & { readonly about: string; readonly source: Source }>({
    source,
    about,
    value: undefined,
    error: null,
  });
  const latest = useRef({ ask, concerns });
  latest.current = { ask, concerns };
  useEffect(() => {
    const asking = new Asking(
      () => latest.current.ask(),
      (value) => setAnswered({ source, about, value, error: null }),
      (error) =>
        setAnswered((before) => {
          const isSame = before.source === source && before.about === about;
          return { ...(isSame ? before : { source, about, value: undefined }), error };
        }),
      source.kind === 'trace' ? 0 : everyMs,
    );
    asking.again();
    const forget = source.onChanged((actors) => {
      if (actors === null || latest.current.concerns(actors)) asking.again();
    });
    return () => {
      forget();
      asking.end();
    };
  }, [source, about, everyMs]);
  return answered.source === source && answered.about === about ? answered : { value: undefined, error: null };
}

/** One question at a time; a change while one is pending causes another. */
class Asking<T> {
  #isAsking = false;
  #isStale = false;
  #isOver = false;
  #timer = 0;
  #askedMs = -Infinity;
  readonly #ask: () => Promise<T>;
  readonly #told: (value: T) => void;
  readonly #failed: (error: string) => void;
  readonly #everyMs: number;

  constructor(ask: () => Promise<T>, told: (value: T) => void, failed: (error: string) => void, everyMs: number) {
    this.#ask = ask;
    this.#told = told;
    this.#failed = failed;
    this.#everyMs = everyMs;
  }

  again(): void {
    this.#isStale = true;
    if (this.#isAsking || this.#timer !== 0 || this.#isOver) return;
    const waitMs = this.#askedMs + this.#everyMs - performance.now();
    if (waitMs <= 0) void this.#askNow();
    else this.#timer = window.setTimeout(() => void this.#askNow(), waitMs);
  }

  end(): void {
    this.#isOver = true;
    window.clearTimeout(this.#timer);
  }

  async #askNow(): Promise<void> {
    this.#timer = 0;
    this.#isAsking = true;
    this.#isStale = false;
    this.#askedMs = performance.now();
    try {
      const value = await this.#ask();
      if (!this.#isOver) this.#told(value);
    } catch (error) {
      if (!this.#isOver) this.#failed(wordsOf(error));
    }
    this.#isAsking = false;
    this.#goOn();
  }

  #goOn(): void {
    if (this.#isStale) this.again();
  }
}

const wordsOf = (error: unknown): string =>
  error instanceof NotAvailable ? NOT_AVAILABLE : error instanceof Error ? error.message : String(error);
