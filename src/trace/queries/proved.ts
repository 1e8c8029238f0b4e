/** Who is proved on a stream, and for what: read in the context of its chart, which is where the data plane has it from. */
import { BLOCK_SIZE } from '../../../machines/collections/proved-pairs.ts';
import { PAGE_SIZE } from '../../../machines/collections/number-pages.ts';
import { fieldsIn, isFields, numberIn, textIn } from '../context.ts';
import type { View } from '../view/view.ts';

/** Stanzas may pass from one domain to another on a stream. */
export interface ProvedPair {
  readonly from: string;
  readonly to: string;
  /** `pkix`, `dialback`; a name of the embedder's own. */
  readonly prooftype: string;
  /** `strong`, `weak` (XEP-0220 §1.2) or `none`. */
  readonly strength: string;
  /** Milliseconds since the epoch; null where it lasts as long as its stream. */
  readonly expiresAtMs: number | null;
}

type Fields = Readonly<Record<string, unknown>>;

/** Of one that lives; as its chart has it, so it is not shown as it is. */
export const contextAt = (view: View, id: string): Fields =>
  fieldsIn(view.context === undefined ? view.actors.get(id)?.context : view.context(id));

/** How many pairs there are. */
export const provedCount = ({ validPairs }: Fields): number => numberIn(fieldsIn(validPairs)['size']) ?? 0;

/** As it is shown with the context: how many there are, and how they were proved. Which, is a list of its own. */
export const provedBriefly = (context: Fields): Fields => ({
  size: provedCount(context),
  alike: alikeIn(context).map(({ prooftype, strength, expiresAtMs }) => ({ prooftype, strength, expiresAtMs })),
});

/** A pair of the table (machines/collections/proved-pairs.ts): there may be a million, of which a page is shown. */
interface Proved {
  readonly from: string;
  readonly to: string;
  readonly remote: string;
  readonly alike: Alike;
  /** By which its far end is proved on the stream by now; null where that was for this pair alone. */
  readonly newest: Fields | null;
}

/** Those proved by the same prooftype. */
interface Alike {
  readonly prooftype: string;
  readonly strength: string;
  readonly expiresAtMs: number | null;
  readonly otherwise: readonly Fields[];
  readonly incoming: unknown;
  readonly outgoing: unknown;
}

/** Domains, by their numbers. */
type Names = ReadonlyMap<number, string>;

/** Each pair, with the proof that counts. */
export function* provedIn(context: Fields): Generator<Proved> {
  const { ours, theirs } = fieldsIn(context['validPairs']);
  const locals = namesIn(ours);
  const remotes = namesIn(theirs);
  const proofs = entriesIn(context['proved']);
  const newestOf = (remote: string): Fields | null => entryIn(proofs, remote);
  for (const alike of alikeIn(context)) {
    for (const [local, remote] of pairsIn(alike.outgoing, locals, remotes))
      yield { from: local, to: remote, remote, alike, newest: newestOf(remote) };
    for (const [local, remote] of pairsIn(alike.incoming, locals, remotes))
      yield { from: remote, to: local, remote, alike, newest: newestOf(remote) };
  }
}

function* pairsIn(blocks: unknown, locals: Names, remotes: Names): Generator<readonly [string, string]> {
  for (const [block, pages] of listIn(blocks).entries())
    for (const [page, numbers] of listIn(pages).entries())
      for (const [at, bits] of listIn(numbers).entries()) {
        const remote = remotes.get(page * PAGE_SIZE + at);
        if (typeof bits !== 'number' || remote === undefined) continue;
        for (let left = bits | 0; left !== 0; left &= left - 1) {
          const local = locals.get(block * BLOCK_SIZE + 31 - Math.clz32(left & -left));
          if (local !== undefined) yield [local, remote];
        }
      }
}

/** Its domains hold this text, or `from>to` does. */
export const isNamed = ({ from, to }: Proved, text: string): boolean =>
  text.includes('>') ? `${from}>${to}`.includes(text) : from.includes(text) || to.includes(text);

export const prooftypeOf = ({ alike }: Proved): string => alike.prooftype;

/** With the end of the newest proof: one that ends is renewed before, for all pairs of its domain. */
export function provedPair({ from, to, remote, alike, newest }: Proved): ProvedPair {
  const { prooftype, strength, expiresAtMs: firstMs, otherwise } = alike;
  const own = otherwise.find((entries) => Object.hasOwn(entries, remote));
  const foundMs = own === undefined ? firstMs : numberIn(own[remote]);
  const renewedMs = newest?.['prooftype'] === prooftype ? numberIn(newest['expiresAtMs']) : null;
  return { from, to, prooftype, strength, expiresAtMs: renewedMs ?? foundMs };
}

export function* provedPairs(context: Fields): Generator<ProvedPair> {
  for (const proved of provedIn(context)) yield provedPair(proved);
}

/** `pkix`, `dialback (weak), posh`; empty where nothing is proved. */
export const proofsWords = (context: Fields): string => alikeIn(context).map(proofWords).join(', ');

export const proofWords = ({ prooftype, strength }: Pick<ProvedPair, 'prooftype' | 'strength'>): string =>
  strength === 'strong' ? prooftype : `${prooftype} (${strength})`;

const alikeIn = ({ validPairs }: Fields): Alike[] =>
  listIn(fieldsIn(validPairs)['alike'])
    .filter(isFields)
    .map(({ prooftype, strength, expiresAtMs, otherwise, incoming, outgoing }) => ({
      prooftype: textIn(prooftype),
      strength: textIn(strength),
      expiresAtMs: numberIn(expiresAtMs),
      otherwise: entriesIn(otherwise),
      incoming,
      outgoing,
    }));

const namesIn = (domains: unknown): Names =>
  new Map(
    entriesIn(domains).flatMap((entries) =>
      Object.entries(entries).map(([domain, number]) => [numberIn(number) ?? -1, domain] as const),
    ),
  );

/** Of a table (machines/collections/growing-table.ts), the entries of its newest part first. */
const entriesIn = (table: unknown): readonly Fields[] =>
  listIn(table)
    .filter(isFields)
    .map(({ entries }) => fieldsIn(entries));

const entryIn = (entries: readonly Fields[], key: string): Fields | null => {
  const found = entries.find((part) => Object.hasOwn(part, key))?.[key];
  return isFields(found) ? found : null;
};

const listIn = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
