/** The result of a check: the verdict, the resulting level of federation (XEP-0238), and what to fix. */
import { type Fault, fault } from '../protocol/faults.ts';
import type { Federation } from '../protocol/policy.ts';
import type { ProofVerdict } from '../protocol/proof.ts';
import type { Service } from '../protocol/service.ts';
import type { Findings } from './findings.ts';
import { diagnose } from '../trace/explain/causes/diagnose.ts';
import { tellingFault } from '../trace/explain/causes/telling-fault.ts';

export interface CheckVerdict {
  readonly domain: string;
  readonly service: Service;
  readonly verdict: ProofVerdict['kind'];
  /** The prooftype that proved the domain, even if the far end then refused us. */
  readonly prooftype: string | null;
  /** A stream to one of its servers came far enough for its certificate to be judged. */
  readonly isJudged: boolean;
  /** The level of federation that stanzas would have; `none` if none would be sent. */
  readonly federation: 'none' | Federation;
  readonly fault: Fault | null;
  /** Id of the cause in the table of causes; null if there is none, or nothing to fix. */
  readonly cause: string | null;
  readonly explanation: string;
  readonly fix: string | null;
}

export function verdictOf(findings: Findings): CheckVerdict {
  const { domain, service, association } = findings;
  const prooftype = prooftypeOf(findings);
  const shared = { domain, service, prooftype, isJudged: association !== null };
  const why = faultOf(findings);
  if (why === null)
    return {
      ...shared,
      verdict: 'proved',
      federation: federationOf(findings),
      fault: null,
      cause: null,
      explanation: provedSentence(findings, prooftype),
      fix: null,
    };
  const attempts = association?.attempts ?? [];
  const told = isOfAssociation(findings, why) ? tellingFault(attempts, why) : why;
  const { id, cause, fix } = diagnose({ ...findings, fault: told, attempts });
  return {
    ...shared,
    verdict: kindOf(findings, why),
    federation: findings.fault === null ? federationOf(findings) : 'none',
    fault: told,
    cause: id,
    explanation: cause,
    fix,
  };
}

/**
 * Whether the domain is sufficiently proved: by a strong proof, or by a weak one; if that rests on DNS alone, the far
 * end must offer dialback.
 */
const isVouchedFor = ({ proof, dialbackIsOffered }: Findings): boolean =>
  proof?.strength === 'strong' || (proof?.strength === 'weak' && (proof.evidence['dns'] !== true || dialbackIsOffered));

/** Permissive federation allows a stream without any proof: that does not make the domain proved. */
function faultOf(findings: Findings): Fault | null {
  if (findings.fault !== null) return findings.fault;
  if (isVouchedFor(findings)) return null;
  const verdict = findings.association?.verdict;
  return verdict === undefined || verdict.kind === 'proved'
    ? fault('policy', 'no-prooftype', 'local', 'nothing was proved')
    : verdict.fault;
}

function prooftypeOf(findings: Findings): string | null {
  const { association, proof, fault: why } = findings;
  if (association?.verdict.kind === 'proved') return association.verdict.prooftype;
  return why === null && isVouchedFor(findings) ? (proof?.prooftype ?? null) : null;
}

const isOfAssociation = ({ association }: Findings, why: Fault): boolean =>
  association !== null && association.verdict.kind !== 'proved' && association.verdict.fault === why;

function federationOf({ proof, isEncrypted, dialbackIsOffered, isAccepted }: Findings): Federation {
  if (proof?.strength === 'strong') return isEncrypted ? 'authenticated' : 'verified';
  if (proof === null || proof.strength === 'none' || !(isAccepted || dialbackIsOffered)) return 'permissive';
  return isEncrypted ? 'encrypted' : 'verified';
}

/** The verdict is about the domain, and also about us if the far end has judged our identity. */
function kindOf(findings: Findings, why: Fault): ProofVerdict['kind'] {
  if (isOfAssociation(findings, why)) return findings.association?.verdict.kind ?? 'undetermined';
  if (why.layer === 'sasl' && REFUSALS.includes(why.condition)) return 'refuted';
  return why.layer === 'dialback' && why.condition === 'invalid' ? 'refuted' : 'undetermined';
}

/** RFC 6120 §6.5: the conditions that concern our identity, and not a temporary failure. */
const REFUSALS: readonly string[] = ['not-authorized', 'invalid-authzid', 'credentials-expired', 'account-disabled'];

function provedSentence(findings: Findings, prooftype: string | null): string {
  const { domain, service, proof, endpoint, isAccepted, local } = findings;
  const where = endpoint === null ? '' : ` at ${endpoint.host} port ${endpoint.port}`;
  const how =
    proof?.strength === 'strong'
      ? `is proved by ${prooftype ?? 'nothing'}`
      : 'is vouched for by DNS and dialback, and by nothing stronger';
  const who =
    service === 'xmpp-client'
      ? 'a client may log in'
      : isAccepted
        ? `it lets ${local} send`
        : 'whether it would let us send was not asked';
  return `${domain}${where} ${how}; ${who}.`;
}
