/** Prooftype xml-assertion: a statement in XML, signed with the key of a certificate that names the domain. */
import { dnaFailure } from '../../../protocol/dna-conditions.ts';
import type { Proof } from '../../../protocol/proof.ts';
import type { DnaProofClaim, PathValidator } from '../../../ports.ts';
import { boundedProof, readBase64 } from '../armour.ts';
import { certificateEvidence, judgeHolder, judgePeriod, judgeProvider, judgeSigner } from '../certificates.ts';
import { requireSignature, schemeNamed, XML_ASSERTION_SCHEMES } from '../signatures.ts';
import { readXmlAssertion, readXmlStatement, signingInput, type XmlStatement } from './statement.ts';

/** @throws FaultError `dna`. */
export function checkXmlAssertion(claim: DnaProofClaim, validator: PathValidator, atMs: number): Proof {
  const {
    statement: octets,
    algorithm,
    signature,
    certificates,
  } = readXmlAssertion(readBase64(boundedProof(claim.data)));
  const signer = judgeSigner(validator, certificates, { ...claim, atMs });
  const scheme = schemeNamed(XML_ASSERTION_SCHEMES, algorithm, signer.publicKey);
  requireSignature(scheme, signingInput(octets), signer.publicKey, signature);

  // The statement is parsed only now: unsigned data is not even parsed.
  const statement = readXmlStatement(octets);
  judgeSubject(statement, claim);
  judgePeriod(statement, atMs);
  const provider = judgeProvider(validator, claim.chain, atMs);
  judgeHolder(statement.holder, provider);
  return {
    prooftype: 'xml-assertion',
    strength: 'strong',
    evidence: {
      ...certificateEvidence(provider, signer),
      algorithm: scheme.name,
      serial: statement.id,
      holder: statement.holder.type,
    },
    expiresAtMs: Math.min(statement.notAfterMs, provider.notAfterMs, signer.notAfterMs),
  };
}

/** Compares the service, and the domain in canonical A-labels. */
function judgeSubject(statement: XmlStatement, { service, domain }: DnaProofClaim): void {
  if (statement.service !== service)
    throw dnaFailure('service-mismatch', `it delegates ${statement.service}, not ${service}`);
  if (statement.domain !== domain)
    throw dnaFailure('domain-mismatch', `it delegates ${statement.domain}, not ${domain}`);
}
