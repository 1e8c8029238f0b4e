/** Proofs of delegation as values (docs/delegation-proofs.md): their bounds, and how they can fail. */
import { MAX_PROOF_LENGTH } from './dna.ts';
import { fault, FaultError, type FaultOrigin } from './faults.ts';

/** Bounds on the cost of a proof, whoever sends it. */
export const dnaProofLimits = {
  /** Characters in `<proof/>`, white space included; a chain of RSA certificates takes a third of this. */
  proofCharacters: MAX_PROOF_LENGTH,
  /** Octets in a document to which `<proof/>` only refers. */
  documentBytes: 16_384,
  /** Certificates in one proof; real paths have two to four. */
  certificates: 10,
  /** Longest validity period of a statement, in milliseconds: seven days, in place of revocation. */
  lifetimeMs: 7 * 86_400_000,
} as const;

/** The verdict that a condition leads to, and the party that must resolve it. */
interface Outcome {
  readonly verdict: 'refuted' | 'undetermined';
  readonly origin: FaultOrigin;
  /** No other prooftype may be asked instead (S4). */
  readonly final?: true;
}
const refutedBy = (origin: FaultOrigin) => ({ verdict: 'refuted', origin }) as const satisfies Outcome;
const openFor = (origin: FaultOrigin) => ({ verdict: 'undetermined', origin }) as const satisfies Outcome;

/** All reasons for which a proof of delegation can fail: layer `dna`. */
export const DNA_CONDITIONS = {
  /** The far end presented no certificate in TLS, so there is nothing that a domain could have named. */
  'no-certificate': openFor('peer'),
  /** The presented certificate has no path to a trust anchor, or is out of date. */
  'provider-certificate-invalid': refutedBy('peer'),

  /** More characters, octets or certificates than {@link dnaProofLimits} allow. */
  'proof-too-large': refutedBy('peer'),
  /** Not in the format of its proof type. */
  'proof-malformed': refutedBy('peer'),
  /** An algorithm or key that the format does not list. */
  'algorithm-unsupported': refutedBy('peer'),
  'signature-invalid': refutedBy('peer'),
  'proof-not-yet-valid': refutedBy('peer'),
  'proof-expired': refutedBy('peer'),
  /** Valid for longer than seven days. */
  'lifetime-too-long': refutedBy('peer'),
  /** The proof delegates other domains. */
  'domain-mismatch': refutedBy('peer'),
  /** The proof delegates another service. */
  'service-mismatch': refutedBy('peer'),
  /** The proof names a certificate or key other than the one presented in TLS. */
  'holder-mismatch': refutedBy('peer'),

  /** The attribute certificate was issued under none of the certificates, or under more than one. */
  'signer-not-found': refutedBy('peer'),
  /** The certificate of the signer does not name the domain. */
  'signer-name-mismatch': refutedBy('peer'),
  /** The signer's certificate has no path to a trust anchor, is out of date, or is for another purpose. */
  'signer-path-invalid': refutedBy('peer'),
  /** The signer's certificate is a CA certificate, or its key is not for signatures. */
  'signer-key-usage': refutedBy('peer'),
  /** A critical extension that is unknown here (RFC 5755 §5, 7). */
  'extension-unsupported': refutedBy('peer'),
  /** The issuer may revoke, by a method that is not supported here (RFC 5755 §6). */
  'revocation-unsupported': refutedBy('peer'),
  /** Meant for other servers than this one (RFC 5755 §4.3.2). */
  'not-targeted': refutedBy('peer'),

  /** Not a URL that is fetched. */
  'url-refused': refutedBy('peer'),
  /** The document to which the proof refers could not be fetched. */
  'document-unavailable': openFor('web'),
  /** The zone is already secure: DNSSEC decides without the supplied anchor. */
  'delegation-secure': refutedBy('local'),
  /** Neither a supplied anchor nor anything else can make bogus data acceptable (S4). */
  'dns-bogus': { ...refutedBy('dns'), final: true },
  'dns-failed': openFor('dns'),
  /** There is no DNSSEC validator here, so unsigned and forged data cannot be told apart. */
  'validator-unavailable': openFor('local'),
  /** The domain has no SRV records, or declares that it does not offer the service. */
  'service-absent': refutedBy('dns'),
  /** Neither the zone of the SRV records nor any zone above it has keys. */
  'zone-unsigned': refutedBy('dns'),
  /** The key of the certificate is not one of the zone's keys. */
  'anchor-not-in-zone': refutedBy('peer'),
  /** Under the supplied anchor, the zone fails validation. */
  'zone-bogus': refutedBy('dns'),
  /** Under the supplied anchor, the SRV records are not secure. */
  'delegation-insecure': refutedBy('dns'),
  /** The SRV owner name is an alias that leads into another zone. */
  'alias-leaves-zone': refutedBy('dns'),
  /** The SRV records name endpoints other than that of this stream. */
  'delegation-mismatch': refutedBy('peer'),
  /** The SRV records name this endpoint, but the certificate presented in TLS does not name the target. */
  'target-name-mismatch': refutedBy('peer'),
  /** The limit of concurrent checks is reached. */
  'too-many-checks': openFor('local'),
  timeout: openFor('dns'),
  cancelled: openFor('local'),

  /** Faults of an issuer of proofs: origin `local`, thrown to the caller that issues. */
  'issuer-unfit': refutedBy('local'),
} as const satisfies Record<string, Outcome>;

export type DnaCondition = keyof typeof DNA_CONDITIONS;

export function dnaFailure(condition: DnaCondition, text: string, options?: ErrorOptions): FaultError {
  return new FaultError(fault('dna', condition, DNA_CONDITIONS[condition].origin, text), options);
}
