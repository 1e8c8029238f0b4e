/** Federation policy as data (XEP-0238): what a remote domain has to prove, and by which means. */
import type { TlsMode } from './dns.ts';
import { type Fault, fault } from './faults.ts';
import { canonicalDomain, canonicalPattern, domainMatches } from './names.ts';
import { DNA_PROOF_TYPES, isDnaProofType, type Proof } from './proof.ts';

/** Federation policies of XEP-0238, weakest first. */
export const FEDERATIONS = ['permissive', 'verified', 'encrypted', 'authenticated'] as const;
export type Federation = (typeof FEDERATIONS)[number];
export const PROOFTYPES = ['dane', 'pkix', 'posh', 'dialback', ...DNA_PROOF_TYPES] as const;
/** A built-in prooftype, or one of the embedder (`ManagerOptions.prooftypes`). */
export type ProoftypeName = (typeof PROOFTYPES)[number] | (string & {});
export const TLS_VERSIONS = ['1.2', '1.3'] as const;
/** How TLS starts at a fixed target. */
export const TLS_MODES = ['starttls', 'direct'] as const satisfies readonly TlsMode[];

/** A fixed target as an operator writes it. */
export type TargetOptions = Omit<FixedTarget, 'tls'> & {
  /** @defaultValue starttls */
  readonly tls?: TlsMode;
};

export interface FixedTarget {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsMode;
}

/** Policy towards one remote domain. Absent members are inherited. */
export interface DomainPolicy {
  readonly federation?: Federation;
  /** In the order in which they are tried; DANE always comes first. */
  readonly prooftypes?: readonly ProoftypeName[];
  readonly minTls?: (typeof TLS_VERSIONS)[number];
  /**
   * Fixed by the operator: takes precedence over SRV (RFC 6120 §3.2.3), counts as securely derived (RFC 6125 §6.2.1).
   */
  readonly target?: TargetOptions;
}

export interface PolicyOptions extends Omit<DomainPolicy, 'target'> {
  /** If not empty: only these domains and those below them are allowed. */
  readonly allow?: readonly string[];
  /** These domains and those below them are denied, even if `allow` lists them. */
  readonly deny?: readonly string[];
  /** Keys are a domain or `*.suffix`; the most specific one wins. */
  readonly domains?: Readonly<Record<string, DomainPolicy>>;
}

/** A policy in which every member has a value. */
export interface ResolvedPolicy {
  readonly federation: Federation;
  readonly prooftypes: readonly ProoftypeName[];
  readonly minTls: (typeof TLS_VERSIONS)[number];
  readonly target: FixedTarget | null;
}

/** `authenticated`, by DANE, PKIX, POSH and dialback in this order, over TLS 1.2 or newer. */
export const defaultPolicy: ResolvedPolicy = {
  federation: 'authenticated',
  prooftypes: ['dane', 'pkix', 'posh', 'dialback'],
  minTls: '1.2',
  target: null,
};

/** The policy in force towards a remote domain (canonical key). */
export function policyFor(options: PolicyOptions, domain: string): ResolvedPolicy {
  const special = mostSpecific(options.domains ?? {}, domain);
  const { target } = special ?? {};
  return {
    ...resolved(special ?? {}, options),
    target: target === undefined ? null : { ...target, tls: target.tls ?? 'starttls' },
  };
}

function resolved(own: DomainPolicy, inherited: DomainPolicy): Omit<ResolvedPolicy, 'target'> {
  return {
    federation: own.federation ?? inherited.federation ?? defaultPolicy.federation,
    prooftypes: own.prooftypes ?? inherited.prooftypes ?? defaultPolicy.prooftypes,
    minTls: own.minTls ?? inherited.minTls ?? defaultPolicy.minTls,
  };
}

function mostSpecific(domains: Readonly<Record<string, DomainPolicy>>, domain: string): DomainPolicy | undefined {
  if (Object.hasOwn(domains, domain)) return domains[domain];
  const patterns = Object.keys(domains).filter((pattern) => pattern.startsWith('*.') && domainMatches(pattern, domain));
  const longest = patterns.sort((a, b) => b.length - a.length)[0];
  return longest === undefined ? undefined : domains[longest];
}

/** Why the lists forbid a domain, or null. A list entry covers the domain and those below it; `deny` beats `allow`. */
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

/** Whether both policies treat the domain in the same way. */
export const isSamePolicy = (one: PolicyOptions, other: PolicyOptions, domain: string): boolean =>
  JSON.stringify([policyFor(one, domain), deniedBy(one, domain)]) ===
  JSON.stringify([policyFor(other, domain), deniedBy(other, domain)]);

/** Whether stanzas must travel over TLS. */
export const requiresTls = ({ federation }: ResolvedPolicy): boolean =>
  federation === 'encrypted' || federation === 'authenticated';

/** Whether it suffices that only DNS or dialback vouches for the far end. */
export const acceptsWeakProof = ({ federation, prooftypes }: ResolvedPolicy): boolean =>
  federation === 'permissive' || (federation !== 'authenticated' && prooftypes.includes('dialback'));

/** Whether policy admits a domain with this proof, or with none (XEP-0238). */
export function acceptsProof(
  policy: ResolvedPolicy,
  { prooftype, strength }: Pick<Proof, 'prooftype' | 'strength'>,
): boolean {
  if (policy.federation === 'permissive') return true;
  const isNamed = policy.prooftypes.some((name) => name === prooftype);
  if (strength === 'strong') return isNamed;
  return strength === 'weak' && (acceptsWeakProof(policy) || (policy.federation !== 'authenticated' && isNamed));
}

/**
 * The prooftypes that can satisfy the policy, in order: `authenticated` never accepts dialback alone. DANE is always
 * tried first: nothing else may prove a certificate that the TLSA records do not name (RFC 6698 §4.1, S8).
 */
export function usableProoftypes(policy: ResolvedPolicy): readonly ProoftypeName[] {
  const usable = policy.prooftypes.filter((name) => name !== 'dialback' || acceptsWeakProof(policy));
  return usable.indexOf('dane') > 0 ? ['dane', ...usable.filter((name) => name !== 'dane')] : usable;
}

/** Whether, under this policy, any domain is challenged for a proof of its delegation. */
export const asksForDnaProofs = ({ prooftypes, domains = {} }: PolicyOptions): boolean =>
  [{ prooftypes }, ...Object.values(domains)].some((policy) => policy.prooftypes?.some(isDnaProofType) === true);

/**
 * Why nothing can be proved under such a policy, or which prooftypes are named twice; null if it is sound.
 * @param ownWeak the embedder's prooftypes that are as weak as dialback
 */
export function problemOfPolicy(
  { federation, prooftypes }: Pick<ResolvedPolicy, 'federation' | 'prooftypes'>,
  ownWeak: readonly string[] = [],
): string | null {
  if (new Set(prooftypes).size < prooftypes.length) return `expected each prooftype once, got ${prooftypes.join(', ')}`;
  if (federation === 'permissive') return null;
  if (prooftypes.length === 0) return `expected at least one prooftype: ${federation} federation needs a proof`;
  if (federation === 'authenticated' && prooftypes.every((name) => name === 'dialback' || ownWeak.includes(name))) {
    const weak = prooftypes.join(', ');
    return `expected pkix, dane or posh besides ${weak}: authenticated federation never accepts ${weak} alone`;
  }
  return null;
}

/**
 * The same policy with every domain in its canonical form. Policies are looked up by canonical domain, so another
 * spelling would silently match nothing; and an unknown word would silently have no effect.
 *
 * @param ownProoftypes the embedder's prooftypes, which a policy may name besides the built-in ones
 * @throws TypeError naming the key: an invalid or repeated domain, a `*.` in a list, an unknown key or word, a policy
 *   under which nothing can be proved ({@link problemOfPolicy})
 */
export function canonicalPolicy(
  options: PolicyOptions,
  ownProoftypes: ReadonlyMap<string, { readonly strength: 'strong' | 'weak' }> = new Map(),
): PolicyOptions {
  const { allow, deny, domains } = options;
  const known: KnownProoftypes = {
    names: [...PROOFTYPES, ...ownProoftypes.keys()],
    ownWeak: [...ownProoftypes].filter(([, { strength }]) => strength === 'weak').map(([name]) => name),
  };
  const own = checkedProof(options, 'policy', ['allow', 'deny', 'domains'], {}, known);
  return {
    ...own,
    ...(allow === undefined ? {} : { allow: allow.map((entry, i) => listEntry(entry, `policy.allow[${i}]`)) }),
    ...(deny === undefined ? {} : { deny: deny.map((entry, i) => listEntry(entry, `policy.deny[${i}]`)) }),
    ...(domains === undefined ? {} : { domains: canonicalOverrides(domains, own, known) }),
  };
}

/** What a policy may name. */
interface KnownProoftypes {
  readonly names: readonly ProoftypeName[];
  readonly ownWeak: readonly string[];
}

function canonicalOverrides(
  domains: Readonly<Record<string, DomainPolicy>>,
  inherited: DomainPolicy,
  prooftypes: KnownProoftypes,
): Readonly<Record<string, DomainPolicy>> {
  const overrides = new Map<string, DomainPolicy>();
  for (const [pattern, policy] of Object.entries(domains)) {
    const key = `policy.domains[${JSON.stringify(pattern)}]`;
    const canonical = canonicalPattern(pattern);
    if (canonical === null) throw new TypeError(`${key}: expected a domain or "*.suffix"`);
    if (overrides.has(canonical)) throw new TypeError(`${key}: stands here twice: this is "${canonical}" again`);
    const { target } = policy;
    overrides.set(canonical, {
      ...checkedProof(policy, key, ['target'], inherited, prooftypes),
      ...(target === undefined ? {} : { target: canonicalTarget(target, `${key}.target`) }),
    });
  }
  return Object.fromEntries(overrides);
}

function checkedProof(
  policy: DomainPolicy,
  key: string,
  others: readonly string[],
  inherited: DomainPolicy,
  { names, ownWeak }: KnownProoftypes,
): Omit<DomainPolicy, 'target'> {
  const known = ['federation', 'prooftypes', 'minTls', ...others];
  const unknown = Object.keys(policy).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new TypeError(`${key}.${unknown}: unknown key; known here: ${known.join(', ')}`);
  const { federation, prooftypes, minTls } = policy;
  const checked = {
    ...(federation === undefined ? {} : { federation: word(federation, FEDERATIONS, `${key}.federation`) }),
    ...(prooftypes === undefined
      ? {}
      : { prooftypes: prooftypes.map((name, i) => word(name, names, `${key}.prooftypes[${i}]`)) }),
    ...(minTls === undefined ? {} : { minTls: word(minTls, TLS_VERSIONS, `${key}.minTls`) }),
  };
  const problem = problemOfPolicy(resolved(checked, inherited), ownWeak);
  const written = checked.prooftypes === undefined && checked.federation !== undefined ? 'federation' : 'prooftypes';
  if (problem !== null) throw new TypeError(`${key}.${written}: ${problem}`);
  return checked;
}

function canonicalTarget({ host, port, tls = 'starttls' }: TargetOptions, key: string): FixedTarget {
  const canonical = canonicalDomain(host);
  if (canonical === null) throw new TypeError(`${key}.host: ${JSON.stringify(host)} is no host name and no IP address`);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new TypeError(`${key}.port: ${port} is no port`);
  return { host: canonical, port, tls: word(tls, TLS_MODES, `${key}.tls`) };
}

/**
 * A list entry covers the domains below it anyway: a pattern is refused, since it would seem to mean something else.
 */
function listEntry(entry: string, key: string): string {
  const canonical = canonicalDomain(entry);
  if (canonical !== null) return canonical;
  throw new TypeError(`${key}: ${JSON.stringify(entry)} is no domain; a domain covers those below it too`);
}

function word<Word extends string>(given: Word, words: readonly Word[], key: string): Word {
  if (words.includes(given)) return given;
  throw new TypeError(`${key}: expected one of ${words.join(' | ')}, got ${JSON.stringify(given)}`);
}
