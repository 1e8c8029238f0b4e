/** Judges proofs of delegation ("Domain Name Assertions" of 2009; docs/delegation-proofs.md). */
import { DELEGATION_CONDITIONS, type DelegationCondition, delegationFailure } from '../../protocol/delegation.ts';
import { FaultError, toFault } from '../../protocol/faults.ts';
import { canonicalDomain } from '../../protocol/names.ts';
import type { Proof, ProofVerdict } from '../../protocol/proof.ts';
import type { Clock, DelegationClaim, Delegations, PathValidator } from '../../ports.ts';
import { checkAttributeCert } from './attribute-cert.ts';
import { checkXmlAssertion } from './xml-assertion.ts';

export interface DelegationPorts {
  readonly pathValidator: PathValidator;
  readonly clock: Pick<Clock, 'now' | 'setTimeout' | 'clearTimeout'>;
  /**
   * Whether a host name, in A-labels, is one of this server's: attribute certificates may be meant for certain servers only.
   * @defaultValue none is
   */
  readonly isOurs?: (hostName: string) => boolean;
}

/** A judge of all three kinds; `close` frees what it holds, and what is asked afterwards is `cancelled`. */
export function createDelegations(ports: DelegationPorts): Delegations & { close(): void } {
  const { pathValidator, clock, isOurs = () => false } = ports;
  const over = new AbortController();

  function prove(claim: DelegationClaim, signal: AbortSignal): Proof {
    if (signal.aborted || over.signal.aborted) throw delegationFailure('cancelled', 'nobody waits for it');
    const domain = canonicalDomain(claim.domain);
    if (domain === null) throw delegationFailure('domain-mismatch', `"${claim.domain}" is no domain`);
    const asked = { ...claim, domain };
    switch (claim.type) {
      case 'attribute-cert':
        return checkAttributeCert(asked, { pathValidator, isOurs }, clock.now());
      case 'xml-assertion':
        return checkXmlAssertion(asked, pathValidator, clock.now());
      case 'dnssec-ta':
        throw delegationFailure('cancelled', 'not in this version');
    }
  }

  return {
    check: (claim, signal) => new Promise<Proof>((resolve) => resolve(prove(claim, signal))).then(proved, unproved),
    close: () => over.abort(),
  };
}

const proved = (proof: Proof): ProofVerdict => ({ kind: 'proved', ...proof });

/** The list of conditions knows what each means; what is not on it is our own mistake, and leaves the question open. */
function unproved(thrown: unknown): ProofVerdict {
  const fault = toFault(thrown, 'dna');
  const condition = fault.layer === 'dna' && thrown instanceof FaultError ? fault.condition : '';
  if (!isDelegationCondition(condition)) return { kind: 'undetermined', fault };
  const outcome = DELEGATION_CONDITIONS[condition];
  return { kind: outcome.verdict, fault, ...('final' in outcome ? { final: outcome.final } : {}) };
}

const isDelegationCondition = (condition: string): condition is DelegationCondition =>
  Object.hasOwn(DELEGATION_CONDITIONS, condition);
