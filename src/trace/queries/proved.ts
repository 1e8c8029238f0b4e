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

/** Each pair once, with the proof that counts. */
export function* provedPairs({ validPairs }: Fields): Generator<ProvedPair> {
  const parts = partsOf(validPairs);
  const told = new Set<string>();
  for (const { entries } of parts) {
    for (const [id, proof] of Object.entries(fieldsIn(entries))) {
      const border = id.indexOf('>');
      if (border < 0 || (parts.length > 1 && told.has(id))) continue;
      if (parts.length > 1) told.add(id);
      const { prooftype, strength, expiresAtMs } = fieldsIn(proof);
      const proved = { prooftype: textIn(prooftype), strength: textIn(strength), expiresAtMs: numberIn(expiresAtMs) };
      yield { from: id.slice(0, border), to: id.slice(border + 1), ...proved };
    }
  }
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
