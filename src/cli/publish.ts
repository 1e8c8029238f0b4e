/** `xmpp-dna publish`: what a domain publishes in DNS and over HTTPS for a certificate. */
import { CertificateFileError, readCertificateFile, type CertificateFile } from '../publish/certificate-file.ts';
import {
  defaultPort,
  makePublication,
  namesAuthority,
  recordData,
  zoneLine,
  type DnsRecord,
  type Publication,
  type PublishOptions,
  type TlsaNumbers,
} from '../publish/publication.ts';
import { warningsOf } from '../publish/warnings.ts';
import { ConfigError } from '../config/spot.ts';
import { presentedNames } from '../protocol/identity.ts';
import { httpsUrl } from '../protocol/https-url.ts';
import { canonicalDomain, isIpLiteral } from '../protocol/names.ts';
import { SERVICES, type Service } from '../protocol/service.ts';
import { parseTlsa } from '../protocol/tlsa.ts';
import type { CommandInput, RunCommand } from './command.ts';
import { EXIT, UsageError, type Terminal } from './terminal.ts';

/** The values of `--only`. */
const PARTS = ['zone', 'posh', 'reference'] as const;
type Part = (typeof PARTS)[number];

/** Longest DNS name in text form (RFC 1035 §2.3.4). */
const MAX_NAME_LENGTH = 253;
const DEFAULT_TTL_SECONDS = 3_600;
const DEFAULT_EXPIRES_SECONDS = 86_400;
/** Largest TTL (RFC 2181 §8). */
const MAX_SECONDS = 2 ** 31 - 1;

export const publish: RunCommand = ({ values, positionals: [path = ''] }, terminal) => {
  const options = readOptions(values);
  const part = readPart(values, options);
  const file = readFile(path);
  const wanting = options.tlsa.find(namesAuthority);
  if (wanting !== undefined && file.issuer === null)
    throw new ConfigError([
      `${path}: expected the issuer after the certificate, because TLSA usage ${wanting.usage} names it`,
    ]);
  const publication = makePublication(file, options);

  for (const { condition, text } of warningsOf(file, options, Date.now())) {
    terminal.tell(terminal.paint('yellow', `${path}: ${text}`));
    terminal.event({ event: 'warning', condition, text });
  }
  tellEvents(file, publication, options, terminal);
  if (part === null) for (const line of everything(file, publication, options)) terminal.print(line);
  else if (part === 'zone') for (const line of zone(publication, options)) terminal.print(line);
  else terminal.print(publication.posh.find(({ kind }) => kind === KINDS[part])?.document ?? '');
  return Promise.resolve(EXIT.good);
};

const KINDS = { posh: 'fingerprints', reference: 'reference' } as const;

function readOptions(values: CommandInput['values']): PublishOptions {
  const domain = readName(values, 'domain');
  if (domain === null) throw new UsageError('expected --domain D');
  const service = readService(values);
  const options: PublishOptions = {
    domain,
    service,
    target: readName(values, 'target') ?? domain,
    port: readInteger(values, 'port', 1, 65_535) ?? defaultPort(service),
    directPort: readInteger(values, 'direct-port', 1, 65_535),
    tlsa: readTlsaNumbers(values),
    ttlSeconds: readInteger(values, 'ttl', 0, MAX_SECONDS) ?? DEFAULT_TTL_SECONDS,
    // RFC 7711 §3.1: a document with 0 must be treated as invalid.
    expiresSeconds: readInteger(values, 'expires', 1, MAX_SECONDS) ?? DEFAULT_EXPIRES_SECONDS,
    poshUrl: readUrl(values),
  };
  if (options.directPort === options.port)
    throw new UsageError('--direct-port: expected a port other than --port; without it only STARTTLS is published');
  return options;
}

/** @throws ConfigError that says what is expected of the file */
function readFile(path: string): CertificateFile {
  try {
    return readCertificateFile(path);
  } catch (error) {
    if (!(error instanceof CertificateFileError)) throw error;
    throw new ConfigError([`${path}: ${sentenceOf(error)}`]);
  }
}

function sentenceOf({ flaw, message }: CertificateFileError): string {
  switch (flaw) {
    case 'unreadable':
      return `${message} (expected certificates in PEM)`;
    case 'no-certificate':
      return 'expected a PEM file with at least one certificate';
    case 'not-der':
      return 'expected certificates in DER inside the PEM; one of them is not';
    case 'malformed':
      return `expected certificates that can be read${message === '' ? '' : `: ${message}`}`;
  }
}

function textOf(values: CommandInput['values'], option: string): string | null {
  const value = values[option];
  return typeof value === 'string' ? value : null;
}

/** A canonical DNS name; null if the option is absent. */
function readName(values: CommandInput['values'], option: string): string | null {
  const text = textOf(values, option);
  if (text === null) return null;
  const name = canonicalDomain(text);
  // The longest prefix that is put before it: `_xmpps-server._tcp.`, longer than `_65535._tcp.`.
  if (name === null || isIpLiteral(name) || '_xmpps-server._tcp.'.length + name.length > MAX_NAME_LENGTH)
    throw new UsageError(`--${option}: expected a domain name, not ${JSON.stringify(text)}`);
  return name;
}

function readService(values: CommandInput['values']): Service {
  const text = textOf(values, 'service') ?? SERVICES[0];
  const service = SERVICES.find((one) => one === text);
  if (service === undefined) throw new UsageError(`--service: expected ${SERVICES.join(' or ')}`);
  return service;
}

function readInteger(values: CommandInput['values'], option: string, min: number, max: number): number | null {
  const text = textOf(values, option);
  if (text === null) return null;
  const number = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw new UsageError(`--${option}: expected a whole number from ${min} to ${max}`);
}

function readUrl(values: CommandInput['values']): string | null {
  const text = textOf(values, 'posh-url');
  if (text === null) return null;
  const url = httpsUrl(text);
  if (url === null) throw new UsageError('--posh-url: expected an https URL without user and password (RFC 7711 §3.2)');
  return url.href;
}

/** Every combination of the given numbers; omitted ones default to the recommendation of RFC 7671 §5. */
function readTlsaNumbers(values: CommandInput['values']): TlsaNumbers[] {
  const words = (option: string): readonly string[] | null => textOf(values, option)?.split(',') ?? null;
  const [usages, selectors, matchings] = [words('usage'), words('selector'), words('matching')];
  if (usages === null && selectors === null && matchings === null) return [];
  return (usages ?? ['3']).flatMap((usage) =>
    (selectors ?? [null]).flatMap((selector) =>
      (matchings ?? ['1']).map((matching) => tlsaNumbers(usage, selector, matching)),
    ),
  );
}

/**
 * Numbers, or the acronyms of RFC 7218. The selector defaults to Cert for authorities and SPKI for servers (RFC 7671
 * §5.2.1, §5.1).
 */
function tlsaNumbers(usage: string, selector: string | null, matching: string): TlsaNumbers {
  const read = (text: string, max: number, option: string, which: (n: TlsaNumbers) => number): number => {
    const numbers = parseTlsa(text);
    const number = numbers === null ? Number.NaN : which(numbers);
    if (number <= max) return number;
    throw new UsageError(`--${option}: expected a list of numbers from 0 to ${max}, or their names (RFC 7218 §2)`);
  };
  const usageNumber = read(`${usage} 0 0 00`, 3, 'usage', (n) => n.usage);
  const bySelector = selector ?? (namesAuthority({ usage: usageNumber }) ? '0' : '1');
  return {
    usage: usageNumber,
    selector: read(`0 ${bySelector} 0 00`, 1, 'selector', (n) => n.selector),
    matching: read(`0 0 ${matching} 00`, 2, 'matching', (n) => n.matching),
  };
}

function readPart(values: CommandInput['values'], options: PublishOptions): Part | null {
  const text = textOf(values, 'only');
  const part = PARTS.find((one) => one === text);
  if (text !== null && part === undefined) throw new UsageError(`--only: expected ${PARTS.join(', ')}`);
  if (part === 'reference' && options.poshUrl === null)
    throw new UsageError('--only reference: expected --posh-url URL');
  return part ?? null;
}

function zone({ srv, tlsa }: Publication, { ttlSeconds }: PublishOptions): string[] {
  return [...srv, ...tlsa].map((record) => zoneLine(record, ttlSeconds));
}

/** A zone file in which everything but the records is a comment. */
function everything(file: CertificateFile, publication: Publication, options: PublishOptions): string[] {
  const { domain, service, target, ttlSeconds } = options;
  const { subject, issuer, notBeforeMs, notAfterMs, sha256 } = file.leaf.evidence;
  const lines = (records: readonly DnsRecord[]): string[] => records.map((record) => zoneLine(record, ttlSeconds));
  const day = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);
  return [
    `; ${domain}, ${service}`,
    `; certificate ${subject}, issued by ${issuer}, ${day(notBeforeMs)} to ${day(notAfterMs)}`,
    `; SHA-256 ${sha256}`,
    '',
    `; In the zone of ${domain}: where it is served.`,
    ...lines(publication.srv),
    '',
    `; In the zone of ${target}: which certificate is shown there. It counts if the SRV records, the addresses of`,
    `; ${target} and these are all signed (DNSSEC, RFC 7673).`,
    ...lines(publication.tlsa),
    ...publication.posh.flatMap(({ kind, url, document }) => [
      '',
      kind === 'reference'
        ? `; POSH (RFC 7711): serve this reference at ${url}`
        : `; POSH (RFC 7711): serve this at ${url}`,
      ...document.split('\n').map((line) => `; ${line}`),
    ]),
  ];
}

function tellEvents(
  file: CertificateFile,
  publication: Publication,
  options: PublishOptions,
  terminal: Terminal,
): void {
  const { sha256, sha512, subject, issuer, notBeforeMs, notAfterMs, presented } = file.leaf.evidence;
  const [notBefore, notAfter] = [notBeforeMs, notAfterMs].map((atMs) => new Date(atMs).toISOString());
  const names = presentedNames(presented);
  terminal.event({ event: 'certificate', subject, issuer, notBefore, notAfter, sha256, sha512, names });
  for (const record of [...publication.srv, ...publication.tlsa])
    terminal.event({
      event: 'record',
      type: record.type,
      owner: record.owner,
      ttl: options.ttlSeconds,
      data: recordData(record),
      ...(record.type === 'TLSA' ? { recommended: record.recommended } : {}),
    });
  for (const { kind, url, document } of publication.posh)
    terminal.event({ event: 'posh', kind, url, document: JSON.parse(document) as unknown });
}
