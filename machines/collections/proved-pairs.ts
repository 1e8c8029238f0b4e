/**
 * Domain pairs and how each was proved, as plain data to which pairs are only ever added. One stream may serve a
 * hundred million, and nearly all of them are proved in the same way, so a pair is stored as a bit. Our domains and
 * those of the far end are numbered; for each block of 32 domains of ours, a domain of the far end has one number whose
 * bits say which of them it is paired with (docs/adr/tables.md).
 */
import type { DomainPair } from '../../src/protocol/pairs.ts';
import type { Proof } from '../../src/protocol/proof.ts';
import { entriesOf, entryOf, type GrowingTable, membersOf, withEntry } from './growing-table.ts';
import { numberAt, type NumberPages, withItemAt, withNumberAt } from './number-pages.ts';

/**
 * By block of 32 domains of ours, then by the number of the far end's domain: its pairs with these 32, at a bit each.
 */
type Blocks = readonly NumberPages[];

/** Pairs proved by the same prooftype and with the same strength. Evidence is reported when found, and not kept. */
interface PairsAlike extends Pick<Proof, 'prooftype' | 'strength'> {
  /** When the proof of the first pair ends, as originally found; a renewed proof is in `proved` of the stream. */
  readonly expiresAtMs: Proof['expiresAtMs'];
  /** By domain of the far end: when the proof of its pairs ends, if at another time. */
  readonly otherwise: GrowingTable<Proof['expiresAtMs']>;
  readonly incoming: Blocks;
  readonly outgoing: Blocks;
}

export interface ProvedPairs {
  /** How many pairs there are. */
  readonly size: number;
  /** The number assigned to each domain, from 0. */
  readonly ours: GrowingTable<number>;
  readonly theirs: GrowingTable<number>;
  /** How many of their domains are senders; and, by domain number, 1 for each sender. */
  readonly senders: number;
  readonly sends: NumberPages;
  readonly alike: readonly PairsAlike[];
}

export const noPairs: ProvedPairs = { size: 0, ours: [], theirs: [], senders: 0, sends: [], alike: [] };

/** Bits per number. */
export const BLOCK_SIZE = 32;
const blockOf = (local: number): number => Math.floor(local / BLOCK_SIZE);
const bitsAt = (blocks: Blocks, local: number, remote: number): number =>
  numberAt(blocks[blockOf(local)] ?? [], remote);

const numbered = (domains: GrowingTable<number>, domain: string): GrowingTable<number> =>
  entryOf(domains, domain) === undefined ? withEntry(domains, domain, membersOf(domains)) : domains;

/** Whether this domain of the far end is a sender. */
export function isSender({ theirs, sends }: ProvedPairs, domain: string): boolean {
  const number = entryOf(theirs, domain);
  return number !== undefined && numberAt(sends, number) === 1;
}

/** How many domains of the far end are targets but not senders. */
export const targetsOnly = ({ theirs, senders }: ProvedPairs): number => membersOf(theirs) - senders;

/** Whether this domain of the far end is in any pair. */
export const isKnown = ({ theirs }: ProvedPairs, domain: string): boolean => entryOf(theirs, domain) !== undefined;

/** Whether this pair, whose sender domain is at the far end, is proved. */
export function hasIncoming({ ours, theirs, alike }: ProvedPairs, { from, to }: DomainPair): boolean {
  const [mine, its] = [entryOf(ours, to), entryOf(theirs, from)];
  if (mine === undefined || its === undefined) return false;
  return alike.some(({ incoming }) => (bitsAt(incoming, mine, its) & (1 << mine)) !== 0);
}

/** Adds a pair whose sender domain is at the far end. */
export const withIncoming = (pairs: ProvedPairs, { from, to }: DomainPair, proof: Proof): ProvedPairs =>
  withPair(pairs, 'incoming', to, from, proof);

/** Adds a pair whose target domain is at the far end. */
export const withOutgoing = (pairs: ProvedPairs, { from, to }: DomainPair, proof: Proof): ProvedPairs =>
  withPair(pairs, 'outgoing', from, to, proof);

/** The first proof of a pair is kept; later ones are ignored. */
function withPair(
  pairs: ProvedPairs,
  direction: 'incoming' | 'outgoing',
  local: string,
  remote: string,
  { prooftype, strength, expiresAtMs }: Proof,
): ProvedPairs {
  const ours = numbered(pairs.ours, local);
  const theirs = numbered(pairs.theirs, remote);
  const mine = entryOf(ours, local) ?? 0; // numbered above
  const its = entryOf(theirs, remote) ?? 0;
  const bit = 1 << mine;
  if (pairs.alike.some((one) => (bitsAt(one[direction], mine, its) & bit) !== 0)) return pairs;
  const known = pairs.alike.findIndex((one) => one.prooftype === prooftype && one.strength === strength);
  const group = pairs.alike[known] ?? { prooftype, strength, expiresAtMs, otherwise: [], incoming: [], outgoing: [] };
  const block = blockOf(mine);
  const blocks = group[direction];
  const pages = withNumberAt(blocks[block] ?? [], its, bitsAt(blocks, mine, its) | bit);
  const changed = withItemAt(blocks, block, pages, []);
  const isAsKnown = expiryOf(group, remote) === expiresAtMs;
  const grown: PairsAlike = {
    prooftype,
    strength,
    expiresAtMs: group.expiresAtMs,
    otherwise: isAsKnown ? group.otherwise : withEntry(group.otherwise, remote, expiresAtMs),
    incoming: direction === 'incoming' ? changed : group.incoming,
    outgoing: direction === 'outgoing' ? changed : group.outgoing,
  };
  const alike = known === -1 ? [...pairs.alike, grown] : pairs.alike.with(known, grown);
  const isNewSender = direction === 'incoming' && numberAt(pairs.sends, its) === 0;
  const senders = isNewSender ? pairs.senders + 1 : pairs.senders;
  const sends = isNewSender ? withNumberAt(pairs.sends, its, 1) : pairs.sends;
  return { size: pairs.size + 1, ours, theirs, senders, sends, alike };
}

function expiryOf({ otherwise, expiresAtMs }: PairsAlike, remote: string): Proof['expiresAtMs'] {
  const other = entryOf(otherwise, remote);
  return other === undefined ? expiresAtMs : other;
}

/** The far end's domains, each once per prooftype and strength with which one of its pairs was proved. */
export function* provedDomains({
  theirs,
  alike,
}: ProvedPairs): Generator<{ readonly domain: string } & Pick<Proof, 'prooftype' | 'strength'>> {
  for (const [domain, number] of Object.entries(entriesOf(theirs))) {
    const hasPair = (pages: NumberPages): boolean => numberAt(pages, number) !== 0;
    for (const { prooftype, strength, incoming, outgoing } of alike)
      if (incoming.some(hasPair) || outgoing.some(hasPair)) yield { domain, prooftype, strength };
  }
}
