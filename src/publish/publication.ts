/** What a domain has to publish so that others accept a certificate of its server: DNS records and POSH documents. */
import { poshUrl, writePoshDocument } from '../protocol/posh.ts';
import { serviceFacts, type Service } from '../protocol/service.ts';
import { USAGE, formatTlsa, tlsaFor, tlsaOwner, type TlsaRecord } from '../protocol/tlsa.ts';
import { srvOwnerNames } from '../protocol/srv.ts';
import type { CertificateFile } from './certificate-file.ts';

/** All names are canonical. */
export interface PublishOptions {
  readonly domain: string;
  readonly service: Service;
  readonly target: string;
  readonly port: number;
  /** The port for TLS from the first byte (XEP-0368); null if that is not offered. */
  readonly directPort: number | null;
  /** TLSA records in addition to the recommended one. */
  readonly tlsa: readonly TlsaNumbers[];
  readonly ttlSeconds: number;
  /** How long others may cache the POSH document. */
  readonly expiresSeconds: number;
  /** URL of the fingerprints, if they are not at the domain itself: the domain then refers to it (RFC 7711 §3.2). */
  readonly poshUrl: string | null;
}

export type TlsaNumbers = Pick<TlsaRecord, 'usage' | 'selector' | 'matching'>;

/** RFC 7671 §5.1: depends on no authority, names or dates, and survives renewals with the same key. */
const RECOMMENDED: TlsaNumbers = { usage: USAGE.daneEe, selector: 1, matching: 1 };

export type DnsRecord = SrvToPublish | TlsaToPublish;

interface SrvToPublish {
  readonly type: 'SRV';
  readonly owner: string;
  readonly port: number;
  readonly target: string;
}

interface TlsaToPublish {
  readonly type: 'TLSA';
  readonly owner: string;
  readonly record: TlsaRecord;
  readonly recommended: boolean;
}

export interface PoshToPublish {
  readonly kind: 'fingerprints' | 'reference';
  /** URL at which it has to be served, over HTTPS with a certificate that names that host. */
  readonly url: string;
  /** JSON text. */
  readonly document: string;
}

export interface Publication {
  readonly srv: readonly SrvToPublish[];
  readonly tlsa: readonly TlsaToPublish[];
  readonly posh: readonly PoshToPublish[];
}

/** Whether a record of this usage names an authority instead of the server. */
export const namesAuthority = ({ usage }: Pick<TlsaRecord, 'usage'>): boolean =>
  usage === USAGE.daneTa || usage === USAGE.pkixTa;

/** @throws TypeError if a record has to name an issuer and there is none, or if its numbers are unknown */
export function makePublication({ leaf, issuer }: CertificateFile, options: PublishOptions): Publication {
  const { domain, service, target, port, directPort } = options;
  const owners = srvOwnerNames(domain, service);
  if (owners === null) throw new TypeError(`${domain} is an address, and has no SRV records`);
  const places = [
    { owner: owners.xmpp, port },
    ...(directPort === null ? [] : [{ owner: owners.xmpps, port: directPort }]),
  ];
  const records = distinct([RECOMMENDED, ...options.tlsa]).map((numbers) => {
    const named = namesAuthority(numbers) ? issuer : leaf;
    if (named === null) throw new TypeError(`usage ${numbers.usage} names the issuer of the certificate`);
    return { record: tlsaFor(named, numbers), recommended: namesSame(numbers, RECOMMENDED) };
  });
  const tlsaOwners = new Set(places.map((place) => tlsaOwner(target, place.port)));
  return {
    srv: places.map((place) => ({ type: 'SRV', ...place, target })),
    tlsa: [...tlsaOwners].flatMap((owner) => records.map((record) => ({ type: 'TLSA' as const, owner, ...record }))),
    posh: poshDocuments(leaf, options),
  };
}

function poshDocuments(
  { evidence }: CertificateFile['leaf'],
  { domain, service, expiresSeconds, poshUrl: elsewhere }: PublishOptions,
): PoshToPublish[] {
  const own = poshUrl(domain, service);
  const document = writePoshDocument([evidence], expiresSeconds);
  if (elsewhere === null) return [{ kind: 'fingerprints', url: own, document }];
  const reference = JSON.stringify({ url: elsewhere, expires: expiresSeconds }, null, 2);
  return [
    { kind: 'reference', url: own, document: reference },
    { kind: 'fingerprints', url: elsewhere, document },
  ];
}

/** One line of a zone file. Names are fully qualified, so that it means the same under any `$ORIGIN`. */
export function zoneLine(record: DnsRecord, ttlSeconds: number): string {
  return `${record.owner}. ${ttlSeconds} IN ${record.type} ${recordData(record)}`;
}

export function recordData(record: DnsRecord): string {
  return record.type === 'TLSA' ? formatTlsa(record.record) : `0 0 ${record.port} ${record.target}.`;
}

/** The default port of the service. */
export const defaultPort = (service: Service): number => serviceFacts[service].defaultPort;

const namesSame = (a: TlsaNumbers, b: TlsaNumbers): boolean =>
  a.usage === b.usage && a.selector === b.selector && a.matching === b.matching;

function distinct(all: readonly TlsaNumbers[]): TlsaNumbers[] {
  return all.filter((one, index) => all.findIndex((other) => namesSame(one, other)) === index);
}
