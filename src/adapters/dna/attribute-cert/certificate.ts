/**
 * Attribute certificates that delegate a service of a domain: the profile of RFC 5755 §4 that docs/delegation-proofs.md
 * §4 defines.
 */
import { dnaFailure } from '../../../protocol/dna-conditions.ts';
import type { Service } from '../../../protocol/service.ts';
import { readExtensions, type AttributeCertificateExtensions } from './extensions.ts';
import {
  bitStringOf,
  constructedTag,
  type DerValue,
  fieldsOf,
  generalizedTimeOf,
  inSetOrder,
  integerOf,
  malformed,
  oidContents,
  TAG,
} from '../proof-der.ts';

/** Derived from a UUID (X.667), so it needed no registration. */
const ARC = '2.25.274196030801541905054497066850415908724';
/** The attribute that delegates each service ("Domain Name Assertions" §5: each protocol has its own). */
export const DELEGATION_ATTRIBUTES: Readonly<Record<Service, Buffer>> = {
  'xmpp-server': oidContents(`${ARC}.1`),
  'xmpp-client': oidContents(`${ARC}.2`),
};

/** digestedObjectType (RFC 5755 §7.3). */
export const HOLDER_TYPE = { publicKey: 0, publicKeyCert: 1 } as const;
/** DER of the AlgorithmIdentifier; RFC 5754 §2 requires readers to accept both forms. */
export const SHA256_ALGORITHM = Buffer.from('300b0609608648016503040201', 'hex');
const SHA256_ALGORITHM_WITH_NULL = Buffer.from('300d06096086480165030402010500', 'hex');
const SHA256_BYTES = 32;
const VERSION_2 = 1;
/** RFC 5755 §4.2.5. */
const MAX_SERIAL_BYTES = 20;

export interface AttributeCertificate {
  /** The signed octets, as received. */
  readonly info: Buffer;
  /** DER of the AlgorithmIdentifier, hex. */
  readonly algorithm: string;
  readonly signature: Buffer;
  readonly holder: { readonly type: keyof typeof HOLDER_TYPE; readonly sha256: Buffer };
  /** DER of the Name of its issuer. */
  readonly issuer: Buffer;
  readonly serial: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** The delegated domains by service; a service that is missing is not delegated. */
  readonly delegated: ReadonlyMap<Service, readonly string[]>;
  readonly extensions: AttributeCertificateExtensions;
}

/**
 * @throws FaultError `dna`: `proof-malformed`; `algorithm-unsupported` when its holder is not named by a SHA-256;
 * `extension-unsupported`.
 */
export function readAttributeCertificate(value: DerValue): AttributeCertificate {
  const certificate = fieldsOf(value, 'AttributeCertificate');
  const info = certificate.take(TAG.sequence);
  const algorithm = certificate.take(TAG.sequence).encoding;
  const signature = bitStringOf(certificate.take(TAG.bitString));
  certificate.end();

  const fields = fieldsOf(info, 'AttributeCertificateInfo');
  const version = integerOf(fields.take(TAG.integer));
  if (version.length !== 1 || version[0] !== VERSION_2)
    throw malformed('an attribute certificate that is not of version 2');
  const holder = readHolder(fields.take(TAG.sequence));
  const issuer = readIssuer(fields.take(constructedTag(0)));
  // RFC 5280 §4.1.1.2: the algorithm is in two places, only one of which is signed.
  if (!fields.take(TAG.sequence).encoding.equals(algorithm)) throw malformed('two different signature algorithms');
  const serial = readSerial(fields.take(TAG.integer));
  const period = fieldsOf(fields.take(TAG.sequence), 'AttCertValidityPeriod');
  const [notBeforeMs, notAfterMs] = [period.take(TAG.generalizedTime), period.take(TAG.generalizedTime)].map(
    generalizedTimeOf,
  );
  period.end();
  const delegated = readAttributes(fields.take(TAG.sequence));
  if (fields.takeIf(TAG.bitString) !== undefined) throw malformed('issuerUniqueID, which this profile has not');
  const extensions = readExtensions(fields.takeIf(TAG.sequence));
  fields.end();
  return {
    info: info.encoding,
    algorithm: algorithm.toString('hex'),
    signature,
    holder,
    issuer,
    serial,
    notBeforeMs: notBeforeMs as number,
    notAfterMs: notAfterMs as number,
    delegated,
    extensions,
  };
}

/** objectDigestInfo alone, without other fields that could name another holder (RFC 5755 §4.2.2). */
function readHolder(value: DerValue): AttributeCertificate['holder'] {
  const holder = fieldsOf(value, 'Holder');
  const info = fieldsOf(holder.take(constructedTag(2)), 'ObjectDigestInfo');
  holder.end();
  const [type, ...more] = info.take(TAG.enumerated).contents;
  const algorithm = info.take(TAG.sequence).encoding;
  const sha256 = bitStringOf(info.take(TAG.bitString));
  info.end();
  if (!algorithm.equals(SHA256_ALGORITHM) && !algorithm.equals(SHA256_ALGORITHM_WITH_NULL))
    throw dnaFailure('algorithm-unsupported', 'the holder is named by another hash than SHA-256');
  if (sha256.length !== SHA256_BYTES) throw malformed('a SHA-256 of another length');
  if (more.length > 0 || (type !== HOLDER_TYPE.publicKey && type !== HOLDER_TYPE.publicKeyCert))
    throw malformed('a holder that is neither a certificate nor a public key');
  return { type: type === HOLDER_TYPE.publicKey ? 'publicKey' : 'publicKeyCert', sha256 };
}

/** v2Form with exactly one directoryName, which must not be empty (RFC 5755 §4.2.3). */
function readIssuer(value: DerValue): Buffer {
  const form = fieldsOf(value, 'V2Form');
  const names = fieldsOf(form.take(TAG.sequence), 'issuerName');
  form.end();
  const directoryName = fieldsOf(names.take(constructedTag(4)), 'directoryName');
  names.end();
  const name = directoryName.take(TAG.sequence);
  directoryName.end();
  if (name.contents.length === 0) throw malformed('an issuer without a name');
  return name.encoding;
}

function readSerial(value: DerValue): string {
  const octets = integerOf(value);
  const positive = (octets[0] ?? 0) < 0x80 && octets.some((octet) => octet !== 0);
  if (!positive || octets.length > MAX_SERIAL_BYTES) throw malformed('a serial number that is none');
  return octets.toString('hex');
}

/** Attributes that do not delegate are ignored; none may occur twice (RFC 5755 §4.2.7). */
function readAttributes(value: DerValue): Map<Service, readonly string[]> {
  const attributes = fieldsOf(value, 'attributes')
    .takeAll(TAG.sequence)
    .map((attribute) => {
      const parts = fieldsOf(attribute, 'Attribute');
      const [type, values] = [parts.take(TAG.oid), parts.take(TAG.set)];
      parts.end();
      return { type: type.contents, values };
    });
  const types = new Set(attributes.map(({ type }) => type.toString('hex')));
  if (types.size !== attributes.length) throw malformed('an attribute occurs twice');
  const delegated = new Map<Service, readonly string[]>();
  for (const [service, oid] of Object.entries(DELEGATION_ATTRIBUTES) as [Service, Buffer][]) {
    const attribute = attributes.find(({ type }) => type.equals(oid));
    if (attribute !== undefined) delegated.set(service, readDomains(attribute.values));
  }
  return delegated;
}

function readDomains(set: DerValue): readonly string[] {
  const values = fieldsOf(set, 'the delegated domains').takeAll(TAG.ia5String);
  const encodings = values.map(({ encoding }) => encoding);
  if (values.length === 0) throw malformed('an attribute without a value');
  if (inSetOrder(encodings).some((encoding, i) => encoding !== encodings[i]))
    throw malformed('a set that is not in order');
  return values.map(({ contents }) => contents.toString('latin1'));
}
