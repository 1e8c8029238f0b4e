/** The names that identify an issuer's certificate: its subject and its key identifier (RFC 5280 §4.1, §4.2.1.2). */
import { certificateFields } from '../../protocol/certificate-parts.ts';
import { orMalformed, readValue } from './proof-der.ts';

const OID_SUBJECT_KEY_IDENTIFIER = '2.5.29.14';

export interface CertificateNames {
  /** DER of the Name. */
  readonly subject: Buffer;
  readonly keyIdentifier: Buffer | null;
}

/** @throws FaultError `dna`: `proof-malformed`. */
export function certificateNames(der: Uint8Array): CertificateNames {
  const { subject, extensions } = orMalformed(() => certificateFields(der));
  const identifier = extensions.get(OID_SUBJECT_KEY_IDENTIFIER);
  return { subject: subject.encoding, keyIdentifier: identifier === undefined ? null : readValue(identifier).contents };
}
