/**
 * Looks up the records of a ring by their actor. A repeated query only pays for the records added since the last one,
 * which makes it cheap to poll every second.
 */
import { isMove, type TraceRecord } from './record.ts';

export interface Indexed {
  records(): readonly TraceRecord[];
  /** The newest records, the oldest of them first. */
  newest(count: number): readonly TraceRecord[];
  readonly size: number;
  /** How many records were ever added. */
  readonly pushed: number;
  readonly oldestSeq: number;
}

export class RingIndex {
  readonly #ring: Indexed;
  #byActor = new Map<string, TraceRecord[]>();
  /** Actors whose last move is `ended`. */
  #ended = new Set<string>();
  #seen = 0;
  /** Number of records held here, including some that the ring has already dropped. */
  #held = 0;

  constructor(ring: Indexed) {
    this.#ring = ring;
  }

  /** How many records had ever been in the ring when it was last asked. */
  get seen(): number {
    return this.#seen;
  }

  of(actor: string, most = Infinity): readonly TraceRecord[] {
    this.#update();
    const all = this.#byActor.get(actor) ?? [];
    const first = this.#ring.oldestSeq;
    const gone = all.findIndex(({ seq }) => seq >= first);
    const from = Math.max(gone < 0 ? all.length : gone, all.length - most);
    return from === 0 ? all.slice() : all.slice(from);
  }

  /** Actors that are charts and have ended; any other actor is live, or has no records left. */
  *ended(): Generator<string> {
    this.#update();
    const first = this.#ring.oldestSeq;
    for (const actor of this.#ended) if ((this.#byActor.get(actor)?.at(-1)?.seq ?? -1) >= first) yield actor;
  }

  #update(): void {
    const { pushed, size } = this.#ring;
    const fresh = pushed - this.#seen;
    if (fresh === 0) return;
    this.#seen = pushed;
    if (fresh >= size || this.#held + fresh > 2 * size) {
      this.#byActor = new Map();
      this.#ended = new Set();
      this.#held = 0;
      this.#add(this.#ring.records());
    } else this.#add(this.#ring.newest(fresh));
  }

  #add(records: readonly TraceRecord[]): void {
    this.#held += records.length;
    for (const record of records) {
      const known = this.#byActor.get(record.actor);
      if (known === undefined) this.#byActor.set(record.actor, [record]);
      else known.push(record);
      if (record.kind === 'ended') this.#ended.add(record.actor);
      else if (isMove(record)) this.#ended.delete(record.actor);
    }
  }
}
