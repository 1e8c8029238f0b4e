/** What tells the certificate of an issuer from others: its subject, and the identifier of its key (RFC 5280 §4.1, §4.2.1.2). */
import { constructedTag, fieldsOf, primitiveTag, readSequence, readValue, TAG } from './der.ts';

const SUBJECT_KEY_IDENTIFIER = Buffer.from('551d0e', 'hex');

export interface CertificateNames {
  /** DER of the Name. */
  readonly subject: Buffer;
  readonly keyIdentifier: Buffer | null;
}

/** @throws FaultError `dna`: `proof-malformed`. */
export function certificateNames(der: Uint8Array): CertificateNames {
  const tbs = fieldsOf(readSequence(der, 'Certificate').take(TAG.sequence), 'TBSCertificate');
  tbs.takeIf(constructedTag(0)); // version
  tbs.take(TAG.integer); // serialNumber
  for (let field = 0; field < 3; field += 1) tbs.take(TAG.sequence); // signature, issuer, validity
  const subject = tbs.take(TAG.sequence).encoding;
  tbs.take(TAG.sequence); // subjectPublicKeyInfo
  for (const uniqueIdentifier of [1, 2]) tbs.takeIf(primitiveTag(uniqueIdentifier));
  const wrapped = tbs.takeIf(constructedTag(3));
  return { subject, keyIdentifier: wrapped === undefined ? null : keyIdentifierIn(wrapped.contents) };
}

function keyIdentifierIn(extensions: Buffer): Buffer | null {
  for (const extension of readSequence(extensions, 'extensions').takeAll(TAG.sequence)) {
    const parts = fieldsOf(extension, 'Extension');
    if (!parts.take(TAG.oid).contents.equals(SUBJECT_KEY_IDENTIFIER)) continue;
    parts.takeIf(TAG.boolean);
    return readValue(parts.take(TAG.octetString).contents).contents;
  }
  return null;
}
