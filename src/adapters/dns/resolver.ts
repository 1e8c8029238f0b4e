/** Names over plain DNS (RFC 6120 §3.2, RFC 8305 §3): no DNSSEC here, so no answer is ever `secure` or `bogus`. */
import type { RecordWithTtl } from 'node:dns';
import { isIP } from 'node:net';
import type { Clock, Resolver } from '../../ports.ts';
import { interleaveFamilies, literalAddress } from '../../protocol/addresses.ts';
import type { AddressRecord, DnsAnswer, SrvRecord } from '../../protocol/dns.ts';
import { canonicalDomain, isIpLiteral } from '../../protocol/names.ts';
import { systemClock } from '../clock.ts';
import { abandonable, followSignal, type Outcome, type Purpose, Queries } from './queries.ts';
import { systemAddresses } from './system-hosts.ts';

export interface ResolverOptions {
  /**
   * Servers to ask, and only these: `127.0.0.1`, `127.0.0.1@5399`, `127.0.0.1:5399`, `[::1]@5399`.
   * @defaultValue those of the system; hosts are then looked for in the hosts file first
   */
  readonly servers?: readonly string[];
  /** The longest that one look-up takes, in milliseconds, waiting for a free slot included. @defaultValue 5000 */
  readonly timeoutMs?: number;
  /** How often each server is asked within that time. @defaultValue 2 */
  readonly tries?: number;
  /** Queries under way at one time, for verification no more than half of these; further ones wait. Each holds a UDP socket. @defaultValue 100 */
  readonly maxQueries?: number;
  /** Look-ups that wait for their turn; further ones fail at once. @defaultValue 20000 */
  readonly maxWaiting?: number;
  /** @defaultValue the system's clock */
  readonly clock?: Clock;
}

/** c-ares in Node gives no TTL with SRV records: short, though deployed ones are kept for 5 minutes to a day. */
export const SRV_TTL_SECONDS = 30;
/** For "there is none": Node does not give the SOA, whose minimum RFC 2308 §5 asks for. */
export const NEGATIVE_TTL_SECONDS = 30;
/** For addresses of one family, where the other was not heard of in time. */
export const HALF_TTL_SECONDS = 30;
/** For what does not come from the DNS at all: IP literals and the hosts file. */
export const LOCAL_TTL_SECONDS = 30;
/** A day: longest that we believe a TTL, so that a slip in a zone does not stay for years. */
const MAX_TTL_SECONDS = 86_400;
/** Records taken from one answer; a message could hold thousands. */
export const MAX_RECORDS = 64;
/** How long a positive A answer waits for AAAA (RFC 8305 §3, "Resolution Delay"). */
export const RESOLUTION_DELAY_MS = 50;
/** How long a positive AAAA answer waits for A, where RFC 8305 §3 would start to connect. */
export const A_PATIENCE_MS = 1_000;

/**
 * A resolver over c-ares. Answers are `insecure`, `nodata-insecure` (NXDOMAIN, NODATA) or `error` with its reason.
 * @throws TypeError when a server is not an address with an optional port.
 */
export function createResolver(options: ResolverOptions = {}): Resolver {
  const { servers = [], timeoutMs = 5000, tries = 2, maxQueries = 100, maxWaiting = 20_000 } = options;
  const { clock = systemClock } = options;
  const queries = new Queries({ servers, timeoutMs, tries, maxQueries, maxWaiting, clock });

  async function srv(name: string, signal: AbortSignal, purpose: Purpose): Promise<DnsAnswer<SrvRecord>> {
    const outcome = await queries.ask((cares) => cares.resolveSrv(name), signal, purpose);
    if (outcome.kind !== 'found') return negative(outcome);
    return positive(outcome.found, toSrvRecord, SRV_TTL_SECONDS);
  }

  async function addresses(host: string, signal: AbortSignal, purpose: Purpose): Promise<DnsAnswer<AddressRecord>> {
    const literal = literalAddress(host);
    if (literal) return fromSystem([literal]);
    if (servers.length === 0) {
      const local = await queries.bounded((stop) => abandonable(systemAddresses(host), stop), signal, purpose);
      if (local.kind === 'failed') return negative(local);
      if (local.kind === 'found' && local.found.length > 0) return fromSystem(local.found);
    }
    return askBothFamilies(host, signal, purpose);
  }

  /**
   * AAAA and A at once (RFC 8305 §3). A found first waits {@link RESOLUTION_DELAY_MS} for AAAA. AAAA found first waits
   * {@link A_PATIENCE_MS} for A: the answer is one list, and a host whose IPv6 is broken must still be reached.
   */
  async function askBothFamilies(
    host: string,
    signal: AbortSignal,
    purpose: Purpose,
  ): Promise<DnsAnswer<AddressRecord>> {
    const [patience6, patience4] = [followSignal(signal), followSignal(signal)];
    let pending = 2;
    let timer: unknown = null;
    const thenWaitFor = (other: typeof patience4, ms: number) => (outcome: Outcome<RecordWithTtl>) => {
      pending -= 1;
      if (pending > 0 && outcome.kind === 'found') {
        timer = clock.setTimeout(() => other.abort(`the other family came ${ms} ms ago`), ms);
      }
      return outcome;
    };
    const [outcome6, outcome4] = await Promise.all([
      queries
        .ask((cares) => cares.resolve6(host, { ttl: true }), patience6.signal, purpose)
        .then(thenWaitFor(patience4, A_PATIENCE_MS)),
      queries
        .ask((cares) => cares.resolve4(host, { ttl: true }), patience4.signal, purpose)
        .then(thenWaitFor(patience6, RESOLUTION_DELAY_MS)),
    ]);
    if (timer !== null) clock.clearTimeout(timer);
    patience6.unfollow();
    patience4.unfollow();

    const outcomes = [outcome6, outcome4];
    const found = outcomes.flatMap((outcome) => (outcome.kind === 'found' ? outcome.found : []));
    if (found.length > 0) {
      const isHalf = outcomes.some(({ kind }) => kind === 'failed');
      const ttl = Math.min(...found.map((record) => record.ttl), isHalf ? HALF_TTL_SECONDS : Infinity);
      const answer = positive(found, toAddressRecord, ttl);
      return { ...answer, records: inOrder(answer.records) };
    }
    // One family refused or silent, the other empty: unknown, not "there is none".
    return negative(outcome6.kind === 'failed' ? outcome6 : outcome4);
  }

  return {
    // An IP literal has no services in the DNS; asking would only leak it to the root servers.
    srv: (name, signal, { purpose = 'stanzas' } = {}) =>
      isIpLiteral(ownerDomain(name)) ? Promise.resolve(negative({ kind: 'absent' })) : srv(name, signal, purpose),
    addresses: (host, signal, { purpose = 'stanzas' } = {}) => addresses(host, signal, purpose),
  };
}

function negative(outcome: Outcome<unknown>): DnsAnswer<never> {
  return outcome.kind === 'failed'
    ? { status: 'error', records: [], ttlSeconds: 0, reason: outcome.reason }
    : { status: 'nodata-insecure', records: [], ttlSeconds: NEGATIVE_TTL_SECONDS };
}

/** What came over the network, made fit: bounded in number, each record checked, and said so when some were dropped. */
function positive<Found, Fit>(
  found: readonly Found[],
  fit: (found: Found) => Fit | null,
  ttlSeconds: number,
): DnsAnswer<Fit> {
  const fitting = found.map(fit).filter((record) => record !== null);
  const records = fitting.slice(0, MAX_RECORDS);
  const reasons = [
    ...(fitting.length < found.length
      ? [`${found.length - fitting.length} of ${found.length} records are invalid`]
      : []),
    ...(records.length < fitting.length ? [`only ${MAX_RECORDS} of ${fitting.length} records are kept`] : []),
  ];
  const answer = { status: 'insecure', records, ttlSeconds: Math.min(ttlSeconds, MAX_TTL_SECONDS) } as const;
  return reasons.length === 0 ? answer : { ...answer, reason: reasons.join('; ') };
}

interface CaresSrv {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** Null for a target that is no host name: RFC 2782 wants one that has address records, so no IP literal either. */
function toSrvRecord({ name, port, priority, weight }: CaresSrv): SrvRecord | null {
  if (name === '' || name === '.') return { priority, weight, port, target: '.' };
  const target = canonicalDomain(name);
  return target === null || isIpLiteral(target) || port === 0 ? null : { priority, weight, port, target };
}

function toAddressRecord({ address }: { readonly address: string }): AddressRecord | null {
  const family = isIP(address);
  return family === 4 || family === 6 ? { family, address } : null;
}

function fromSystem(found: readonly AddressRecord[]): DnsAnswer<AddressRecord> {
  return { status: 'insecure', records: inOrder(found).slice(0, MAX_RECORDS), ttlSeconds: LOCAL_TTL_SECONDS };
}

function inOrder(addresses: readonly AddressRecord[]): AddressRecord[] {
  return interleaveFamilies([...addresses].sort((a, b) => b.family - a.family));
}

/** `example.net` of `_xmpp-server._tcp.example.net`. */
function ownerDomain(name: string): string {
  return name.replace(/^(?:_[^.]*\.)+/, '');
}
