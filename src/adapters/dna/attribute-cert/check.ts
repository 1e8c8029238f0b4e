/** Prooftype attribute-cert: an attribute certificate by which a domain delegates a service (RFC 5755 §5). */
import { dnaFailure } from '../../../protocol/dna-conditions.ts';
import type { Proof } from '../../../protocol/proof.ts';
import type { DnaProofClaim, PathValidator } from '../../../ports.ts';
import { boundedProof, readBase64 } from '../armour.ts';
import { type AttributeCertificate, readAttributeCertificate } from './certificate.ts';
import { readCarriage } from './carriage.ts';
import { certificateEvidence, judgeHolder, judgePeriod, judgeProvider, judgeSigner } from '../certificates.ts';
import { certificateNames } from '../certificate-names.ts';
import { ATTRIBUTE_CERTIFICATE_SCHEMES, requireSignature, schemeNamed } from '../signatures.ts';

export interface AttributeCertPorts {
  readonly pathValidator: PathValidator;
  /** Whether a host name in A-labels, a target of an attribute certificate, is this server's (RFC 5755 §4.3.2). */
  readonly isOurs: (hostName: string) => boolean;
}

/** @throws FaultError `dna`. */
export function checkAttributeCert(claim: DnaProofClaim, ports: AttributeCertPorts, atMs: number): Proof {
  const { attributeCertificate, certificates } = readCarriage(readBase64(boundedProof(claim.data)));
  const statement = readAttributeCertificate(attributeCertificate);
  judgeSubject(statement, claim);
  judgePeriod(statement, atMs);
  judgeRevocation(statement);
  judgeTargets(statement, ports.isOurs);

  const provider = judgeProvider(ports.pathValidator, claim.chain, atMs);
  judgeHolder(statement.holder, provider);
  const signer = judgeSigner(ports.pathValidator, signerFirst(certificates, statement), { ...claim, atMs });
  const scheme = schemeNamed(ATTRIBUTE_CERTIFICATE_SCHEMES, statement.algorithm, signer.publicKey);
  requireSignature(scheme, statement.info, signer.publicKey, statement.signature);
  return {
    prooftype: 'attribute-cert',
    strength: 'strong',
    evidence: {
      ...certificateEvidence(provider, signer),
      algorithm: scheme.name,
      serial: statement.serial,
      holder: statement.holder.type,
      auditIdentity: statement.extensions.auditIdentity,
    },
    expiresAtMs: Math.min(statement.notAfterMs, provider.notAfterMs, signer.notAfterMs),
  };
}

/** Compares the service, and the domain in canonical A-labels. */
function judgeSubject({ delegated }: AttributeCertificate, { service, domain }: DnaProofClaim): void {
  const domains = delegated.get(service);
  if (domains === undefined)
    throw dnaFailure(
      'service-mismatch',
      `it delegates ${[...delegated.keys()].join(', ') || 'nothing'}, not ${service}`,
    );
  if (!domains.includes(domain))
    throw dnaFailure('domain-mismatch', `it delegates ${domains.slice(0, 10).join(', ')}, not ${domain}`);
}

/** Only the "never revoke" scheme is supported, so all other certificates MUST be rejected (RFC 5755 §6). */
function judgeRevocation({ extensions: { noRevAvail, revocationPointer } }: AttributeCertificate): void {
  if (!noRevAvail) throw dnaFailure('revocation-unsupported', 'without noRevAvail, and revocation is not looked for');
  if (revocationPointer) throw dnaFailure('revocation-unsupported', 'noRevAvail, and where to ask for revocation');
}

function judgeTargets({ extensions: { targets } }: AttributeCertificate, isOurs: (hostName: string) => boolean): void {
  if (targets !== null && !targets.some((name) => isOurs(name.toLowerCase())))
    throw dnaFailure('not-targeted', `it is for ${targets.slice(0, 10).join(', ') || 'no host name'}`);
}

/** The certificates of the set, beginning with that of the issuer of the attribute certificate. */
function signerFirst(certificates: readonly Buffer[], { issuer, extensions }: AttributeCertificate): readonly Buffer[] {
  const isSigner = (der: Buffer): boolean => {
    const { subject, keyIdentifier } = certificateNames(der);
    const { keyIdentifier: wanted } = extensions;
    return subject.equals(issuer) && (wanted === null || keyIdentifier?.equals(wanted) === true);
  };
  const [signer, more] = certificates.filter(isSigner);
  if (signer === undefined || more !== undefined) {
    const text = `${signer === undefined ? 'no certificate' : 'more than one'} with the name and key of the issuer`;
    throw dnaFailure('signer-not-found', text);
  }
  return [signer, ...certificates.filter((der) => der !== signer)];
}
