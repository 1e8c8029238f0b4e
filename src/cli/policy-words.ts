/** `--policy`: a federation, prooftypes in their order, or both, in one list of words. */
import { FEDERATIONS, policyFor, PROOFTYPES, type PolicyOptions, type ProoftypeName } from '../protocol/policy.ts';
import { UsageError } from './terminal.ts';

/** The policy with what the words say put in force towards `domain`. */
export function overridden(policy: PolicyOptions, domain: string, words: string): PolicyOptions {
  const given = words.split(',').map((word) => word.trim());
  const unknown = given.find((word) => !isFederation(word) && !isProoftype(word));
  if (unknown !== undefined) {
    throw new UsageError(
      `--policy: expected ${[...FEDERATIONS, ...PROOFTYPES].join(', ')}, got ${JSON.stringify(unknown)}`,
    );
  }
  const [federation, second] = given.filter(isFederation);
  if (second !== undefined) throw new UsageError('--policy: expected one federation');
  const prooftypes: readonly ProoftypeName[] = given.filter(isProoftype);
  if (new Set(prooftypes).size < prooftypes.length) throw new UsageError('--policy: expected each prooftype once');
  const { target, ...inherited } = policyFor(policy, domain);
  const towards = {
    ...inherited,
    ...(target === null ? {} : { target }),
    ...(federation === undefined ? {} : { federation }),
    ...(prooftypes.length === 0 ? {} : { prooftypes }),
  };
  if (towards.federation === 'authenticated' && towards.prooftypes.every((name) => name === 'dialback'))
    throw new UsageError(
      '--policy: authenticated federation never accepts dialback alone: expected dane, pkix or posh too',
    );
  return { ...policy, domains: { ...policy.domains, [domain]: towards } };
}

const isFederation = (word: string): word is (typeof FEDERATIONS)[number] => FEDERATIONS.some((one) => one === word);
const isProoftype = (word: string): word is (typeof PROOFTYPES)[number] => PROOFTYPES.some((one) => one === word);
