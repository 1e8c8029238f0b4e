/**
 * The elements other than stanzas that two servers exchange, as plain data: the machines decide on these values,
 * src/protocol/wire-xml.ts converts them to XML and back.
 */
import type { DialbackAnswer } from './dialback.ts';

/** RFC 6120 §4.7. */
export interface StreamHeader {
  readonly kind: 'streamHeader';
  readonly to: string | null;
  readonly from: string | null;
  /** Only on the header of the receiving server. */
  readonly id: string | null;
  /** Null: a peer older than XMPP 1.0, which sends no features. */
  readonly version: string | null;
  /** The peer declares the dialback namespace (XEP-0220 §2.4.1). */
  readonly dialback: boolean;
}

/** RFC 6120 §4.3.2, limited to the features used between servers. */
export interface StreamFeatures {
  readonly kind: 'features';
  readonly startTls: 'absent' | 'optional' | 'required';
  readonly mechanisms: readonly string[];
  readonly dialback: boolean;
  /** XEP-0220 §2.4.2: the failure of one pair is answered with an error instead of closing the stream. */
  readonly dialbackErrors: boolean;
  /** XEP-0288 */
  readonly bidi: boolean;
  /** Domains that the receiving server asserts; it thereby announces the DNA protocol of 2009 (ProtoXEP §6.3). */
  readonly asserts?: readonly string[];
  /** Mandatory features that we do not know, by `{namespace}name`. */
  readonly unknown: readonly string[];
}

export interface DialbackResult {
  readonly kind: 'result';
  readonly from: string;
  readonly to: string;
  /** Null if the adapter is to fill in our own key: machines hold no secrets. */
  readonly key: string | null;
  /** Null on a request. */
  readonly answer: DialbackAnswer | null;
}

export interface DialbackVerify {
  readonly kind: 'verify';
  readonly from: string;
  readonly to: string;
  readonly id: string;
  readonly key: string | null;
  readonly answer: DialbackAnswer | null;
}

/**
 * The DNA protocol of 2009 (ProtoXEP "Domain Name Assertions" 0.0.1 §4). The asserting entity names the domain in
 * `from`, the validating entity in `to`.
 */
export type DnaElement =
  | { readonly kind: 'dnaAssert'; readonly from: string }
  /** `types` are URIs in order of preference; only the first of a long list. */
  | { readonly kind: 'dnaChallenge'; readonly to: string; readonly types: readonly string[] }
  /** `data` is null if it is larger than the limit. */
  | { readonly kind: 'dnaProof'; readonly from: string; readonly type: string; readonly data: string | null }
  | { readonly kind: 'dnaImpossible'; readonly from: string }
  | { readonly kind: 'dnaValid'; readonly to: string }
  | { readonly kind: 'dnaInvalid'; readonly to: string };

export type WireElement =
  | DnaElement
  | StreamHeader
  | StreamFeatures
  | DialbackResult
  | DialbackVerify
  | { readonly kind: 'starttls' }
  | { readonly kind: 'proceed' }
  | { readonly kind: 'starttlsFailure' }
  | { readonly kind: 'auth'; readonly mechanism: string; readonly initialResponse: string | null }
  | { readonly kind: 'challenge' }
  | { readonly kind: 'response'; readonly data: string }
  | { readonly kind: 'abort' }
  | { readonly kind: 'success' }
  | { readonly kind: 'saslFailure'; readonly condition: string; readonly text: string | null }
  | { readonly kind: 'bidi' }
  | { readonly kind: 'streamError'; readonly condition: string; readonly text: string | null }
  | { readonly kind: 'unsupported'; readonly name: string };

/** Decodes base64 of the UTF-8 authzid; `=` is an empty response. Null if it cannot be decoded (RFC 6120 §6.4.2). */
export function decodeAuthzid(data: string): string | null {
  if (data === '' || data === '=') return '';
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(data)) return null;
  const bytes = Buffer.from(data, 'base64');
  if (bytes.toString('base64') !== data) return null; // non-zero pad bits (RFC 6120 §13.9.1)
  const text = bytes.toString('utf8');
  return text.includes('\0') || text.includes('\uFFFD') ? null : text;
}

export const encodeAuthzid = (domain: string): string => Buffer.from(domain, 'utf8').toString('base64');
