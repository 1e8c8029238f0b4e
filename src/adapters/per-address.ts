/** What the hosts at one address may have: a provider needs a handful, a flood has no end. */
import { addressBlock } from '../protocol/addresses.ts';
import { Allowance, type Rate } from './allowance.ts';

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

/** How many of them come in a while. */
export class RatePerAddress {
  readonly #byBlock = new Map<string, Allowance>();
  readonly #rate: Rate;
  #sweptMs = -Infinity;

  /** `most` at once after a rest, for an IPv4 address or the /64 of an IPv6 address. */
  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#byBlock.size;
  }

  /** False, and nothing is counted, when it was too many. */
  take(address: string, nowMs: number): boolean {
    this.#sweep(nowMs);
    const block = addressBlock(address);
    const known = this.#byBlock.get(block);
    if (known !== undefined) return known.tryUse(1, nowMs);
    const allowance = new Allowance(this.#rate, nowMs);
    this.#byBlock.set(block, allowance);
    return allowance.tryUse(1, nowMs);
  }

  /** Who has rested is as good as unknown; looked for once in the time that a rest takes. */
  #sweep(nowMs: number): void {
    const { most, perSecond } = this.#rate;
    if (Math.abs(nowMs - this.#sweptMs) < (most / perSecond) * 1_000) return;
    this.#sweptMs = nowMs;
    for (const [block, allowance] of this.#byBlock) if (allowance.isFull(nowMs)) this.#byBlock.delete(block);
  }
}
