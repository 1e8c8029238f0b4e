/** Records of the certificates that the two ends of a stream present: what they say, never the certificates. */
import { X509Certificate } from 'node:crypto';
import type { StreamId } from '../../machines/events.ts';
import { readCertificate } from '../adapters/pkix/certificates.ts';
import type { Credential } from '../ports.ts';
import type { CertificateEvidence } from '../protocol/certificate.ts';
import type { CertificateFinding } from '../trace/record.ts';
import type { Recorder } from './recorder.ts';

/** Of a certificate, so many names are kept. */
const NAMES_SHOWN = 32;

export class CertificateRecords {
  readonly #recorder: Recorder;
  readonly #own = new WeakMap<Credential, CertificateEvidence | null>();

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
  }

  /** What the far end presented; null where it presented none. `chainLength` counts the certificates that came with it, and itself. */
  remote(stream: StreamId, evidence: CertificateEvidence | null, chainLength: number): void {
    if (evidence !== null) this.#record(stream, 'remote', evidence, chainLength);
  }

  /** What we have to present on a stream that we open. */
  local(stream: StreamId, credential: Credential | null): void {
    if (credential === null || !this.#recorder.isOn) return;
    const evidence = this.#evidenceOf(credential);
    if (evidence !== null) this.#record(stream, 'local', evidence);
  }

  #record(
    stream: StreamId,
    end: CertificateFinding['end'],
    evidence: CertificateEvidence,
    chainLength: number | null = null,
  ): void {
    if (!this.#recorder.isOn) return;
    const { sha256, subject, issuer, notBeforeMs, notAfterMs, presented } = evidence;
    const { dnsNames, srvNames, xmppAddrs } = presented;
    const names = [...dnsNames, ...srvNames, ...xmppAddrs].slice(0, NAMES_SHOWN);
    const finding = { stream, end, sha256, subject, issuer, names, notBeforeMs, notAfterMs, chainLength };
    this.#recorder.record(`stream:${stream}`, { kind: 'certificate', ...finding });
  }

  #evidenceOf(credential: Credential): CertificateEvidence | null {
    const known = this.#own.get(credential);
    if (known !== undefined) return known;
    let evidence: CertificateEvidence | null = null;
    try {
      evidence = readCertificate(new X509Certificate(credential.cert).raw);
    } catch {
      // Whoever serves it has been told of that by TLS.
    }
    this.#own.set(credential, evidence);
    return evidence;
  }
}
