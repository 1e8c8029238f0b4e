/** `policy` of the configuration file: which domains may federate, and the proofs that they need. */
import type { DomainPolicy, PolicyOptions, ProoftypeName } from '../options.ts';
import { defaultPolicy, problemOfPolicy } from '../protocol/policy.ts';
import type { Located } from './decoders.ts';
import type { ConfigFile } from './schema.ts';

export function policyFrom(file: ConfigFile['policy'] = {}): PolicyOptions {
  const { allow, deny, domains = new Map<string, never>(), ...own } = file;
  checkProof(own, undefined);
  const overrides = [...domains].map(([pattern, { value }]): [string, DomainPolicy] => {
    checkProof(value, own);
    const { target } = value;
    return [pattern, { ...proofOptions(value), ...(target === undefined ? {} : { target }) }];
  });
  return {
    ...proofOptions(own),
    ...(allow === undefined ? {} : { allow }),
    ...(deny === undefined ? {} : { deny }),
    domains: Object.fromEntries(overrides),
  };
}

interface Proof {
  readonly federation?: Located<NonNullable<DomainPolicy['federation']>>;
  readonly prooftypes?: Located<readonly ProoftypeName[]>;
  readonly minTls?: NonNullable<DomainPolicy['minTls']>;
}

function proofOptions({ federation, prooftypes, minTls }: Proof): Pick<DomainPolicy, keyof Proof> {
  return {
    ...(federation === undefined ? {} : { federation: federation.value }),
    ...(prooftypes === undefined ? {} : { prooftypes: prooftypes.value }),
    ...(minTls === undefined ? {} : { minTls }),
  };
}

/** Reported where one of the two is written: an override that inherits both is not reported again. */
function checkProof(own: Proof, inherited: Proof | undefined): void {
  const spot = (own.prooftypes ?? own.federation)?.spot;
  const problem = problemOfPolicy({
    federation: (own.federation ?? inherited?.federation)?.value ?? defaultPolicy.federation,
    prooftypes: (own.prooftypes ?? inherited?.prooftypes)?.value ?? defaultPolicy.prooftypes,
  });
  if (problem !== null) spot?.problem(problem);
}
