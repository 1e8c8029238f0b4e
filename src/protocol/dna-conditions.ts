/** Proofs of delegation as values (docs/delegation-proofs.md): their bounds, and how they fail. */
import { MAX_PROOF_LENGTH } from './dna.ts';
import { fault, FaultError, type FaultOrigin } from './faults.ts';

/** What a proof may cost us, whoever sends it (FACTS §13.4). */
export const dnaProofLimits = {
  /** Characters of `<proof/>`, white space included; a chain of RSA certificates has a third of it. */
  proofCharacters: MAX_PROOF_LENGTH,
  /** Octets of a document that `<proof/>` only names. */
  documentBytes: 16_384,
  /** Certificates in one proof; real paths have two to four. */
  certificates: 10,
  /** From the first moment of a statement to its last, in milliseconds: seven days, in place of revocation. */
  lifetimeMs: 7 * 86_400_000,
} as const;

/** What a condition means for the question, and who has to move for it to go away. */
interface Outcome {
  readonly verdict: 'refuted' | 'undetermined';
  readonly origin: FaultOrigin;
  /** No other prooftype may be asked instead (S4). */
  readonly final?: true;
}
const refutedBy = (origin: FaultOrigin) => ({ verdict: 'refuted', origin }) as const satisfies Outcome;
const openFor = (origin: FaultOrigin) => ({ verdict: 'undetermined', origin }) as const satisfies Outcome;

/** Everything that a proof of delegation can fail by: layer `dna`. */
export const DNA_CONDITIONS = {
  /** The far end presented no certificate in TLS, so there is nothing that a domain could have named. */
  'no-certificate': openFor('peer'),
  /** What it presented leads to no trust anchor, or is out of date. */
  'provider-certificate-invalid': refutedBy('peer'),

  /** More characters, octets or certificates than {@link dnaProofLimits} allow. */
  'proof-too-large': refutedBy('peer'),
  /** Not the format of its type. */
  'proof-malformed': refutedBy('peer'),
  /** An algorithm, or a key, that is not on the list of the format. */
  'algorithm-unsupported': refutedBy('peer'),
  'signature-invalid': refutedBy('peer'),
  'proof-not-yet-valid': refutedBy('peer'),
  'proof-expired': refutedBy('peer'),
  /** Valid for longer than seven days. */
  'lifetime-too-long': refutedBy('peer'),
  /** It delegates other domains. */
  'domain-mismatch': refutedBy('peer'),
  /** It delegates another service. */
  'service-mismatch': refutedBy('peer'),
  /** It names another certificate, or another key, than the one presented in TLS. */
  'holder-mismatch': refutedBy('peer'),

  /** None of the certificates, or more than one, is the one that the attribute certificate was issued under. */
  'signer-not-found': refutedBy('peer'),
  /** The certificate of the signer does not name the domain. */
  'signer-name-mismatch': refutedBy('peer'),
  /** It leads to no trust anchor, is out of date, or is for something else. */
  'signer-path-invalid': refutedBy('peer'),
  /** It is that of an authority, or its key is not for signatures. */
  'signer-key-usage': refutedBy('peer'),
  /** A critical extension that is not known here (RFC 5755 §5, 7). */
  'extension-unsupported': refutedBy('peer'),
  /** The issuer may revoke, and how is not supported here (RFC 5755 §6). */
  'revocation-unsupported': refutedBy('peer'),
  /** Meant for other servers than this one (RFC 5755 §4.3.2). */
  'not-targeted': refutedBy('peer'),

  /** Not a URL that is fetched. */
  'url-refused': refutedBy('peer'),
  /** The document that the proof names could not be had. */
  'document-unavailable': openFor('web'),
  /** DNSSEC decides without a supplied anchor: what the zone says is secure already. */
  'delegation-secure': refutedBy('local'),
  /** A supplied anchor never rescues bogus data, nor does anything else (S4). */
  'dns-bogus': { ...refutedBy('dns'), final: true },
  'dns-failed': openFor('dns'),
  /** Nobody here validates DNS, so that what is unsigned and what is forged look alike. */
  'validator-unavailable': openFor('local'),
  /** The domain has no SRV records, or says that it has not the service. */
  'service-absent': refutedBy('dns'),
  /** No zone on the way up from the SRV records has keys. */
  'zone-unsigned': refutedBy('dns'),
  /** The key of the certificate is none of the zone's. */
  'anchor-not-in-zone': refutedBy('peer'),
  /** Under the supplied anchor, the zone fails validation. */
  'zone-bogus': refutedBy('dns'),
  /** Under the supplied anchor, the SRV records are not secure. */
  'delegation-insecure': refutedBy('dns'),
  /** The SRV records are an alias of another zone's. */
  'alias-leaves-zone': refutedBy('dns'),
  /** The SRV records lead elsewhere than this stream does. */
  'delegation-mismatch': refutedBy('peer'),
  /** They lead here, and the certificate presented in TLS does not name the target. */
  'target-name-mismatch': refutedBy('peer'),
  /** As many are checked as may be at one time. */
  'too-many-checks': openFor('local'),
  timeout: openFor('dns'),
  cancelled: openFor('local'),

  /** Faults of whoever issues; origin `local`, and thrown at him. */
  'issuer-unfit': refutedBy('local'),
} as const satisfies Record<string, Outcome>;

export type DnaCondition = keyof typeof DNA_CONDITIONS;

export function dnaFailure(condition: DnaCondition, text: string, options?: ErrorOptions): FaultError {
  return new FaultError(fault('dna', condition, DNA_CONDITIONS[condition].origin, text), options);
}
