/** Why POSH did not prove a domain (RFC 7711), each reason with the party that must resolve it. The layer is `posh`. */
import { fault, type Fault, type FaultOrigin } from './faults.ts';

/** How a GET over HTTPS can fail. */
export const HTTPS_CONDITIONS = {
  /** The host has no address. */
  'no-address': 'dns',
  /** Its addresses are bogus (RFC 4035 §4.3): nothing is dialled. */
  'address-bogus': 'dns',
  /** Its addresses could not be determined. */
  'address-unknown': 'dns',
  /** Its addresses belong to this machine, to its network or to no host at all, and are not allowed explicitly. */
  'private-address': 'web',
  /** No address took a TCP connection. */
  unreachable: 'web',
  /** The TLS handshake failed for a reason other than the certificate. */
  'tls-failed': 'web',
  'web-certificate-expired': 'web',
  'web-certificate-not-yet-valid': 'web',
  /** The certificate has no path to a trust anchor; this includes self-signed ones. */
  'web-certificate-untrusted': 'web',
  /** The certificate does not name the host. */
  'web-certificate-name-mismatch': 'web',
  /** Any other failure of path validation. */
  'web-certificate-invalid': 'web',
  /**
   * Not a URL that is fetched: not `https`, with a user or password, without a host that can be looked up, or too long.
   */
  'url-invalid': 'web',
  /** A redirect to anything but `https`. */
  'insecure-redirect': 'web',
  'too-many-redirects': 'web',
  /** A redirect with no usable Location. */
  'redirect-invalid': 'web',
  /** The response is not HTTP, or is compressed although the request excluded that. */
  'response-invalid': 'web',
  'headers-too-large': 'web',
  'too-large': 'web',
  /** Closed before the response was complete. */
  'connection-closed': 'web',
  timeout: 'web',
  /** Other fetches were waiting already, and this one's turn did not come in time. */
  'too-many-fetches': 'local',
  cancelled: 'local',
} as const satisfies Record<string, FaultOrigin>;

export type HttpsCondition = keyof typeof HTTPS_CONDITIONS;

export const POSH_CONDITIONS = {
  ...HTTPS_CONDITIONS,
  /** 404 for the well-known URL: the domain does not use POSH (RFC 7711 §3). All other conditions leave that open. */
  'document-missing': 'web',
  /** A status that is neither success, redirect nor 404; or 404 for the URL of a reference. */
  'document-unavailable': 'web',
  /** Not a document of RFC 7711 §3.1 or §3.2. */
  'document-invalid': 'web',
  /** `"expires": 0`: the material is withdrawn (RFC 7711 §3.1, §3.2). */
  'expires-zero': 'web',
  /** No fingerprint uses a hash that is known here. */
  'no-known-hash': 'web',
  /** A reference leads to a reference (RFC 7711 §3.2). */
  'reference-to-reference': 'web',

  // Reported by the prooftype, once there is a document or none came in time.
  'no-certificate': 'peer',
  /** The XMPP server's certificate: an expired one is never valid, whatever a document says (RFC 7711 §6). */
  'certificate-expired': 'peer',
  'no-fingerprint-match': 'peer',
  'document-timeout': 'web',
} as const satisfies Record<string, FaultOrigin>;

export type PoshCondition = keyof typeof POSH_CONDITIONS;

/** A fault of layer `posh`, with the origin that belongs to its condition. */
export function poshFault(condition: PoshCondition, text?: string): Fault {
  return fault('posh', condition, POSH_CONDITIONS[condition], text);
}
