/** `policy` of the configuration file: who may federate, and what it takes. */
import type { DomainPolicy, PolicyOptions, ProoftypeName } from '../options.ts';
import { defaultPolicy } from '../protocol/policy.ts';
import type { Located } from './decoders.ts';
import type { ConfigFile } from './schema.ts';

export function policyFrom(file: ConfigFile['policy'] = {}): PolicyOptions {
  const { allow, deny, domains = new Map<string, never>(), ...own } = file;
  checkProof(own, undefined);
  const overrides = [...domains].map(([pattern, { value }]): [string, DomainPolicy] => {
    checkProof(value, own);
    const { target } = value;
    const fixed = target === undefined ? {} : { target: { ...target, tls: target.tls ?? 'starttls' } };
    return [pattern, { ...proofOptions(value), ...fixed }];
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

/** A policy under which nothing can ever be proved is a mistake; so is a prooftype named twice. */
function checkProof(own: Proof, inherited: Proof | undefined): void {
  const { prooftypes } = own;
  if (prooftypes !== undefined) {
    const { value, spot } = prooftypes;
    if (new Set(value).size < value.length) spot.problem(`expected each prooftype once, got ${value.join(', ')}`);
  }
  const federation = (own.federation ?? inherited?.federation)?.value ?? defaultPolicy.federation;
  const order = (own.prooftypes ?? inherited?.prooftypes)?.value ?? defaultPolicy.prooftypes;
  // Told where one of the two is written: an override that inherits both has been told of above.
  const spot = (own.prooftypes ?? own.federation)?.spot;
  if (spot === undefined || federation === 'permissive') return;
  if (order.length === 0) spot.problem(`expected at least one prooftype: ${federation} federation needs a proof`);
  else if (federation === 'authenticated' && order.every((name) => name === 'dialback')) {
    spot.problem('expected pkix, dane or posh besides dialback: authenticated federation never accepts dialback alone');
  }
}
