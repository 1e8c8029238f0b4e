/** Replaces node:crypto: a page that shows records does not hash anything. */
export function createHash(): never {
  throw new Error('nothing is hashed in a page');
}
