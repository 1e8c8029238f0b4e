/** Judges proofs of delegation ("Domain Name Assertions" of 2009; docs/delegation-proofs.md). */
import { DNA_CONDITIONS, type DnaCondition, dnaFailure } from '../../protocol/dna-conditions.ts';
import { FaultError, toFault } from '../../protocol/faults.ts';
import { canonicalDomain } from '../../protocol/names.ts';
import type { Proof, ProofVerdict } from '../../protocol/proof.ts';
import type { Clock, DnaProofClaim, DnaProofJudge, PathValidator, Resolver } from '../../ports.ts';
import type { UnboundOptions } from '../dns/unbound/source.ts';
import type { HttpsGet } from './dnssec-ta/anchor-chain.ts';
import { AnchoredZones, isolatedValidator, type OpenValidator } from './dnssec-ta/anchored-zones.ts';
import { checkAttributeCert } from './attribute-cert/check.ts';
import { checkDnssecTa } from './dnssec-ta/check.ts';
import { checkXmlAssertion } from './xml-assertion/check.ts';

export interface DnaProofJudgePorts {
  readonly pathValidator: PathValidator;
  readonly clock: Clock;
  /** The shared resolver. For dnssec-ta its answers decide whether an anchor may be supplied; it is never given one. */
  readonly resolver: Pick<Resolver, 'srv' | 'validates'>;
  /** Fetches proofs of dnssec-ta that are a URL. @defaultValue these stay undetermined */
  readonly get?: HttpsGet;
  /** How the validators that are opened for supplied anchors reach the DNS. @defaultValue the servers of the system */
  readonly dns?: Pick<UnboundOptions, 'servers' | 'stubs'>;
  /** Opens such a validator. @defaultValue libunbound, configured by `dns` */
  readonly openValidator?: OpenValidator;
  /**
   * Whether a host name, in A-labels, belongs to this server: attribute certificates may be meant for certain servers
   * only. @defaultValue none does
   */
  readonly isOurs?: (hostName: string) => boolean;
}

/** A judge of all three kinds of proof; `close` frees its resources, and later checks end as `cancelled`. */
export function createDnaProofJudge(ports: DnaProofJudgePorts): DnaProofJudge & { close(): void } {
  const { pathValidator, clock, resolver, get, dns, isOurs = () => false } = ports;
  const zones = new AnchoredZones({ open: ports.openValidator ?? isolatedValidator(dns), clock });
  const over = new AbortController();

  function prove(claim: DnaProofClaim, signal: AbortSignal): Proof | Promise<Proof> {
    if (signal.aborted || over.signal.aborted) throw dnaFailure('cancelled', 'nobody waits for it');
    const domain = canonicalDomain(claim.domain);
    if (domain === null) throw dnaFailure('domain-mismatch', `"${claim.domain}" is no domain`);
    const asked = { ...claim, domain };
    switch (claim.type) {
      case 'attribute-cert':
        return checkAttributeCert(asked, { pathValidator, isOurs }, clock.now());
      case 'xml-assertion':
        return checkXmlAssertion(asked, pathValidator, clock.now());
      case 'dnssec-ta':
        return checkDnssecTa(asked, { pathValidator, resolver, zones, get, clock }, signal);
    }
  }

  return {
    check: (claim, signal) => new Promise<Proof>((resolve) => resolve(prove(claim, signal))).then(proved, unproved),
    close: () => {
      over.abort();
      zones.close();
    },
  };
}

const proved = (proof: Proof): ProofVerdict => ({ kind: 'proved', ...proof });

/** DNA_CONDITIONS gives the verdict for each condition; any other error is a bug of ours, and decides nothing. */
function unproved(thrown: unknown): ProofVerdict {
  const fault = toFault(thrown, 'dna');
  const condition = fault.layer === 'dna' && thrown instanceof FaultError ? fault.condition : '';
  if (!isDnaCondition(condition)) return { kind: 'undetermined', fault };
  const outcome = DNA_CONDITIONS[condition];
  return { kind: outcome.verdict, fault, ...('final' in outcome ? { final: outcome.final } : {}) };
}

const isDnaCondition = (condition: string): condition is DnaCondition => Object.hasOwn(DNA_CONDITIONS, condition);
