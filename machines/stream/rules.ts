/** The rules of the two stream charts, as pure functions of the stream's context: no events, no effects. */
import type { Endpoint } from '../../src/protocol/dns.ts';
import { type Fault, fault } from '../../src/protocol/faults.ts';
import type { DomainPair } from '../../src/protocol/pairs.ts';
import { matchIdentity, referenceIdentifiers } from '../../src/protocol/identity.ts';
import { canonicalDomain } from '../../src/protocol/names.ts';
import {
  acceptsProof,
  acceptsWeakProof,
  asksForDnaProofs,
  deniedBy,
  policyFor,
  type PolicyOptions,
  type ResolvedPolicy,
  requiresTls,
  type ProoftypeName,
  usableProoftypes,
} from '../../src/protocol/policy.ts';
import { isDnaProofType, type Proof, unproved } from '../../src/protocol/proof.ts';
import {
  delegationOf,
  isFixedByOperator,
  noValidator,
  type SecureDelegation,
  undelegated,
} from '../../src/protocol/secure-delegation.ts';
import { decodeAuthzid, type StreamFeatures, type StreamHeader } from '../../src/protocol/wire.ts';
import { entryOf, hasMember, withEntry } from '../collections/growing-table.ts';
import { hasIncoming, isKnown, isSender, provedDomains, targetsOnly } from '../collections/proved-pairs.ts';
import type { AssociationInput } from '../association.machine.ts';
import { limits } from '../limits.ts';
import { type StreamContext, withDna } from './context.ts';

export { pairId, verifyId } from '../../src/protocol/pairs.ts';

/** We dialled where DNS sent us, which is as much as dialback proves: sufficient if policy accepts weak proofs. */
const vouchedByDns: Proof = {
  prooftype: 'dialback',
  strength: 'weak',
  evidence: { dns: true },
  expiresAtMs: null,
};

/** The proof assumed for a far end that nothing has proved; not dialback, unless policy lists dialback. */
const vouching = ({ prooftypes }: ResolvedPolicy): Proof => (prooftypes.includes('dialback') ? vouchedByDns : unproved);

export const policyTowards = ({ settings }: StreamContext, remote: string): ResolvedPolicy =>
  policyFor(settings.policy, remote);

/** Whether the stream has no room for this pair, whose sender domain is at the far end (XEP-0220 §2.5). */
export const isFullFor = ({ validPairs }: StreamContext, pair: DomainPair): boolean =>
  (validPairs.size >= limits.pairsPerStream && !hasIncoming(validPairs, pair)) ||
  (validPairs.senders >= limits.domainsPerStream && !isSender(validPairs, pair.from));

/** The same for a pair of ours, whose target domain is at the far end. */
export const isFullForOurs = ({ validPairs }: StreamContext, { to }: DomainPair): boolean =>
  validPairs.size >= limits.pairsPerStream ||
  (targetsOnly(validPairs) >= limits.domainsPerStream && !isKnown(validPairs, to));

/** The delegation found before dialling. Without a DNSSEC validator, that is the reason why DANE does not apply. */
function dialledDelegation({ settings }: StreamContext, endpoint: Endpoint): SecureDelegation {
  const found = delegationOf(endpoint);
  return settings.material.secureDns || found.dane.kind === 'tlsa' ? found : { ...found, dane: noValidator };
}

/** Input for the association of `domain` with the far end of this stream, in either direction. */
export function associationOf(context: StreamContext, domain: string): Omit<AssociationInput, 'assertion'> {
  const { stream, service, settings, endpoint, remote, tls, purpose } = context;
  const isDialled = endpoint !== null && domain === remote;
  return {
    stream,
    service,
    domain,
    prooftypes: usableProoftypes(policyTowards(context, domain)),
    delegation: isDialled ? dialledDelegation(context, endpoint) : settings.material.secureDns ? null : undelegated,
    endpoint: endpoint === null ? null : { host: endpoint.host, port: endpoint.port },
    certificate: tls?.certificate ?? null,
    unchallengeable: unchallengeable(context),
    fresh: false,
    purpose: endpoint === null ? 'verification' : purpose,
  };
}

/** The same for a domain whose proof will end: remembered answers would end with it, and the endpoint's data is old. */
export function renewalOf(context: StreamContext, domain: string): Omit<AssociationInput, 'assertion'> {
  const asked = associationOf(context, domain);
  const isFixed = context.endpoint !== null && isFixedByOperator(context.endpoint);
  const isSaid = domain === context.remote && isFixed;
  const delegation = isSaid ? asked.delegation : context.settings.material.secureDns ? null : undelegated;
  return { ...asked, delegation, fresh: true };
}

/**
 * The same for the domain to or from which the stream was opened, before it is known whether the far end speaks DNA.
 */
export function associationByCertificate(context: StreamContext): Omit<AssociationInput, 'assertion'> {
  const input = associationOf(context, context.remote);
  return { ...input, prooftypes: input.prooftypes.filter((name) => !isDnaProofType(name)) };
}

/**
 * Whether we speak the DNA protocol of 2009 on this stream if the far end does: only if the operator has proofs to
 * show, or asks for them (and only under TLS: ProtoXEP §6.2).
 */
export const speaksDna = ({ tls, purpose, settings: { dna, policy } }: StreamContext): boolean =>
  tls !== null && purpose === 'stanzas' && (dna.proofs.length > 0 || (dna.checks && asksForDnaProofs(policy)));

/** Why the far end cannot be challenged here, or null. */
export function unchallengeable(context: StreamContext): Fault | null {
  const { settings, tls, dna } = context;
  if (!settings.dna.checks) return fault('dna', 'not-available', 'local', 'nobody judges proofs of delegation here');
  if (!speaksDna(context) || !dna.isSpoken)
    return fault('dna', 'not-spoken', 'peer', 'the far end does not speak the DNA protocol of 2009');
  return tls?.certificate == null ? fault('dna', 'no-certificate', 'peer') : null;
}

/** The far end no longer speaks for the domain, or is no longer believed (ProtoXEP §4.3, §4.5). */
export const isWithdrawn = ({ dna }: StreamContext, domain: string): boolean => entryOf(dna.withdrawn, domain) === true;

/** The proof of a domain of the far end, as long as the domain belongs to this stream. */
export const proofOf = (context: StreamContext, domain: string): Proof | undefined =>
  isWithdrawn(context, domain) ? undefined : entryOf(context.proved, domain);

/** The stream with one more domain proved; a withdrawn domain is reinstated. */
export const withProof = (context: StreamContext, domain: string, proof: Proof) => ({
  proved: withEntry(context.proved, domain, proof),
  ...(isWithdrawn(context, domain)
    ? withDna(context, { withdrawn: withEntry(context.dna.withdrawn, domain, false) })
    : {}),
});

/** The stream as it would be under another policy. */
export const underPolicy = (context: StreamContext, policy: PolicyOptions): StreamContext => ({
  ...context,
  settings: { ...context.settings, policy },
});

/** Why the policy in force forbids a pair of `domain` with this proof on this stream, or null (S1, S2). */
export function faultOfPair(
  context: StreamContext,
  domain: string,
  proof: Pick<Proof, 'prooftype' | 'strength'>,
): Fault | null {
  const policy = policyTowards(context, domain);
  const violation = (text: string): Fault => fault('policy', 'policy-violation', 'local', text);
  const denied = deniedBy(context.settings.policy, domain) ?? outdatedTls(context, domain);
  if (denied !== null) return denied;
  if (requiresTls(policy) && context.tls === null) return violation('TLS is required now');
  return acceptsProof(policy, proof) ? null : violation('a stronger proof is required now');
}

/** Why policy now forbids this stream, because it forbids its remote domain or one of its pairs; or null. */
export function faultOfStream(context: StreamContext): Fault | null {
  const { settings, purpose, endpoint, associated, remote, validPairs } = context;
  const denied = remote === '' ? null : deniedBy(settings.policy, remote);
  if (denied !== null) return denied;
  for (const { domain, ...proof } of provedDomains(validPairs)) {
    const why = isWithdrawn(context, domain) ? null : faultOfPair(context, domain, proof);
    if (why !== null) return why;
  }
  const isJudged = endpoint !== null && purpose === 'stanzas' && associated !== null && !isWithdrawn(context, remote);
  return isJudged ? faultOfPair(context, remote, entryOf(context.proved, remote) ?? vouchedByDns) : null;
}

/** If DNS names the certificate to expect, TLS is required whatever the policy says (RFC 7673 §4). */
export const tlsIsRequired = (context: StreamContext): boolean =>
  context.endpoint?.dane.kind === 'tlsa' || requiresTls(policyTowards(context, context.remote));

/** The far end has a final verdict other than proved: no weaker proof may replace it (RFC 6698 §4.1, S4, S8). */
export const isUnprovedForGood = ({ associated }: StreamContext): boolean =>
  associated !== null && associated.verdict.kind !== 'proved' && associated.verdict.final === true;

/** The proof of `domain` on this stream that the policy in force accepts, or null (S2). */
export function acceptableProof(context: StreamContext, domain: string): Proof | null {
  // DNS vouches for endpoints that we dial, not for servers that dial us.
  const isVouchedFor = context.endpoint !== null && !isUnprovedForGood(context) && !isWithdrawn(context, domain);
  const proof = proofOf(context, domain) ?? (isVouchedFor ? vouching(policyTowards(context, domain)) : null);
  if (proof === null) return null;
  return faultOfPair(context, domain, proof) === null ? proof : null;
}

/**
 * XEP-0220 §2.6.2: if only DNS vouches for the far end, and policy accepts that, the same endpoint vouches for a
 * further domain too. A far end that was strongly proved must prove the further domain too (S8).
 */
export const supposedProof = (context: StreamContext, domain: string): Proof | null =>
  proofOf(context, context.remote)?.strength !== 'strong' ? acceptableProof(context, domain) : null;

/**
 * XEP-0288 §2.2: a far end that accepts us as a source may send in reverse if it has proved its identity on this
 * stream. It is not enough that DNS led us there, or that policy required no proof. The far end assumes the same: it
 * sends in reverse as soon as it has answered `valid`.
 */
export const mayWriteBack = ({ negotiation }: StreamContext, { strength, evidence }: Proof): boolean =>
  negotiation.bidi && strength !== 'none' && evidence['dns'] !== true;

export const externalMayBeOffered = (context: StreamContext): boolean => {
  const { negotiation, tls, associated, remote } = context;
  if (negotiation.phase !== 'open' || tls === null || associated?.verdict.kind !== 'proved') return false;
  return associated.domain === remote && faultOfPair(context, remote, associated.verdict) === null;
};

/** The features that we offer as the receiving server. EXTERNAL is offered only if it will succeed. */
export function ourFeatures(context: StreamContext): StreamFeatures {
  const { tls, negotiation, settings, remote } = context;
  const dialback = tls !== null || !requiresTls(policyTowards(context, remote));
  return {
    kind: 'features',
    startTls: tls !== null ? 'absent' : dialback ? 'optional' : 'required',
    mechanisms: externalMayBeOffered(context) ? ['EXTERNAL'] : [],
    dialback,
    dialbackErrors: dialback,
    bidi: tls !== null && negotiation.phase === 'open' && settings.bidi,
    ...(speaksDna(context) ? { asserts: [context.local] } : {}),
    unknown: [],
  };
}

/**
 * The major number of a "<major>.<minor>" version, ignoring leading zeros (RFC 6120 §4.7.5); NaN if it is malformed.
 */
export const majorOf = (version: string): number => Number(/^(\d+)\.\d+$/.exec(version)?.[1]);

/** Why this header cannot be accepted, or null. Names count only after TLS (RFC 6120 §5.4.3.3); SASL freezes them. */
export function faultOfHeader(context: StreamContext, header: StreamHeader): Fault | null {
  const { settings, tls, negotiation } = context;
  // A higher version is answered with ours, the lower of the two.
  if (header.version !== null && !(majorOf(header.version) >= 1))
    return fault('stream', 'unsupported-version', 'peer', `version ${header.version}`);
  const to = header.to === null ? null : canonicalDomain(header.to);
  if (to === null || !hasMember(settings.hosted, to)) {
    return fault(
      'stream',
      'host-unknown',
      'peer',
      header.to === null ? 'the header has no to' : `${header.to} is not served here`,
    );
  }
  const from = header.from === null ? null : canonicalDomain(header.from);
  if (header.from !== null && from === null)
    return fault('stream', 'improper-addressing', 'peer', 'from is not a domain');
  if (from === null && tls !== null)
    return fault('stream', 'improper-addressing', 'peer', 'the header has no from under TLS');
  if (from !== null && hasMember(settings.hosted, from))
    return fault('stream', 'invalid-from', 'peer', `${from} is served here`);
  if (negotiation.phase === 'authenticated' && (from !== context.remote || to !== context.local)) {
    return fault(
      'stream',
      from === context.remote ? 'improper-addressing' : 'invalid-from',
      'peer',
      'the header names others than those authenticated',
    );
  }
  if (from !== null) {
    const outdated = outdatedTls(context, from);
    if (outdated !== null) return outdated;
    const denied = deniedBy(settings.policy, from);
    if (denied !== null) return { ...denied, layer: 'stream', condition: 'policy-violation' };
    if (header.version === null && requiresTls(policyFor(settings.policy, from))) {
      return fault('stream', 'policy-violation', 'peer', 'a stream without version cannot start TLS');
    }
  }
  return null;
}

/** The fault if the TLS version of the stream is older than the policy towards this domain allows, or null. */
export function outdatedTls(context: StreamContext, remote: string): Fault | null {
  const { minTls } = policyTowards(context, remote);
  if (context.tls === null || minTls === '1.2' || context.tls.protocol === 'TLSv1.3') return null;
  return fault('stream', 'policy-violation', 'peer', `TLS ${minTls} is required, this is ${context.tls.protocol}`);
}

/** Prooftypes that judge only the certificate. */
const BY_CERTIFICATE: readonly ProoftypeName[] = ['dane', 'pkix', 'posh'];

/**
 * Why no prooftype that policy accepts can prove `domain` on this stream, or null. Either only the certificate counts
 * and there is none, or only the names in it count and they are different.
 */
export function provedByNothing(context: StreamContext, domain: string): Fault | null {
  const { tls, settings } = context;
  const policy = policyTowards(context, domain);
  const mayChallenge = unchallengeable(context) === null;
  const prooftypes = usableProoftypes(policy).filter((name) => mayChallenge || !isDnaProofType(name));
  if (tls === null || acceptsWeakProof(policy) || prooftypes.some((name) => !BY_CERTIFICATE.includes(name)))
    return null;
  if (entryOf(context.proved, domain) !== undefined) return null;
  if (tls.certificate === null) return fault('pkix', 'no-certificate', 'peer');
  if (settings.material.secureDns || (settings.material.posh && prooftypes.includes('posh'))) return null;
  return matchIdentity(referenceIdentifiers(context.service, domain), tls.certificate.presented).kind === 'match'
    ? null
    : fault('pkix', 'name-mismatch', 'peer');
}

/** Judges the authorization identity in SASL EXTERNAL (XEP-0178 §3); an empty one means the stream's `from`. */
export function authzidVerdict(
  { remote }: StreamContext,
  data: string,
): 'granted' | 'incorrect-encoding' | 'invalid-authzid' {
  const authzid = decodeAuthzid(data);
  if (authzid === null) return 'incorrect-encoding';
  return authzid === '' || canonicalDomain(authzid) === remote ? 'granted' : 'invalid-authzid';
}

/** No other server may speak for a domain that is served here, whatever the policy accepts. */
export const assertionOfOurs = ({ settings }: StreamContext, domain: string): Fault | null =>
  hasMember(settings.hosted, domain) ? fault('policy', 'policy-violation', 'peer', `${domain} is served here`) : null;
