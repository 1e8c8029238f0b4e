/** The steps that a check reports: one per finding, named after the flow chart (RFC 7712 §4.2). */
import type { CertificateEvidence } from '../protocol/certificate.ts';
import { type Fault, faultSentence } from '../protocol/faults.ts';
import { presentedNames } from '../protocol/identity.ts';
import type { ProofAttempt } from '../protocol/proof.ts';

/** The boxes of the flow chart that a check passes through. */
export type CheckState =
  'dnsResolution' | 'connecting' | 'streamHeaders' | 'tlsNegotiation' | 'association' | 'authentication';

/** Plain data, for JSON. */
export type EvidenceValue =
  string | number | boolean | null | readonly EvidenceValue[] | { readonly [key: string]: EvidenceValue | undefined };

export type StepEvidence = Readonly<Record<string, EvidenceValue | undefined>>;

export interface CheckStep {
  readonly state: CheckState;
  /** Milliseconds since the check began. */
  readonly atMs: number;
  /** How long the step took, in milliseconds. */
  readonly ms: number;
  /**
   * For a DNS answer, its security status; for a prooftype, `proved`, `refuted` or `undetermined`; for authentication,
   * `accepted`, `refused` or `skipped`; `probed` if a further probe explains a failure; else `done` or `failed`.
   */
  readonly outcome: string;
  readonly evidence: StepEvidence;
}

/** A step without its times. */
export type Told = Pick<CheckStep, 'state' | 'outcome' | 'evidence'>;

export const faultEvidence = ({ layer, condition, origin, text }: Fault): StepEvidence => ({
  layer,
  condition,
  origin,
  text: text ?? null,
});

export function certificateEvidence(certificate: CertificateEvidence): StepEvidence {
  const { subject, issuer, notBeforeMs, notAfterMs, sha256, presented } = certificate;
  return {
    subject,
    issuer,
    names: presentedNames(presented),
    notBefore: new Date(notBeforeMs).toISOString(),
    notAfter: new Date(notAfterMs).toISOString(),
    sha256,
  };
}

export function attemptStep({ prooftype, verdict }: ProofAttempt): Told {
  if (verdict.kind !== 'proved')
    return {
      state: 'association',
      outcome: verdict.kind,
      evidence: { prooftype, final: verdict.final === true, fault: faultEvidence(verdict.fault) },
    };
  const { strength, evidence, expiresAtMs } = verdict;
  const expires = expiresAtMs === null ? null : new Date(expiresAtMs).toISOString();
  return { state: 'association', outcome: 'proved', evidence: { prooftype, strength, ...evidence, expires } };
}

/** Whether the far end accepts us as `local`. */
export const authenticationStep = (
  method: 'SASL EXTERNAL' | 'dialback',
  local: string,
  outcome: 'accepted' | 'refused',
  why: Fault | null,
): Told => ({
  state: 'authentication',
  outcome,
  evidence: { method, local, ...(why === null ? {} : { fault: faultEvidence(why) }) },
});

/** We did not ask the far end to accept us as any domain. */
export const unauthenticatedStep = (why: string): Told => ({
  state: 'authentication',
  outcome: 'skipped',
  evidence: { method: null, why },
});

/** The finding as a sentence for a person. */
export function sentenceOf({ state, outcome, evidence }: Told): string {
  const told = (key: string): string => textOf(evidence[key]);
  const why = evidence['fault'] === undefined ? '' : `: ${faultText(evidence['fault'])}`;
  if (state === 'dnsResolution' && evidence['question'] !== undefined) {
    const records = listed(evidence['records']);
    const reason = told('reason');
    const alias = told('canonicalName');
    const use = evidence['ignored'] === true ? '; they must not be trusted' : '';
    return [
      `${told('question')}: ${outcome}`,
      records === '' ? '' : `: ${records}`,
      alias === '' ? '' : ` (alias of ${alias})`,
      reason === '' ? '' : ` (${reason})`,
      use,
    ].join('');
  }
  if (evidence['probe'] !== undefined) return `probed with ${told('probe')}: ${outcome === 'failed' ? 'no' : 'yes'}`;
  if (outcome === 'failed') return `failed${why}`;
  switch (state) {
    case 'dnsResolution':
      return `${outcome}${why}`;
    case 'connecting':
      return `TCP to ${told('host')} (${told('address')}) port ${told('port')}, ${told('tls') === 'direct' ? 'TLS first' : 'STARTTLS'}`;
    case 'streamHeaders':
      return `answered${evidence['underTls'] === true ? ' under TLS' : ''}, offers ${listed(evidence['offers']) || 'nothing'}`;
    case 'tlsNegotiation':
      return tlsSentence(evidence);
    case 'association':
      return `${told('prooftype')}: ${outcome}${proofText(outcome, evidence)}${why}`;
    case 'authentication':
      return `${told('method') || 'none'}: ${outcome}${why}${told('why') === '' ? '' : `: ${told('why')}`}`;
  }
}

function tlsSentence(evidence: StepEvidence): string {
  const { protocol, cipher, certificate } = evidence;
  const session = `${textOf(protocol)} ${textOf(cipher)}`;
  if (!isTable(certificate)) return `${session}, no certificate`;
  const { subject, issuer, names, notAfter, sha256 } = certificate;
  return [
    `${session}, certificate of ${textOf(subject) || '(no subject)'}`,
    `names ${listed(names) || 'nobody'}`,
    `from ${textOf(issuer)}`,
    `until ${textOf(notAfter).slice(0, 10)}`,
    `SHA-256 ${textOf(sha256)}`,
  ].join(', ');
}

function proofText(outcome: string, evidence: StepEvidence): string {
  if (outcome !== 'proved') return '';
  const { strength, tlsa, owner, url, by, identifier, expires } = evidence;
  const material =
    tlsa !== undefined
      ? ` by ${textOf(tlsa)} at ${textOf(owner)}`
      : url !== undefined
        ? ` by ${textOf(url)}`
        : by !== undefined
          ? ` by the ${textOf(by)} ${textOf(identifier)}`
          : '';
  const until = expires === null || expires === undefined ? '' : `, until ${textOf(expires)}`;
  return `, ${textOf(strength)}${material}${until}`;
}

const isTable = (value: EvidenceValue | undefined): value is Readonly<Record<string, EvidenceValue | undefined>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const textOf = (value: EvidenceValue | undefined): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : '';

const listed = (value: EvidenceValue | undefined): string => (Array.isArray(value) ? value.map(textOf).join(', ') : '');

/** The evidence is JSON by now; this reverses {@link faultEvidence}. */
function faultText(value: EvidenceValue | undefined): string {
  if (!isTable(value)) return '';
  const text = textOf(value['text']);
  return faultSentence({
    layer: textOf(value['layer']) as Fault['layer'],
    condition: textOf(value['condition']),
    origin: textOf(value['origin']) as Fault['origin'],
    ...(text === '' ? {} : { text }),
  });
}
