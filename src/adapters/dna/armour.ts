/** The character data of `<proof/>`: Base64 (RFC 4648 §4), which may contain line breaks and other white space. */
import { dnaFailure, dnaProofLimits } from '../../protocol/dna-conditions.ts';
import { malformed } from './proof-der.ts';

const WHITE_SPACE = /[ \t\r\n]+/g;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/**
 * Decodes `text`, which must be padded and have zero pad bits: apart from white space, octets have only one encoding.
 * @throws FaultError `dna`: `proof-malformed`.
 */
export function readBase64(text: string): Buffer {
  const armour = text.replace(WHITE_SPACE, '');
  const octets = Buffer.from(armour, 'base64');
  if (armour === '' || !BASE64.test(armour) || octets.toString('base64') !== armour)
    throw malformed('not Base64 as RFC 4648 §4 has it');
  return octets;
}

/**
 * The contents of `<proof/>`, without the surrounding white space.
 * @throws FaultError `dna`: `proof-too-large`.
 */
export function boundedProof(data: string): string {
  if (data.length > dnaProofLimits.proofCharacters)
    throw dnaFailure('proof-too-large', `${data.length} characters of ${dnaProofLimits.proofCharacters}`);
  return data.trim();
}

/** `octets` as character data within the size limit. @throws FaultError `dna`: `proof-too-large`. */
export function armoured(octets: Uint8Array): string {
  return boundedProof(Buffer.from(octets).toString('base64'));
}

/** Checks the number of certificates in a proof. @throws FaultError `dna`: `proof-malformed`, `proof-too-large`. */
export function boundedCertificates<Certificate>(certificates: readonly Certificate[]): readonly Certificate[] {
  if (certificates.length === 0) throw malformed('no certificate');
  if (certificates.length > dnaProofLimits.certificates)
    throw dnaFailure('proof-too-large', `${certificates.length} certificates of ${dnaProofLimits.certificates}`);
  return certificates;
}
