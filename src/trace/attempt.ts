/** One attempt to have stanzas of a pair sent, or let in: what is kept of it when its other records are gone. */
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

/** As it ended; when, and of which actor, is said by its record. */
export interface AttemptEnded {
  readonly local: string;
  readonly remote: string;
  /** Who wants to send: `outgoing` is us. */
  readonly direction: 'outgoing' | 'incoming';
  readonly startedMs: number;
  readonly outcome: 'holds' | 'failed';
  readonly stream: StreamId | null;
  readonly fault: Fault | null;
  /** Sentences for a person; empty where it holds. */
  readonly cause: string;
  readonly fix: string;
  readonly verdicts: readonly AttemptVerdict[];
}

/** Of the certificate that the far end presented. */
export type CertificateSeen = Pick<CertificateEvidence, 'sha256' | 'subject' | 'issuer' | 'notAfterMs'>;

type Dialled = Pick<Endpoint, 'host' | 'port' | 'secureDelegation' | 'delegatedUntilMs'>;

/** What was known beside the verdicts when they fell. */
export interface Seen {
  readonly certificate: CertificateSeen | null;
  /** Where the far end was dialled; null where it dialled us. */
  readonly endpoint: Dialled | null;
}

/** One verdict, and when it fell. */
export interface Found extends Omit<AttemptVerdict, 'evidence'> {
  readonly evidence: Evidence | null;
  readonly atMs: number;
}

/** Much of it comes from peers, and there are many. */
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

/** What a verdict rests on, as texts of their own; empty where there is nothing to say. */
export interface EvidenceTexts {
  readonly endpoint: string;
  readonly certificate: string;
  readonly found: string;
}

/** `isShared`: many attempts rest on this very evidence. */
export function textsOf(
  { prooftype, evidence }: Pick<Found, 'prooftype' | 'evidence'>,
  { certificate, endpoint }: Seen,
  isShared = false,
): EvidenceTexts {
  const isOnCertificate = certificate !== null && prooftype !== 'dialback' && prooftype !== 'none';
  return {
    endpoint: endpoint === null ? '' : textOf(endpoint, endpointText),
    // Dialback asks the DNS, and nobody looks at the certificate.
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
  return words.length === 1 ? ownText(words[0] ?? '') : words.join(', '); // a copy, also of a single one
}

const endpointText = (dialled: Dialled): string => `${dialled.host} port ${dialled.port}, ${namedBy(dialled)}`;

function namedBy(dialled: Dialled): string {
  if (isFixedByOperator(dialled)) return 'as the configuration says';
  return dialled.secureDelegation ? 'by a secure delegation' : 'as the DNS says';
}

function certificateText({ sha256, subject, issuer, notAfterMs }: CertificateSeen): string {
  const until = isDate(notAfterMs) ? dayOf(notAfterMs) : 'nobody knows when';
  return `SHA-256 ${sha256}, ${subject}, issued by ${issuer}, until ${until}`;
}

/** All pairs of a stream have them in common. */
const texts = new WeakMap<object, string>();

function textOf<What extends object>(what: What, make: (what: What) => string): string {
  const known = texts.get(what);
  if (known !== undefined) return known;
  const made = briefText(make(what));
  texts.set(what, made);
  return made;
}

/** What the evidence of a prooftype is about, where that is not the certificate. */
const KINDS: Readonly<Record<string, Kind>> = {
  dane: 'dane',
  posh: 'posh',
  dialback: 'dialback',
  'dnssec-ta': 'dns',
};
