/**
 * What prefixes mean where a reader stands. Elements that are entered and left change what they declare and nothing else:
 * strangers may hold thousands of prefixes in scope round thousands of elements.
 */
export class PrefixScope {
  /** A map: strangers choose prefixes, `__proto__` for one. */
  readonly #names: Map<string, string>;
  /** What was declared within open elements, with what it hid. */
  readonly #hidden: [prefix: string, name: string | undefined][] = [];
  /** For each open element, how much was hidden before it. */
  readonly #entered: number[] = [];

  constructor(around: Iterable<readonly [prefix: string, name: string]>) {
    this.#names = new Map(around);
  }

  /** The namespace of a prefix; '' is the default namespace, and what is bound to nothing. */
  nameOf(prefix: string): string {
    return this.#names.get(prefix) ?? '';
  }

  enter(): void {
    this.#entered.push(this.#hidden.length);
  }

  declare(prefix: string, name: string): void {
    const hidden = this.#names.get(prefix);
    if (hidden === name) return;
    this.#hidden.push([prefix, hidden]);
    this.#names.set(prefix, name);
  }

  /** Declares round all elements what none of the open ones has declared. */
  declareAround(prefix: string, name: string): void {
    this.#names.set(prefix, name);
  }

  leave(): void {
    const before = this.#entered.pop() ?? 0;
    while (this.#hidden.length > before) {
      const [prefix, name] = this.#hidden.pop() as [string, string | undefined];
      if (name === undefined) this.#names.delete(prefix);
      else this.#names.set(prefix, name);
    }
  }
}
