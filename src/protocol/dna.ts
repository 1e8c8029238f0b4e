/** The DNA protocol of 2009 (ProtoXEP "Domain Name Assertions" 0.0.1): its proof types and bounds. */
import { escapeXMLText } from '@xmpp/xml';
import { type BuiltInDnaProofType, DNA_PROOF_TYPES, type DnaProofType, isBuiltInDnaProofType } from './proof.ts';

/** Largest `data` of a proof, in characters: ten certificates in base64. Larger proofs are not examined. */
export const MAX_PROOF_LENGTH = 16_384;
/** Largest proof on the wire, in bytes: some characters take several there. */
export const MAX_PROOF_BYTES = 32_768;
/** How many proof types of one challenge, and domains asserted in one features element, are read. */
export const MAX_LISTED = 16;

/** The URI of `dnssec-ta` comes from the slides of 2010; that of `xml-assertion` is ours. */
const URIS: Readonly<Record<BuiltInDnaProofType, string>> = {
  'attribute-cert': 'urn:xmpp:dna:proof:attribute-cert',
  'xml-assertion': 'urn:xmpp:dna:proof:xml-assertion',
  'dnssec-ta': 'urn:ietf:params:dna:proof:dnssec-ta',
};

/** The URI of a proof type on the wire. */
export const uriOf = (type: DnaProofType): string => (isBuiltInDnaProofType(type) ? URIS[type] : type);

/** Longest URI of a proof type that is accepted; ours have 40 characters. */
const MAX_URI_LENGTH = 256;
/** The part of RFC 3986 §3.1 and RFC 8141 §2 that matters here: a scheme followed by printable ASCII. */
const isUri = (text: string): text is `${string}:${string}` =>
  text.length <= MAX_URI_LENGTH && /^(?:urn:[a-z0-9][a-z0-9-]+|(?!urn:)[a-z][a-z0-9+.-]*):[!-~]+$/.test(text);

/**
 * The proof type with this URI: a built-in one, or the URI itself, which an embedder may know; null if it is not a URI.
 * Scheme and URN namespace are case-insensitive (RFC 3986 §6.2.2.1, RFC 8141 §3.1).
 */
export function dnaProofTypeOf(uri: string): DnaProofType | null {
  const same = uri.replace(/^(?:urn:[^:]*|[^:]*):/i, (start) => start.toLowerCase());
  return DNA_PROOF_TYPES.find((type) => URIS[type] === same) ?? (isUri(same) ? same : null);
}

/** The proofs that an operator can show for one hosted domain: the `data` of each. */
export type DnaProofs = Readonly<Partial<Record<DnaProofType, string>>>;

/** Most bytes that a proof element takes besides its data: names and attributes. */
const AROUND_DATA_BYTES = 2_048;
/** XML 1.0 §2.2 */
const NOT_IN_XML = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

/** What is wrong with a proof configured by the operator, as the end of a sentence; null if nothing is. */
export function problemOfProof(data: string): string | null {
  if (data.trim() === '') return 'is empty';
  if (data.length > MAX_PROOF_LENGTH) return `is longer than ${MAX_PROOF_LENGTH} characters`;
  if (NOT_IN_XML.test(data)) return 'is no text: it holds characters that XML does not know';
  const bytes = Buffer.byteLength(escapeXMLText(data));
  return bytes + AROUND_DATA_BYTES > MAX_PROOF_BYTES ? `takes ${bytes} bytes on the wire` : null;
}
