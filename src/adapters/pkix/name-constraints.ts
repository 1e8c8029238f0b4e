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
import { constructedTag, readSequence, readValues, valuesIn } from '../../protocol/der.ts';
import { GENERAL_NAME, orMalformed, readCertificate, readExtension } from './certificates.ts';

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
  const [permitted, excluded] = orMalformed(() => {
    const parts = extension === undefined ? [] : readSequence(extension);
    // [0] and [1] in place of the tag of a SEQUENCE of GeneralSubtree, each of which begins with a GeneralName.
    const basesIn = (n: number) =>
      parts
        .filter(({ tag }) => tag === constructedTag(n))
        .flatMap(({ contents }) => readValues(contents).map((subtree) => valuesIn(subtree)[0]));
    return [basesIn(0), basesIn(1)] as const;
  });
  if (permitted.length + excluded.length === 0)
    throw new FaultError(fault('pkix', 'malformed', 'peer', 'name constraints that constrain nothing'));
  const dnsNames = (bases: typeof permitted): string[] =>
    bases.flatMap((base) =>
      base?.tag === GENERAL_NAME.dnsName ? [base.contents.toString('latin1').toLowerCase()] : [],
    );
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
