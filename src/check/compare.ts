/**
 * What another policy would change for a domain: compares the two with each other and with the results of their checks.
 */
import { faultSentence } from '../protocol/faults.ts';
import {
  acceptsWeakProof,
  deniedBy,
  policyFor,
  type PolicyOptions,
  type ResolvedPolicy,
  usableProoftypes,
} from '../protocol/policy.ts';
import type { CheckVerdict } from './verdict.ts';

/** A policy, and the result of a negotiation under it. */
export interface Tried {
  readonly policy: PolicyOptions;
  readonly verdict: CheckVerdict;
}

export interface Passage {
  /** `unknown`: it cannot be determined from here. */
  readonly outcome: 'passes' | 'refused' | 'unknown';
  /** The prooftype that decides; `none` if no proof is required, null if none decides. */
  readonly by: string | null;
  readonly because: string;
}

export interface Effect {
  /** Our stanzas to the domain, as the negotiation has shown. */
  readonly out: Passage;
  /** Stanzas from the domain: how the policy judges the certificate and protocols that it has shown as a server. */
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
  /** Directions in which stanzas pass now and would no longer pass. */
  readonly cuts: readonly Direction[];
  /** Directions in which they do not pass now and would pass. */
  readonly opens: readonly Direction[];
  /** Directions with another difference: which prooftype decides, or whether the outcome can be determined. */
  readonly alters: readonly Direction[];
}

export const DIRECTIONS = ['out', 'in'] as const;
export type Direction = (typeof DIRECTIONS)[number];

export function comparePolicies(domain: string, inForce: Tried, other: Tried): PolicyComparison {
  const now = effectOf(domain, inForce);
  const then = effectOf(domain, other);
  const changes = (from: Passage['outcome'], to: Passage['outcome']) =>
    DIRECTIONS.filter((way) => now[way].outcome === from && then[way].outcome === to);
  const [cuts, opens] = [changes('passes', 'refused'), changes('refused', 'passes')];
  return {
    differences: differencesOf(domain, inForce.policy, other.policy),
    inForce: now,
    other: then,
    cuts,
    opens,
    alters: DIRECTIONS.filter((way) => !cuts.includes(way) && !opens.includes(way) && isOther(now[way], then[way])),
  };
}

const isOther = (now: Passage, then: Passage): boolean => now.outcome !== then.outcome || now.by !== then.by;

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

const NO_PROOF = 'Permissive federation asks for no proof.';

function outwards({ verdict: { verdict, prooftype, federation, fault, explanation } }: Tried): Passage {
  if (verdict === 'proved') return { outcome: 'passes', by: prooftype, because: explanation };
  if (federation !== 'none') return { outcome: 'passes', by: 'none', because: `${NO_PROOF} ${explanation}` };
  return { outcome: 'refused', by: fault === null ? null : prooftypeIn(fault.layer), because: explanation };
}

const prooftypeIn = (layer: string): string | null =>
  ['dane', 'pkix', 'posh', 'dialback'].find((name) => name === layer) ?? null;

/** What our policy says; and whether the far end is likely to connect, if it has just refused to believe us. */
function inwards(domain: string, tried: Tried): Passage {
  const passage = inwardsByPolicy(domain, tried);
  if (passage.outcome !== 'passes' || !UNBELIEVED.includes(tried.verdict.cause ?? '')) return passage;
  return {
    ...passage,
    because: `${passage.because} But it does not accept our certificate, and is unlikely to open a stream to us that way.`,
  };
}

/** Causes for which the far end does not accept our identity. */
const UNBELIEVED: readonly string[] = [
  'our-certificate-rejected',
  'our-certificate-not-accepted',
  'no-method-for-us',
  'we-are-not-believed',
  'dialback-refused',
];

/**
 * A server that opens a stream to us usually shows the same certificate as when it is dialled; if that does not prove
 * it, it asserts itself by dialback.
 */
function inwardsByPolicy(domain: string, { policy, verdict }: Tried): Passage {
  const resolved = policyFor(policy, domain);
  const { fault, prooftype } = verdict;
  const refused = refusedWhateverElse(domain, { policy, verdict });
  if (refused !== null) return refused;
  if (prooftype !== null && prooftype !== 'dialback')
    return {
      outcome: 'passes',
      by: prooftype,
      because: `Its certificate is proved by ${prooftype}, if it shows the same one when it connects to us.`,
    };
  // Even if no proof is required, its TLS version has to be new enough.
  const asksForNothing = resolved.federation === 'permissive' && fault?.condition !== 'no-shared-protocol';
  const speaksDialback = verdict.isJudged && verdict.federation !== 'permissive';
  if (asksForNothing && !(speaksDialback && resolved.prooftypes.includes('dialback')))
    return { outcome: 'passes', by: 'none', because: NO_PROOF };
  const unseen = asksForNothing ? null : unseenSentence(verdict);
  if (unseen !== null) return { outcome: 'unknown', by: null, because: unseen };
  if (acceptsWeakProof(resolved)) return { outcome: 'passes', by: 'dialback', because: dialbackSentence(resolved) };
  const usable = usableProoftypes(resolved).join(', ') || 'nothing';
  return {
    outcome: 'refused',
    by: prooftypeIn(fault?.layer ?? ''),
    because: `Its certificate is not proved by ${usable}, and ${resolved.federation} federation accepts nothing less.`,
  };
}

/** The allow and deny lists, and DANE, overrule everything else. */
function refusedWhateverElse(domain: string, { policy, verdict: { verdict, fault } }: Tried): Passage | null {
  const denied = deniedBy(policy, domain);
  if (denied !== null) return { outcome: 'refused', by: null, because: `${denied.text ?? faultSentence(denied)}.` };
  if (fault?.layer !== 'dane' || verdict !== 'refuted') return null;
  return {
    outcome: 'refused',
    by: 'dane',
    because: 'Its certificate is none of those that its TLSA records name, and nothing else is accepted instead.',
  };
}

function dialbackSentence({ federation }: ResolvedPolicy): string {
  const needsTls = federation === 'encrypted' ? ', under TLS' : '';
  const said = `Its certificate proves nothing; dialback does${needsTls}, if its authoritative server answers`;
  return federation === 'permissive' ? `${said}; if it does not, permissive federation asks for no proof.` : `${said}.`;
}

/** Why nothing is known about its certificate; null if it was judged. */
function unseenSentence({ isJudged, fault, explanation }: CheckVerdict): string | null {
  if (isJudged || fault === null || fault.layer === 'dane') return null;
  switch (fault.layer) {
    case 'dns':
    case 'tcp':
      return 'None of its servers could be reached, so nothing is known of its certificate.';
    case 'tls':
      return `Its server was reached, but TLS was not established, so nothing is known of its certificate. ${explanation}`;
    case 'xml':
      return `Its server was reached, but what it says is not understood, so nothing is known of its certificate. ${explanation}`;
    case 'stream':
      return `Its server was reached, but the stream ended before anything was proved. ${explanation}`;
    default:
      return `Nothing is known of its certificate. ${explanation}`;
  }
}
