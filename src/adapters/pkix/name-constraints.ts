/**
 * Name constraints on names that OpenSSL does not look at.
 *
 * RFC 9525 §7.6: an authority constrained in the dNSNames that it may certify is held to the same domains in SRVName and
 * xmppAddr, else it could certify any XMPP server. And a wildcard is judged by every name that it could stand for.
 * Constraints on dNSName, iPAddress and directoryName themselves are OpenSSL's. One on SRVName (RFC 4985 §4) it refuses
 * as unsupported when the leaf has an SRVName: that is safe, and left so.
 */
import { FaultError, fault } from '../../protocol/faults.ts';
import { domainOfXmppAddr, splitSrvName } from '../../protocol/identity.ts';
import { CONTEXT, childrenOf, isTagged, octetsOf, parseAsn1 } from './asn1.ts';
import { GENERAL_NAME, readCertificate, readExtension } from './certificates.ts';

const OID_NAME_CONSTRAINTS = '2.5.29.30';
/** Subtrees times names that are compared; beyond it the path is refused, so that long lists cannot cost time. */
const MAX_COMPARISONS = 100_000;

export interface DnsConstraints {
  /** Null when the authority is not limited to some domains. */
  readonly permitted: readonly string[] | null;
  readonly excluded: readonly string[];
}

/**
 * The dNSName subtrees of an authority's NameConstraints (RFC 5280 §4.2.1.10).
 * @throws FaultError `pkix`: `malformed`, by the peer.
 */
export function readNameConstraints(authorityDer: Uint8Array): DnsConstraints {
  const extension = readExtension(authorityDer, OID_NAME_CONSTRAINTS);
  const parts = extension === undefined ? [] : childrenOf(parseAsn1(extension));
  const [permitted = [], excluded = []] = [0, 1].map((tag) =>
    childrenOf(parts.find((part) => isTagged(part, CONTEXT, tag))).map((subtree) => childrenOf(subtree)[0]),
  );
  if (permitted.length + excluded.length === 0)
    throw new FaultError(fault('pkix', 'malformed', 'peer', 'name constraints that constrain nothing'));
  const dnsNames = (bases: typeof permitted): string[] =>
    bases
      .filter((base) => isTagged(base, CONTEXT, GENERAL_NAME.dnsName))
      .map((base) => (octetsOf(base) ?? '').toLowerCase());
  const domains = dnsNames(permitted);
  return { permitted: domains.length === 0 ? null : domains, excluded: dnsNames(excluded) };
}

/**
 * The first identifier of a leaf whose domain its authority may not name, or null.
 * @throws FaultError `pkix`: `malformed`, by the peer, also when there is too much to compare.
 */
export function wrongName(leafDer: Uint8Array, constraints: DnsConstraints): string | null {
  const { presented } = readCertificate(leafDer);
  const named = [
    ...presented.dnsNames.map((name) => ({ name, domain: name })),
    ...presented.srvNames.map((name) => ({ name, domain: splitSrvName(name)?.name })),
    ...presented.xmppAddrs.map((name) => ({ name, domain: domainOfXmppAddr(name) ?? undefined })),
  ];
  const subtrees = (constraints.permitted?.length ?? 0) + constraints.excluded.length;
  if (named.length * subtrees > MAX_COMPARISONS)
    throw new FaultError(fault('pkix', 'malformed', 'peer', 'too many names and name constraints'));
  return named.find(({ domain }) => domain !== undefined && !isAllowed(domain, constraints))?.name ?? null;
}

/** Whether a domain, or all that `*.domain` can stand for, is inside what is permitted and clear of what is excluded. */
export function isAllowed(domain: string, { permitted, excluded }: DnsConstraints): boolean {
  const parent = domain.startsWith('*.') ? domain.slice(2) : null;
  const touches = (subtree: string): boolean =>
    covers(subtree, domain) || (parent !== null && covers(parent, subtree.replace(/^\./, '')));
  return (permitted?.some((subtree) => covers(subtree, domain)) ?? true) && !excluded.some(touches);
}

/** A subtree is a domain and all below it (RFC 4985 §4: `example.com` has `1.example.com`, not `1example.com`). */
function covers(subtree: string, domain: string): boolean {
  if (domain.startsWith('.')) return false; // not a name (RFC 5280 §4.2.1.6), so inside of nothing
  if (subtree === '' || subtree === domain) return true;
  return domain.endsWith(subtree.startsWith('.') ? subtree : `.${subtree}`);
}
