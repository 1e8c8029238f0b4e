/** One attempt to get the stanzas of a pair sent, or admitted: what is kept of it after its other records are gone. */
import type { CertificateEvidence } from '../protocol/certificate.ts';
import type { Endpoint } from '../protocol/dns.ts';
import { brief, type Fault } from '../protocol/faults.ts';
import { ownText } from '../protocol/own-text.ts';
import type { Evidence } from '../protocol/proof.ts';
import { isFixedByOperator } from '../protocol/secure-delegation.ts';
import type { StreamId } from '../protocol/transport.ts';
import { dayOf, isDate } from './dates.ts';

/** What a verdict rests on, in words. */
export interface AttemptEvidence {
  readonly kind: 'dns' | 'certificate' | 'posh' | 'dane' | 'dialback' | 'policy';
  readonly text: string;
  /** When it was found, in milliseconds since the epoch. */
  readonly atMs: number;
}

export interface AttemptVerdict {
  readonly prooftype: string;
  readonly domain: string;
  readonly verdict: 'proved' | 'refuted' | 'undetermined';
  readonly fault: Fault | null;
  readonly expiresAtMs: number | null;
  readonly evidence: readonly AttemptEvidence[];
}

/** How the attempt ended; its record says when, and which actor made it. */
export interface AttemptEnded {
  readonly local: string;
  readonly remote: string;
  /** Which side wants to send: `outgoing` means us. */
  readonly direction: 'outgoing' | 'incoming';
  readonly startedMs: number;
  readonly outcome: 'holds' | 'failed';
  readonly stream: StreamId | null;
  readonly fault: Fault | null;
  /** Sentences for a person; empty if the attempt holds. */
  readonly cause: string;
  readonly fix: string;
  readonly verdicts: readonly AttemptVerdict[];
}

/** What is kept of the certificate that the far end presented. */
export type CertificateSeen = Pick<CertificateEvidence, 'sha256' | 'subject' | 'issuer' | 'notAfterMs'>;

type Dialled = Pick<Endpoint, 'host' | 'port' | 'secureDelegation' | 'delegatedUntilMs'>;

/** What else was known when the verdicts were reached. */
export interface Seen {
  readonly certificate: CertificateSeen | null;
  /** The endpoint we dialled; null if the far end dialled us. */
  readonly endpoint: Dialled | null;
}

/** One verdict, and when it was reached. */
export interface Found extends Omit<AttemptVerdict, 'evidence'> {
  readonly evidence: Evidence | null;
  readonly atMs: number;
}

/** Longest text kept. Much of it comes from peers, and there are many texts. */
const TEXT_CHARS = 300;

export function verdictKept(found: Found, seen: Seen): AttemptVerdict {
  const { prooftype, domain, verdict, fault, expiresAtMs } = found;
  const evidence = evidenceIn(prooftype, textsOf(found, seen), found.atMs);
  return { prooftype, domain, verdict, fault: fault === null ? null : briefFault(fault), expiresAtMs, evidence };
}

export const briefFault = ({ text, ...what }: Fault): Fault =>
  text === undefined ? what : { ...what, text: brief(text, TEXT_CHARS) };

export const briefText = (text: string): string => brief(text, TEXT_CHARS);

type Kind = AttemptEvidence['kind'];

/** What a verdict rests on, as separate texts; empty where there is nothing to say. */
export interface EvidenceTexts {
  readonly endpoint: string;
  readonly certificate: string;
  readonly found: string;
}

/** `isShared`: many attempts rest on this same evidence object. */
export function textsOf(
  { prooftype, evidence }: Pick<Found, 'prooftype' | 'evidence'>,
  { certificate, endpoint }: Seen,
  isShared = false,
): EvidenceTexts {
  const isOnCertificate = certificate !== null && prooftype !== 'dialback' && prooftype !== 'none';
  return {
    endpoint: endpoint === null ? '' : textOf(endpoint, endpointText),
    // Dialback relies on DNS; the certificate is not looked at.
    certificate: isOnCertificate ? textOf(certificate, certificateText) : '',
    found: evidence === null ? '' : isShared ? textOf(evidence, foundText) : briefText(foundText(evidence)),
  };
}

export function evidenceIn(prooftype: string, texts: EvidenceTexts, atMs: number): AttemptEvidence[] {
  const told: AttemptEvidence[] = [];
  const tell = (kind: Kind, text: string): void => {
    if (text !== '') told.push({ kind, text, atMs });
  };
  tell('dns', texts.endpoint);
  tell('certificate', texts.certificate);
  if (prooftype === 'none') tell('policy', 'the policy is permissive: nothing has to be proved');
  else tell(KINDS[prooftype] ?? 'certificate', texts.found);
  return told;
}

function foundText(evidence: Evidence): string {
  const words: string[] = [];
  for (const name of Object.keys(evidence)) {
    const value = evidence[name] ?? null;
    if (value !== null) words.push(`${name} ${String(value)}`);
  }
  return words.length === 1 ? ownText(words[0] ?? '') : words.join(', '); // always a copy, even for a single field
}

const endpointText = (dialled: Dialled): string => `${dialled.host} port ${dialled.port}, ${namedBy(dialled)}`;

function namedBy(dialled: Dialled): string {
  if (isFixedByOperator(dialled)) return 'as the configuration says';
  return dialled.secureDelegation ? 'by a secure delegation' : 'as the DNS says';
}

function certificateText({ sha256, subject, issuer, notAfterMs }: CertificateSeen): string {
  const until = isDate(notAfterMs) ? dayOf(notAfterMs) : 'an unknown date';
  return `SHA-256 ${sha256}, ${subject}, issued by ${issuer}, until ${until}`;
}

/** Cached per object: all pairs of a stream share the same endpoint, certificate and evidence. */
const texts = new WeakMap<object, string>();

function textOf<What extends object>(what: What, make: (what: What) => string): string {
  const known = texts.get(what);
  if (known !== undefined) return known;
  const made = briefText(make(what));
  texts.set(what, made);
  return made;
}

/** What the evidence of a prooftype is about, if not the certificate. */
const KINDS: Readonly<Record<string, Kind>> = {
  dane: 'dane',
  posh: 'posh',
  dialback: 'dialback',
  'dnssec-ta': 'dns',
};
