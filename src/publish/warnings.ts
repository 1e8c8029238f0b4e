/** Warnings for an operator before a certificate is published. */
import { matchIdentity, presentedNames, referenceIdentifiers } from '../protocol/identity.ts';
import { MATCHING, SELECTOR, USAGE } from '../protocol/tlsa.ts';
import type { CertificateFile } from './certificate-file.ts';
import { namesAuthority, type PublishOptions, type TlsaNumbers } from './publication.ts';

export interface PublishWarning {
  readonly condition:
    | 'name-missing'
    | 'expired'
    | 'not-yet-valid'
    | 'expires-soon'
    | 'authority-first'
    | 'document-outlives-certificate'
    | 'changes-with-renewal'
    | 'large-record';
  readonly text: string;
}

const DAY_MS = 86_400_000;
/** Public authorities issue for 90 days and renew after 60. */
const SOON_DAYS = 30;

export function warningsOf(file: CertificateFile, options: PublishOptions, nowMs: number): PublishWarning[] {
  return [
    ...ofOrder(file),
    ...ofNames(file, options),
    ...ofDates(file, options, nowMs),
    ...options.tlsa.flatMap(ofRecord),
  ];
}

function ofOrder({ leaf: { evidence, isAuthority }, count }: CertificateFile): PublishWarning[] {
  if (!isAuthority) return [];
  const others = count > 1 ? `, and ${count - 1} more follow: the server's own has to be the first` : '';
  return [{ condition: 'authority-first', text: `${evidence.subject} is the certificate of an authority${others}` }];
}

function ofNames({ leaf }: CertificateFile, { domain, target, service, tlsa }: PublishOptions): PublishWarning[] {
  const { presented } = leaf.evidence;
  const names = (derived: readonly string[]): boolean =>
    matchIdentity(referenceIdentifiers(service, domain, derived), presented).kind === 'match';
  if (names([])) return [];
  const others = presentedNames(presented).join(', ');
  if (names([target])) {
    const text = `the certificate names ${target} and not ${domain}: others accept that if the SRV record is signed (DNSSEC), or by DANE or POSH`;
    return [{ condition: 'name-missing', text }];
  }
  const unmet = tlsa.filter(({ usage }) => usage !== USAGE.daneEe).map(({ usage }) => `usage ${usage}`);
  const also = unmet.length === 0 ? '' : `; TLSA ${unmet.join(', ')} asks for such a name too, and will not match`;
  const lacks = target === domain ? `does not name ${domain}` : `names neither ${domain} nor ${target}`;
  const text = `the certificate ${lacks}${others === '' ? '' : `, only ${others}`}: PKIX will not prove it, only DANE with usage 3 or POSH will${also}`;
  return [{ condition: 'name-missing', text }];
}

function ofDates({ leaf }: CertificateFile, { expiresSeconds }: PublishOptions, nowMs: number): PublishWarning[] {
  const { notBeforeMs, notAfterMs } = leaf.evidence;
  const without = 'of what is printed here, only TLSA usage 3 is unaffected by that';
  if (notAfterMs < nowMs)
    return [{ condition: 'expired', text: `the certificate expired on ${day(notAfterMs)}: ${without}` }];
  if (notBeforeMs > nowMs)
    return [
      { condition: 'not-yet-valid', text: `the certificate is not valid before ${day(notBeforeMs)}: ${without}` },
    ];
  if (notAfterMs < nowMs + SOON_DAYS * DAY_MS) {
    const left = Math.floor((notAfterMs - nowMs) / DAY_MS);
    return [
      { condition: 'expires-soon', text: `the certificate expires on ${day(notAfterMs)}, in ${left} days: ${without}` },
    ];
  }
  if (nowMs + expiresSeconds * 1000 <= notAfterMs) return [];
  const text = `the POSH document may be remembered for ${expiresSeconds} s, which is longer than the certificate lasts (${day(notAfterMs)})`;
  return [{ condition: 'document-outlives-certificate', text }];
}

function ofRecord(numbers: TlsaNumbers): PublishWarning[] {
  const { usage, selector, matching } = numbers;
  const name = `TLSA ${usage} ${selector} ${matching}`;
  const warnings: PublishWarning[] = [];
  if (selector === SELECTOR.cert && !namesAuthority(numbers)) {
    const text = `${name} changes with every renewal; with selector 1 it changes with the key only`;
    warnings.push({ condition: 'changes-with-renewal', text });
  }
  if (matching === MATCHING.full) {
    const text = `${name} is as large as what it names: RFC 7671 §10.1.1 advises against it`;
    warnings.push({ condition: 'large-record', text });
  }
  return warnings;
}

const day = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);
