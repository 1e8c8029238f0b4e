/** Actors of a view, each built on first access: ten thousand that nobody looks at cost nothing. */
import type { ActorView } from './view.ts';

export class LazyActors implements ReadonlyMap<string, ActorView> {
  readonly #ids: () => MapIterator<string>;
  readonly #make: (id: string) => ActorView | undefined;
  readonly #made = new Map<string, ActorView>();
  #known: ReadonlySet<string> | null = null;

  /** `ids` yields each id once. */
  constructor(ids: () => MapIterator<string>, make: (id: string) => ActorView | undefined) {
    this.#ids = ids;
    this.#make = make;
  }

  get size(): number {
    return this.#all().size;
  }

  has(id: string): boolean {
    return this.#made.has(id) || this.#all().has(id);
  }

  get(id: string): ActorView | undefined {
    const known = this.#made.get(id);
    if (known !== undefined) return known;
    const made = this.#make(id);
    if (made !== undefined) this.#made.set(id, made);
    return made;
  }

  keys(): MapIterator<string> {
    return this.#ids();
  }

  *values(): MapIterator<ActorView> {
    for (const [, view] of this.entries()) yield view;
  }

  *entries(): MapIterator<[string, ActorView]> {
    for (const id of this.#ids()) {
      const view = this.get(id);
      if (view !== undefined) yield [id, view];
    }
  }

  [Symbol.iterator](): MapIterator<[string, ActorView]> {
    return this.entries();
  }

  forEach(each: (view: ActorView, id: string, all: ReadonlyMap<string, ActorView>) => void): void {
    for (const [id, view] of this.entries()) each(view, id, this);
  }

  #all(): ReadonlySet<string> {
    return (this.#known ??= new Set(this.#ids()));
  }
}
