/**
 * Certificates as plain data, read from DER. Names come out of the ASN.1 and never out of a printed form, which can be
 * made to lie (FACTS §14, 12): the display strings here are for people.
 */
import { createHash } from 'node:crypto';
import { FaultError, fault } from '../../protocol/faults.ts';
import { canonicalDomain } from '../../protocol/names.ts';
import type { CertificateEvidence, PresentedIdentifiers } from '../../protocol/certificate.ts';
import { LruMap } from '../lru.ts';
import { CONTEXT, TYPE, UNIVERSAL, childrenOf, isTagged, octetsOf, oidOf, parseAsn1, utf8Of } from './asn1.ts';
import type { Asn1Node } from './asn1.ts';

/** Largest certificate read, in bytes; the largest ever logged by a public authority is under half of it. */
export const MAX_CERTIFICATE_BYTES = 65_536;
/** Most names taken from one subjectAltName; public authorities stop at some hundreds. */
const MAX_IDENTIFIERS = 2_048;
/** Longest display string of a name, in characters. */
const MAX_DISPLAY_LENGTH = 512;
/** Longest identifier: a domainpart has 1,023 octets (RFC 7622 §3.2), an SRVName puts a service before it. */
const MAX_IDENTIFIER_OCTETS = 1_100;
/** Certificates remembered by fingerprint: the few hundred that a busy server sees again and again. */
const MEMO_ENTRIES = 512;
const MEMO_CERTIFICATE_BYTES = 8 * 1024;

const OID_SUBJECT_ALT_NAME = '2.5.29.17';
const OID_XMPP_ADDR = '1.3.6.1.5.5.7.8.5';
const OID_SRV_NAME = '1.3.6.1.5.5.7.8.7';
/** Tags of GeneralName (RFC 5280 §4.2.1.6). */
export const GENERAL_NAME = { otherName: 0, dnsName: 2, ipAddress: 7 } as const;

/**
 * What a certificate says, from its DER.
 *
 * An identifier that is not what its type promises (a NUL or a byte above 0x7e in an IA5String, an address of seven
 * bytes) is left out; the others stand.
 * @throws FaultError `pkix`: `malformed`, by the peer.
 */
export function readCertificate(der: Uint8Array): CertificateEvidence {
  if (der.length > MAX_CERTIFICATE_BYTES) throw malformed('the certificate is too large');
  const sha256 = createHash('sha256').update(der).digest('hex');
  const known = memo.get(sha256);
  if (known !== undefined) return known;
  const evidence = parseCertificate(der, sha256);
  // Strangers choose how much a certificate says: what is out of the ordinary is read again each time.
  if (der.length <= MEMO_CERTIFICATE_BYTES) memo.set(sha256, evidence);
  return evidence;
}

const memo = new LruMap<string, CertificateEvidence>(MEMO_ENTRIES);

function parseCertificate(der: Uint8Array, sha256: string): CertificateEvidence {
  const { issuer, validity, subject, extensions } = fieldsOf(der);
  const [notBefore, notAfter] = childrenOf(validity);
  return {
    sha256,
    sha512: createHash('sha512').update(der).digest('hex'),
    subject: displayName(subject),
    issuer: displayName(issuer),
    notBeforeMs: timeOf(notBefore),
    notAfterMs: timeOf(notAfter),
    presented: presentedIdentifiers(extensions.get(OID_SUBJECT_ALT_NAME)),
  };
}

/**
 * The contents of an extension, as octets; undefined when the certificate has it not.
 * @throws FaultError `pkix`: `malformed`, by the peer.
 */
export function readExtension(der: Uint8Array, oid: string): string | undefined {
  return fieldsOf(der).extensions.get(oid);
}

interface CertificateFields {
  readonly issuer: Asn1Node | undefined;
  readonly validity: Asn1Node | undefined;
  readonly subject: Asn1Node | undefined;
  readonly extensions: ReadonlyMap<string, string>;
}

/** TBSCertificate (RFC 5280 §4.1). */
function fieldsOf(der: Uint8Array): CertificateFields {
  const [tbs] = childrenOf(parseOrRefuse(der));
  const fields = childrenOf(tbs);
  const hasVersion = isTagged(fields[0], CONTEXT, 0);
  const [serial, , issuer, validity, subject, spki, ...optional] = hasVersion ? fields.slice(1) : fields;
  if (!isTagged(serial, UNIVERSAL, TYPE.integer) || spki === undefined) throw malformed('this is not a certificate');
  const [list] = childrenOf(optional.find((field) => isTagged(field, CONTEXT, 3)));
  return { issuer, validity, subject, extensions: extensionsOf(childrenOf(list)) };
}

function extensionsOf(nodes: readonly Asn1Node[]): Map<string, string> {
  const extensions = new Map<string, string>();
  for (const node of nodes) {
    const parts = childrenOf(node);
    const oid = oidOf(parts[0]);
    const value = octetsOf(parts.at(-1));
    if (oid === null || value === null) throw malformed('an extension cannot be read');
    // RFC 5280 §4.2. Two of a kind are two answers to one question, and software differs in which it believes.
    if (extensions.has(oid)) throw malformed(`extension ${oid} occurs twice`);
    extensions.set(oid, value);
  }
  return extensions;
}

function presentedIdentifiers(subjectAltName: string | undefined): PresentedIdentifiers {
  const names = { dnsNames: [], srvNames: [], xmppAddrs: [], ipAddresses: [] } as Record<
    keyof PresentedIdentifiers,
    string[]
  >;
  const put = (kind: keyof PresentedIdentifiers, name: string | null | undefined): void => {
    if (name) names[kind].push(name);
  };
  const nodes = subjectAltName === undefined ? [] : childrenOf(parseOrRefuse(subjectAltName));
  for (const node of nodes.slice(0, MAX_IDENTIFIERS)) {
    const octets = octetsOf(node);
    if (isTagged(node, CONTEXT, GENERAL_NAME.dnsName)) put('dnsNames', octets && ia5(octets)?.toLowerCase());
    else if (isTagged(node, CONTEXT, GENERAL_NAME.ipAddress)) put('ipAddresses', octets && addressOf(octets));
    else if (isTagged(node, CONTEXT, GENERAL_NAME.otherName)) {
      const [type, wrapped] = childrenOf(node);
      const [value] = childrenOf(wrapped);
      const inner = octetsOf(value);
      if (!isTagged(wrapped, CONTEXT, 0) || inner === null) continue;
      const oid = oidOf(type);
      if (oid === OID_SRV_NAME && isTagged(value, UNIVERSAL, TYPE.ia5String)) put('srvNames', ia5(inner));
      if (oid === OID_XMPP_ADDR && isTagged(value, UNIVERSAL, TYPE.utf8String)) put('xmppAddrs', utf8Name(inner));
    }
  }
  return names;
}

/** The text of an IA5String that holds a name: printable ASCII. `example.com\0.evil.example` is not one. */
function ia5(octets: string): string | null {
  return octets.length <= MAX_IDENTIFIER_OCTETS && /^[\x21-\x7e]+$/.test(octets) ? octets : null;
}

function utf8Name(octets: string): string | null {
  const name = octets.length <= MAX_IDENTIFIER_OCTETS ? utf8Of(octets) : null;
  return name !== null && !/[\p{Cc}\p{Cs}\s]/u.test(name) ? name : null;
}

/** The usual written form: `192.0.2.1`, `2001:db8::1`. */
function addressOf(octets: string): string | null {
  const bytes = Buffer.from(octets, 'latin1');
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) return null;
  const groups = bytes.toString('hex').replace(/.{4}(?=.)/g, '$&:');
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

/** `CN=im.example.com, O=Example`, escaped as RFC 4514 §2.4 says, so that one value cannot look like two. */
function displayName(name: Asn1Node | undefined): string {
  const relative = childrenOf(name).map((rdn) => childrenOf(rdn).map(displayAttribute).join('+'));
  const whole = relative.join(', ');
  return whole.length <= MAX_DISPLAY_LENGTH ? whole : `${whole.slice(0, MAX_DISPLAY_LENGTH - 1)}…`;
}

function displayAttribute(attribute: Asn1Node): string {
  const [type, value] = childrenOf(attribute);
  const oid = oidOf(type) ?? '?';
  const octets = octetsOf(value) ?? '';
  const text = isTagged(value, UNIVERSAL, TYPE.utf8String)
    ? (utf8Of(octets) ?? octets)
    : isTagged(value, UNIVERSAL, TYPE.bmpString)
      ? utf16BigEndian(octets)
      : octets;
  return `${SHORT_NAMES[oid] ?? oid}=${PLAIN.test(text) ? text : escapeDisplay(text)}`;
}

const PLAIN = /^[\w .:*@/'()-]*$/;

/** Control and format characters would let a name rewrite the line it is shown on. */
function escapeDisplay(text: string): string {
  return text
    .replace(/[\\,+"<>;=]/g, '\\$&')
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function utf16BigEndian(octets: string): string {
  const bytes = Buffer.from(octets.slice(0, octets.length & ~1), 'latin1');
  return bytes.swap16().toString('utf16le');
}

/** UTCTime and GeneralizedTime in the one form that RFC 5280 §4.1.2.5 allows: to the second, in UTC. */
function timeOf(node: Asn1Node | undefined): number {
  const octets = octetsOf(node) ?? '';
  const utc = isTagged(node, UNIVERSAL, TYPE.utcTime);
  if (!utc && !isTagged(node, UNIVERSAL, TYPE.generalizedTime)) throw malformed('a time cannot be read');
  const century = utc ? (Number(octets.slice(0, 2)) >= 50 ? '19' : '20') : '';
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(century + octets);
  const [, year, month, day, hour, minute, second] = parts ?? [];
  const time = Date.parse(`${year ?? ''}-${month ?? ''}-${day ?? ''}T${hour ?? ''}:${minute ?? ''}:${second ?? ''}Z`);
  if (Number.isNaN(time)) throw malformed('a time cannot be read');
  return time;
}

function parseOrRefuse(der: Uint8Array | string): Asn1Node {
  try {
    return parseAsn1(der);
  } catch (cause) {
    throw malformed(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function malformed(text: string, options?: ErrorOptions): FaultError {
  return new FaultError(fault('pkix', 'malformed', 'peer', text), options);
}
