/** Proofs of delegation that say in plain words what they are: for the protocol around them. */
import type { Clock, DelegationClaim, Delegations } from '../../src/ports.ts';
import { fault } from '../../src/protocol/faults.ts';

/** Proves `domain` until so many seconds after it was judged; without end, if null. */
export const delegates = (domain: string, seconds: number | null = null): string => `${domain} ${String(seconds)}`;
export const FORGED = 'forged';

export interface TableDelegations extends Delegations {
  /** Everything that was judged, in order. */
  readonly claims: readonly DelegationClaim[];
  /** What is judged from now on is never judged to the end. */
  fallSilent(): void;
}

export function tableDelegations(clock: () => Clock): TableDelegations {
  const claims: DelegationClaim[] = [];
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
