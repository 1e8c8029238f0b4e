/**
 * The values that labels may have: words of ours and of the RFCs. Peers can send conditions of their own, and embedders
 * choose the names of their prooftypes; all of these become `other`, or others could create any number of time series.
 */
import { DNA_CONDITIONS } from '../protocol/dna-conditions.ts';
import { PROOFTYPES } from '../protocol/policy.ts';
import { POSH_CONDITIONS } from '../protocol/posh-conditions.ts';

export const OTHER = 'other';

/**
 * Fault conditions, in this order: those of the RFCs (6120 §4.9.3, §8.3.3, §6.5; XEP-0220 §2.5), then ours by layer.
 */
const WORDS = `
  bad-format bad-namespace-prefix bad-request conflict connection-timeout feature-not-implemented forbidden gone
  host-gone host-unknown improper-addressing internal-server-error invalid-from invalid-namespace invalid-xml
  item-not-found jid-malformed not-acceptable not-allowed not-authorized not-well-formed policy-violation
  recipient-unavailable redirect registration-required remote-connection-failed remote-server-not-found
  remote-server-timeout reset resource-constraint restricted-xml see-other-host service-unavailable
  subscription-required system-shutdown undefined-condition unexpected-request unsupported-encoding
  unsupported-feature unsupported-stanza-type unsupported-version invalid
  aborted account-disabled credentials-expired encryption-required incorrect-encoding invalid-authzid
  invalid-mechanism malformed-request mechanism-too-weak temporary-auth-failure
  address-bogus address-unknown bogus delegation-timeout host-not-found lookup-failed no-address resolution-timeout
  service-absent srv-timeout trust-anchor-malformed validator-misconfigured validator-unavailable
  address-in-use address-unavailable certificate-unreadable close-timeout connect-timeout connection-aborted
  connection-closed connection-refused connection-reset credential-invalid handshake-failed handshake-timeout
  host-unreachable listen-failed network-unreachable no-application-protocol no-shared-protocol
  plain-text-after-starttls proceed-timeout route-timeout starttls-refused write-timeout
  closed closed-after-auth closed-while-waiting far-end-not-proved features-timeout header-timeout no-method-offered
  no-prooftype no-secret not-established outcome-timeout policy-changed proof-timeout queue-age queue-full superseded
  tls-required too-many-assertions too-many-connections
  association-timeout bad-signature certificate-expired certificate-not-yet-valid check-timeout declared-invalid
  document-timeout impossible invalid-ca invalid-extension invalid-policy invalid-purpose malformed match-timeout
  name-constraint-unsupported name-constraint-violation name-mismatch no-certificate no-fingerprint-match
  no-tlsa-match no-usable-record no-validator not-available not-spoken openssl-unavailable out-of-memory
  path-length-exceeded path-loop path-timeout path-too-long prooftype-not-asked-for proxy-certificate
  revocation-list-expired revocation-list-invalid revocation-list-not-yet-valid revocation-unknown revoked self-signed
  too-many-targets unhandled-critical-extension unknown-issuer untrusted-root weak-key
  cancelled errored internal-error no-fault not-finished not-provided
`;

/** A test finds conditions that are in the sources but not here. */
const CONDITIONS: ReadonlySet<string> = new Set([
  ...WORDS.trim().split(/\s+/),
  ...Object.keys(DNA_CONDITIONS),
  ...Object.keys(POSH_CONDITIONS),
]);

export const conditionLabel = (condition: string): string => (CONDITIONS.has(condition) ? condition : OTHER);

export const prooftypeLabel = (prooftype: string): string =>
  prooftype === 'none' || PROOFTYPES.some((name) => name === prooftype) ? prooftype : OTHER;

const TLS_LABELS: readonly string[] = ['TLSv1.2', 'TLSv1.3'];

export const tlsLabel = (protocol: string | null): string =>
  protocol === null ? 'none' : TLS_LABELS.includes(protocol) ? protocol : OTHER;
