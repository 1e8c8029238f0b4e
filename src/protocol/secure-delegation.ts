/** What signed DNS says about a domain: which hosts serve it, and with which certificates (RFC 7712 §6). */
import type { DnsAnswer, Endpoint, SrvRecord } from './dns.ts';
import { fault, type Fault } from './faults.ts';
import { type DaneMaterial, type TlsaRecord, type TlsaSet, USAGE, usableTlsa } from './tlsa.ts';

export interface SecureDelegation {
  /** Hosts that count as reference identifiers besides the domain itself (RFC 7673 §4.1), canonical. */
  readonly derivedDomains: readonly string[];
  /** When the answers that name them expire, in milliseconds since the epoch; null if no answer names any. */
  readonly expiresAtMs: number | null;
  readonly dane: DaneMaterial;
}

export type SecureDelegationFinding =
  | { readonly kind: 'found'; readonly delegation: SecureDelegation }
  /** A bogus answer, or none: no other source may be used instead (RFC 7673 §3.1, S4). */
  | { readonly kind: 'withheld'; readonly fault: Fault };

/** One query for TLSA records, and its answer. */
export interface TlsaAnswer {
  readonly owner: string;
  readonly answer: DnsAnswer<TlsaRecord>;
}

/** A host and port named in a signed SRV record. */
export interface SecureTarget {
  readonly host: string;
  readonly port: number;
}

/** Targets whose TLSA records are queried at once; the others follow after these. */
export const TLSA_TARGETS_AT_ONCE = 8;
/**
 * Queries that one assertion may cause, one per target. A domain with more is not proved by the rest, and is told so.
 */
export const MAX_TLSA_TARGETS = 32;

export const noDane = (condition: string, text: string): DaneMaterial => ({
  kind: 'none',
  why: fault('dane', condition, 'dns', text),
});

export const noValidator: DaneMaterial = {
  kind: 'none',
  why: fault('dane', 'no-validator', 'local', 'nobody validates the DNS here: see `dns.validator`'),
};

/** Without a DNSSEC validator, DNS delegates nothing. */
export const undelegated: SecureDelegation = { derivedDomains: [], expiresAtMs: null, dane: noValidator };

/** Whether the configuration names the target: then no DNS answer is involved that could expire. */
export const isFixedByOperator = ({
  secureDelegation,
  delegatedUntilMs,
}: Pick<Endpoint, 'secureDelegation' | 'delegatedUntilMs'>): boolean => secureDelegation && delegatedUntilMs === null;

/** The delegation found before the endpoint was dialled. */
export function delegationOf({
  host,
  expandedHost,
  secureDelegation,
  delegatedUntilMs,
  dane,
}: Endpoint): SecureDelegation {
  if (!secureDelegation) return { ...undelegated, dane };
  const derivedDomains = expandedHost === null ? [host] : [host, expandedHost];
  return { derivedDomains, expiresAtMs: delegatedUntilMs, dane };
}

/**
 * Owner name of a client's TLSA records, without a port (open in RFC 7712; Format 1 of draft-ietf-dance-client-auth).
 */
export const clientTlsaOwnerName = (domain: string): string => `_xmpp-server.${domain}`;

type Services = readonly DnsAnswer<SrvRecord>[];

/** RFC 7673 §3.1: a bogus answer ends the attempt, and a failed query does not mean "there is none" (S4). */
export function withheldBy(answers: readonly DnsAnswer<unknown>[]): Fault | null {
  const bogus = answers.find(({ status }) => status === 'bogus');
  if (bogus !== undefined) return fault('dns', 'bogus', 'dns', bogus.reason);
  const failed = answers.find(({ status }) => status === 'error');
  return failed === undefined ? null : fault('dns', 'lookup-failed', 'dns', failed.reason);
}

/** The targets of the signed answers, each once. */
export function secureTargets(services: Services): readonly SecureTarget[] {
  const secure = services.filter(({ status }) => status === 'secure').flatMap(({ records }) => records);
  const named = secure.filter(({ target }) => target !== '.');
  const byOwner = new Map(named.map(({ target, port }) => [`${port} ${target}`, { host: target, port }]));
  return [...byOwner.values()];
}

/**
 * The finding from all answers about a domain: its services, and the TLSA records at the relevant targets.
 * @param onlyUsage for a client only DANE-EE counts, as in Prosody; null for all usages
 * @param unasked how many targets were not queried
 */
export function findingOf(
  services: Services,
  tlsa: readonly TlsaAnswer[],
  atMs: number,
  onlyUsage: 3 | null,
  unasked = 0,
): SecureDelegationFinding {
  const withheld = withheldBy([...services, ...tlsa.map(({ answer }) => answer)]);
  if (withheld !== null) return { kind: 'withheld', fault: withheld };
  const targets = secureTargets(services);
  const untilMs = endOf(
    services.filter(({ status }) => status === 'secure'),
    atMs,
  );
  // An operator who publishes records of another usage should not read that there are none.
  const onlyThose = onlyUsage !== null && tlsa.some(({ answer }) => isSecureSet(answer)) ? ' of usage 3 (DANE-EE)' : '';
  const sets = tlsa.flatMap(({ owner, answer }) => secureSet(owner, answer, onlyUsage));
  const expiresAtMs = Math.min(untilMs, endOf(tlsa.map(({ answer }) => answer).filter(isSecureSet), atMs));
  return {
    kind: 'found',
    delegation: {
      derivedDomains: [...new Set(targets.map(({ host }) => host))],
      expiresAtMs: targets.length === 0 ? null : untilMs,
      dane:
        sets.length > 0
          ? { kind: 'tlsa', sets, expiresAtMs, unasked }
          : targets.length === 0
            ? noDane('insecure-delegation', 'no signed SRV record says where the domain is served')
            : noDane(
                'no-tlsa',
                `no signed TLSA record${onlyThose} at ${asked(targets.length - unasked, unasked)} of the domain`,
              ),
    },
  };
}

const asked = (count: number, unasked: number): string =>
  unasked === 0 ? 'the targets' : `the first ${count} targets, and ${unasked} further ones were not asked,`;

const isSecureSet = ({ status, records }: DnsAnswer<TlsaRecord>): boolean => status === 'secure' && records.length > 0;

/** Whether these client records decide alone: at least one is usable. Otherwise records at the targets are queried. */
export const decidesAlone = ({ answer }: TlsaAnswer): boolean =>
  isSecureSet(answer) && usableTlsa(answer.records.filter(({ usage }) => usage === USAGE.daneEe)).usable.length > 0;

function secureSet(owner: string, answer: DnsAnswer<TlsaRecord>, onlyUsage: 3 | null): TlsaSet[] {
  if (!isSecureSet(answer)) return [];
  const records = answer.records.filter(({ usage }) => onlyUsage === null || usage === onlyUsage);
  return records.length === 0 ? [] : [{ owner, records }];
}

const endOf = (answers: readonly DnsAnswer<unknown>[], atMs: number): number =>
  atMs + 1_000 * Math.min(...answers.map(({ ttlSeconds }) => ttlSeconds));
