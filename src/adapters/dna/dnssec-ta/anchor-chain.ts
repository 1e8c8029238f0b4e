/** The certificates of a dnssec-ta proof, leaf first: in the proof itself, or in a document whose URL it gives. */
import { dnaFailure, dnaProofLimits } from '../../../protocol/dna-conditions.ts';
import { toFault } from '../../../protocol/faults.ts';
import { httpsUrl } from '../../../protocol/https-url.ts';
import { derOf } from '../../pkix/trust.ts';
import { armoured, boundedCertificates, readBase64 } from '../armour.ts';
import { malformed, readValues, TAG } from '../proof-der.ts';

/**
 * GETs an https URL: bounded in time, hops and bytes, from public addresses only (docs/delegation-proofs.md §6.1).
 * Rejects on failure.
 */
export type HttpsGet = (
  url: string,
  signal: AbortSignal,
) => Promise<{ readonly status: number; readonly body: Uint8Array }>;

const ANY_SCHEME = /^[a-z][a-z0-9+.-]*:/i;

/** @throws FaultError `dna`: `proof-malformed`, `proof-too-large`, `url-refused`, `document-unavailable`. */
export async function readAnchorChain(
  proof: string,
  get: HttpsGet | undefined,
  signal: AbortSignal,
): Promise<readonly Buffer[]> {
  if (!ANY_SCHEME.test(proof)) return certificatesIn(readBase64(proof));
  const url = httpsUrl(proof);
  if (url === null) throw dnaFailure('url-refused', proof.slice(0, 200));
  if (get === undefined) throw dnaFailure('document-unavailable', 'nothing is fetched over HTTPS here');
  const { status, body } = await get(url.href, signal).catch((cause: unknown) => {
    const { condition, text = condition } = toFault(cause, 'dna');
    throw dnaFailure('document-unavailable', `${url.href}: ${text}`, { cause });
  });
  if (status !== 200) throw dnaFailure('document-unavailable', `${url.href}: HTTP status ${status}`);
  if (body.length > dnaProofLimits.documentBytes)
    throw dnaFailure('proof-too-large', `${url.href}: ${body.length} octets of ${dnaProofLimits.documentBytes}`);
  return body[0] === TAG.sequence ? certificatesIn(body) : certificatesInPem(Buffer.from(body).toString('latin1'));
}

/** Concatenated certificates in DER. */
function certificatesIn(octets: Uint8Array): readonly Buffer[] {
  const values = boundedCertificates(readValues(octets));
  if (values.some(({ tag }) => tag !== TAG.sequence)) throw malformed('something that is no certificate');
  return values.map(({ encoding }) => encoding);
}

function certificatesInPem(text: string): readonly Buffer[] {
  let certificates: readonly Buffer[];
  try {
    certificates = derOf(text, 'CERTIFICATE');
  } catch (cause) {
    throw malformed('the document holds no certificate', { cause });
  }
  return boundedCertificates(certificates);
}

/**
 * The contents of `<proof type='urn:ietf:params:dna:proof:dnssec-ta'/>` for a chain in PEM, leaf first
 * (docs/delegation-proofs.md §6).
 * @throws FaultError `pkix`: `malformed`, local; `dna`: `proof-too-large`.
 */
export function anchorProof(chainPem: string): string {
  return armoured(Buffer.concat(boundedCertificates(derOf(chainPem, 'CERTIFICATE'))));
}
