/**
 * Does a certificate name this domain? Matches presented against reference identifiers (RFC 6120 §13.7.1.2,
 * RFC 9525 §6). Whether the certificate can be trusted is not decided here, but by path validation.
 *
 * Only subjectAltName counts, never the common name (RFC 9525 App. A).
 */
import type { PresentedIdentifiers } from './certificate.ts';
import { canonicalDomain, isIpLiteral } from './names.ts';
import type { Service } from './service.ts';

/** The identifiers with which a certificate is compared, built without looking at the certificate (RFC 9525 §6.1.1). */
export interface ReferenceIdentifiers {
  readonly service: Service;
  /** The service domain: the domain in the JID, canonical. */
  readonly sourceDomain: string;
  /** Only targets of secure SRV records (RFC 7673 §4.1), canonical. They match only as DNS-ID. */
  readonly derivedDomains: readonly string[];
}

export type IdentityMatch =
  | {
      readonly kind: 'match';
      readonly by: 'xmppAddr' | 'SRVName' | 'dNSName' | 'iPAddress';
      /** The presented identifier that matched, as written in the certificate. */
      readonly identifier: string;
      /** The domain that it matched: the validated identity (RFC 9525 §6.6). */
      readonly reference: string;
    }
  | { readonly kind: 'mismatch'; readonly presentedNames: readonly string[] };

/** The reference identifiers of a service domain (RFC 9525 §6.1.1). */
export const referenceIdentifiers = (
  service: ReferenceIdentifiers['service'],
  sourceDomain: string,
  derivedDomains: readonly string[] = [],
): ReferenceIdentifiers => ({ service, sourceDomain, derivedDomains });

/** Compares the identifiers of a certificate with a domain; reports the most specific kind that matches. */
export function matchIdentity(reference: ReferenceIdentifiers, presented: PresentedIdentifiers): IdentityMatch {
  const source = canonicalDomain(reference.sourceDomain);
  if (source !== null) {
    const srvName = presented.srvNames.find((name) => srvNameMatches(name, reference.service, source));
    if (srvName !== undefined) return match('SRVName', srvName, source);
    const xmppAddr = presented.xmppAddrs.find((address) => domainOfXmppAddr(address) === source);
    if (xmppAddr !== undefined) return match('xmppAddr', xmppAddr, source);
    const address = isIpLiteral(source) && presented.ipAddresses.find((ip) => canonicalDomain(ip) === source);
    if (typeof address === 'string') return match('iPAddress', address, source);
  }
  for (const name of [source, ...reference.derivedDomains.map(canonicalDomain)]) {
    if (name === null) continue;
    const dnsName = presented.dnsNames.find((candidate) => dnsNameMatches(candidate, name));
    if (dnsName !== undefined) return match('dNSName', dnsName, name);
  }
  return { kind: 'mismatch', presentedNames: presentedNames(presented) };
}

type MatchKind = Extract<IdentityMatch, { kind: 'match' }>['by'];

function match(by: MatchKind, identifier: string, reference: string): IdentityMatch {
  return { kind: 'match', by, identifier, reference };
}

/** Every name that a certificate presents, for humans. */
export function presentedNames(presented: PresentedIdentifiers): string[] {
  return [...presented.srvNames, ...presented.xmppAddrs, ...presented.dnsNames, ...presented.ipAddresses];
}

/**
 * Compares a dNSName with a canonical domain (RFC 9525 §6.3): label by label, ignoring case. A `*` counts only as the
 * whole left-most label, and matches exactly one label. Anything that does not have the form of a host name is ignored,
 * and an IP address never matches, whatever the text of the dNSName.
 */
export function dnsNameMatches(presented: string, domain: string): boolean {
  const pattern = presented.toLowerCase();
  if (!HOST_NAME.test(pattern) || isIpLiteral(domain)) return false;
  if (!pattern.startsWith('*.')) return pattern === domain;
  const dot = domain.indexOf('.');
  return dot > 0 && pattern.slice(2) === domain.slice(dot + 1);
}

/** Host name labels (RFC 1123 §2.1); only the first may be `*`. */
const HOST_NAME = /^(?:\*\.)?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;

/** Service and name of an SRVName, `_Service.Name` without a protocol label (RFC 4985 §2); null if it is malformed. */
export function splitSrvName(srvName: string): { readonly service: string; readonly name: string } | null {
  const parts = /^_([A-Za-z0-9-]+)\.(.+)$/.exec(srvName);
  return parts?.[1] === undefined || parts[2] === undefined
    ? null
    : { service: parts[1].toLowerCase(), name: parts[2].toLowerCase() };
}

/** Both halves of one identifier must match (RFC 9525 §6.5). RFC 4985 is silent on `*`; the dNSName rule is applied. */
function srvNameMatches(presented: string, service: string, domain: string): boolean {
  const parts = splitSrvName(presented);
  return parts?.service === service && dnsNameMatches(parts.name, domain);
}

/**
 * The canonical domain of an id-on-xmppAddr (RFC 6120 §13.7.1.4); null for a user's address, which proves no server.
 */
export function domainOfXmppAddr(address: string): string | null {
  return /[@/]/.test(address) ? null : canonicalDomain(address);
}
