/** Which of the faults of an association is the one to fix. */
import type { Fault } from '../../../protocol/faults.ts';
import type { ProofAttempt } from '../../../protocol/proof.ts';

/**
 * Conditions that do not arise by chance: the domain meant to be proved in this way, and something is wrong with its
 * setup.
 */
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

/**
 * Of all failed prooftypes, the one to fix: the one with a final verdict, else the one by which the domain meant to be
 * proved.
 */
export function tellingFault(attempts: readonly ProofAttempt[], concluded: Fault): Fault {
  const faults = attempts.flatMap(({ verdict }) => (verdict.kind === 'proved' ? [] : [verdict]));
  const final = faults.find((verdict) => verdict.final === true);
  if (final !== undefined) return final.fault;
  const meant = faults.find(({ fault: why }) => MEANT[why.layer]?.includes(why.condition) === true);
  return meant?.fault ?? concluded;
}

/** If the fault is one of those of the association, the one to fix; any other fault is returned unchanged. */
export const toldFault = (attempts: readonly ProofAttempt[], why: Fault): Fault =>
  attempts.some(({ verdict }) => verdict.kind !== 'proved' && isSameFault(verdict.fault, why))
    ? tellingFault(attempts, why)
    : why;

/** Why a key was not accepted: the result of its verification, if there was one; else the fault of the certificate. */
export function whyDisbelieved(attempts: readonly ProofAttempt[], said: Fault): Fault {
  const byKey = attempts.find(({ prooftype }) => prooftype === 'dialback')?.verdict;
  return byKey !== undefined && byKey.kind !== 'proved' ? byKey.fault : tellingFault(attempts, said);
}
