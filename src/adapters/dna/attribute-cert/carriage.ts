/**
 * An attribute certificate with the certificates of its issuer: CMS SignedData without content and without signers (RFC
 * 5652 §5.2, "the degenerate case"), whose CertificateSet holds both (§10.2.2, §10.2.3).
 */
import { integer, sequence, set, tagged } from '../../der-writer.ts';
import { boundedCertificates } from '../armour.ts';
import {
  constructedTag,
  type DerValue,
  fieldsOf,
  inSetOrder,
  integerOf,
  malformed,
  oidContents,
  readSequence,
  TAG,
} from '../proof-der.ts';

const ID_SIGNED_DATA = oidContents('1.2.840.113549.1.7.2');
const ID_DATA = oidContents('1.2.840.113549.1.7.1');
/** The version when the set holds attribute certificates of version 2 (RFC 5652 §5.1). */
const VERSION = 4;
const V2_ATTRIBUTE_CERTIFICATE = constructedTag(2);

export interface Carriage {
  readonly attributeCertificate: DerValue;
  /** DER, in the order of the set, which has no meaning. */
  readonly certificates: readonly Buffer[];
}

/** @throws FaultError `dna`: `proof-malformed`, `proof-too-large`. */
export function readCarriage(octets: Uint8Array): Carriage {
  const contentInfo = readSequence(octets, 'ContentInfo');
  if (!contentInfo.take(TAG.oid).contents.equals(ID_SIGNED_DATA))
    throw malformed('content of CMS that is not SignedData');
  const content = fieldsOf(contentInfo.take(constructedTag(0)), 'content');
  contentInfo.end();
  const signedData = fieldsOf(content.take(TAG.sequence), 'SignedData');
  content.end();

  const version = integerOf(signedData.take(TAG.integer));
  if (version.length !== 1 || version[0] !== VERSION) throw malformed(`SignedData of another version than ${VERSION}`);
  const isEmpty = ({ contents }: DerValue): boolean => contents.length === 0;
  if (!isEmpty(signedData.take(TAG.set))) throw malformed('digestAlgorithms, where nothing is signed');
  const encapsulated = fieldsOf(signedData.take(TAG.sequence), 'EncapsulatedContentInfo');
  if (!encapsulated.take(TAG.oid).contents.equals(ID_DATA)) throw malformed('an eContentType that is not id-data');
  encapsulated.end();
  const members = fieldsOf(signedData.take(constructedTag(0)), 'CertificateSet');
  if (!isEmpty(signedData.take(TAG.set))) throw malformed('signerInfos, which nobody would look at');
  signedData.end();

  const certificates: Buffer[] = [];
  const attributeCertificates: DerValue[] = [];
  for (;;) {
    const certificate = members.takeIf(TAG.sequence);
    const other = certificate ?? members.takeIf(V2_ATTRIBUTE_CERTIFICATE);
    if (other === undefined) break;
    if (certificate === undefined) attributeCertificates.push(other);
    else certificates.push(certificate.encoding);
  }
  members.end();
  const [attributeCertificate, more] = attributeCertificates;
  if (attributeCertificate === undefined || more !== undefined)
    throw malformed('not exactly one attribute certificate');
  return { attributeCertificate, certificates: boundedCertificates(certificates) };
}

/** Wraps the contents of an attribute certificate and the certificates of its issuer. */
export function writeCarriage(attributeCertificate: Uint8Array, certificates: readonly Uint8Array[]): Buffer {
  const members = inSetOrder([...certificates, tagged(V2_ATTRIBUTE_CERTIFICATE, attributeCertificate)]);
  const signedData = sequence(
    integer(Buffer.of(VERSION)),
    set(),
    sequence(tagged(TAG.oid, ID_DATA)),
    tagged(constructedTag(0), Buffer.concat(members)),
    set(),
  );
  return sequence(tagged(TAG.oid, ID_SIGNED_DATA), tagged(constructedTag(0), signedData));
}
