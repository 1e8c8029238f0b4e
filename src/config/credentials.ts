/** Reads the certificates and keys named in the configuration, and matches them with each other and with the domain. */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { readCertificate } from '../adapters/pkix/certificates.ts';
import type { Credential } from '../ports.ts';
import { trustAnchorsIn } from '../protocol/trust-anchor.ts';
import type { CertificateEvidence } from '../protocol/certificate.ts';
import { problemOfProof } from '../protocol/dna.ts';
import { FaultError, toFault } from '../protocol/faults.ts';
import { matchIdentity, presentedNames, referenceIdentifiers } from '../protocol/identity.ts';
import { FileError, readBounded, realPath } from './files.ts';
import type { Located } from './decoders.ts';
import { refused, type Refused, type Spot } from './spot.ts';

/** Largest PEM file, in bytes; the bundle of all public authorities is about 220 kB. */
const MAX_PEM_BYTES = 4 * 1024 * 1024;

/** Where a credential is, relative to the configuration file. */
export interface CredentialFiles {
  readonly cert: Located<string>;
  readonly key: Located<string>;
}

/** A usable credential, and the contents of its leaf. */
export interface LoadedCredential extends Credential {
  readonly leaf: CertificateEvidence;
}

/** Reads the PEM files; each pair of certificate and key only once, however many domains share it. */
export class PemFiles {
  readonly #folder: string;
  readonly #credentials = new Map<string, LoadedCredential | Refused>();
  /** Of all files that were read, the configuration among them. */
  readonly #paths: Set<string>;

  /** @param file the configuration file, to whose folder paths are relative */
  constructor(file: string) {
    this.#folder = dirname(file);
    this.#paths = new Set([realPath(file)]);
  }

  path(file: string): string {
    return resolve(this.#folder, file);
  }

  /** Whether this file has been read, by whatever path to it. */
  hasRead(path: string): boolean {
    return this.#paths.has(realPath(path));
  }

  text({ value, spot }: Located<string>): string | Refused {
    this.#paths.add(realPath(this.path(value)));
    try {
      return readBounded(this.path(value), MAX_PEM_BYTES);
    } catch (error) {
      if (error instanceof FileError) return spot.problem(error.message);
      throw error;
    }
  }

  /** The text of a file with DNSSEC trust anchors. */
  trustAnchors(file: Located<string>): string | Refused {
    const text = this.text(file);
    if (text === refused) return refused;
    try {
      if (trustAnchorsIn(text).length > 0) return text;
      return file.spot.problem(`expected DS or DNSKEY records in ${file.value}, found none`);
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      return file.spot.problem(`${file.value}: ${error.fault.text ?? error.message}`);
    }
  }

  /** The content of a file that proves the delegation of a host; `problemOfProof` checks it. */
  proof(file: Located<string>): string | Refused {
    const text = this.text(file);
    if (text === refused) return refused;
    const problem = problemOfProof(text.trim());
    return problem === null ? text.trim() : file.spot.problem(`${file.value} ${problem}`);
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
    // A refused pair is remembered too, so that its problem is reported once.
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
    if (leaf.checkPrivateKey(privateKey))
      return isUsable({ cert, key }, certFile.spot) ? this.#evidence({ cert, key }, leaf, certFile.spot) : refused;
    return issuers.some((issuer) => issuer.checkPrivateKey(privateKey))
      ? certFile.spot.problem('expected the certificate of the key first, then its issuers; it is further down')
      : keyFile.spot.problem(`expected the key of the certificate in ${certFile.value}; it belongs to another`);
  }

  #evidence(credential: Credential, leaf: X509Certificate, spot: Spot): LoadedCredential | Refused {
    try {
      return { ...credential, leaf: readCertificate(leaf.raw) };
    } catch (error) {
      return spot.problem(`expected a certificate for a server: ${toFault(error, 'pkix').text ?? 'it cannot be read'}`);
    }
  }
}

/** Whether other servers will accept the names in the certificate for the domain (RFC 6120 §13.7.1.2). */
export function namesDomain(leaf: CertificateEvidence, domain: string): boolean {
  return matchIdentity(referenceIdentifiers('xmpp-server', domain), leaf.presented).kind === 'match';
}

/** Warns of a certificate that other servers will refuse for a domain; `isDelegated`: it is proved by other means. */
export function warnOfCertificate(
  leaf: CertificateEvidence,
  domain: string,
  spot: Spot,
  { nowMs, isDelegated }: { readonly nowMs: number; readonly isDelegated: boolean },
): void {
  if (!isDelegated && !namesDomain(leaf, domain)) {
    const names = presentedNames(leaf.presented).join(', ');
    const others = names === '' ? '' : `, only ${names}`;
    spot.warn(`the certificate does not name ${domain}${others}: PKIX will not prove it to others`);
  }
  if (leaf.notAfterMs <= nowMs) spot.warn(`the certificate expired on ${day(leaf.notAfterMs)}`);
  if (leaf.notBeforeMs > nowMs) spot.warn(`the certificate is not valid before ${day(leaf.notBeforeMs)}`);
}

const day = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);

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

/**
 * Whether TLS can show the credential. TLS reads to the end of the file, which may be half-written, and has its own
 * requirements for keys and signatures: a refusal is reported here instead of at every handshake.
 */
function isUsable({ cert, key }: Credential, spot: Spot): boolean {
  try {
    createSecureContext({ cert, key });
    return true;
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^error:[0-9A-F]+:/, '') : String(error);
    spot.problem(`expected a chain that TLS can present, with every certificate complete: ${reason}`);
    return false;
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
