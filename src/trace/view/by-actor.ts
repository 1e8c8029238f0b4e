/** Records, looked up by the actor that they are about. */
import type { TraceRecord } from '../record.ts';

export class ByActor {
  readonly #records: () => readonly TraceRecord[];
  #index: Map<string, TraceRecord[]> | null = null;

  /** `records` is asked once, when the first is looked up. */
  constructor(records: () => readonly TraceRecord[]) {
    this.#records = records;
  }

  of(actor: string, most = Infinity): readonly TraceRecord[] {
    const all = this.#indexed().get(actor) ?? [];
    return most >= all.length ? all : all.slice(all.length - most);
  }

  /** Those that are charts, live or ended. */
  *actors(): Generator<string> {
    for (const [actor, records] of this.#indexed()) if (records.some(isOfChart)) yield actor;
  }

  #indexed(): Map<string, TraceRecord[]> {
    if (this.#index !== null) return this.#index;
    this.#index = new Map();
    for (const record of this.#records()) {
      const known = this.#index.get(record.actor);
      if (known === undefined) this.#index.set(record.actor, [record]);
      else known.push(record);
    }
    return this.#index;
  }
}

export const isOfChart = ({ kind }: TraceRecord): boolean =>
  kind === 'born' || kind === 'event' || kind === 'ended' || kind === 'snapshot';
