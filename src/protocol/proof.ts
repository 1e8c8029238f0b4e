/** Verdicts on "does this domain belong to this stream?" (RFC 7712), with evidence and expiry. */
import type { Fault } from './faults.ts';

/** `none` marks what permissive federation lets through unproved; prooftypes of an embedder have names of their own. */
export type ProvedBy = 'pkix' | 'dane' | 'posh' | 'dialback' | DnaProofType | 'none' | (string & {});

/** Proofs that the far end is challenged for (XEP "Domain Name Assertions" of 2009, FACTS §13). */
export const DNA_PROOF_TYPES = ['attribute-cert', 'xml-assertion', 'dnssec-ta'] as const;
/** Ours, or one of an embedder: that has a URI of its own for a name. */
export type DnaProofType = BuiltInDnaProofType | `${string}:${string}`;
export type BuiltInDnaProofType = (typeof DNA_PROOF_TYPES)[number];

export const isBuiltInDnaProofType = (name: string): name is BuiltInDnaProofType =>
  DNA_PROOF_TYPES.some((type) => type === name);
export const isDnaProofType = (name: string): name is DnaProofType => isBuiltInDnaProofType(name) || name.includes(':');

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

/** Of whom permissive federation lets in without a proof, or sends to. */
export const unproved: Proof = { prooftype: 'none', strength: 'none', evidence: {}, expiresAtMs: null };

/** "Could not find out" is never "refuted", and never "proved". */
export type ProofVerdict =
  | ({ readonly kind: 'proved' } & Proof)
  | ({ readonly kind: 'refuted' } & Unproved)
  | ({ readonly kind: 'undetermined' } & Unproved);

interface Unproved {
  readonly fault: Fault;
  /** True where no other prooftype may be asked instead: DANE says no, or its answer was withheld (RFC 6698 §4.1, S4, S8). */
  readonly final?: true;
}

/** What became of one prooftype in an association (FEATURES A14). */
export interface ProofAttempt {
  readonly prooftype: ProvedBy;
  readonly verdict: ProofVerdict;
}
