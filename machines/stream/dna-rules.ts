/** The rules of the DNA protocol of 2009 on a stream, as pure functions of the stream's context. */
import { type Fault, fault } from '../../src/protocol/faults.ts';
import { deniedBy, usableProoftypes } from '../../src/protocol/policy.ts';
import { type DnaProofType, isDnaProofType, type Proof, type ProofAttempt } from '../../src/protocol/proof.ts';
import { undelegated } from '../../src/protocol/secure-delegation.ts';
import { type AssociationInput, conclude } from '../association.machine.ts';
import { entryOf, hasMember } from '../collections/growing-table.ts';
import type { AssociationOutcome } from '../events.ts';
import type { StreamContext } from './context.ts';
import {
  associationOf,
  assertionOfOurs,
  faultOfPair,
  isUnprovedForGood,
  outdatedTls,
  policyTowards,
  proofOf,
  provedByNothing,
  speaksDna,
  unchallengeable,
} from './rules.ts';

/** Both ends speak the protocol. */
export const isMutual = (context: StreamContext): boolean => context.dna.isSpoken && speaksDna(context);

/** The proofs of delegation that policy accepts for the domain, in order. */
const typesFor = (context: StreamContext, domain: string): readonly DnaProofType[] =>
  usableProoftypes(policyTowards(context, domain)).filter(isDnaProofType);

const isChallenged = ({ prooftype }: ProofAttempt): boolean => isDnaProofType(prooftype);

/** The far end has no strong proof so far, and may still be challenged for one. */
function isUnproved(context: StreamContext): boolean {
  const { associated, purpose, remote } = context;
  if (associated === null || purpose !== 'stanzas' || isUnprovedForGood(context)) return false;
  return proofOf(context, remote)?.strength !== 'strong' && !associated.attempts.some(isChallenged);
}

/** Whether the far end speaks DNA is known only from its features: until then it is judged by its certificate. */
export const mayYetBeChallenged = (context: StreamContext): boolean =>
  isUnproved(context) &&
  !context.negotiation.headerSent &&
  context.settings.dna.checks &&
  context.tls?.certificate != null &&
  typesFor(context, context.remote).length > 0;

export const challengeIsDue = (context: StreamContext): boolean =>
  isUnproved(context) && unchallengeable(context) === null && typesFor(context, context.remote).length > 0;

/** Input for the second association of the far end, once its features are known. */
export const associationByChallenge = (context: StreamContext): Omit<AssociationInput, 'assertion'> => ({
  ...associationOf(context, context.remote),
  prooftypes: typesFor(context, context.remote),
  delegation: undelegated,
});

/** The combined outcome of the certificate and the proof of delegation. */
export function joined(before: AssociationOutcome | null, after: AssociationOutcome): AssociationOutcome {
  const attempts = [...(before?.attempts ?? []), ...after.attempts];
  return { ...after, attempts, verdict: after.verdict.kind === 'proved' ? after.verdict : conclude(attempts) };
}

/** The far end was never asked for the proof that policy wants: that is the reason, not a lack in its certificate. */
export function faultOfSilence(context: StreamContext): Fault | null {
  const { associated, remote } = context;
  const wasAsked = associated === null || associated.attempts.length > 0 || associated.verdict.kind !== 'undetermined';
  if (wasAsked || typesFor(context, remote).length === 0) return null;
  return unchallengeable(context);
}

/** The domain's proof if it is strong and accepted by policy, so that `<valid/>` may be sent (S2); else null. */
export function strongProof(context: StreamContext, domain: string): Proof | null {
  const proof = proofOf(context, domain);
  return proof?.strength === 'strong' && faultOfPair(context, domain, proof) === null ? proof : null;
}

/** Why an asserted domain is refused without verification, or null. */
export const faultOfAssertion = (context: StreamContext, domain: string): Fault | null =>
  assertionOfOurs(context, domain) ??
  deniedBy(context.settings.policy, domain) ??
  outdatedTls(context, domain) ??
  provedByNothing(context, domain);

/** The far end has said that it cannot prove the domain: our verdict is not sent (ProtoXEP §4.5). */
export const isKnownImpossible = ({ attempts }: Pick<AssociationOutcome, 'attempts'>): boolean =>
  attempts.some(
    ({ prooftype, verdict }) =>
      isDnaProofType(prooftype) && verdict.kind !== 'proved' && verdict.fault.condition === 'impossible',
  );

export interface ShownProof {
  readonly type: DnaProofType;
  readonly data: string;
}

/**
 * Our answer to a challenge: the first offered type for which the operator configured a proof; null if there is none.
 */
export function proofToShow(
  { settings }: StreamContext,
  domain: string,
  prooftypes: readonly DnaProofType[],
): ShownProof | null {
  const proofs = hasMember(settings.hosted, domain) ? entryOf(settings.dna.proofs, domain) : undefined;
  for (const type of prooftypes) {
    const data = proofs?.[type];
    if (data !== undefined) return { type, data };
  }
  return null;
}

export const declaredInvalid = (domain: string): Fault =>
  fault('dna', 'declared-invalid', 'peer', `the far end does not believe that we speak for ${domain}`);
export const retracted = (domain: string): Fault =>
  fault('dna', 'impossible', 'peer', `the far end no longer speaks for ${domain}`);
export const expired = (domain: string): Fault =>
  fault('dna', 'proof-expired', 'peer', `the proof that ${domain} is delegated to the far end has ended`);
export const nothingToShow = (domain: string): Fault =>
  fault('dna', 'impossible', 'local', `there is no proof any more that ${domain} is delegated to us`);
