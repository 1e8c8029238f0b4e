/** Which of the faults of an association is the one to put right. */
import type { Fault } from '../../../protocol/faults.ts';
import type { ProofAttempt } from '../../../protocol/proof.ts';

/** What nobody sees by chance: the domain meant to be proved so, and something is wrong with it. */
const MEANT: Readonly<Record<string, readonly string[]>> = {
  dane: ['no-usable-record'],
  posh: ['no-fingerprint-match', 'document-invalid', 'expires-zero', 'no-known-hash', 'reference-to-reference'],
};

export const isSameFault = (one: Fault | null, other: Fault | null): boolean =>
  one !== null &&
  other !== null &&
  one.layer === other.layer &&
  one.condition === other.condition &&
  one.text === other.text;

/** Of all that was tried in vain, what has to be put right: the final word, else what was meant to prove the domain. */
export function tellingFault(attempts: readonly ProofAttempt[], concluded: Fault): Fault {
  const faults = attempts.flatMap(({ verdict }) => (verdict.kind === 'proved' ? [] : [verdict]));
  const final = faults.find((verdict) => verdict.final === true);
  if (final !== undefined) return final.fault;
  const meant = faults.find(({ fault: why }) => MEANT[why.layer]?.includes(why.condition) === true);
  return meant?.fault ?? concluded;
}

/** Of a fault that is among those of an association, the one to put right; any other as it is. */
export const toldFault = (attempts: readonly ProofAttempt[], why: Fault): Fault =>
  attempts.some(({ verdict }) => verdict.kind !== 'proved' && isSameFault(verdict.fault, why))
    ? tellingFault(attempts, why)
    : why;

/** Why a key was not believed: where it was looked into, what became of that is the reason; else what the certificate lacks is. */
export function whyDisbelieved(attempts: readonly ProofAttempt[], said: Fault): Fault {
  const byKey = attempts.find(({ prooftype }) => prooftype === 'dialback')?.verdict;
  return byKey !== undefined && byKey.kind !== 'proved' ? byKey.fault : tellingFault(attempts, said);
}
