/** What an XML assertion states, and how the statement is signed and carried: docs/delegation-proofs.md §5. */
import { escapeXML } from '@xmpp/xml';
import { uriOf } from '../../../protocol/dna.ts';
import { type Service, serviceFacts } from '../../../protocol/service.ts';
import { boundedCertificates, readBase64 } from '../armour.ts';
import { malformed } from '../proof-der.ts';
import { attributeOf, readDocument, requireShape } from './document.ts';

/** The type of `<proof/>`, and the namespace of the elements. */
const XML_ASSERTION_NS = uriOf('xml-assertion');

const ASSERTION = {
  name: 'assertion',
  namespace: XML_ASSERTION_NS,
  attributes: [],
  children: ['statement', 'signature', 'certificate'],
} as const;
const SIGNATURE = { name: 'signature', namespace: XML_ASSERTION_NS, attributes: ['algorithm'] } as const;
const plain = (name: string) => ({ name, namespace: XML_ASSERTION_NS, attributes: [] }) as const;
const DELEGATION = {
  name: 'delegation',
  namespace: XML_ASSERTION_NS,
  attributes: ['id', 'domain', 'service', 'not-before', 'not-after'],
  children: ['provider'],
} as const;
const PROVIDER = { name: 'provider', namespace: XML_ASSERTION_NS, attributes: ['type', 'hash'] } as const;

const HOLDER_TYPES = { certificate: 'publicKeyCert', 'public-key': 'publicKey' } as const;
const SHA256_BYTES = 32;

/** The envelope: a statement that has not been parsed yet, its signature, and the signer's certificates. */
export interface XmlAssertion {
  /** The octets that are signed. */
  readonly statement: Buffer;
  readonly algorithm: string;
  readonly signature: Buffer;
  /** DER, that of the signer first. */
  readonly certificates: readonly Buffer[];
}

export interface XmlStatement {
  readonly id: string;
  readonly domain: string;
  readonly service: Service;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly holder: { readonly type: 'publicKey' | 'publicKeyCert'; readonly sha256: Buffer };
}

/** @throws FaultError `dna`: `proof-malformed`, `proof-too-large`. */
export function readXmlAssertion(octets: Buffer): XmlAssertion {
  const root = readDocument(octets);
  requireShape(root, ASSERTION);
  const [statement, signature, ...certificates] = root.getChildElements();
  if (statement === undefined || signature === undefined) throw malformed('XML: no statement, or no signature of it');
  requireShape(statement, plain('statement'));
  requireShape(signature, SIGNATURE);
  return {
    statement: readBase64(statement.getText()),
    algorithm: attributeOf(signature, 'algorithm'),
    signature: readBase64(signature.getText()),
    certificates: boundedCertificates(certificates).map((certificate) => {
      requireShape(certificate, plain('certificate'));
      return readBase64(certificate.getText());
    }),
  };
}

/** @throws FaultError `dna`: `proof-malformed`. */
export function readXmlStatement(octets: Buffer): XmlStatement {
  const root = readDocument(octets);
  requireShape(root, DELEGATION);
  const [provider, more] = root.getChildElements();
  if (provider === undefined || more !== undefined) throw malformed('XML: not exactly one provider');
  requireShape(provider, PROVIDER);
  const service = attributeOf(root, 'service');
  const type = attributeOf(provider, 'type');
  const id = attributeOf(root, 'id');
  const sha256 = readBase64(provider.getText());
  if (!isService(service)) throw malformed(`XML: a service "${service}"`);
  if (!isHolderType(type)) throw malformed(`XML: a provider named by its "${type}"`);
  if (attributeOf(provider, 'hash') !== 'sha-256' || sha256.length !== SHA256_BYTES) throw malformed('XML: no SHA-256');
  if (!/^[\w.-]{1,64}$/.test(id)) throw malformed('XML: an id that is none');
  return {
    id,
    domain: attributeOf(root, 'domain'),
    service,
    notBeforeMs: dateTimeOf(attributeOf(root, 'not-before')),
    notAfterMs: dateTimeOf(attributeOf(root, 'not-after')),
    holder: { type: HOLDER_TYPES[type], sha256 },
  };
}

const isService = (text: string): text is Service => Object.hasOwn(serviceFacts, text);
const isHolderType = (text: string): text is keyof typeof HOLDER_TYPES => Object.hasOwn(HOLDER_TYPES, text);

/** XEP-0082 §3.2, in UTC, without fractions of a second. */
function dateTimeOf(text: string): number {
  const at = Date.parse(text);
  if (Number.isNaN(at) || dateTime(at) !== text) throw malformed(`XML: a time "${text.slice(0, 40)}"`);
  return at;
}

const dateTime = (atMs: number): string => new Date(atMs).toISOString().replace('.000Z', 'Z');

/**
 * The octets that are signed. The 64 spaces and the namespace keep a signature made in TLS from passing for one of
 * ours, and ours from passing for one of TLS, whoever chooses the rest (RFC 8446 §4.4.3).
 */
export function signingInput(statement: Uint8Array): Buffer {
  return Buffer.concat([Buffer.alloc(64, ' '), Buffer.from(XML_ASSERTION_NS), Buffer.of(0), statement]);
}

export function writeXmlStatement(statement: XmlStatement): Buffer {
  const { id, domain, service, notBeforeMs, notAfterMs, holder } = statement;
  const type = holder.type === 'publicKey' ? 'public-key' : 'certificate';
  const attributes = { id, domain, service, 'not-before': dateTime(notBeforeMs), 'not-after': dateTime(notAfterMs) };
  const written = Object.entries(attributes).map(([name, value]) => ` ${name}='${escapeXML(value)}'`);
  return Buffer.from(
    `<delegation xmlns='${XML_ASSERTION_NS}'${written.join('')}>` +
      `<provider type='${type}' hash='sha-256'>${holder.sha256.toString('base64')}</provider></delegation>`,
  );
}

export function writeXmlAssertion({ statement, algorithm, signature, certificates }: XmlAssertion): Buffer {
  const element = (name: string, octets: Buffer, attributes = ''): string =>
    `<${name}${attributes}>${octets.toString('base64')}</${name}>`;
  const content = [
    element('statement', statement),
    element('signature', signature, ` algorithm='${algorithm}'`),
    ...certificates.map((der) => element('certificate', der)),
  ];
  return Buffer.from(`<assertion xmlns='${XML_ASSERTION_NS}'>${content.join('')}</assertion>`);
}
