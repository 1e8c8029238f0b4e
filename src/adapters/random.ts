import { randomFillSync, randomInt } from 'node:crypto';
import type { Random } from '../ports.ts';

/** Bytes drawn from OpenSSL at a time: a call costs far more than the bytes do. */
const POOL_BYTES = 1_024;

/** Unpredictable: stream ids and secrets come from here (RFC 6120 §4.7.3). */
export function createRandom(): Random {
  const pool = Buffer.alloc(POOL_BYTES);
  let used = POOL_BYTES;
  return {
    hex: (bytes) => {
      if (bytes > POOL_BYTES) return randomFillSync(Buffer.alloc(bytes)).toString('hex');
      if (used + bytes > POOL_BYTES) {
        randomFillSync(pool);
        used = 0;
      }
      const drawn = pool.subarray(used, (used += bytes));
      const hex = drawn.toString('hex');
      drawn.fill(0); // so that values given out are not left in memory here
      return hex;
    },
    integer: (max) => randomInt(max + 1),
  };
}

/** For reproducible simulations: same seed, same sequence. Never for secrets. xoshiro128**, seeded by splitmix32. */
export function createSeededRandom(seed: number): Random {
  let mix = seed | 0;
  const splitmix = (): number => {
    mix = (mix + 0x9e3779b9) | 0;
    let z = mix;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  let [a, b, c, d] = [splitmix(), splitmix(), splitmix(), splitmix()];
  const rotate = (x: number, k: number): number => (x << k) | (x >>> (32 - k));
  const next = (): number => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotate(d, 11);
    return result;
  };
  return {
    hex: (bytes) => Array.from({ length: bytes }, () => (next() >>> 24).toString(16).padStart(2, '0')).join(''),
    integer: (max) => Math.floor((next() / 2 ** 32) * (max + 1)),
  };
}
