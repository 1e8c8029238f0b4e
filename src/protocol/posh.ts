/** POSH documents as values (RFC 7711). */
import type { CertificateEvidence } from './certificate.ts';
import { httpsUrl } from './https-url.ts';
import type { PoshCondition } from './posh-conditions.ts';
import { readJson, type JsonObject, type JsonValue } from './strict-json.ts';
import type { Service } from './service.ts';

/** The certificates that may speak for a domain, as it publishes them over HTTPS. */
export interface PoshMaterial {
  /** One per certificate: hashes in lower-case hex, by IANA name. Never empty; hashes unknown here are left out. */
  readonly fingerprints: readonly PoshFingerprint[];
  /** When the material expires, in milliseconds since the epoch. */
  readonly expiresAtMs: number;
  /** Where the fingerprints were found, after references and redirects. */
  readonly url: string;
}

/** One descriptor (RFC 7711 §3.1): the hashes of one certificate, at least one of them. */
export type PoshFingerprint = Readonly<Partial<Record<PoshHash, string>>>;

/** The hashes in {@link CertificateEvidence}; others are ignored, as RFC 7711 §3.3 allows. */
export type PoshHash = 'sha-256' | 'sha-512';

export type PoshDocument =
  | {
      readonly kind: 'fingerprints';
      readonly fingerprints: readonly PoshFingerprint[];
      readonly expiresSeconds: number;
    }
  | { readonly kind: 'reference'; readonly url: string; readonly expiresSeconds: number }
  /** `document-invalid`, `expires-zero` or `no-known-hash`, and the reason as text. */
  | { readonly kind: 'unusable'; readonly condition: PoshCondition; readonly text: string };

/** Largest document read, in bytes; one with both hashes of one certificate takes 200. */
export const MAX_DOCUMENT_BYTES = 65_536;
/** A document nests three levels deep; additional members may go a little deeper. */
const MAX_DEPTH = 8;

/** Hashes, strongest first. */
const HASHES = [
  { name: 'sha-512', field: 'sha512', octets: 64 },
  { name: 'sha-256', field: 'sha256', octets: 32 },
] as const satisfies readonly { name: PoshHash; field: keyof CertificateEvidence; octets: number }[];

/** The URL at which a domain (canonical) publishes the document for a service (RFC 7711 §3, RFC 7712 §5.2). */
export function poshUrl(domain: string, service: Service): string {
  return `https://${domain}/.well-known/posh/${service}.json`;
}

/**
 * Whether the material names a certificate (RFC 7711 §3.3): the strongest hash of each descriptor decides. Dates are
 * not checked here: an expired certificate is never valid (§6), which the caller must check.
 */
export function fingerprintMatches(
  { fingerprints }: Pick<PoshMaterial, 'fingerprints'>,
  certificate: Pick<CertificateEvidence, 'sha256' | 'sha512'>,
): boolean {
  return fingerprints.some((fingerprint) => {
    const strongest = HASHES.find(({ name }) => fingerprint[name] !== undefined);
    return strongest !== undefined && fingerprint[strongest.name] === certificate[strongest.field];
  });
}

/** The fingerprints document for these certificates, most relevant first (RFC 7711 §3.1), as JSON text. */
export function writePoshDocument(
  certificates: readonly Pick<CertificateEvidence, 'sha256' | 'sha512'>[],
  expiresSeconds: number,
): string {
  const fingerprints = certificates.map(({ sha256, sha512 }) => ({
    'sha-256': Buffer.from(sha256, 'hex').toString('base64'),
    'sha-512': Buffer.from(sha512, 'hex').toString('base64'),
  }));
  return JSON.stringify({ fingerprints, expires: expiresSeconds }, null, 2);
}

/** Reads a document, bounded in size and depth. It is rejected as a whole if any part of it is malformed. */
export function readPoshDocument(bytes: Uint8Array): PoshDocument {
  if (bytes.length > MAX_DOCUMENT_BYTES) return unusable(`larger than ${MAX_DOCUMENT_BYTES} bytes`);
  const text = decodeUtf8(bytes);
  if (text === null) return unusable('not UTF-8');
  const json = readJson(text, MAX_DEPTH);
  if (json.kind === 'malformed') return unusable(`not JSON: ${json.problem}`);
  if (!isObject(json.value)) return unusable('not a JSON object');
  return readMembers(json.value);
}

function readMembers(members: JsonObject): PoshDocument {
  const expires = members.get('expires');
  if (expires === undefined) return unusable('no "expires"');
  if (typeof expires !== 'number' || !Number.isInteger(expires) || expires < 0)
    return unusable('"expires" is no non-negative integer');
  const [fingerprints, url] = [members.get('fingerprints'), members.get('url')];
  if (fingerprints !== undefined && url !== undefined) return unusable('"url" beside "fingerprints"');
  if (fingerprints === undefined && url === undefined) return unusable('neither "fingerprints" nor "url"');
  const document = url === undefined ? readFingerprints(fingerprints, expires) : readReference(url, expires);
  if (document.kind === 'unusable' || expires > 0) return document;
  return unusable('"expires" is 0: the domain has withdrawn it', 'expires-zero');
}

function readReference(url: JsonValue, expiresSeconds: number): PoshDocument {
  const target = typeof url === 'string' ? httpsUrl(url) : null;
  return target === null
    ? unusable('"url" is no https URL without user and password')
    : { kind: 'reference', url: target.href, expiresSeconds };
}

function readFingerprints(list: JsonValue | undefined, expiresSeconds: number): PoshDocument {
  if (!isArray(list) || list.length === 0) return unusable('"fingerprints" is no list of at least one');
  const fingerprints: PoshFingerprint[] = [];
  for (const descriptor of list) {
    if (!isObject(descriptor)) return unusable('a fingerprint is no JSON object');
    const fingerprint: Partial<Record<PoshHash, string>> = {};
    for (const { name, octets } of HASHES) {
      const value = descriptor.get(name);
      if (value === undefined) continue;
      const hash = typeof value === 'string' ? decodeHash(value, octets) : null;
      if (hash === null) return unusable(`a "${name}" is no base64 of ${octets} octets`);
      fingerprint[name] = hash;
    }
    if (Object.keys(fingerprint).length > 0) fingerprints.push(fingerprint);
  }
  if (fingerprints.length > 0) return { kind: 'fingerprints', fingerprints, expiresSeconds };
  return unusable('no fingerprint has a "sha-256" or "sha-512"', 'no-known-hash');
}

/**
 * Converts base64 in canonical form (RFC 4648 §4: no line breaks, pad bits zero) to hex. The padding may be missing
 * entirely, as in an example of RFC 7711 §3.1.
 */
function decodeHash(base64: string, octets: number): string | null {
  const bytes = Buffer.from(base64, 'base64');
  const spelling = bytes.toString('base64');
  const isIt = bytes.length === octets && (base64 === spelling || base64 === spelling.replace(/=+$/, ''));
  return isIt ? bytes.toString('hex') : null;
}

/** Null if the bytes are not UTF-8. A byte order mark is dropped, as RFC 8259 §8.1 allows. */
function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

const isObject = (value: JsonValue | undefined): value is JsonObject => value instanceof Map;
const isArray = (value: JsonValue | undefined): value is readonly JsonValue[] => Array.isArray(value);

function unusable(text: string, condition: PoshCondition = 'document-invalid'): PoshDocument {
  return { kind: 'unusable', condition, text };
}
