/**
 * A small certificate authority for the demo and the tests: real X.509 (RFC 5280) with the names that XMPP needs,
 * including SRVName (RFC 4985) and xmppAddr (RFC 6120 §13.7.1.4). Not for production: it does not protect its keys.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { isIPv4 } from 'node:net';
import type { Credential } from '../ports.ts';
import {
  bitString,
  contextTag,
  derBoolean,
  derTime,
  integer,
  octetString,
  oid,
  sequence,
  set,
  text,
} from '../adapters/der-writer.ts';

export type KeyType = 'ec' | 'rsa' | 'ed25519';
export type ExtendedKeyUsage = 'serverAuth' | 'clientAuth' | 'any';

/** The validity period of a certificate, as dates or in milliseconds since the epoch. */
interface Validity {
  /** @defaultValue 1 January 2020, so that simulated clocks fall inside */
  readonly notBefore?: Date | number;
  /** @defaultValue 31 December 2049 */
  readonly notAfter?: Date | number;
}

export interface AuthorityOptions extends Validity {
  readonly name: string;
  /** @defaultValue 'ec', which is P-256 */
  readonly keyType?: KeyType;
  /** The authority that signs this one; self-signed when absent. */
  readonly parent?: CertificateAuthority;
  /** How many authorities may follow (RFC 5280 §4.2.1.9); unlimited when absent. */
  readonly pathLength?: number;
  /** Name constraints on dNSName (RFC 5280 §4.2.1.10). */
  readonly permittedDnsNames?: readonly string[];
}

export interface IssueOptions extends Validity {
  readonly dnsNames?: readonly string[];
  /** Complete SRVNames, such as `_xmpp-server.example.net`. */
  readonly srvNames?: readonly string[];
  readonly xmppAddrs?: readonly string[];
  readonly ipAddresses?: readonly string[];
  /** @defaultValue the first name given; `''` makes the subject empty */
  readonly commonName?: string;
  /** @defaultValue `['serverAuth']`, as public authorities issue; null omits the extension */
  readonly eku?: readonly ExtendedKeyUsage[] | null;
  /** @defaultValue 'ec' */
  readonly keyType?: KeyType;
  /** A private key, PEM, for an operator that keeps its key when it renews. @defaultValue a new one */
  readonly key?: string;
  /** Makes the end entity an authority, which a server certificate must not be (RFC 6120 §13.7.1.1). */
  readonly ca?: boolean;
}

/** A credential with its parts: `cert` holds leaf and intermediates, without the root. */
export interface IssuedCredential extends Credential {
  /** The leaf alone, PEM. */
  readonly certPem: string;
  /** The certificates in `cert`, DER, leaf first. */
  readonly der: readonly Buffer[];
}

export interface CertificateAuthority {
  readonly name: string;
  readonly certPem: string;
  readonly der: Buffer;
  /** This authority and those above it, without the root: the intermediates that a leaf's chain needs. */
  readonly chain: readonly Buffer[];
  issue(options: IssueOptions): IssuedCredential;
  intermediate(options: Omit<AuthorityOptions, 'parent'>): CertificateAuthority;
  /** Signs a certificate with this authority's key; {@link AuthorityOptions.parent} relies on it. */
  certify(request: CertificateRequest): Buffer;
}

interface CertificateRequest extends Validity {
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Buffer[];
}

const OID = {
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyIdentifier: '2.5.29.35',
  extKeyUsage: '2.5.29.37',
  xmppAddr: '1.3.6.1.5.5.7.8.5',
  srvName: '1.3.6.1.5.5.7.8.7',
} as const;

const EKU_OID: Record<ExtendedKeyUsage, string> = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  any: '2.5.29.37.0',
};

/** Bits of KeyUsage, and the count of unused bits (RFC 5280 §4.2.1.3). */
const KEY_USAGE = { authority: [0x86, 1], endEntity: [0xa0, 5] } as const;

const DEFAULT_NOT_BEFORE = Date.UTC(2020, 0, 1);
const DEFAULT_NOT_AFTER = Date.UTC(2049, 11, 31);

/**
 * Makes a certificate authority with a new key; synchronous.
 * @throws TypeError when an address in `ipAddresses` of `issue` cannot be parsed
 */
export function createCertificateAuthority(options: AuthorityOptions): CertificateAuthority {
  const { publicKey, privateKey } = generateKey(options.keyType ?? 'ec');
  const certify = (request: CertificateRequest): Buffer =>
    signCertificate(request, { name: options.name, publicKey, privateKey });

  const der = (options.parent?.certify ?? certify)({
    ...options,
    subject: options.name,
    publicKey,
    extensions: [
      basicConstraints(true, options.pathLength),
      keyUsage('authority'),
      ...(options.permittedDnsNames === undefined ? [] : [nameConstraints(options.permittedDnsNames)]),
    ],
  });
  const chain = options.parent === undefined ? [] : [der, ...options.parent.chain];

  const authority: CertificateAuthority = {
    name: options.name,
    certPem: toPem(der),
    der,
    chain,
    certify,
    intermediate: (below) => createCertificateAuthority({ ...below, parent: authority }),
    issue: (leaf) => {
      const keys = leaf.key === undefined ? generateKey(leaf.keyType ?? 'ec') : keyPairOf(leaf.key);
      const subject = leaf.commonName ?? leaf.dnsNames?.[0] ?? leaf.xmppAddrs?.[0] ?? leaf.srvNames?.[0] ?? '';
      const eku = leaf.eku === undefined ? (['serverAuth'] as const) : leaf.eku;
      const names = generalNames(leaf);
      const leafDer = certify({
        ...leaf,
        subject,
        publicKey: keys.publicKey,
        extensions: [
          basicConstraints(leaf.ca === true),
          keyUsage(leaf.ca === true ? 'authority' : 'endEntity'),
          ...(eku === null ? [] : [extension(OID.extKeyUsage, sequence(...eku.map((usage) => oid(EKU_OID[usage]))))]),
          // RFC 5280 §4.2.1.6: critical when the subject is empty.
          ...(names.length === 0 ? [] : [extension(OID.subjectAltName, sequence(...names), subject === '')]),
        ],
      });
      const whole = [leafDer, ...chain];
      return {
        cert: whole.map(toPem).join(''),
        key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
        certPem: toPem(leafDer),
        der: whole,
      };
    },
  };
  return authority;
}

interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

function generateKey(type: KeyType): KeyPair {
  switch (type) {
    case 'ec':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' });
    case 'rsa':
      return generateKeyPairSync('rsa', { modulusLength: 2048 });
    case 'ed25519':
      return generateKeyPairSync('ed25519');
  }
}

const keyPairOf = (pem: string): KeyPair => ({ publicKey: createPublicKey(pem), privateKey: createPrivateKey(pem) });

function signCertificate(request: CertificateRequest, issuer: KeyPair & { readonly name: string }): Buffer {
  const algorithm = signatureAlgorithm(issuer.privateKey);
  const tbs = sequence(
    contextTag(0, integer(Buffer.of(2))),
    integer(Buffer.concat([Buffer.of(0x40), randomBytes(15)])),
    algorithm,
    distinguishedName(issuer.name),
    sequence(derTime(request.notBefore ?? DEFAULT_NOT_BEFORE), derTime(request.notAfter ?? DEFAULT_NOT_AFTER)),
    distinguishedName(request.subject),
    spki(request.publicKey),
    contextTag(
      3,
      sequence(
        ...request.extensions,
        extension(OID.subjectKeyIdentifier, octetString(keyIdentifier(request.publicKey))),
        extension(
          OID.authorityKeyIdentifier,
          sequence(contextTag(0, keyIdentifier(issuer.publicKey), { constructed: false })),
        ),
      ),
    ),
  );
  const digest = issuer.privateKey.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  return sequence(tbs, algorithm, bitString(sign(digest, tbs, issuer.privateKey)));
}

function signatureAlgorithm(key: KeyObject): Buffer {
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return sequence(oid('1.2.840.113549.1.1.11'), Buffer.of(0x05, 0x00));
    case 'ed25519':
      return sequence(oid('1.3.101.112'));
    default:
      return sequence(oid('1.2.840.10045.4.3.2'));
  }
}

const spki = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' });

/** Similar to RFC 7093 §2, method 4: a digest of the whole SubjectPublicKeyInfo, cut to 20 bytes. */
const keyIdentifier = (key: KeyObject): Buffer => createHash('sha256').update(spki(key)).digest().subarray(0, 20);

const distinguishedName = (commonName: string): Buffer =>
  commonName === '' ? sequence() : sequence(set(sequence(oid(OID.commonName), text('utf8', commonName))));

const extension = (id: string, value: Buffer, critical = false): Buffer =>
  sequence(oid(id), ...(critical ? [derBoolean(true)] : []), octetString(value));

function basicConstraints(ca: boolean, pathLength?: number): Buffer {
  const length = pathLength === undefined ? [] : [integer(Buffer.of(pathLength))];
  return extension(OID.basicConstraints, ca ? sequence(derBoolean(true), ...length) : sequence(), true);
}

function keyUsage(kind: keyof typeof KEY_USAGE): Buffer {
  const [bits, unused] = KEY_USAGE[kind];
  return extension(OID.keyUsage, bitString(Buffer.of(bits), unused), true);
}

function nameConstraints(permittedDnsNames: readonly string[]): Buffer {
  const subtrees = permittedDnsNames.map((name) => sequence(generalDnsName(name)));
  return extension(OID.nameConstraints, sequence(contextTag(0, Buffer.concat(subtrees))), true);
}

const generalDnsName = (name: string): Buffer => contextTag(2, Buffer.from(name, 'latin1'), { constructed: false });

const otherName = (type: string, value: Buffer): Buffer =>
  contextTag(0, Buffer.concat([oid(type), contextTag(0, value)]));

function generalNames({ dnsNames = [], srvNames = [], xmppAddrs = [], ipAddresses = [] }: IssueOptions): Buffer[] {
  return [
    ...dnsNames.map(generalDnsName),
    ...srvNames.map((name) => otherName(OID.srvName, text('ia5', name))),
    ...xmppAddrs.map((address) => otherName(OID.xmppAddr, text('utf8', address))),
    ...ipAddresses.map((address) => contextTag(7, addressBytes(address), { constructed: false })),
  ];
}

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  // The URL parser writes IPv6 in one canonical form: at most one `::`, no embedded IPv4.
  const [head = '', tail] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::');
  const groups = (part: string | undefined): number[] =>
    part === undefined || part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const before = groups(head);
  const after = groups(tail);
  const all = [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

/** One certificate as PEM. */
function toPem(der: Uint8Array): string {
  const lines = Buffer.from(der)
    .toString('base64')
    .replace(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}
