/** The boundary to the embedder's prooftypes: their answers are checked like any outside input. */
import { brief, fault, type FaultOrigin } from '../protocol/faults.ts';
import type { Evidence, ProofVerdict } from '../protocol/proof.ts';
import type { Prooftype } from '../prooftype.ts';

const MAX_EVIDENCE = 32;
const MAX_WORD_LENGTH = 64;
/** So that every proof is checked again eventually. */
const LONGEST_PROOF_MS = 30 * 86_400_000;
const ORIGINS: readonly FaultOrigin[] = ['local', 'peer', 'dns', 'web'];

/** The verdict of the prooftype `name`; an invalid answer becomes `undetermined`. Never throws. */
export function checkedVerdict(
  name: string,
  { strength }: Pick<Prooftype, 'strength'>,
  answer: unknown,
  nowMs: number,
): ProofVerdict {
  try {
    return read(name, strength, membersOf(answer), nowMs);
  } catch (error) {
    return leftOpen('invalid-verdict', name, error);
  }
}

/** An `undetermined` verdict, for a reason that lies in the prooftype. */
export function leftOpen(condition: string, name: string, why: unknown): ProofVerdict & { kind: 'undetermined' } {
  const text = why instanceof Error ? why.message : typeof why === 'string' ? why : 'no reason given';
  return { kind: 'undetermined', fault: fault('prooftype', condition, 'local', `${name}: ${text}`) };
}

function read(
  prooftype: string,
  strength: 'strong' | 'weak',
  { kind, evidence, expiresAtMs, fault: why }: Members,
  nowMs: number,
): ProofVerdict {
  switch (kind) {
    case 'proved': {
      if (typeof expiresAtMs !== 'number' || !Number.isFinite(expiresAtMs))
        throw new TypeError('a proof ends some day: expiresAtMs is no number');
      if (expiresAtMs <= nowMs) return leftOpen('proof-expired', prooftype, 'the proof had ended when it was found');
      const endsAtMs = Math.min(expiresAtMs, nowMs + LONGEST_PROOF_MS);
      return { kind, prooftype, strength, evidence: evidenceFrom(evidence), expiresAtMs: endsAtMs };
    }
    case 'refuted':
    case 'undetermined': {
      const { condition, origin, text } = membersOf(why);
      if (typeof condition !== 'string' || condition.length > MAX_WORD_LENGTH || !/^[a-z][a-z0-9-]*$/.test(condition))
        throw new TypeError('fault.condition is no word in kebab-case');
      const whose = ORIGINS.find((known) => known === origin);
      if (whose === undefined) throw new TypeError(`fault.origin is none of ${ORIGINS.join(', ')}`);
      const said = typeof text === 'string' ? `${prooftype}: ${text}` : prooftype;
      return { kind, fault: fault('prooftype', condition, whose, said) };
    }
    default:
      throw new TypeError('there is no verdict');
  }
}

/** A copy that holds only text, numbers, booleans and null: it is put into contexts and records. */
function evidenceFrom(given: unknown): Evidence {
  const entries = Object.entries(membersOf(given));
  if (entries.length > MAX_EVIDENCE) throw new TypeError(`evidence has more than ${MAX_EVIDENCE} entries`);
  return Object.fromEntries(entries.map(([name, value]) => [name, evidenceOf(name, value)] as const));
}

function evidenceOf(name: string, value: unknown): string | number | boolean | null {
  if (name.length > MAX_WORD_LENGTH) throw new TypeError('evidence has a name that is too long');
  if (typeof value === 'string') return brief(value);
  if (typeof value === 'boolean' || value === null) return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new TypeError(`evidence.${name} is no text, number, boolean or null`);
}

type Members = Readonly<Record<string, unknown>>;

function membersOf(value: unknown): Members {
  if (typeof value !== 'object' || value === null) throw new TypeError('an object is missing in the verdict');
  return value as Members; // every object is one
}
