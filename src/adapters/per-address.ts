/** Limits per remote address: a provider needs a handful of connections, a flood has no end. */
import { addressBlock } from '../protocol/addresses.ts';
import { Allowance, type Rate } from './allowance.ts';
import { LruMap } from './lru.ts';

/** Counts the places that each address holds. */
export class PerAddress {
  readonly #held = new Map<string, number>();
  readonly #limit: number;

  /** `limit` places for an IPv4 address, or for the /64 of an IPv6 address, since one host may use all of a /64. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes a place, or returns false when this address holds all of its places already. */
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

/** Addresses whose rate is remembered; the least recently seen one is forgotten, and starts with a full allowance. */
const MOST_RATES = 65_536;

/** Limits the rate of arrivals from each address. */
export class RatePerAddress {
  readonly #byBlock = new LruMap<string, Allowance>(MOST_RATES);
  readonly #rate: Rate;

  /** The rate is that of an IPv4 address or of the /64 of an IPv6 address; after a rest, `most` may arrive at once. */
  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** Counts an arrival, or returns false and counts nothing when it exceeds the rate. */
  take(address: string, nowMs: number): boolean {
    const block = addressBlock(address);
    const allowance = this.#byBlock.get(block) ?? new Allowance(this.#rate, nowMs);
    this.#byBlock.set(block, allowance);
    return allowance.tryUse(1, nowMs);
  }
}
