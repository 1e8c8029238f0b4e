/**
 * Prooftype dnssec-ta: a certificate that names the domain, and whose key signs the zone of the domain's SRV records
 * (docs/delegation-proofs.md §6).
 */
import type { Clock, DnaProofClaim, PathValidator, Resolver } from '../../../ports.ts';
import { dnaFailure } from '../../../protocol/dna-conditions.ts';
import { dnsNameMatches } from '../../../protocol/identity.ts';
import { canonicalDomain } from '../../../protocol/names.ts';
import type { Proof } from '../../../protocol/proof.ts';
import { srvOwnerNames } from '../../../protocol/srv.ts';
import { type HttpsGet, readAnchorChain } from './anchor-chain.ts';
import type { AnchoredTargets, AnchoredZones } from './anchored-zones.ts';
import { boundedProof } from '../armour.ts';
import { certificateEvidence, type JudgedCertificate, judgeProvider, judgeSigner } from '../certificates.ts';
import { zoneKeyOf } from './zone-key.ts';

export interface DnssecTaPorts {
  readonly pathValidator: PathValidator;
  /** The shared one: its answers decide whether a supplied anchor is considered at all; it is never given one. */
  readonly resolver: Pick<Resolver, 'srv' | 'validates'>;
  readonly zones: AnchoredZones;
  readonly get: HttpsGet | undefined;
  readonly clock: Pick<Clock, 'now'>;
}

/** @throws FaultError `dna`. */
export async function checkDnssecTa(claim: DnaProofClaim, ports: DnssecTaPorts, signal: AbortSignal): Promise<Proof> {
  const proof = boundedProof(claim.data);
  const names = await insecureNames(claim, ports.resolver, signal);
  const chain = await readAnchorChain(proof, ports.get, signal);
  const atMs = ports.clock.now();
  const signer = judgeSigner(ports.pathValidator, chain, { ...claim, atMs });
  const provider = judgeProvider(ports.pathValidator, claim.chain, atMs);
  const key = zoneKeyOf(signer.publicKey);
  const delegation = await ports.zones.delegation({ names, key, leafSha256: signer.certificate.sha256 }, signal);
  const target = judgeDnaProof(delegation, claim, provider);
  return {
    prooftype: 'dnssec-ta',
    strength: 'strong',
    evidence: {
      ...certificateEvidence(provider, signer),
      // Recorded so that nobody mistakes it for the chain of trust from the root.
      anchor: 'supplied by the peer',
      zone: delegation.zone,
      keyTag: delegation.keyTag,
      target: target.host,
      port: target.port,
    },
    expiresAtMs: Math.min(delegation.untilMs, provider.notAfterMs, signer.notAfterMs),
  };
}

/**
 * The owner names of SRV records that exist and are not signed, as far as the shared resolver can tell: only for these
 * may an anchor be supplied.
 */
async function insecureNames(
  { domain, service }: DnaProofClaim,
  resolver: Pick<Resolver, 'srv' | 'validates'>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (!resolver.validates) throw dnaFailure('validator-unavailable', 'DNS is not validated here');
  const owners = srvOwnerNames(domain, service);
  if (owners === null) throw dnaFailure('service-absent', 'an address has no SRV records');
  const answers = await Promise.all(
    [owners.xmpp, owners.xmpps].map(async (owner) => ({
      owner,
      answer: await resolver.srv(owner, signal, { purpose: 'verification' }),
    })),
  );
  const having = (...statuses: string[]) => answers.find(({ answer }) => statuses.includes(answer.status));
  const bogus = having('bogus');
  if (bogus !== undefined) throw dnaFailure('dns-bogus', `${bogus.owner}: ${bogus.answer.reason ?? ''}`);
  const signed = having('secure', 'nodata-secure');
  if (signed !== undefined)
    throw dnaFailure('delegation-secure', `${signed.owner} is signed, and needs no supplied anchor`);
  if (signal.aborted) throw dnaFailure('cancelled', 'nobody waits for it');
  const failed = having('error');
  if (failed !== undefined) throw dnaFailure('dns-failed', `${failed.owner}: ${failed.answer.reason ?? ''}`);
  const names = answers.filter(({ answer }) => answer.status === 'insecure').map(({ owner }) => owner);
  if (names.length === 0) throw dnaFailure('service-absent', `${domain} has no SRV records`);
  return names;
}

/**
 * The target of the delegation that the peer is: the one this stream leads to, or any if the peer opened the stream.
 * @throws FaultError `dna`: `service-absent`, `delegation-mismatch`, `target-name-mismatch`.
 */
function judgeDnaProof(
  { targets, zone }: AnchoredTargets,
  { domain, endpoint }: DnaProofClaim,
  { certificate }: JudgedCertificate,
): AnchoredTargets['targets'][number] {
  if (targets.length === 0) throw dnaFailure('service-absent', `${zone} says that ${domain} has not the service`);
  const host = endpoint === null ? null : canonicalDomain(endpoint.host);
  const here = targets.filter((target) => endpoint === null || (target.host === host && target.port === endpoint.port));
  const shown = targets.slice(0, 10).map((target) => `${target.host}:${target.port}`);
  if (here.length === 0)
    throw dnaFailure(
      'delegation-mismatch',
      `${domain} is delegated to ${shown.join(', ')}, not to ${endpoint?.host ?? ''}:${endpoint?.port ?? 0}`,
    );
  // Only DNS-IDs count: a target is a host, not a service domain (RFC 7673 §4.1).
  const named = here.find((target) => certificate.presented.dnsNames.some((name) => dnsNameMatches(name, target.host)));
  if (named === undefined)
    throw dnaFailure('target-name-mismatch', `the certificate presented in TLS names none of ${shown.join(', ')}`);
  return named;
}
