/** Follows the aliases in an answer (RFC 1034 §3.6.2); a resolver returns the whole chain in one message. */
import { type Question, type ResourceRecord, TYPE } from './message.ts';
import { nameIn, UNREADABLE } from './rdata.ts';

/** Most links of a chain that are followed; unbound follows eleven. */
const MAX_LINKS = 16;

export type ChainEnd =
  | {
      readonly kind: 'end';
      /** The last name, lower case, without the final dot. */
      readonly owner: string;
      readonly isAlias: boolean;
      /** The records of the last name that have the type asked for. */
      readonly records: readonly ResourceRecord[];
      /** The shortest TTL of the chain and of the records. */
      readonly ttlSeconds: number;
    }
  | { readonly kind: 'broken'; readonly reason: string };

export function followAliases({ name, type }: Question, answers: readonly ResourceRecord[]): ChainEnd {
  const asked = name.toLowerCase().replace(/\.$/, '');
  let owner = asked;
  let ttlSeconds = Infinity;
  for (let links = 0; links <= MAX_LINKS; links += 1) {
    const records = answers.filter((record) => record.owner === owner && record.type === type);
    const alias = answers.find((record) => record.owner === owner && record.type === TYPE.cname);
    if (records.length > 0 || alias === undefined) {
      ttlSeconds = Math.min(ttlSeconds, ...records.map((record) => record.ttlSeconds));
      return { kind: 'end', owner, isAlias: owner !== asked, records, ttlSeconds };
    }
    ttlSeconds = Math.min(ttlSeconds, alias.ttlSeconds);
    owner = nameIn(alias.rdata).toLowerCase();
    if (owner === UNREADABLE) return { kind: 'broken', reason: 'an alias leads to what is no name of a host' };
  }
  return { kind: 'broken', reason: `more than ${MAX_LINKS} aliases lead to each other` };
}
