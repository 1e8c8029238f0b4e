/** Federation policy as data (XEP-0238, FACTS §12.3): what a remote domain has to prove, and by which means. */
import type { TlsMode } from './dns.ts';
import { type Fault, fault } from './faults.ts';
import { domainMatches } from './names.ts';

/** Federation policies of XEP-0238, weakest first. */
export type Federation = 'permissive' | 'verified' | 'encrypted' | 'authenticated';
export type ProoftypeName = 'dane' | 'pkix' | 'posh' | 'dialback';

export interface FixedTarget {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsMode;
}

/** Policy towards one remote domain. What is absent is inherited. */
export interface DomainPolicy {
  readonly federation?: Federation;
  /** In the order in which they are tried. */
  readonly prooftypes?: readonly ProoftypeName[];
  readonly minTls?: '1.2' | '1.3';
  /** Fixed by the operator: beats SRV (RFC 6120 §3.2.3) and counts as securely derived (RFC 6125 §6.2.1). */
  readonly target?: FixedTarget;
}

export interface PolicyOptions extends Omit<DomainPolicy, 'target'> {
  /** If not empty: only these domains and those below them. */
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
  /** Keys are a domain or `*.suffix`; the most specific one wins. */
  readonly domains?: Readonly<Record<string, DomainPolicy>>;
}

/** A policy with nothing left to inherit. */
export interface ResolvedPolicy {
  readonly federation: Federation;
  readonly prooftypes: readonly ProoftypeName[];
  readonly minTls: '1.2' | '1.3';
  readonly target: FixedTarget | null;
}

/** @defaultValue authenticated, with every prooftype in the order DANE, PKIX, POSH, dialback, and TLS 1.2 */
export const defaultPolicy: ResolvedPolicy = {
  federation: 'authenticated',
  prooftypes: ['dane', 'pkix', 'posh', 'dialback'],
  minTls: '1.2',
  target: null,
};

/** The policy in force towards a remote domain (canonical key). */
export function policyFor(options: PolicyOptions, domain: string): ResolvedPolicy {
  const special = mostSpecific(options.domains ?? {}, domain);
  return {
    federation: special?.federation ?? options.federation ?? defaultPolicy.federation,
    prooftypes: special?.prooftypes ?? options.prooftypes ?? defaultPolicy.prooftypes,
    minTls: special?.minTls ?? options.minTls ?? defaultPolicy.minTls,
    target: special?.target ?? null,
  };
}

function mostSpecific(domains: Readonly<Record<string, DomainPolicy>>, domain: string): DomainPolicy | undefined {
  if (Object.hasOwn(domains, domain)) return domains[domain];
  const patterns = Object.keys(domains).filter((pattern) => pattern.startsWith('*.') && domainMatches(pattern, domain));
  const longest = patterns.sort((a, b) => b.length - a.length)[0];
  return longest === undefined ? undefined : domains[longest];
}

/** Why the lists forbid a domain, or null. A list entry covers the domain and those below it; deny beats allow. */
export function deniedBy(options: PolicyOptions, domain: string): Fault | null {
  const covers = (entry: string): boolean => domain === entry || domain.endsWith(`.${entry}`);
  const denied = options.deny?.find(covers);
  if (denied !== undefined)
    return fault('policy', 'policy-violation', 'local', `${domain} is denied by the entry ${denied}`);
  if (options.allow !== undefined && options.allow.length > 0 && !options.allow.some(covers)) {
    return fault('policy', 'policy-violation', 'local', `${domain} is not on the list of allowed domains`);
  }
  return null;
}

/** Whether stanzas may travel without TLS. */
export const requiresTls = ({ federation }: ResolvedPolicy): boolean =>
  federation === 'encrypted' || federation === 'authenticated';

/** Whether a far end that only DNS or dialback vouches for is good enough. */
export const acceptsWeakProof = ({ federation, prooftypes }: ResolvedPolicy): boolean =>
  federation === 'permissive' || (federation !== 'authenticated' && prooftypes.includes('dialback'));

/** The prooftypes that can satisfy the policy, in order: `authenticated` never accepts dialback alone. */
export const usableProoftypes = (policy: ResolvedPolicy): readonly ProoftypeName[] =>
  policy.prooftypes.filter((name) => name !== 'dialback' || acceptsWeakProof(policy));
