/** Verdicts on "does this domain belong to this stream?" (RFC 7712), with evidence and expiry. */
import type { Fault } from './faults.ts';

/** `none` marks domains that permissive federation admits unproved; prooftypes of an embedder have their own names. */
export type ProvedBy = 'pkix' | 'dane' | 'posh' | 'dialback' | DnaProofType | 'none' | (string & {});

/** Proofs for which the far end is challenged (ProtoXEP "Domain Name Assertions" of 2009). */
export const DNA_PROOF_TYPES = ['attribute-cert', 'xml-assertion', 'dnssec-ta'] as const;
/** A built-in type, or one of an embedder, whose name is its URI. */
export type DnaProofType = BuiltInDnaProofType | `${string}:${string}`;
export type BuiltInDnaProofType = (typeof DNA_PROOF_TYPES)[number];

export const isBuiltInDnaProofType = (name: string): name is BuiltInDnaProofType =>
  DNA_PROOF_TYPES.some((type) => type === name);
export const isDnaProofType = (name: string): name is DnaProofType => isBuiltInDnaProofType(name) || name.includes(':');

/** Names and fingerprints on which a verdict is based; plain data, no secrets. */
export type Evidence = Readonly<Record<string, string | number | boolean | null>>;

export interface Proof {
  readonly prooftype: ProvedBy;
  /** Dialback is weak: it depends on DNS and routing (XEP-0220 §1.2). */
  readonly strength: 'strong' | 'weak' | 'none';
  readonly evidence: Evidence;
  /** When the proof ends, in milliseconds since the epoch; null if it lasts as long as its stream. */
  readonly expiresAtMs: number | null;
}

/** For domains from which, or to which, permissive federation allows stanzas without a proof. */
export const unproved: Proof = { prooftype: 'none', strength: 'none', evidence: {}, expiresAtMs: null };

/** "Could not be determined" is never "refuted", and never "proved". */
export type ProofVerdict =
  | ({ readonly kind: 'proved' } & Proof)
  | ({ readonly kind: 'refuted' } & Unproved)
  | ({ readonly kind: 'undetermined' } & Unproved);

interface Unproved {
  readonly fault: Fault;
  /**
   * True if no other prooftype may be tried instead: DANE refuted, or its answer was withheld (RFC 6698 §4.1, S4, S8).
   */
  readonly final?: true;
}

/** The outcome of one prooftype in an association. */
export interface ProofAttempt {
  readonly prooftype: ProvedBy;
  readonly verdict: ProofVerdict;
}
