/**
 * The pairs that are proved on a stream, read from the context of its chart, which is also the source of the data
 * plane.
 */
import { BLOCK_SIZE } from '../../../machines/collections/proved-pairs.ts';
import { PAGE_SIZE } from '../../../machines/collections/number-pages.ts';
import { fieldsIn, isFields, numberIn, textIn } from '../context.ts';
import type { View } from '../view/view.ts';

/** Stanzas may pass from one domain to another on a stream. */
export interface ProvedPair {
  readonly from: string;
  readonly to: string;
  /** `pkix`, `dialback`, or a name of the embedder's own. */
  readonly prooftype: string;
  /** `strong`, `weak` (XEP-0220 §1.2) or `none`. */
  readonly strength: string;
  /** Milliseconds since the epoch; null if it lasts as long as its stream. */
  readonly expiresAtMs: number | null;
}

type Fields = Readonly<Record<string, unknown>>;

/** The context of a live actor as its chart has it, without redaction: not to be shown as it is. */
export const contextAt = (view: View, id: string): Fields =>
  fieldsIn(view.context === undefined ? view.actors.get(id)?.context : view.context(id));

/** Number of proved pairs. */
export const provedCount = ({ validPairs }: Fields): number => numberIn(fieldsIn(validPairs)['size']) ?? 0;

/**
 * Summary shown with the context: how many pairs, and how they were proved. The pairs themselves are a separate list.
 */
export const provedBriefly = (context: Fields): Fields => ({
  size: provedCount(context),
  alike: alikeIn(context).map(({ prooftype, strength, expiresAtMs }) => ({ prooftype, strength, expiresAtMs })),
});

/**
 * A pair of the table (machines/collections/proved-pairs.ts). There may be a million pairs, of which one page is shown.
 */
interface Proved {
  readonly from: string;
  readonly to: string;
  readonly remote: string;
  readonly alike: Alike;
  /** The proof by which its far end is now proved on the stream; null if the proof was for this pair alone. */
  readonly newest: Fields | null;
}

/** The pairs proved by the same prooftype. */
interface Alike {
  readonly prooftype: string;
  readonly strength: string;
  readonly expiresAtMs: number | null;
  readonly otherwise: readonly Fields[];
  readonly incoming: unknown;
  readonly outgoing: unknown;
}

/** Domains by their numbers. */
type Names = ReadonlyMap<number, string>;

/** Each pair, with the proof that applies. */
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

/** Whether one of its domains contains this text, or `from>to` does. */
export const isNamed = ({ from, to }: Proved, text: string): boolean =>
  text.includes('>') ? `${from}>${to}`.includes(text) : from.includes(text) || to.includes(text);

export const prooftypeOf = ({ alike }: Proved): string => alike.prooftype;

/** Uses the expiry of the newest proof: a proof is renewed before it expires, for all pairs of its domain. */
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

/** `pkix`, `dialback (weak), posh`; empty if nothing is proved. */
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

/** Entries of a table (machines/collections/growing-table.ts), those of its newest part first. */
const entriesIn = (table: unknown): readonly Fields[] =>
  listIn(table)
    .filter(isFields)
    .map(({ entries }) => fieldsIn(entries));

const entryIn = (entries: readonly Fields[], key: string): Fields | null => {
  const found = entries.find((part) => Object.hasOwn(part, key))?.[key];
  return isFields(found) ? found : null;
};

const listIn = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
