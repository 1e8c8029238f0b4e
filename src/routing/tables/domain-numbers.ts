/** Domains as small numbers: each name is stored once, and the tables hold numbers. */
import type { AddressNumbers } from '../../protocol/stanza.ts';
import { domainOfJidIn } from '../../protocol/address-bytes.ts';
import { ownText } from '../../protocol/own-text.ts';
import { SpelledNumbers } from './spelled-numbers.ts';

export class DomainNumbers implements AddressNumbers {
  readonly #numbers = new Map<string, number>();
  readonly #names: string[] = [];
  /** The reference count of each number. */
  #holds = new Uint32Array(64);
  readonly #free: number[] = [];
  /** Created on the first look-up by address. */
  #spelled: SpelledNumbers | null = null;

  get size(): number {
    return this.#numbers.size;
  }

  /** Undefined for a domain without references. */
  numberOf(domain: string): number | undefined {
    return this.#numbers.get(domain);
  }

  /** The number of the domain in the address between `start` and `end`; undefined also when the address is invalid. */
  numberIn(bytes: Buffer, start: number, end: number): number | undefined {
    const spelled = (this.#spelled ??= new SpelledNumbers());
    const kept = spelled.find(bytes, start, end);
    if (kept !== undefined) return kept;
    const domain = domainOfJidIn(bytes, start, end);
    const number = domain === null ? undefined : this.#numbers.get(domain);
    if (domain !== null && number !== undefined) spelled.keep(domain, number);
    return number;
  }

  /** The name for a number that has references. */
  nameOf(number: number): string {
    return this.#names[number] ?? '';
  }

  /**
   * The domain's number. It keeps it until it is released as often as it was held; then another domain may get the
   * number.
   */
  hold(domain: string): number {
    const number = this.#numbers.get(domain) ?? this.#number(domain);
    this.#holds[number] = (this.#holds[number] ?? 0) + 1;
    return number;
  }

  release(number: number): void {
    const holds = (this.#holds[number] ?? 0) - 1;
    this.#holds[number] = holds;
    if (holds > 0) return;
    const name = this.nameOf(number);
    this.#numbers.delete(name);
    this.#spelled?.forget(name, number);
    this.#names[number] = '';
    this.#free.push(number);
  }

  #number(domain: string): number {
    const number = this.#free.pop() ?? this.#names.length;
    const name = ownText(domain); // not a slice that keeps the whole original string alive
    this.#names[number] = name;
    this.#numbers.set(name, number);
    if (number === this.#holds.length) {
      const larger = new Uint32Array(2 * number);
      larger.set(this.#holds);
      this.#holds = larger;
    }
    return number;
  }
}
