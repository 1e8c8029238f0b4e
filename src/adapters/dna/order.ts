/** What the owner of a domain orders to delegate one of its services, checked and prepared for either format. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  randomBytes,
  X509Certificate,
  type KeyObject,
} from 'node:crypto';
import { dnaFailure, dnaProofLimits } from '../../protocol/dna-conditions.ts';
import { toFault } from '../../protocol/faults.ts';
import { canonicalDomain } from '../../protocol/names.ts';
import type { Service } from '../../protocol/service.ts';
import type { Credential } from '../../ports.ts';
import { readCertificate } from '../pkix/certificates.ts';
import { derOf } from '../pkix/trust.ts';
import { boundedCertificates } from './armour.ts';
import { namedIn, refuseUse } from './certificates.ts';
import { describeKey, publicHalf, schemeFor, type SignatureScheme } from './signatures.ts';

export interface DelegationOrder {
  readonly domain: string;
  readonly service: Service;
  /** PEM chain, leaf first, of a certificate that names the domain; and its key, which the provider never sees. */
  readonly signer: Credential;
  /** The provider's TLS certificate or public key, PEM: if the key is named, the provider may renew its certificate. */
  readonly provider: { readonly certificate: string } | { readonly publicKey: string };
  /** In milliseconds since the epoch, truncated to a second. */
  readonly notBeforeMs: number;
  /** Seven days at most. @defaultValue seven days */
  readonly lifetimeMs?: number;
  /** 1 to 20 octets, hex, unique for this signer. @defaultValue 16 octets at random */
  readonly serial?: string;
}

export interface FitOrder {
  readonly domain: string;
  readonly service: Service;
  /** DER, leaf first. */
  readonly chain: readonly Buffer[];
  readonly key: KeyObject;
  /** The identifier of the scheme in the format. */
  readonly schemeId: string;
  readonly scheme: SignatureScheme;
  readonly holder: { readonly type: 'publicKey' | 'publicKeyCert'; readonly sha256: Buffer };
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Positive. */
  readonly serial: Buffer;
}

const unfit = (text: string, options?: ErrorOptions) => dnaFailure('issuer-unfit', text, options);

/**
 * Prepares an order, and refuses one that no reader would accept.
 * @throws FaultError `dna`: `issuer-unfit`, local.
 */
export function fitOrder(order: DelegationOrder, schemes: Readonly<Record<string, SignatureScheme>>): FitOrder {
  const { service, lifetimeMs = dnaProofLimits.lifetimeMs, signer, serial = randomSerial() } = order;
  const domain = canonicalDomain(order.domain);
  if (domain === null) throw unfit(`"${order.domain}" is no domain`);
  const chain = readable('the certificates of the signer', () =>
    boundedCertificates(derOf(signer.cert, 'CERTIFICATE')),
  );
  const [leaf = Buffer.alloc(0)] = chain;
  const certificate = readable('the certificate of the signer', () => new X509Certificate(leaf));
  const key = readable('the key of the signer', () => createPrivateKey(signer.key));
  if (!certificate.publicKey.equals(publicHalf(key)))
    throw unfit('the key of the signer is not that of its certificate');
  readable('the certificate of the signer', () => {
    namedIn(readCertificate(leaf), { domain, service });
    refuseUse(leaf, certificate.ca);
  });
  const found = schemeFor(schemes, certificate.publicKey);
  if (found === null)
    throw unfit(`no signature of this format is made with the key of the signer, ${describeKey(key)}`);
  if (!(lifetimeMs > 0) || lifetimeMs > dnaProofLimits.lifetimeMs)
    throw unfit('a lifetime of more than seven days, or none');
  if (!/^(?:[0-9a-f]{2}){1,20}$/.test(serial) || /^0+$/.test(serial) || /^[89a-f]/.test(serial))
    throw unfit('a serial number is of 1 to 20 octets, and positive');
  const notBeforeMs = Math.floor(order.notBeforeMs / 1000) * 1000;
  return {
    domain,
    service,
    chain,
    key,
    schemeId: found.id,
    scheme: found.scheme,
    holder: readable('the certificate, or key, of the provider', () => holderOf(order.provider)),
    notBeforeMs,
    notAfterMs: notBeforeMs + Math.floor(lifetimeMs / 1000) * 1000,
    serial: Buffer.from(serial.replace(/^(?:00)+(?=[0-7])/, ''), 'hex'),
  };
}

/** A positive number of 127 bits. */
function randomSerial(): string {
  const octets = randomBytes(16);
  octets[0] = ((octets[0] ?? 0) & 0x3f) | 0x40;
  return octets.toString('hex');
}

function holderOf(provider: DelegationOrder['provider']): FitOrder['holder'] {
  const sha256 = (octets: Uint8Array): Buffer => createHash('sha256').update(octets).digest();
  if ('publicKey' in provider) {
    const spki = createPublicKey(provider.publicKey).export({ type: 'spki', format: 'der' });
    return { type: 'publicKey', sha256: sha256(spki) };
  }
  const [der = Buffer.alloc(0)] = derOf(provider.certificate, 'CERTIFICATE');
  readCertificate(der);
  return { type: 'publicKeyCert', sha256: sha256(der) };
}

function readable<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const { condition, text = condition } = toFault(cause, 'dna');
    throw unfit(`${what}: ${text}`, { cause });
  }
}
