/** A domain that delegates, its provider, and a judge that trusts the authority of both. */
import { createDnaProofJudge, type DnaProofJudgePorts } from '../../src/adapters/dna/judge.ts';
import { createPathValidator } from '../../src/adapters/pkix/path-validator.ts';
import type { DnaProofClaim } from '../../src/ports.ts';
import type { ProofVerdict } from '../../src/protocol/proof.ts';
import { createCertificateAuthority, type KeyType } from '../../src/simulation/certificate-authority.ts';

export const DAY_MS = 86_400_000;
export const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);
export const never = new AbortController().signal;

export const root = createCertificateAuthority({ name: 'Root' });
export const authority = root.intermediate({ name: 'Authority' });
export const stranger = createCertificateAuthority({ name: 'Stranger' });

/** The domain `a.example`, and another domain that does not belong to it. */
export const owner = authority.issue({ dnsNames: ['a.example'] });
export const ownerWith = (keyType: KeyType) => authority.issue({ dnsNames: ['a.example'], keyType });
export const otherOwner = authority.issue({ dnsNames: ['c.example'] });
export const provider = authority.issue({ dnsNames: ['xmpp.provider.example'] });
export const otherProvider = authority.issue({ dnsNames: ['xmpp.provider.example'] });

export const claimOf = (
  type: DnaProofClaim['type'],
  data: string,
  rest: Partial<DnaProofClaim> = {},
): DnaProofClaim => ({
  type,
  domain: 'a.example',
  service: 'xmpp-server',
  data,
  chain: { der: provider.der },
  endpoint: { host: 'xmpp.provider.example', port: 5269 },
  ...rest,
});

/** `proved`, or the condition. */
export const answer = (verdict: ProofVerdict): string =>
  verdict.kind === 'proved' ? 'proved' : verdict.fault.layer === 'dna' ? verdict.fault.condition : verdict.fault.layer;

export interface Judge {
  check(claim: DnaProofClaim, atMs?: number): Promise<ProofVerdict>;
  close(): void;
}

const noResolver: DnaProofJudgePorts['resolver'] = {
  validates: true,
  srv: () => Promise.reject(new Error('nothing is looked up')),
};

/** Nothing is looked up, fetched or validated except through `ports`. */
export function createJudge(
  ports: Partial<DnaProofJudgePorts> = {},
  anchors: readonly string[] = [root.certPem],
): Judge {
  const pathValidator = createPathValidator({ system: false, anchors });
  let now = NOW;
  const clock = {
    now: () => now,
    setTimeout,
    clearTimeout: (handle: unknown) => clearTimeout(handle as NodeJS.Timeout),
  };
  const dnaProofs = createDnaProofJudge({ pathValidator, clock, resolver: noResolver, ...ports });
  return {
    check: (claim, atMs = NOW) => {
      now = atMs;
      return dnaProofs.check(claim, never);
    },
    close: () => {
      dnaProofs.close();
      pathValidator.close();
    },
  };
}
