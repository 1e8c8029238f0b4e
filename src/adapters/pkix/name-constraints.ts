/**
 * Name constraints that OpenSSL does not check.
 *
 * RFC 9525 §7.6: the dNSName constraints of an authority also apply to SRVName and xmppAddr, else it could certify any
 * XMPP server. A wildcard is judged by every name that it could match. OpenSSL itself checks constraints on dNSName,
 * iPAddress and directoryName. It refuses one on SRVName (RFC 4985 §4) as unsupported when the leaf has an SRVName:
 * that is safe, so it is left to OpenSSL.
 */
import { FaultError, fault } from '../../protocol/faults.ts';
import { domainOfXmppAddr, splitSrvName } from '../../protocol/identity.ts';
import { constructedTag, readSequence, readValues, valuesIn } from '../../protocol/der.ts';
import { GENERAL_NAME, orMalformed, readCertificate, readExtension } from './certificates.ts';

const OID_NAME_CONSTRAINTS = '2.5.29.30';
/** Most comparisons (subtrees times names). Beyond this the path is refused, so that long lists cannot take long. */
const MAX_COMPARISONS = 100_000;

export interface DnsConstraints {
  /** Null when the authority is not limited to certain domains. */
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
    // [0] and [1] replace the tag of a SEQUENCE of GeneralSubtree, each of which begins with a GeneralName.
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
 * @throws FaultError `pkix`: `malformed`, by the peer; also when there are too many names and subtrees to compare.
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

/** Whether a domain, or every name that `*.domain` matches, is in a permitted subtree and in no excluded one. */
export function isAllowed(domain: string, { permitted, excluded }: DnsConstraints): boolean {
  const parent = domain.startsWith('*.') ? domain.slice(2) : null;
  const touches = (subtree: string): boolean =>
    covers(subtree, domain) || (parent !== null && covers(parent, subtree.replace(/^\./, '')));
  return (permitted?.some((subtree) => covers(subtree, domain)) ?? true) && !excluded.some(touches);
}

/** A subtree is a domain and all below it (RFC 4985 §4: `example.com` covers `1.example.com`, not `1example.com`). */
function covers(subtree: string, domain: string): boolean {
  if (domain.startsWith('.')) return false; // not a name (RFC 5280 §4.2.1.6), so in no subtree
  if (subtree === '' || subtree === domain) return true;
  return domain.endsWith(subtree.startsWith('.') ? subtree : `.${subtree}`);
}
