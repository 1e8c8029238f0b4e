/** Extensions of attribute certificates (RFC 5755 §4.3): all those of the profile are known, no others. */
import { dnaFailure } from '../../../protocol/dna-conditions.ts';
import {
  constructedTag,
  type DerValue,
  fieldsOf,
  malformed,
  primitiveTag,
  readTrue,
  readValue,
  TAG,
} from '../proof-der.ts';

/** Contents of the OBJECT IDENTIFIERs, hex. */
export const EXTENSION = {
  auditIdentity: '2b06010505070104',
  targetInformation: '551d37',
  authorityKeyIdentifier: '551d23',
  authorityInfoAccess: '2b06010505070101',
  crlDistributionPoints: '551d1f',
  noRevAvail: '551d38',
} as const;
type Known = keyof typeof EXTENSION;

const NULL = Buffer.of(0x05, 0x00);
const MAX_AUDIT_IDENTITY_BYTES = 20;

export interface AttributeCertificateExtensions {
  /** keyIdentifier of the issuer's certificate; null when it is not given. */
  readonly keyIdentifier: Buffer | null;
  /** No revocation status will ever be available (§4.3.6). */
  readonly noRevAvail: boolean;
  /** It tells where to get the revocation status (§6). */
  readonly revocationPointer: boolean;
  /** The dNSNames of the servers that it is meant for; null when it is meant for all. */
  readonly targets: readonly string[] | null;
  /** Hex. */
  readonly auditIdentity: string | null;
}

/** @throws FaultError `dna`: `proof-malformed`; `extension-unsupported` for an unknown critical one. */
export function readExtensions(value: DerValue | undefined): AttributeCertificateExtensions {
  const found = new Map<string, Buffer>();
  for (const extension of value === undefined ? [] : fieldsOf(value, 'extensions').takeAll(TAG.sequence)) {
    const parts = fieldsOf(extension, 'Extension');
    const oid = parts.take(TAG.oid).contents.toString('hex');
    const critical = parts.takeIf(TAG.boolean);
    if (critical !== undefined) readTrue(critical);
    const contents = parts.take(TAG.octetString).contents;
    parts.end();
    if (found.has(oid)) throw malformed('an extension occurs twice');
    if (critical !== undefined && !KNOWN.has(oid))
      throw dnaFailure('extension-unsupported', `a critical extension with the OID ${oid} (DER, hex)`);
    found.set(oid, contents);
  }
  const read = <T>(name: Known, reader: (der: DerValue) => T): T | null => {
    const contents = found.get(EXTENSION[name]);
    return contents === undefined ? null : reader(readValue(contents));
  };
  return {
    keyIdentifier: read('authorityKeyIdentifier', keyIdentifierOf),
    noRevAvail: read('noRevAvail', readNull) ?? false,
    revocationPointer: found.has(EXTENSION.authorityInfoAccess) || found.has(EXTENSION.crlDistributionPoints),
    targets: read('targetInformation', targetNames),
    auditIdentity: read('auditIdentity', auditIdentityOf),
  };
}

const KNOWN: ReadonlySet<string> = new Set(Object.values(EXTENSION));

function keyIdentifierOf(der: DerValue): Buffer | null {
  if (der.tag !== TAG.sequence) throw malformed('an authorityKeyIdentifier that is none');
  return fieldsOf(der, 'authorityKeyIdentifier').takeIf(primitiveTag(0))?.contents ?? null;
}

function readNull({ encoding }: DerValue): true {
  if (!encoding.equals(NULL)) throw malformed('a noRevAvail that is not NULL');
  return true;
}

/** As in X.509, several lists that count as one; a target that is not a dNSName is never this server (§4.3.2). */
function targetNames(der: DerValue): string[] {
  if (der.tag !== TAG.sequence) throw malformed('a targetInformation that is none');
  const names: string[] = [];
  for (const targets of fieldsOf(der, 'targetInformation').takeAll(TAG.sequence)) {
    const choices = fieldsOf(targets, 'Targets');
    for (let target = next(choices); target !== undefined; target = next(choices)) {
      const name = readValue(target.contents);
      if (target.tag === constructedTag(0) && name.tag === primitiveTag(2))
        names.push(name.contents.toString('latin1'));
    }
    choices.end();
  }
  return names;
}

/** targetName or targetGroup; targetCert MUST NOT be used. */
const next = (choices: ReturnType<typeof fieldsOf>): DerValue | undefined =>
  choices.takeIf(constructedTag(0)) ?? choices.takeIf(constructedTag(1));

function auditIdentityOf({ tag, contents }: DerValue): string {
  if (tag !== TAG.octetString || contents.length === 0 || contents.length > MAX_AUDIT_IDENTITY_BYTES)
    throw malformed('an auditIdentity that is none');
  return contents.toString('hex');
}
