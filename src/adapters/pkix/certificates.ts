/**
 * Certificates as plain data, read from DER. Names are read from the ASN.1 and never from a printed form, which can be
 * forged (CVE-2025-59154): the display strings here are for people.
 */
import { createHash } from 'node:crypto';
import { FaultError, fault } from '../../protocol/faults.ts';
import { canonicalDomain } from '../../protocol/names.ts';
import type { CertificateEvidence, PresentedIdentifiers } from '../../protocol/certificate.ts';
import { certificateFields } from '../../protocol/certificate-parts.ts';
import {
  constructedTag,
  DerError,
  type DerValue,
  oidOf,
  primitiveTag,
  readSequence,
  readValues,
  TAG,
  valuesIn,
} from '../../protocol/der.ts';
import { LruMap } from '../lru.ts';

/** Largest certificate read, in bytes; the largest ever logged by a public authority has less than half of that. */
export const MAX_CERTIFICATE_BYTES = 65_536;
/** Most names taken from one subjectAltName; public authorities stop at some hundreds. */
const MAX_IDENTIFIERS = 2_048;
/** Longest display string of a name, in characters. */
const MAX_DISPLAY_LENGTH = 512;
/** Longest identifier: a domainpart has at most 1,023 octets (RFC 7622 §3.2), and an SRVName adds a service. */
const MAX_IDENTIFIER_OCTETS = 1_100;
/** Certificates remembered by fingerprint: the few hundred that a busy server sees repeatedly. */
const MEMO_ENTRIES = 512;
const MEMO_CERTIFICATE_BYTES = 8 * 1024;

const OID_SUBJECT_ALT_NAME = '2.5.29.17';
const OID_XMPP_ADDR = '1.3.6.1.5.5.7.8.5';
const OID_SRV_NAME = '1.3.6.1.5.5.7.8.7';
/** Tags of GeneralName (RFC 5280 §4.2.1.6). */
export const GENERAL_NAME = { otherName: constructedTag(0), dnsName: primitiveTag(2), ipAddress: primitiveTag(7) };

/**
 * Reads a certificate from its DER.
 *
 * An identifier that violates its type (a NUL or a byte above 0x7e in an IA5String, an address of seven bytes) is left
 * out; the others are kept.
 * @throws FaultError `pkix`: `malformed`, by the peer.
 */
export function readCertificate(der: Uint8Array): CertificateEvidence {
  if (der.length > MAX_CERTIFICATE_BYTES) throw malformed('the certificate is too large');
  const sha256 = createHash('sha256').update(der).digest('hex');
  const known = memo.get(sha256);
  if (known !== undefined) return known;
  const evidence = parseCertificate(der, sha256);
  // The peer chooses the size of its certificate: an unusually large one is not remembered but read again each time.
  if (der.length <= MEMO_CERTIFICATE_BYTES) memo.set(sha256, evidence);
  return evidence;
}

const memo = new LruMap<string, CertificateEvidence>(MEMO_ENTRIES);

function parseCertificate(der: Uint8Array, sha256: string): CertificateEvidence {
  return orMalformed(() => {
    const { issuer, validity, subject, extensions } = certificateFields(der);
    const [notBefore, notAfter] = valuesIn(validity);
    return {
      sha256,
      sha512: createHash('sha512').update(der).digest('hex'),
      subject: displayName(subject),
      issuer: displayName(issuer),
      notBeforeMs: timeOf(notBefore),
      notAfterMs: timeOf(notAfter),
      presented: presentedIdentifiers(extensions.get(OID_SUBJECT_ALT_NAME)),
    };
  });
}

/**
 * The contents of an extension; undefined when the certificate lacks it.
 * @throws FaultError `pkix`: `malformed`, by the peer.
 */
export function readExtension(der: Uint8Array, oid: string): Buffer | undefined {
  return orMalformed(() => certificateFields(der)).extensions.get(oid);
}

function presentedIdentifiers(subjectAltName: Buffer | undefined): PresentedIdentifiers {
  const names = { dnsNames: [], srvNames: [], xmppAddrs: [], ipAddresses: [] } as Record<
    keyof PresentedIdentifiers,
    string[]
  >;
  const put = (kind: keyof PresentedIdentifiers, name: string | null | undefined): void => {
    if (name) names[kind].push(name);
  };
  const found = subjectAltName === undefined ? [] : readSequence(subjectAltName);
  for (const { tag, contents } of found.slice(0, MAX_IDENTIFIERS)) {
    if (tag === GENERAL_NAME.dnsName) put('dnsNames', ia5(contents)?.toLowerCase());
    else if (tag === GENERAL_NAME.ipAddress) put('ipAddresses', addressOf(contents));
    else if (tag === GENERAL_NAME.otherName) {
      const [type, wrapped] = readValues(contents);
      if (type?.tag !== TAG.oid || wrapped?.tag !== constructedTag(0)) continue;
      const [value] = readValues(wrapped.contents);
      const oid = oidOf(type);
      if (oid === OID_SRV_NAME && value?.tag === TAG.ia5String) put('srvNames', ia5(value.contents));
      if (oid === OID_XMPP_ADDR && value?.tag === TAG.utf8String) put('xmppAddrs', utf8Name(value.contents));
    }
  }
  return names;
}

/** The text of an IA5String that holds a name, or null: only printable ASCII, so not `example.com\0.evil.example`. */
function ia5(octets: Buffer): string | null {
  const text = octets.length <= MAX_IDENTIFIER_OCTETS ? octets.toString('latin1') : '';
  return /^[\x21-\x7e]+$/.test(text) ? text : null;
}

function utf8Name(octets: Buffer): string | null {
  const name = octets.length <= MAX_IDENTIFIER_OCTETS ? utf8Of(octets) : null;
  return name !== null && !/[\p{Cc}\p{Cs}\s]/u.test(name) ? name : null;
}

/** UTF-8 octets as text; null when they are not UTF-8. */
function utf8Of(octets: Buffer): string | null {
  try {
    return utf8.decode(octets);
  } catch {
    return null;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The usual written form: `192.0.2.1`, `2001:db8::1`. */
function addressOf(octets: Buffer): string | null {
  if (octets.length === 4) return octets.join('.');
  if (octets.length !== 16) return null;
  const groups = octets.toString('hex').replace(/.{4}(?=.)/g, '$&:');
  return canonicalDomain(groups)?.slice(1, -1) ?? null;
}

/** Attribute types with a short name (RFC 4514 §3, RFC 4519). */
const SHORT_NAMES: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '0.9.2342.19200300.100.1.25': 'DC',
  '1.2.840.113549.1.9.1': 'emailAddress',
};

/** `CN=im.example.com, O=Example`, escaped as in RFC 4514 §2.4, so that one value cannot look like two. */
function displayName(name: DerValue): string {
  const relative = valuesIn(name).map(({ contents }) => readValues(contents).map(displayAttribute).join('+'));
  const whole = relative.join(', ');
  return whole.length <= MAX_DISPLAY_LENGTH ? whole : `${whole.slice(0, MAX_DISPLAY_LENGTH - 1)}…`;
}

function displayAttribute(attribute: DerValue): string {
  const [type, value] = valuesIn(attribute);
  const oid = oidOf(type);
  const text = value === undefined ? '' : displayText(value);
  return `${SHORT_NAMES[oid] ?? oid}=${PLAIN.test(text) ? text : escapeDisplay(text)}`;
}

function displayText({ tag, contents }: DerValue): string {
  const text = tag === TAG.utf8String ? utf8Of(contents) : tag === TAG.bmpString ? utf16BigEndian(contents) : null;
  return text ?? contents.toString('latin1');
}

const PLAIN = /^[\w .:*@/'()-]*$/;

/** Unescaped control and format characters would let a name rewrite the line on which it is shown. */
function escapeDisplay(text: string): string {
  return text
    .replace(/[\\,+"<>;=]/g, '\\$&')
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function utf16BigEndian(octets: Buffer): string {
  return Buffer.from(octets.subarray(0, octets.length & ~1))
    .swap16()
    .toString('utf16le');
}

/** UTCTime and GeneralizedTime in the one form that RFC 5280 §4.1.2.5 allows: to the second, in UTC. */
function timeOf(value: DerValue | undefined): number {
  const octets = value?.contents.toString('latin1') ?? '';
  const utc = value?.tag === TAG.utcTime;
  if (!utc && value?.tag !== TAG.generalizedTime) throw malformed('a time cannot be read');
  const century = utc ? (Number(octets.slice(0, 2)) >= 50 ? '19' : '20') : '';
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(century + octets);
  const [, year, month, day, hour, minute, second] = parts ?? [];
  const time = Date.parse(`${year ?? ''}-${month ?? ''}-${day ?? ''}T${hour ?? ''}:${minute ?? ''}:${second ?? ''}Z`);
  if (Number.isNaN(time)) throw malformed('a time cannot be read');
  return time;
}

/** The result of `read`. @throws FaultError `pkix`: `malformed`, by the peer, when it fails on invalid DER. */
export function orMalformed<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof DerError)) throw cause;
    throw malformed(cause.message, { cause });
  }
}

function malformed(text: string, options?: ErrorOptions): FaultError {
  return new FaultError(fault('pkix', 'malformed', 'peer', text), options);
}
