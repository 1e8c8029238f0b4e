/** In place of node:crypto: a page that looks at records hashes nothing. */
export function createHash(): never {
  throw new Error('nothing is hashed in a page');
}
