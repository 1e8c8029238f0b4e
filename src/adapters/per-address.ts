/** What the hosts at one address may have: a provider needs a handful, a flood has no end. */
import { addressBlock } from '../protocol/addresses.ts';
import { Allowance, type Rate } from './allowance.ts';
import { LruMap } from './lru.ts';

/** How many places they hold. */
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

/** Addresses whose rate is remembered; the one that came longest ago is forgotten, and begins with all it may have. */
const MOST_RATES = 65_536;

/** How many of them come in a while. */
export class RatePerAddress {
  readonly #byBlock = new LruMap<string, Allowance>(MOST_RATES);
  readonly #rate: Rate;

  /** `most` at once after a rest, for an IPv4 address or the /64 of an IPv6 address. */
  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** False, and nothing is counted, when it was too many. */
  take(address: string, nowMs: number): boolean {
    const block = addressBlock(address);
    const allowance = this.#byBlock.get(block) ?? new Allowance(this.#rate, nowMs);
    this.#byBlock.set(block, allowance);
    return allowance.tryUse(1, nowMs);
  }
}
