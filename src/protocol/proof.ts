/** Verdicts on "does this domain belong to this stream?" (RFC 7712), with evidence and expiry. */
import type { Fault } from './faults.ts';

/** Prooftypes that give verdicts today; `none` marks what permissive federation lets through unproved. */
export type ProvedBy = 'pkix' | 'dane' | 'posh' | 'dialback' | 'none';

/** Names and fingerprints that a verdict rests on; plain data, no secrets. */
export type Evidence = Readonly<Record<string, string | number | boolean | null>>;

export interface Proof {
  readonly prooftype: ProvedBy;
  /** Dialback is weak: it rests on DNS and routing (XEP-0220 §1.2). */
  readonly strength: 'strong' | 'weak' | 'none';
  readonly evidence: Evidence;
  /** When the proof ends, in milliseconds since the epoch; null when it lasts as long as its stream. */
  readonly expiresAtMs: number | null;
}

/** "Could not find out" is never "refuted", and never "proved". */
export type ProofVerdict =
  | ({ readonly kind: 'proved' } & Proof)
  | { readonly kind: 'refuted'; readonly fault: Fault }
  | { readonly kind: 'undetermined'; readonly fault: Fault };

/** What became of one prooftype in an association (FEATURES A14). */
export interface ProofAttempt {
  readonly prooftype: ProvedBy;
  readonly verdict: ProofVerdict;
}
