/** Proofs of delegation in plain words, for tests of the protocol around them. */
import type { Clock, DnaProofClaim, DnaProofJudge } from '../../src/ports.ts';
import { fault } from '../../src/protocol/faults.ts';

/** Proves `domain` until `seconds` after it was judged; without expiry if null. */
export const delegates = (domain: string, seconds: number | null = null): string => `${domain} ${String(seconds)}`;
export const FORGED = 'forged';

export interface TableDnaJudge extends DnaProofJudge {
  /** Everything that was judged, in order. */
  readonly claims: readonly DnaProofClaim[];
  /** From now on, no judgement is ever completed. */
  fallSilent(): void;
}

export function tableDnaJudge(clock: () => Clock): TableDnaJudge {
  const claims: DnaProofClaim[] = [];
  let isSilent = false;
  return {
    claims,
    fallSilent: () => (isSilent = true),
    check: async (claim) => {
      claims.push(claim);
      if (isSilent) await new Promise(() => undefined);
      const { type, data, domain, chain } = claim;
      const [delegated = '', seconds = ''] = data.split(' ');
      if (delegated !== domain || chain.der.length === 0)
        return { kind: 'refuted', fault: fault('dna', 'domain-mismatch', 'peer', `it delegates ${delegated}`) };
      const expiresAtMs = seconds === 'null' ? null : clock().now() + Number(seconds) * 1_000;
      return { kind: 'proved', prooftype: type, strength: 'strong', evidence: {}, expiresAtMs };
    },
  };
}
