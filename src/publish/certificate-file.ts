/** The certificate to publish, and its issuer, from a PEM file. */
import { X509Certificate } from 'node:crypto';
import { readCertificate } from '../adapters/pkix/certificates.ts';
import { derOf } from '../adapters/pkix/trust.ts';
import { FileError, readBounded } from '../config/files.ts';
import { certificateParts, type CertificateParts } from '../protocol/certificate-parts.ts';
import type { CertificateEvidence } from '../protocol/certificate.ts';
import { FaultError } from '../protocol/faults.ts';

/** Largest file that is read, in bytes, and the maximum number of certificates taken from it. */
const MAX_FILE_BYTES = 1024 * 1024;
const MAX_CERTIFICATES = 10;

export interface PublishedCertificate extends CertificateParts {
  readonly evidence: CertificateEvidence;
  readonly isAuthority: boolean;
}

export interface CertificateFile {
  /** The first certificate in the file. */
  readonly leaf: PublishedCertificate;
  /** The certificate in the file that signed the leaf; null if it is not there, or is the leaf itself. */
  readonly issuer: PublishedCertificate | null;
  readonly count: number;
}

/**
 * `unreadable`: the file cannot be read; `no-certificate`: it contains none; `not-der`: one entry is not a certificate
 * in DER; `malformed`: a certificate cannot be parsed.
 */
export type CertificateFileFlaw = 'unreadable' | 'no-certificate' | 'not-der' | 'malformed';

/** A certificate file that cannot be used; the message says what was found, if that is known. */
export class CertificateFileError extends Error {
  override readonly name = 'CertificateFileError';
  readonly flaw: CertificateFileFlaw;

  constructor(flaw: CertificateFileFlaw, found = '', options?: ErrorOptions) {
    super(found, options);
    this.flaw = flaw;
  }
}

/**
 * Reads a file of one or more certificates, the server's own first. Private keys in it are skipped.
 * @throws CertificateFileError
 */
export function readCertificateFile(file: string): CertificateFile {
  const [first, ...others] = dersIn(file).slice(0, MAX_CERTIFICATES);
  if (first === undefined) throw new CertificateFileError('no-certificate');
  const leaf = published(first);
  const own = new X509Certificate(first);
  const issuer = others.map((der) => published(der)).find(({ certificate }) => hasSigned(certificate, own));
  return { leaf, issuer: issuer ?? null, count: others.length + 1 };
}

function dersIn(file: string): Buffer[] {
  let text: string;
  try {
    text = readBounded(file, MAX_FILE_BYTES);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new CertificateFileError('unreadable', error.message, { cause: error });
  }
  return text.includes('-----BEGIN CERTIFICATE-----') ? derOf(text, 'CERTIFICATE') : [];
}

function published(der: Buffer): PublishedCertificate {
  try {
    const parts = certificateParts(der);
    if (parts === null) throw new CertificateFileError('not-der');
    return { ...parts, evidence: readCertificate(der), isAuthority: new X509Certificate(der).ca };
  } catch (error) {
    if (error instanceof CertificateFileError) throw error;
    throw new CertificateFileError('malformed', error instanceof FaultError ? error.fault.text : '', { cause: error });
  }
}

function hasSigned(authority: Uint8Array, leaf: X509Certificate): boolean {
  const issuer = new X509Certificate(authority);
  try {
    return leaf.issuer === issuer.subject && leaf.verify(issuer.publicKey);
  } catch {
    return false; // an unsupported key
  }
}
