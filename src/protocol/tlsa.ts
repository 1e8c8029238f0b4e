/** TLSA records as values: what DNS says about the certificate at one endpoint (RFC 6698 §2, RFC 7671). */
import { createHash } from 'node:crypto';
import { isSubjectPublicKeyInfo, certificateParts, rsaModulusBits } from './certificate-parts.ts';
import type { CertificateParts } from './certificate-parts.ts';
import type { Fault } from './faults.ts';

export interface TlsaRecord {
  /** 0 PKIX-TA, 1 PKIX-EE, 2 DANE-TA, 3 DANE-EE (RFC 7218 §2.1); others are unusable. */
  readonly usage: number;
  /** 0 the certificate, 1 its SubjectPublicKeyInfo. */
  readonly selector: number;
  /** 0 all of it, 1 its SHA-256, 2 its SHA-512. */
  readonly matching: number;
  /** Certificate association data, lower-case hex. */
  readonly data: string;
}

/** One RRset of a secure answer. */
export interface TlsaSet {
  /** `_5269._tcp.host.example` */
  readonly owner: string;
  readonly records: readonly TlsaRecord[];
}

/** The DANE records for one end of a stream; all answers behind them were secure (RFC 7673 §3, RFC 7712 §5.1). */
export type DaneMaterial =
  | {
      readonly kind: 'tlsa';
      readonly sets: readonly TlsaSet[];
      /** When the first of the answers that led here expires, in milliseconds since the epoch. */
      readonly expiresAtMs: number;
      /** How many targets were not queried because there are too many. @defaultValue 0 */
      readonly unasked?: number;
    }
  | {
      readonly kind: 'none';
      /** Layer `dane`: `no-validator`, `insecure-delegation`, `insecure-address`, `no-tlsa`. */
      readonly why: Fault;
    };

/** The numbers by their acronyms (RFC 7218 §2); the lists of names below are in the order of the registries. */
export const USAGE = { pkixTa: 0, pkixEe: 1, daneTa: 2, daneEe: 3 } as const;
export const SELECTOR = { cert: 0, spki: 1 } as const;
export const MATCHING = { full: 0, sha256: 1, sha512: 2 } as const;

const USAGE_NAMES = ['PKIX-TA', 'PKIX-EE', 'DANE-TA', 'DANE-EE'] as const;
const SELECTOR_NAMES = ['Cert', 'SPKI'] as const;
const MATCHING_NAMES = ['Full', 'SHA2-256', 'SHA2-512'] as const;
const DIGEST_BYTES: Readonly<Record<number, number>> = { [MATCHING.sha256]: 32, [MATCHING.sha512]: 64 };

/** Most records of a set used in the comparison; a simultaneous roll-over of every usage takes about sixteen. */
export const MAX_TLSA_RECORDS = 64;
/** Shorter RSA keys are weak (RFC 9325 §4.5). */
const MIN_RSA_BITS = 2_048;

/** Reads RDATA (RFC 6698 §2.1); null if it is too short to be a record. */
export function readTlsa(rdata: Uint8Array): TlsaRecord | null {
  const [usage, selector, matching] = rdata;
  if (usage === undefined || selector === undefined || matching === undefined) return null;
  return { usage, selector, matching, data: Buffer.from(rdata.subarray(3)).toString('hex') };
}

/** `3 1 1 8755cdaa…`, as in a zone file (RFC 6698 §2.2). */
export function formatTlsa({ usage, selector, matching, data }: TlsaRecord): string {
  return `${usage} ${selector} ${matching} ${data}`;
}

/**
 * Reads the presentation form; spaces in the data, parentheses and RFC 7218 acronyms are allowed. Null if malformed.
 */
export function parseTlsa(text: string): TlsaRecord | null {
  const [usage, selector, matching, ...rest] = text.replace(/[()]/g, ' ').trim().split(/\s+/);
  const data = rest.join('').toLowerCase();
  const numbers = [
    numberOf(usage, USAGE_NAMES),
    numberOf(selector, SELECTOR_NAMES),
    numberOf(matching, MATCHING_NAMES),
  ] as const;
  if (numbers.includes(null) || !isHex(data)) return null;
  return { usage: numbers[0] ?? 0, selector: numbers[1] ?? 0, matching: numbers[2] ?? 0, data };
}

function numberOf(word: string | undefined, names: readonly string[]): number | null {
  if (word === undefined) return null;
  const named = names.findIndex((name) => name.toLowerCase() === word.toLowerCase());
  if (named !== -1) return named;
  const number = /^\d{1,3}$/.test(word) ? Number(word) : Number.NaN;
  return number <= 255 ? number : null;
}

/** The owner name of the records of one endpoint: `_5269._tcp.host.example` (RFC 6698 §3, RFC 7673 §3.3). */
export function tlsaOwner(host: string, port: number): string {
  return `_${port}._tcp.${host.toLowerCase().replace(/\.$/, '')}`;
}

export interface UsableTlsa {
  /** DANE-EE first, then DANE-TA, PKIX-EE, PKIX-TA. */
  readonly usable: readonly TlsaRecord[];
  readonly unusable: readonly { readonly record: TlsaRecord; readonly why: string }[];
}

/**
 * Sorts the records of one RRset into usable and unusable ones (RFC 6698 §4.1). Of the usable digests, only the
 * strongest per usage and selector is kept (RFC 7671 §9): publishers list each certificate under every digest that they
 * use.
 *
 * Call it per RRset: digests of one owner name say nothing about those of another.
 */
export function usableTlsa(records: readonly TlsaRecord[]): UsableTlsa {
  const unusable: { record: TlsaRecord; why: string }[] = [];
  const understood: TlsaRecord[] = [];
  for (const record of records.toSorted(byPreference)) {
    const tooMany =
      understood.length === MAX_TLSA_RECORDS ? `only ${MAX_TLSA_RECORDS} records of a set are compared with` : null;
    const why = whyUnusable(record) ?? tooMany;
    if (why === null) understood.push(record);
    else unusable.push({ record, why });
  }
  const strongest = (of: TlsaRecord): number =>
    Math.max(...understood.filter((r) => r.usage === of.usage && r.selector === of.selector).map((r) => r.matching));
  const usable: TlsaRecord[] = [];
  for (const record of understood) {
    const isKept = record.matching === MATCHING.full || record.matching === strongest(record);
    if (isKept) usable.push(record);
    else unusable.push({ record, why: 'the set has a stronger digest for this usage and selector (RFC 7671 §9)' });
  }
  return { usable, unusable };
}

/** DANE-EE first, then DANE-TA, PKIX-EE, PKIX-TA; independent of the order in the answer, which servers rotate. */
export function byPreference(a: TlsaRecord, b: TlsaRecord): number {
  const byData = a.data < b.data ? -1 : Number(a.data > b.data);
  return b.usage - a.usage || a.selector - b.selector || b.matching - a.matching || byData;
}

/** Why this record is unusable, as text; null if it is usable. Does not consider the other records of its set. */
export function whyUnusable({ usage, selector, matching, data }: TlsaRecord): string | null {
  if (USAGE_NAMES[usage] === undefined) return `certificate usage ${usage} is not known`;
  if (SELECTOR_NAMES[selector] === undefined) return `selector ${selector} is not known`;
  if (MATCHING_NAMES[matching] === undefined) return `matching type ${matching} is not known`;
  if (!isHex(data)) return 'there is no association data';
  const wanted = DIGEST_BYTES[matching];
  if (wanted !== undefined)
    return data.length === wanted * 2
      ? null
      : `a ${MATCHING_NAMES[matching]} digest has ${wanted} bytes, not ${data.length / 2}`;
  return whyUnusableInFull(usage, selector, Buffer.from(data, 'hex'));
}

function whyUnusableInFull(usage: number, selector: number, data: Uint8Array): string | null {
  const spki =
    selector === SELECTOR.cert ? certificateParts(data)?.spki : isSubjectPublicKeyInfo(data) ? data : undefined;
  if (spki === undefined)
    return `the data is not a ${selector === SELECTOR.cert ? 'certificate' : 'public key'} in DER`;
  // DANE-EE requires nothing of a key but that it matches (RFC 7671 §5.1); a path through a weak key is not accepted.
  const bits = usage === USAGE.daneEe ? null : rsaModulusBits(spki);
  return bits !== null && bits < MIN_RSA_BITS ? `the RSA key has ${bits} bits, fewer than ${MIN_RSA_BITS}` : null;
}

const isHex = (text: string): boolean => text.length % 2 === 0 && /^[0-9a-f]+$/i.test(text);

/** Certificate association data by selector and matching type, lower-case hex; null for unknown numbers. */
export type Associations = (selector: number, matching: number) => string | null;

/** The association data of one certificate; each digest is computed once, on first use. */
export function associationsOf(parts: CertificateParts): Associations {
  const known = new Map<string, string>();
  return (selector, matching) => {
    if (SELECTOR_NAMES[selector] === undefined || MATCHING_NAMES[matching] === undefined) return null;
    const key = `${selector} ${matching}`;
    const value = known.get(key) ?? associate(selector === SELECTOR.cert ? parts.certificate : parts.spki, matching);
    known.set(key, value);
    return value;
  };
}

function associate(selected: Uint8Array, matching: number): string {
  if (matching === MATCHING.full) return Buffer.from(selected).toString('hex');
  return createHash(matching === MATCHING.sha256 ? 'sha256' : 'sha512')
    .update(selected)
    .digest('hex');
}

/** Whether a record names this certificate, or its key. */
export function namesCertificate(record: TlsaRecord, associations: Associations): boolean {
  return associations(record.selector, record.matching) === record.data.toLowerCase();
}

/**
 * The record that names a certificate.
 * @throws TypeError for an unknown usage, selector or matching type.
 */
export function tlsaFor(
  parts: CertificateParts,
  numbers: Readonly<Record<'usage' | 'selector' | 'matching', number>>,
): TlsaRecord {
  const { usage, selector, matching } = numbers;
  const data = associationsOf(parts)(selector, matching);
  if (data === null || USAGE_NAMES[usage] === undefined)
    throw new TypeError(`there is no TLSA record ${usage} ${selector} ${matching}`);
  return { usage, selector, matching, data };
}
