/**
 * `--policy`: a file with another policy; or a federation, prooftypes in order, and keys, as a comma-separated list of
 * words.
 */
import { existsSync } from 'node:fs';
import { loadPolicy } from '../config/load.ts';
import {
  type DomainPolicy,
  FEDERATIONS,
  policyFor,
  problemOfPolicy,
  PROOFTYPES,
  type PolicyOptions,
  TLS_VERSIONS,
} from '../protocol/policy.ts';
import { UsageError } from './terminal.ts';

type Words = Pick<DomainPolicy, 'federation' | 'prooftypes' | 'minTls'>;

/**
 * The policy of the file; or the policy in force, changed towards `domain` as the words say.
 * @throws UsageError, ConfigError
 */
export function policyGiven(policy: PolicyOptions, domain: string, given: string): PolicyOptions {
  const isFile = /[/\\]|\.(ya?ml|json)$/i.test(given) || existsSync(given);
  return isFile ? loadPolicy(given) : overridden(policy, domain, given);
}

/** The policy, changed towards `domain` as the words say. */
export function overridden(policy: PolicyOptions, domain: string, words: string): PolicyOptions {
  const { target, ...inherited } = policyFor(policy, domain);
  const towards = { ...inherited, ...(target === null ? {} : { target }), ...wordsIn(words) };
  const problem = problemOfPolicy(towards);
  if (problem !== null)
    throw new UsageError(
      `--policy: ${problem}${/dialback alone/.test(problem) ? '; or another federation, as in encrypted,dialback' : ''}`,
    );
  return { ...policy, domains: { ...policy.domains, [domain]: towards } };
}

function wordsIn(text: string): Words {
  const federations: NonNullable<Words['federation']>[] = [];
  const prooftypes: (typeof PROOFTYPES)[number][] = [];
  let minTls: Words['minTls'];
  for (const word of text.split(',').map((one) => one.trim())) {
    const [key, value] = keyed(word);
    const federation = key === null || key === 'federation' ? FEDERATIONS.find((one) => one === value) : undefined;
    const proofs = key === null || key === 'prooftypes' ? prooftypesIn(value) : null;
    const version = key === 'minTls' ? TLS_VERSIONS.find((one) => one === value) : undefined;
    if (federation !== undefined) federations.push(federation);
    else if (proofs !== null) prooftypes.push(...proofs);
    else if (version !== undefined) minTls = version;
    else throw new UsageError(expectation(key, word));
  }
  const [federation, second] = federations;
  if (second !== undefined) throw new UsageError('--policy: expected one federation');
  return {
    ...(federation === undefined ? {} : { federation }),
    ...(prooftypes.length === 0 ? {} : { prooftypes }),
    ...(minTls === undefined ? {} : { minTls }),
  };
}

function keyed(word: string): readonly [key: string | null, value: string] {
  const at = word.indexOf('=');
  return at < 0 ? [null, word] : [word.slice(0, at), word.slice(at + 1)];
}

/** `dane+pkix`: joined by `+` because commas separate the words. */
function prooftypesIn(value: string): (typeof PROOFTYPES)[number][] | null {
  const found = value.split('+').map((name) => PROOFTYPES.find((one) => one === name));
  const known = found.filter((name) => name !== undefined);
  return known.length === found.length ? known : null;
}

function expectation(key: string | null, word: string): string {
  const wanted: Readonly<Record<string, string>> = {
    federation: FEDERATIONS.join(', '),
    prooftypes: `${PROOFTYPES.join(', ')}, with + between them`,
    minTls: TLS_VERSIONS.join(' or '),
  };
  const expected =
    key === null
      ? [...FEDERATIONS, ...PROOFTYPES, `minTls=${TLS_VERSIONS.join('|')}`].join(', ')
      : (wanted[key] ?? 'one of the keys federation, prooftypes, minTls');
  return `--policy: expected ${expected}, got ${JSON.stringify(word)}`;
}
