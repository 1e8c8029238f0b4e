/** Looks up records by their actor. */
import type { TraceRecord } from '../record.ts';

export class ByActor {
  readonly #records: readonly TraceRecord[];
  /** Positions of the records of each actor, in order; built on the first lookup. */
  #places: ReadonlyMap<string, readonly number[]> | null = null;

  constructor(records: readonly TraceRecord[]) {
    this.#records = records;
  }

  /** The newest `most` records of an actor among the first `until` records, the oldest of them first. */
  of(actor: string, until = this.#records.length, most = Infinity): readonly TraceRecord[] {
    const places = this.#indexed().get(actor) ?? [];
    const end = placesBefore(places, until);
    const found: TraceRecord[] = [];
    for (const place of places.slice(Math.max(0, end - most), end)) {
      const record = this.#records[place];
      if (record !== undefined) found.push(record);
    }
    return found;
  }

  #indexed(): ReadonlyMap<string, readonly number[]> {
    if (this.#places !== null) return this.#places;
    const all = new Map<string, number[]>();
    for (const [place, { actor }] of this.#records.entries()) {
      const known = all.get(actor);
      if (known === undefined) all.set(actor, [place]);
      else known.push(place);
    }
    return (this.#places = all);
  }
}

/** Number of positions below `until`; they are in ascending order. */
function placesBefore(places: readonly number[], until: number): number {
  let [low, high] = [0, places.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((places[middle] ?? 0) < until) low = middle + 1;
    else high = middle;
  }
  return low;
}
