/** Why POSH did not prove a domain (RFC 7711), each with whoever has to move for it to go away. The layer is `posh`. */
import { fault, type Fault, type FaultOrigin } from './faults.ts';

/** What can become of a GET over HTTPS. */
export const HTTPS_CONDITIONS = {
  /** The host has no address. */
  'no-address': 'dns',
  /** Its addresses are bogus (RFC 4035 §4.3): nothing is dialled. */
  'address-bogus': 'dns',
  /** Its addresses could not be found out. */
  'address-unknown': 'dns',
  /** Its addresses are this machine's, of its network or of no host at all, and nobody has allowed that (FACTS §14, 23). */
  'private-address': 'web',
  /** No address took a TCP connection. */
  unreachable: 'web',
  /** The TLS handshake failed for another reason than the certificate. */
  'tls-failed': 'web',
  'web-certificate-expired': 'web',
  'web-certificate-not-yet-valid': 'web',
  /** It leads to no trust anchor; self-signed ones are among these. */
  'web-certificate-untrusted': 'web',
  /** It does not name the host. */
  'web-certificate-name-mismatch': 'web',
  /** Anything else that path validation has against it. */
  'web-certificate-invalid': 'web',
  /** Not a URL that is fetched: no `https`, user or password in it, no host that could be looked up, too long. */
  'url-invalid': 'web',
  /** A redirect to anything but `https`. */
  'insecure-redirect': 'web',
  'too-many-redirects': 'web',
  /** A redirect with no usable Location. */
  'redirect-invalid': 'web',
  /** What came is no HTTP, or compressed though it was asked not to be. */
  'response-invalid': 'web',
  'headers-too-large': 'web',
  'too-large': 'web',
  /** Closed before the response was whole. */
  'connection-closed': 'web',
  timeout: 'web',
  /** Others wait already, and no turn came in time. */
  'too-many-fetches': 'local',
  cancelled: 'local',
} as const satisfies Record<string, FaultOrigin>;

export type HttpsCondition = keyof typeof HTTPS_CONDITIONS;

export const POSH_CONDITIONS = {
  ...HTTPS_CONDITIONS,
  /** 404 for the well-known URL: the domain has no POSH (RFC 7711 §3). Every other condition leaves that open. */
  'document-missing': 'web',
  /** A status that is neither success, redirect nor 404; or 404 for the URL of a reference. */
  'document-unavailable': 'web',
  /** Not a document of RFC 7711 §3.1 or §3.2. */
  'document-invalid': 'web',
  /** `"expires": 0`: the material is withdrawn (RFC 7711 §3.1, §3.2). */
  'expires-zero': 'web',
  /** No fingerprint is made with a hash that is known here. */
  'no-known-hash': 'web',
  /** A reference leads to a reference (RFC 7711 §3.2). */
  'reference-to-reference': 'web',

  // Said by the prooftype, once there is a document or none came in its time.
  'no-certificate': 'peer',
  /** That of the XMPP server: an expired certificate is never valid, whatever a document says (RFC 7711 §6). */
  'certificate-expired': 'peer',
  'no-fingerprint-match': 'peer',
  'document-timeout': 'web',
} as const satisfies Record<string, FaultOrigin>;

export type PoshCondition = keyof typeof POSH_CONDITIONS;

/** A fault of the layer `posh`, with the origin that belongs to its condition. */
export function poshFault(condition: PoshCondition, text?: string): Fault {
  return fault('posh', condition, POSH_CONDITIONS[condition], text);
}
