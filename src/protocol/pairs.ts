/** Domain pairs as keys of tables. `>` stands in no domain name. */

/** `from` is the side that sends the stanzas. */
export interface DomainPair {
  readonly from: string;
  readonly to: string;
}

export const pairId = ({ from, to }: DomainPair): string => `${from}>${to}`;

/** The pair of which this is the {@link pairId}. */
export function pairOf(id: string): DomainPair {
  const [from = '', to = ''] = id.split('>');
  return { from, to };
}

/** A `db:verify` of which `id` is the stream that brought the key (XEP-0220 §2.2); `from` and `to` are those of the answer. */
export const verifyId = ({ id, ...pair }: DomainPair & { readonly id: string }): string => `${pairId(pair)}#${id}`;
