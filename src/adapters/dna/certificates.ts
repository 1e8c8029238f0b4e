/** The two certificates of every proof: the provider's, presented in TLS, and that with whose key the domain speaks. */
import { createHash, X509Certificate, type KeyObject } from 'node:crypto';
import { certificateParts } from '../../protocol/certificate-parts.ts';
import type { CertificateEvidence } from '../../protocol/certificate.ts';
import { type DnaCondition, dnaFailure, dnaProofLimits } from '../../protocol/dna-conditions.ts';
import { FaultError } from '../../protocol/faults.ts';
import { matchIdentity, presentedNames, referenceIdentifiers, type IdentityMatch } from '../../protocol/identity.ts';
import type { Evidence } from '../../protocol/proof.ts';
import type { Service } from '../../protocol/service.ts';
import type { CertificateChain, PathValidator } from '../../ports.ts';
import { readCertificate, readExtension } from '../pkix/certificates.ts';
import { bitStringBytes, malformed, readValue } from './proof-der.ts';

const OID_KEY_USAGE = '2.5.29.15';
const DIGITAL_SIGNATURE = 0x80;
/** Most names of a certificate that a fault lists. */
const NAMES_SHOWN = 10;

export interface JudgedCertificate {
  readonly certificate: CertificateEvidence;
  /** SHA-256 of its SubjectPublicKeyInfo. */
  readonly spkiSha256: Buffer;
  /** The earliest notAfter of its path, in milliseconds since the epoch. */
  readonly notAfterMs: number;
  /** SHA-256 of the trust anchor, lower-case hex. */
  readonly anchorSha256: string;
}

export interface Signer extends JudgedCertificate {
  readonly identity: Extract<IdentityMatch, { kind: 'match' }>;
  readonly publicKey: KeyObject;
}

/** The domain that a certificate has to name, and the time of the check. */
export interface About {
  readonly domain: string;
  readonly service: Service;
  readonly atMs: number;
}

/**
 * Judges what the peer presented in TLS: it may have any name, as long as its path is valid ("Domain Name Assertions"
 * §6.2).
 * @throws FaultError `dna`: `no-certificate`, `provider-certificate-invalid`.
 */
export function judgeProvider(validator: PathValidator, chain: CertificateChain, atMs: number): JudgedCertificate {
  const [leaf] = chain.der;
  if (leaf === undefined) throw dnaFailure('no-certificate', 'the far end presented no certificate');
  const certificate = readAs('provider-certificate-invalid', leaf);
  return { certificate, ...judgePath(validator, chain.der, atMs, 'provider-certificate-invalid') };
}

/**
 * Judges whether the first of `chain` speaks for the domain: it must name the domain by the rules for the service (RFC
 * 9525), its path must be valid, and its key must be for signatures, not for certificates (RFC 5755 §4.5).
 * @throws FaultError `dna`: `proof-malformed`, `signer-name-mismatch`, `signer-path-invalid`, `signer-key-usage`.
 */
export function judgeSigner(validator: PathValidator, chain: readonly Uint8Array[], about: About): Signer {
  const [leaf] = chain;
  if (leaf === undefined) throw malformed('no certificate of the signer');
  const certificate = readAs('proof-malformed', leaf);
  const identity = namedIn(certificate, about);
  const path = judgePath(validator, chain, about.atMs, 'signer-path-invalid');
  const parsed = new X509Certificate(leaf);
  refuseUse(leaf, parsed.ca);
  return { certificate, ...path, identity, publicKey: parsed.publicKey };
}

/** The name by which a certificate identifies the domain. @throws FaultError `dna`: `signer-name-mismatch`. */
export function namedIn(
  certificate: CertificateEvidence,
  { domain, service }: Omit<About, 'atMs'>,
): Signer['identity'] {
  const identity = matchIdentity(referenceIdentifiers(service, domain), certificate.presented);
  if (identity.kind === 'match') return identity;
  const names = presentedNames(certificate.presented).slice(0, NAMES_SHOWN).join(', ');
  const text = `the certificate of the signer names ${names === '' ? 'nobody' : names}, not ${domain}`;
  throw dnaFailure('signer-name-mismatch', text);
}

function judgePath(
  validator: PathValidator,
  der: readonly Uint8Array[],
  atMs: number,
  condition: DnaCondition,
): Omit<JudgedCertificate, 'certificate'> {
  const verdict = validator.validate({ der }, atMs);
  if (verdict.kind === 'invalid')
    throw dnaFailure(condition, `${verdict.condition}, certificate ${verdict.depth}: ${verdict.text}`);
  return {
    spkiSha256: spkiSha256(der[0] ?? new Uint8Array(), condition),
    notAfterMs: verdict.notAfterMs,
    anchorSha256: verdict.pathSha256.at(-1) ?? '',
  };
}

function spkiSha256(der: Uint8Array, condition: DnaCondition): Buffer {
  const parts = certificateParts(der);
  if (parts === null) throw dnaFailure(condition, 'no public key can be read from the certificate');
  return createHash('sha256').update(parts.spki).digest();
}

/** @throws FaultError `dna`: `signer-key-usage`, `proof-malformed`. */
export function refuseUse(der: Uint8Array, isAuthority: boolean): void {
  if (isAuthority) throw dnaFailure('signer-key-usage', 'the certificate of the signer is that of an authority');
  const usage = readExtension(der, OID_KEY_USAGE);
  if (usage === undefined) return;
  const [bits = 0] = bitStringBytes(readValue(usage));
  if ((bits & DIGITAL_SIGNATURE) === 0) throw dnaFailure('signer-key-usage', 'keyUsage has no digitalSignature');
}

function readAs(condition: DnaCondition, der: Uint8Array): CertificateEvidence {
  try {
    return readCertificate(der);
  } catch (cause) {
    if (!(cause instanceof FaultError)) throw cause;
    throw dnaFailure(condition, cause.fault.text ?? 'this is not a certificate', { cause });
  }
}

/**
 * Both ends of the period are included (RFC 5755 §5, item 5), in whole seconds, the precision of the formats.
 * @throws FaultError `dna`: `lifetime-too-long`, `proof-not-yet-valid`, `proof-expired`, `proof-malformed`.
 */
export function judgePeriod(period: { readonly notBeforeMs: number; readonly notAfterMs: number }, atMs: number): void {
  const { notBeforeMs, notAfterMs } = period;
  const at = Math.floor(atMs / 1000) * 1000;
  if (notAfterMs < notBeforeMs) throw malformed('it ends before it begins');
  if (notAfterMs - notBeforeMs > dnaProofLimits.lifetimeMs)
    throw dnaFailure('lifetime-too-long', `valid for ${days(notAfterMs - notBeforeMs)} days, more than seven`);
  if (at < notBeforeMs) throw dnaFailure('proof-not-yet-valid', `valid from ${new Date(notBeforeMs).toISOString()}`);
  if (at > notAfterMs) throw dnaFailure('proof-expired', `valid until ${new Date(notAfterMs).toISOString()}`);
}

/** Requires that a statement names the provider's certificate or key. @throws FaultError `dna`: `holder-mismatch`. */
export function judgeHolder(
  holder: { readonly type: 'publicKey' | 'publicKeyCert'; readonly sha256: Buffer },
  provider: JudgedCertificate,
): void {
  const presented = holder.type === 'publicKey' ? provider.spkiSha256.toString('hex') : provider.certificate.sha256;
  const named = holder.sha256.toString('hex');
  if (named === presented) return;
  const what = holder.type === 'publicKey' ? 'the key' : 'the certificate';
  throw dnaFailure('holder-mismatch', `it is for ${what} ${named}, presented was ${presented}`);
}

/** What a verdict records about the two certificates. */
export const certificateEvidence = (provider: JudgedCertificate, signer: Signer): Evidence => ({
  sha256: provider.certificate.sha256,
  signerSha256: signer.certificate.sha256,
  signerBy: signer.identity.by,
  signerIdentifier: signer.identity.identifier,
  signerAnchorSha256: signer.anchorSha256,
});

const days = (ms: number): string => (ms / 86_400_000).toFixed(1);
