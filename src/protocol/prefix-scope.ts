/**
 * The meaning of prefixes at a reader's position. Entering or leaving an element costs time only for what it declares:
 * peers may keep thousands of prefixes in scope around thousands of elements.
 */
export class PrefixScope {
  /** A map, because peers choose the prefixes: `__proto__`, for example. */
  readonly #names: Map<string, string>;
  /** Prefixes declared on open elements, each with the binding that it hides. */
  readonly #hidden: [prefix: string, name: string | undefined][] = [];
  /** For each open element, the length of `#hidden` before it. */
  readonly #entered: number[] = [];

  constructor(around: Iterable<readonly [prefix: string, name: string]>) {
    this.#names = new Map(around);
  }

  /** The namespace of a prefix ('' for the default namespace); '' if the prefix is not bound. */
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

  /** Declares a prefix outside all elements; no open element may have declared it. */
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
