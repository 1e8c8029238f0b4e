/** An opened trace, at the moment that is shown. */
import type { Explanation } from '../../src/trace/explain/explain.ts';
import type { ActorAnswer, Overview, Rows } from '../../src/trace/queries/queries.ts';
import type { History } from '../../src/trace/queries/history.ts';
import type { Ladder } from '../../src/trace/queries/ladder.ts';
import { type Moment, NotAvailable, type Source, type Timeline } from './source.ts';
import type { Answer, Asked } from './trace-calls.ts';

/**
 * Rejects with what is wrong with the file.
 *
 * @param nowMs the latest possible end of the trace, in milliseconds since the epoch
 */
export async function openTrace(file: Blob, name: string, nowMs: number): Promise<Source> {
  const reader = new TraceReader();
  try {
    const moment = await reader.ask<Moment>({ what: 'open', file, nowMs });
    return traceSource(reader, name, moment);
  } catch (error) {
    reader.close();
    throw error;
  }
}

function traceSource(reader: TraceReader, name: string, opened: Moment): Source {
  const listeners = new Set<(actors: null) => void>();
  let moment = opened;
  let moving: Promise<Moment> = Promise.resolve(opened);
  let wanted = opened.index;
  const timeline: Timeline = {
    get moment() {
      return moment;
    },
    moveTo: (index) => {
      wanted = index;
      moving = moving.then(async () => {
        if (wanted !== index) return moment; // moved on meanwhile
        moment = await reader.ask<Moment>({ what: 'moveTo', index });
        for (const listener of listeners) listener(null);
        return moment;
      });
      return moving;
    },
  };
  return {
    kind: 'trace',
    name,
    overview: () => reader.ask<Overview>({ what: 'overview' }),
    rows: (kind, filter, offset, limit) => reader.ask<Rows>({ what: 'rows', kind, filter, offset, limit }),
    actor: (id) => reader.ask<ActorAnswer | null>({ what: 'actor', id }),
    explain: (pair) => reader.ask<readonly Explanation[]>({ what: 'explain', pair }),
    ladder: (id) => reader.ask<Ladder | null>({ what: 'ladder', id }),
    history: (domain) => reader.ask<History>({ what: 'history', domain }),
    onChanged: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    watching: null,
    commands: null,
    timeline,
    close: () => reader.close(),
  };
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

class TraceReader {
  readonly #worker = new Worker(new URL('./trace-worker.ts', import.meta.url), { type: 'module' });
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;

  constructor() {
    this.#worker.addEventListener('message', ({ data }: MessageEvent<Answer>) => this.#take(data));
    this.#worker.addEventListener('error', ({ message }) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the trace cannot be read: ${message}`));
      this.#waiting.clear();
    });
  }

  ask<T>(asked: Asked): Promise<T> {
    const id = this.#next++;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve: (value) => resolve(value as T), reject }); // the worker answers what was asked
      this.#worker.postMessage({ id, asked });
    });
  }

  close(): void {
    this.#worker.terminate();
    for (const { reject } of this.#waiting.values()) reject(new Error('the trace was closed'));
    this.#waiting.clear();
  }

  #take(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('value' in answer) waiting?.resolve(answer.value);
    else waiting?.reject(answer.isNotAvailable ? new NotAvailable(answer.error) : new Error(answer.error));
  }
}
