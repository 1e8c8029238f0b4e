/**
 * Name constraints on names that OpenSSL does not know (RFC 9525 §7.6): an authority constrained in the dNSNames that it
 * may certify is held to the same domains in SRVName and xmppAddr, else it could certify any XMPP server.
 *
 * dNSName, iPAddress and directoryName are checked by OpenSSL; a constraint on SRVName itself (RFC 4985 §4) it refuses as
 * unsupported when the leaf has an SRVName, which is safe, and is left so: no authority is known to set one.
 */
import type { CertificateEvidence } from '../../protocol/certificate.ts';
import { domainOfXmppAddr, splitSrvName } from '../../protocol/identity.ts';
import { CONTEXT, childrenOf, isTagged, octetsOf, parseAsn1 } from '../asn1.ts';
import { GENERAL_NAME, readCertificate, readExtension } from '../certificates.ts';

const OID_NAME_CONSTRAINTS = '2.5.29.30';
/** Subtrees read per authority; beyond it nothing more is allowed, so that a long list cannot cost time. */
const MAX_SUBTREES = 1_024;

export interface DnsConstraints {
  /** Null when the authority is not limited to some domains. */
  readonly permitted: readonly string[] | null;
  readonly excluded: readonly string[];
}

/** The first SRVName or xmppAddr of the leaf whose domain one of the authorities may not certify, or null. */
export function unconstrainedName(leafDer: Uint8Array, authorityDers: readonly Uint8Array[]): string | null {
  const domains = namedDomains(readCertificate(leafDer));
  if (domains.length === 0) return null;
  const constraints = authorityDers.map(dnsConstraintsOf);
  const outside = domains.find(({ domain }) => !constraints.every((constraint) => isAllowed(domain, constraint)));
  return outside?.identifier ?? null;
}

function namedDomains({ presented }: CertificateEvidence): { identifier: string; domain: string }[] {
  const pairs = [
    ...presented.srvNames.map((identifier) => ({ identifier, domain: splitSrvName(identifier)?.name ?? null })),
    ...presented.xmppAddrs.map((identifier) => ({ identifier, domain: domainOfXmppAddr(identifier) })),
  ];
  return pairs.flatMap(({ identifier, domain }) => (domain === null ? [] : [{ identifier, domain }]));
}

/** Whether a domain, or `*.domain`, stays inside what is permitted and clear of what is excluded (RFC 5280 §4.2.1.10). */
export function isAllowed(domain: string, { permitted, excluded }: DnsConstraints): boolean {
  const covers = (subtree: string, name: string): boolean =>
    subtree === '' || name === subtree || name.endsWith(subtree.startsWith('.') ? subtree : `.${subtree}`);
  // `*.example.com` could be used as `secret.example.com`: an excluded name under it is touched as well.
  const parent = domain.startsWith('*.') ? domain.slice(2) : null;
  const touches = (subtree: string): boolean =>
    covers(subtree, domain) || (parent !== null && covers(parent, subtree.replace(/^\./, '')));
  return (permitted?.some((subtree) => covers(subtree, domain)) ?? true) && !excluded.some(touches);
}

/** NameConstraints (RFC 5280 §4.2.1.10), the dNSName subtrees of it. */
function dnsConstraintsOf(authorityDer: Uint8Array): DnsConstraints {
  const extension = readExtension(authorityDer, OID_NAME_CONSTRAINTS);
  const parts = extension === undefined ? [] : childrenOf(parseAsn1(extension));
  const subtrees = (tag: number): string[] =>
    childrenOf(parts.find((part) => isTagged(part, CONTEXT, tag)))
      .map((subtree) => childrenOf(subtree)[0])
      .filter((base) => isTagged(base, CONTEXT, GENERAL_NAME.dnsName))
      .map((base) => (octetsOf(base) ?? '').toLowerCase());
  const permitted = subtrees(0);
  const excluded = subtrees(1);
  if (permitted.length > MAX_SUBTREES || excluded.length > MAX_SUBTREES) return { permitted: [], excluded: [] };
  return { permitted: permitted.length === 0 ? null : permitted, excluded };
}
