/**
 * Keys ordered by due time (a binary heap): the first is found at once; a change takes as many steps as the heap is
 * deep.
 */
interface Entry<Key> {
  readonly key: Key;
  dueMs: number;
  place: number;
}

export class DeadlineHeap<Key> {
  readonly #entries: Entry<Key>[] = [];
  readonly #byKey = new Map<Key, Entry<Key>>();
  readonly #visited: () => void;

  /** @param visited called for every entry that is looked at */
  constructor(visited: () => void = () => undefined) {
    this.#visited = visited;
  }

  get size(): number {
    return this.#entries.length;
  }

  /** When the key is due; undefined when it is not in the heap. */
  dueOf(key: Key): number | undefined {
    return this.#byKey.get(key)?.dueMs;
  }

  /** The key that is due first, and when. */
  first(): { readonly key: Key; readonly dueMs: number } | undefined {
    return this.#at(0);
  }

  /** Sets when the key is due, replacing any earlier time. */
  set(key: Key, dueMs: number): void {
    const entry = this.#byKey.get(key) ?? { key, dueMs, place: this.#entries.length };
    entry.dueMs = dueMs;
    this.#byKey.set(key, entry);
    this.#put(entry, entry.place);
    this.#rise(entry);
    this.#sink(entry);
  }

  delete(key: Key): void {
    const entry = this.#byKey.get(key);
    if (entry === undefined) return;
    this.#byKey.delete(key);
    const last = this.#entries.pop();
    if (last === undefined || last === entry) return;
    this.#put(last, entry.place);
    this.#rise(last);
    this.#sink(last);
  }

  #rise(entry: Entry<Key>): void {
    for (;;) {
      const above = entry.place === 0 ? undefined : this.#at((entry.place - 1) >> 1);
      if (above === undefined || above.dueMs <= entry.dueMs) return;
      this.#swap(above, entry);
    }
  }

  #sink(entry: Entry<Key>): void {
    for (;;) {
      const left = this.#at(2 * entry.place + 1);
      const right = this.#at(2 * entry.place + 2);
      const sooner = left !== undefined && right !== undefined && right.dueMs < left.dueMs ? right : left;
      if (sooner === undefined || sooner.dueMs >= entry.dueMs) return;
      this.#swap(entry, sooner);
    }
  }

  #at(place: number): Entry<Key> | undefined {
    const entry = this.#entries[place];
    if (entry !== undefined) this.#visited();
    return entry;
  }

  #put(entry: Entry<Key>, place: number): void {
    entry.place = place;
    this.#entries[place] = entry;
  }

  #swap(one: Entry<Key>, other: Entry<Key>): void {
    const { place } = one;
    this.#put(one, other.place);
    this.#put(other, place);
  }
}
