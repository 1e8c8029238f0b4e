/** Domain pairs as table keys. `>` does not occur in domain names. */

/** `from` is the side that sends the stanzas. */
export interface DomainPair {
  readonly from: string;
  readonly to: string;
}

export const pairId = ({ from, to }: DomainPair): string => `${from}>${to}`;

/** The pair with this {@link pairId}. */
export function pairOf(id: string): DomainPair {
  const [from = '', to = ''] = id.split('>');
  return { from, to };
}

/** A `db:verify` by its own `from` and `to`, and the `id` of the stream that brought the key (XEP-0220 §2.1.2). */
export const verifyId = ({ id, ...pair }: DomainPair & { readonly id: string }): string => `${pairId(pair)}#${id}`;
