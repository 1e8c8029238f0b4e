/** The DNA protocol of 2009 (ProtoXEP "Domain Name Assertions" 0.0.1, FACTS §13.2): its proof types and bounds. */
import { escapeXMLText } from '@xmpp/xml';
import { type BuiltInDnaProofType, DNA_PROOF_TYPES, type DnaProofType, isBuiltInDnaProofType } from './proof.ts';

/** Largest `data` of a proof, in characters: ten certificates in base64. What is larger is not looked at. */
export const MAX_PROOF_LENGTH = 16_384;
/** Largest proof as it goes over the wire, in bytes: some characters take several there. */
export const MAX_PROOF_BYTES = 32_768;
/** Proof types of one challenge, and domains asserted in one features element, that are looked at: the first so many. */
export const MAX_LISTED = 16;

/** `dnssec-ta` has its name from the slides of 2010 (FACTS §13.3); `xml-assertion` is ours. */
const URIS: Readonly<Record<BuiltInDnaProofType, string>> = {
  'attribute-cert': 'urn:xmpp:dna:proof:attribute-cert',
  'xml-assertion': 'urn:xmpp:dna:proof:xml-assertion',
  'dnssec-ta': 'urn:ietf:params:dna:proof:dnssec-ta',
};

/** The URI by which a proof type goes over the wire. */
export const uriOf = (type: DnaProofType): string => (isBuiltInDnaProofType(type) ? URIS[type] : type);

/** Longest URI of a proof type that is looked at; ours have 40 characters. */
const MAX_URI_LENGTH = 256;
/** RFC 3986 §3.1, RFC 8141 §2, as far as it matters: printable ASCII behind a scheme. */
const isUri = (text: string): text is `${string}:${string}` =>
  text.length <= MAX_URI_LENGTH && /^(?:urn:[a-z0-9][a-z0-9-]+|(?!urn:)[a-z][a-z0-9+.-]*):[!-~]+$/.test(text);

/**
 * The proof type of a URI: one of ours, or the URI itself, which an embedder may know; null where it is none. Scheme and URN
 * namespace have no case (RFC 3986 §6.2.2.1, RFC 8141 §3.1).
 */
export function dnaProofTypeOf(uri: string): DnaProofType | null {
  const same = uri.replace(/^(?:urn:[^:]*|[^:]*):/i, (start) => start.toLowerCase());
  return DNA_PROOF_TYPES.find((type) => URIS[type] === same) ?? (isUri(same) ? same : null);
}

/** What an operator shows of the delegations of one hosted domain: the `data` of each proof. */
export type DnaProofs = Readonly<Partial<Record<DnaProofType, string>>>;

/** What of a proof's element is not its data, at most, in bytes: names and attributes. */
const AROUND_DATA_BYTES = 2_048;
/** XML 1.0 §2.2 */
const NOT_IN_XML = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

/** What is wrong with a proof that an operator would have us show, as the rest of a sentence; null if nothing is. */
export function problemOfProof(data: string): string | null {
  if (data.trim() === '') return 'is empty';
  if (data.length > MAX_PROOF_LENGTH) return `is longer than ${MAX_PROOF_LENGTH} characters`;
  if (NOT_IN_XML.test(data)) return 'is no text: it holds characters that XML does not know';
  const bytes = Buffer.byteLength(escapeXMLText(data));
  return bytes + AROUND_DATA_BYTES > MAX_PROOF_BYTES ? `takes ${bytes} bytes on the wire` : null;
}
