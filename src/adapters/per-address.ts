/** How many places the hosts at one address hold: a provider needs a handful, a flood has no end. */
import { addressBlock } from '../protocol/addresses.ts';

export class PerAddress {
  readonly #held = new Map<string, number>();
  readonly #limit: number;

  /** `limit` places for an IPv4 address, or for the /64 of an IPv6 address, all of which is one host's to use. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** False, and nothing is taken, when all places of this address are held. */
  take(address: string): boolean {
    const block = addressBlock(address);
    const held = this.#held.get(block) ?? 0;
    if (held >= this.#limit) return false;
    this.#held.set(block, held + 1);
    return true;
  }

  release(address: string): void {
    const block = addressBlock(address);
    const left = (this.#held.get(block) ?? 1) - 1;
    if (left === 0) this.#held.delete(block);
    else this.#held.set(block, left);
  }
}
