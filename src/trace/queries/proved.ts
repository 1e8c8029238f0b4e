/** Who is proved on a stream, and for what: read in the context of its chart, which is where the data plane has it from. */
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

/** How many pairs there are, at most: one that was proved anew may count twice. */
export const provedCount = ({ validPairs }: Fields): number =>
  partsOf(validPairs).reduce((sum, { size }) => sum + (numberIn(size) ?? 0), 0);

/** An entry of the table: there may be ten thousand, of which a page is shown. */
interface Proved {
  /** `a.example>b.example` */
  readonly pair: string;
  readonly proof: unknown;
}

/** Each pair once, with the proof that counts. */
export function* provedIn({ validPairs }: Fields): Generator<Proved> {
  const parts = partsOf(validPairs).map(({ entries }) => fieldsIn(entries));
  for (const [at, entries] of parts.entries()) {
    const newer = parts.slice(0, at);
    for (const pair of Object.keys(entries))
      if (pair.includes('>') && !newer.some((part) => Object.hasOwn(part, pair))) yield { pair, proof: entries[pair] };
  }
}

export const prooftypeOf = ({ proof }: Proved): string => textIn(fieldsIn(proof)['prooftype']);

export function provedPair({ pair, proof }: Proved): ProvedPair {
  const border = pair.indexOf('>');
  const { prooftype, strength, expiresAtMs } = fieldsIn(proof);
  const proved = { prooftype: textIn(prooftype), strength: textIn(strength), expiresAtMs: numberIn(expiresAtMs) };
  return { from: pair.slice(0, border), to: pair.slice(border + 1), ...proved };
}

export function* provedPairs(context: Fields): Generator<ProvedPair> {
  for (const proved of provedIn(context)) yield provedPair(proved);
}

/** Looked at for {@link proofWords}: of thousands of pairs, most are proved alike. */
const LOOKED_AT = 64;

/** `pkix`, `dialback (weak), posh`; empty where nothing is proved. */
export function proofsWords(context: Fields): string {
  const words = new Set<string>();
  let looked = 0;
  for (const proof of provedPairs(context)) {
    words.add(proofWords(proof));
    if (++looked === LOOKED_AT) break;
  }
  return [...words].join(', ');
}

export const proofWords = ({ prooftype, strength }: Pick<ProvedPair, 'prooftype' | 'strength'>): string =>
  strength === 'strong' ? prooftype : `${prooftype} (${strength})`;

/** A table of a context (machines/collections/growing-table.ts): its newest part first. */
const partsOf = (table: unknown): readonly Fields[] => (Array.isArray(table) ? table.filter(isFields) : []);
