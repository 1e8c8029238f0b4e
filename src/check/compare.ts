/** What another policy would change for a domain: the two are put beside each other, and beside what was found out (FEATURES P3). */
import { faultSentence } from '../protocol/faults.ts';
import { acceptsWeakProof, deniedBy, policyFor, type PolicyOptions, usableProoftypes } from '../protocol/policy.ts';
import type { CheckVerdict } from './verdict.ts';

/** A policy, and what a negotiation under it came to. */
export interface Tried {
  readonly policy: PolicyOptions;
  readonly verdict: CheckVerdict;
}

export interface Passage {
  /** `unknown`: it is not to be found out from here. */
  readonly outcome: 'passes' | 'refused' | 'unknown';
  /** The prooftype that decides; null where none does. */
  readonly by: string | null;
  readonly because: string;
}

export interface Effect {
  /** Stanzas of ours to the domain, as the negotiation has shown. */
  readonly out: Passage;
  /** Stanzas from the domain: what the policy says to what it has shown as a server. */
  readonly in: Passage;
}

export interface Difference {
  /** As in the configuration file. */
  readonly key: 'federation' | 'prooftypes' | 'minTls' | 'target' | 'lists';
  readonly inForce: string;
  readonly other: string;
}

export interface PolicyComparison {
  readonly differences: readonly Difference[];
  readonly inForce: Effect;
  readonly other: Effect;
  /** Directions in which stanzas pass now, and would not. */
  readonly cuts: readonly ('out' | 'in')[];
  /** Directions in which they do not pass now, and would. */
  readonly opens: readonly ('out' | 'in')[];
}

export function comparePolicies(domain: string, inForce: Tried, other: Tried): PolicyComparison {
  const now = effectOf(domain, inForce);
  const then = effectOf(domain, other);
  const changes = (from: Passage['outcome'], to: Passage['outcome']) =>
    (['out', 'in'] as const).filter((way) => now[way].outcome === from && then[way].outcome === to);
  return {
    differences: differencesOf(domain, inForce.policy, other.policy),
    inForce: now,
    other: then,
    cuts: changes('passes', 'refused'),
    opens: changes('refused', 'passes'),
  };
}

function differencesOf(domain: string, inForce: PolicyOptions, other: PolicyOptions): readonly Difference[] {
  const [one, two] = [described(domain, inForce), described(domain, other)];
  return (['federation', 'prooftypes', 'minTls', 'target', 'lists'] as const)
    .map((key) => ({ key, inForce: one[key], other: two[key] }))
    .filter((difference) => difference.inForce !== difference.other);
}

function described(domain: string, policy: PolicyOptions): Readonly<Record<Difference['key'], string>> {
  const { federation, prooftypes, minTls, target } = policyFor(policy, domain);
  return {
    federation,
    prooftypes: prooftypes.join(', ') || 'none',
    minTls,
    target: target === null ? 'as the DNS says' : `${target.host} port ${target.port} (${target.tls})`,
    lists: deniedBy(policy, domain)?.text ?? 'the domain is not denied',
  };
}

const effectOf = (domain: string, tried: Tried): Effect => ({ out: outwards(tried), in: inwards(domain, tried) });

function outwards({ verdict: { verdict, prooftype, fault, explanation } }: Tried): Passage {
  if (verdict === 'proved') return { outcome: 'passes', by: prooftype, because: explanation };
  return { outcome: 'refused', by: fault === null ? null : prooftypeIn(fault.layer), because: explanation };
}

const prooftypeIn = (layer: string): string | null =>
  ['dane', 'pkix', 'posh', 'dialback'].find((name) => name === layer) ?? null;

/**
 * Whoever opens a stream to us shows a certificate, by rule the one that it has as a server; and where that does not do, asserts
 * itself by dialback.
 */
function inwards(domain: string, { policy, verdict }: Tried): Passage {
  const resolved = policyFor(policy, domain);
  const { fault, prooftype } = verdict;
  const denied = deniedBy(policy, domain);
  if (denied !== null) return { outcome: 'refused', by: null, because: `${denied.text ?? faultSentence(denied)}.` };
  if (fault?.layer === 'dane' && verdict.verdict === 'refuted')
    return {
      outcome: 'refused',
      by: 'dane',
      because: `Its certificate is none of those that its TLSA records name, and nothing else is asked instead.`,
    };
  if (prooftype !== null && prooftype !== 'dialback' && prooftype !== 'none')
    return {
      outcome: 'passes',
      by: prooftype,
      because: `Its certificate is proved by ${prooftype}, if it shows the same one when it connects to us.`,
    };
  const needsTls = resolved.federation === 'encrypted' ? ', under TLS' : '';
  if (resolved.federation === 'permissive')
    return { outcome: 'passes', by: null, because: 'Permissive federation asks for no proof.' };
  if (acceptsWeakProof(resolved) && !isOutOfReach(verdict))
    return {
      outcome: 'passes',
      by: 'dialback',
      because: `Its certificate proves nothing; dialback does${needsTls}, where its authoritative server answers.`,
    };
  if (isOutOfReach(verdict))
    return {
      outcome: 'unknown',
      by: null,
      because: 'No server of it could be reached, so nothing is known of its certificate.',
    };
  const usable = usableProoftypes(resolved).join(', ') || 'nothing';
  return {
    outcome: 'refused',
    by: prooftypeIn(fault?.layer ?? ''),
    because: `Its certificate is not proved by ${usable}, and ${resolved.federation} federation takes nothing less.`,
  };
}

/** Of its certificate nothing was seen. */
const isOutOfReach = ({ fault }: CheckVerdict): boolean =>
  fault !== null && ['dns', 'tcp', 'tls', 'xml'].includes(fault.layer);
