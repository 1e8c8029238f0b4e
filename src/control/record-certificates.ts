/**
 * Records of the certificates that both ends of a stream present: their contents, never the certificates themselves.
 */
import { X509Certificate } from 'node:crypto';
import type { StreamId } from '../../machines/events.ts';
import { readCertificate } from '../adapters/pkix/certificates.ts';
import type { Credential } from '../ports.ts';
import type { CertificateEvidence } from '../protocol/certificate.ts';
import type { CertificateFinding } from '../trace/record.ts';
import type { Recorder } from './recorder.ts';

/** Names kept of each certificate. */
const NAMES_SHOWN = 32;

export class CertificateRecords {
  readonly #recorder: Recorder;
  readonly #own = new WeakMap<Credential, CertificateEvidence | null>();

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
  }

  /**
   * The certificate that the far end presented, or null for none. `chainLength` counts all certificates of the chain,
   * the leaf included.
   */
  remote(stream: StreamId, evidence: CertificateEvidence | null, chainLength: number): void {
    if (evidence !== null) this.#record(stream, 'remote', evidence, chainLength);
  }

  /** The certificate that we can present on a stream that we open. */
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
      // TLS has reported this to whoever configured it.
    }
    this.#own.set(credential, evidence);
    return evidence;
  }
}
