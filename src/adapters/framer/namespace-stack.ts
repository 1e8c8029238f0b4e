/** Prefixes in scope, innermost last (Namespaces in XML 1.0 §3, §6). Only elements that declare prefixes change it. */
import { NS } from '../../protocol/namespaces.ts';

export class NamespaceStack {
  readonly #prefixes: string[] = ['xml'];
  readonly #names: string[] = [NS.xml];
  readonly #depths: number[] = [0];
  /** Handles of the innermost bindings, and for each binding the one that it hides. Hostile peers declare thousands. */
  readonly #handles = new Map([['xml', 0]]);
  readonly #hidden: number[] = [-1];
  /** Depth of the innermost element that declares a prefix. */
  innermost = 0;

  declare(prefix: string, name: string, depth: number): void {
    this.#hidden.push(this.find(prefix));
    this.#handles.set(prefix, this.#prefixes.length);
    this.#prefixes.push(prefix);
    this.#names.push(name);
    this.#depths.push(depth);
    this.innermost = depth;
  }

  /** Forgets the declarations of elements at `depth` and deeper. */
  leave(depth: number): void {
    while (this.innermost >= depth && this.#depths.length > 1) {
      const prefix = this.#prefixes.pop() as string;
      const hidden = this.#hidden.pop() as number;
      if (hidden < 0) this.#handles.delete(prefix);
      else this.#handles.set(prefix, hidden);
      this.#names.pop();
      this.#depths.pop();
      this.innermost = this.#depths.at(-1) ?? 0;
    }
  }

  /** The handle of the binding of `prefix`, or -1. */
  find(prefix: string): number {
    return this.#handles.get(prefix) ?? -1;
  }

  nameOf(handle: number): string {
    return this.#names[handle] ?? '';
  }

  depthOf(handle: number): number {
    return this.#depths[handle] ?? 0;
  }
}

/** Whether `xmlns:prefix='name'` (or `xmlns='name'` for '') may be declared (Namespaces in XML 1.0 §2.2, §3). */
export function mayDeclare(prefix: string, name: string): boolean {
  const bare = name.trim();
  if (prefix === 'xmlns' || bare === NS.xmlns) return false;
  if ((prefix === 'xml') !== (bare === NS.xml)) return false;
  return prefix === '' || bare !== '';
}
