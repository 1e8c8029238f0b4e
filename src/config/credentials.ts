/** Certificates and keys named by the configuration: read, parsed, matched with each other and with the domain. */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { resolve } from 'node:path';
import type { Credential } from '../ports.ts';
import { FileError, readBounded } from './files.ts';
import type { Located } from './decoders.ts';
import { refused, type Refused, type Spot } from './spot.ts';

/** Largest PEM file, in bytes; the bundle of all public authorities is about 220 kB. */
const MAX_PEM_BYTES = 4 * 1024 * 1024;

/** Where a credential is, relative to the configuration file. */
export interface CredentialFiles {
  readonly cert: Located<string>;
  readonly key: Located<string>;
}

/** A usable credential, and its leaf for the question which domains it names. */
export interface LoadedCredential extends Credential {
  readonly leaf: X509Certificate;
}

/** Reads PEM files once each, however many domains share them. */
export class PemFiles {
  readonly #folder: string;
  readonly #credentials = new Map<string, LoadedCredential | Refused>();

  /** @param folder what paths are relative to */
  constructor(folder: string) {
    this.#folder = folder;
  }

  path(file: string): string {
    return resolve(this.#folder, file);
  }

  text({ value, spot }: Located<string>): string | Refused {
    try {
      return readBounded(this.path(value), MAX_PEM_BYTES);
    } catch (error) {
      if (error instanceof FileError) return spot.problem(error.message);
      throw error;
    }
  }

  /** The PEM text of a file that holds one certificate or more. */
  certificates(file: Located<string>): string | Refused {
    const text = this.text(file);
    return text === refused || parseCertificates(text, file.spot) === refused ? refused : text;
  }

  /** A certificate chain, leaf first, and the private key of the leaf. */
  credential(files: CredentialFiles): LoadedCredential | Refused {
    const id = JSON.stringify([files.cert.value, files.key.value]);
    const known = this.#credentials.get(id);
    if (known !== undefined) return known;
    // A pair that was refused is remembered too: its problem is told once.
    const credential = this.#read(files);
    this.#credentials.set(id, credential);
    return credential;
  }

  #read({ cert: certFile, key: keyFile }: CredentialFiles): LoadedCredential | Refused {
    const cert = this.text(certFile);
    const key = this.text(keyFile);
    const chain = cert === refused ? refused : parseCertificates(cert, certFile.spot);
    const privateKey = key === refused ? refused : parseKey(key, keyFile.spot);
    if (cert === refused || key === refused || chain === refused || privateKey === refused) return refused;
    const [leaf, ...issuers] = chain;
    if (leaf.checkPrivateKey(privateKey)) return { cert, key, leaf };
    return issuers.some((issuer) => issuer.checkPrivateKey(privateKey))
      ? certFile.spot.problem('expected the certificate of the key first, then its issuers; it stands further down')
      : keyFile.spot.problem(`expected the key of the certificate in ${certFile.value}; it belongs to another`);
  }
}

/** Whether the certificate names the domain as DNS-ID (RFC 6125 §6.4); the CN is never read. */
export function namesDomain(leaf: X509Certificate, domain: string): boolean {
  return leaf.checkHost(domain, { subject: 'never', partialWildcards: false }) !== undefined;
}

/** Warns of a certificate that other servers will refuse for this domain. */
export function warnOfCertificate(leaf: X509Certificate, domain: string, spot: Spot, nowMs: number): void {
  // An SRVName or xmppAddr proves the domain too; Node prints both as unreadable other names.
  const otherNames = leaf.subjectAltName?.includes('othername:') === true;
  if (!namesDomain(leaf, domain) && !otherNames) {
    spot.warn(`the certificate does not name ${domain}; other servers can only accept it by DANE, POSH or dialback`);
  }
  if (Date.parse(leaf.validTo) <= nowMs) spot.warn(`the certificate expired on ${leaf.validTo}`);
  if (Date.parse(leaf.validFrom) > nowMs) spot.warn(`the certificate is not valid before ${leaf.validFrom}`);
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

function parseCertificates(text: string, spot: Spot): readonly [X509Certificate, ...X509Certificate[]] | Refused {
  const [first, ...others] = text.match(CERTIFICATE) ?? [];
  if (first === undefined)
    return spot.problem('expected a PEM file with at least one certificate; there is none in it');
  try {
    return [new X509Certificate(first), ...others.map((pem) => new X509Certificate(pem))];
  } catch {
    return spot.problem('expected PEM certificates; one of them cannot be parsed');
  }
}

function parseKey(text: string, spot: Spot): KeyObject | Refused {
  try {
    return createPrivateKey(text);
  } catch {
    const encrypted = text.includes('ENCRYPTED');
    return spot.problem(
      `expected a private key in PEM${encrypted ? ' without a passphrase' : '; it cannot be parsed'}`,
    );
  }
}
