/** Looks up services and addresses of domains (RFC 6120 §3.2, RFC 8305 §3) in any source. */
import { isIP } from 'node:net';
import type { Clock, Resolver } from '../../ports.ts';
import { interleaveFamilies, literalAddress } from '../../protocol/addresses.ts';
import type { AddressRecord, DnsAnswer, SrvRecord } from '../../protocol/dns.ts';
import { canonicalDomain, isIpLiteral } from '../../protocol/names.ts';
import type { TlsaRecord } from '../../protocol/tlsa.ts';
import { systemClock } from '../clock.ts';
import { abandonable, type Follower, followSignal, type Purpose } from '../bounded.ts';
import { createCaresSource } from './cares.ts';
import { boundedLookUps } from './look-ups.ts';
import type { NameSource, Outcome, SrvFields } from './outcome.ts';
import { systemAddresses } from './system-hosts.ts';

export interface ResolverOptions {
  /**
   * The only servers to ask: `127.0.0.1`, `127.0.0.1@5399`, `127.0.0.1:5399`, `[::1]@5399`.
   * @defaultValue those of the system; hosts are then looked up in the hosts file first
   */
  readonly servers?: readonly string[];
  /** Time limit for one look-up, in milliseconds, including the wait for a free slot. @defaultValue 5000 */
  readonly timeoutMs?: number;
  /** How often each server is asked within that time. @defaultValue 2 */
  readonly tries?: number;
  /**
   * Queries under way at one time, at most half of them for verification; further ones wait. Each holds a UDP socket.
   * @defaultValue 100
   */
  readonly maxQueries?: number;
  /** Look-ups that may wait for their turn; further ones fail at once. @defaultValue 20000 */
  readonly maxWaiting?: number;
  /** @defaultValue the system's clock */
  readonly clock?: Clock;
}

/** For the addresses of one family when there was no answer about the other one in time. */
export const HALF_TTL_SECONDS = 30;
/** For answers that do not come from the DNS at all: IP literals and the hosts file. */
const LOCAL_TTL_SECONDS = 30;
export const TIMEOUT_MS = 5_000;
/** A day: the longest TTL that we accept, so that a mistake in a zone does not last for years. */
const MAX_TTL_SECONDS = 86_400;
/** Most records taken from one answer; a message could hold thousands. */
export const MAX_RECORDS = 64;
/** How long a positive A answer waits for AAAA (RFC 8305 §3, "Resolution Delay"). */
export const RESOLUTION_DELAY_MS = 50;
/** How long a positive AAAA answer waits for A, where RFC 8305 §3 would start to connect. */
export const A_PATIENCE_MS = 1_000;

/**
 * A resolver over plain DNS. Answers are `insecure`, `nodata-insecure` (NXDOMAIN, NODATA) or `error` with its reason.
 * @throws TypeError when a server is not an address with an optional port.
 */
export function createResolver(options: ResolverOptions = {}): Resolver {
  const { servers = [], timeoutMs = TIMEOUT_MS, tries = 2, clock = systemClock } = options;
  return resolverOver(createCaresSource({ servers, timeoutMs, tries, clock }), options);
}

/** A resolver over any source, with the bounds of `options`. */
export function resolverOver(source: NameSource, options: Omit<ResolverOptions, 'tries'>): Resolver {
  const { servers = [], timeoutMs = TIMEOUT_MS, maxQueries = 100, maxWaiting = 20_000, clock = systemClock } = options;
  const lookUp = boundedLookUps({ timeoutMs, most: maxQueries, mostWaiting: maxWaiting, clock });

  async function srv(name: string, signal: AbortSignal, purpose: Purpose): Promise<DnsAnswer<SrvRecord>> {
    return answerOf(await lookUp((stop) => source.srv(name, stop), signal, purpose), toSrvRecord);
  }

  async function tlsa(name: string, signal: AbortSignal, purpose: Purpose): Promise<DnsAnswer<TlsaRecord>> {
    const { tlsa: ask } = source;
    if (ask === null || isIpLiteral(ownerDomain(name))) return noServices;
    // None is dropped except by MAX_RECORDS: a set without usable records is not the same as no set (RFC 7673 §4.1).
    return answerOf(await lookUp((stop) => ask(name, stop), signal, purpose), (record) => record);
  }

  async function addresses(host: string, signal: AbortSignal, purpose: Purpose): Promise<DnsAnswer<AddressRecord>> {
    const literal = literalAddress(host);
    if (literal) return fromSystem([literal]);
    if (servers.length === 0) {
      const local = await lookUp((stop) => abandonable(fromThisMachine(host), stop), signal, purpose);
      if (local.kind === 'failed') return negative(local);
      if (local.kind === 'found') return fromSystem(local.found);
    }
    return askBothFamilies(host, signal, purpose);
  }

  /**
   * Asks for AAAA and A at once (RFC 8305 §3). A found first waits {@link RESOLUTION_DELAY_MS} for AAAA; AAAA found
   * first waits {@link A_PATIENCE_MS} for A: the answer is one list, and a host with broken IPv6 must still be reached.
   */
  async function askBothFamilies(
    host: string,
    signal: AbortSignal,
    purpose: Purpose,
  ): Promise<DnsAnswer<AddressRecord>> {
    const [patience6, patience4] = [followSignal(signal), followSignal(signal)];
    let pending = 2;
    let timer: unknown = null;
    const ask = async (family: 4 | 6, own: Follower, other: Follower, patienceMs: number) => {
      const outcome = await lookUp((stop) => source.addresses(host, family, stop), own.signal, purpose);
      pending -= 1;
      if (pending > 0 && outcome.kind === 'found') {
        timer = clock.setTimeout(() => other.abort(`the other family came ${patienceMs} ms ago`), patienceMs);
      }
      return outcome;
    };
    const outcomes = await Promise.all([
      ask(6, patience6, patience4, A_PATIENCE_MS),
      ask(4, patience4, patience6, RESOLUTION_DELAY_MS),
    ]);
    if (timer !== null) clock.clearTimeout(timer);
    patience6.unfollow();
    patience4.unfollow();
    const answer = answerOf(bothFamilies(outcomes), toAddressRecord);
    return { ...answer, records: inOrder(answer.records) };
  }

  return {
    validates: source.tlsa !== null,
    tlsa: (name, signal, { purpose = 'stanzas' } = {}) => tlsa(name, signal, purpose),
    // An IP literal has no services in the DNS; asking would only leak it to the root servers.
    srv: (name, signal, { purpose = 'stanzas' } = {}) =>
      isIpLiteral(ownerDomain(name)) ? Promise.resolve(noServices) : srv(name, signal, purpose),
    addresses: (host, signal, { purpose = 'stanzas' } = {}) => addresses(host, signal, purpose),
  };
}

const noServices: DnsAnswer<never> = { status: 'nodata-insecure', records: [], ttlSeconds: LOCAL_TTL_SECONDS };

/**
 * Merges two outcomes. If either family is bogus, no address of the host is dialled (RFC 7673 §3.2). If one family is
 * refused or silent and the other empty, the result is unknown, not "there is none".
 */
function bothFamilies(outcomes: readonly Outcome<string>[]): Outcome<string> {
  const bogus = outcomes.find(({ kind }) => kind === 'bogus');
  if (bogus !== undefined) return bogus;
  const found = outcomes.filter((outcome) => outcome.kind === 'found');
  const failed = outcomes.find(({ kind }) => kind === 'failed');
  const absent = outcomes.filter((outcome) => outcome.kind === 'absent');
  if (found.length === 0 && failed !== undefined) return failed;
  const heard = found.length > 0 ? found : absent;
  return {
    kind: found.length > 0 ? 'found' : 'absent',
    found: found.flatMap((outcome) => outcome.found),
    secure: heard.every(({ secure }) => secure),
    ttlSeconds: Math.min(
      ...heard.map(({ ttlSeconds }) => ttlSeconds),
      failed === undefined ? Infinity : HALF_TTL_SECONDS,
    ),
    canonicalName: agreed(found.map(({ canonicalName }) => canonicalName)),
  };
}

/** Null when they differ: then neither name stands for the whole answer. */
function agreed(names: readonly (string | null)[]): string | null {
  const distinct = new Set(names.map((name) => (name === null ? null : canonicalDomain(name))));
  const [first = null] = distinct;
  return distinct.size === 1 ? first : null;
}

function negative(outcome: Exclude<Outcome<never>, { kind: 'found' }>): DnsAnswer<never> {
  if (outcome.kind === 'bogus') return { status: 'bogus', records: [], ttlSeconds: 0, reason: outcome.reason };
  if (outcome.kind === 'failed') return { status: 'error', records: [], ttlSeconds: 0, reason: outcome.reason };
  const { secure, ttlSeconds } = outcome;
  return { status: secure ? 'nodata-secure' : 'nodata-insecure', records: [], ttlSeconds };
}

/** Bounds the number of records from the network and checks each of them; `reason` tells when some were dropped. */
function answerOf<Found, Fit>(outcome: Outcome<Found>, fit: (found: Found) => Fit | null): DnsAnswer<Fit> {
  if (outcome.kind !== 'found') return negative(outcome);
  const { found, secure, ttlSeconds } = outcome;
  const canonicalName = agreed([outcome.canonicalName]);
  const fitting = found.map(fit).filter((record) => record !== null);
  const records = fitting.slice(0, MAX_RECORDS);
  const reasons = [
    ...(fitting.length < found.length
      ? [`${found.length - fitting.length} of ${found.length} records are invalid`]
      : []),
    ...(records.length < fitting.length ? [`only ${MAX_RECORDS} of ${fitting.length} records are kept`] : []),
  ];
  return {
    status: secure ? 'secure' : 'insecure',
    records,
    ttlSeconds: Math.min(ttlSeconds, MAX_TTL_SECONDS),
    ...(canonicalName === null || isIpLiteral(canonicalName) ? {} : { canonicalName }),
    ...(reasons.length === 0 ? {} : { reason: reasons.join('; ') }),
  };
}

/** Null for port 0, or a target that is no host name: RFC 2782 requires address records, so no IP literal either. */
function toSrvRecord({ target: name, port, priority, weight }: SrvFields): SrvRecord | null {
  if (name === '' || name === '.') return { priority, weight, port, target: '.' };
  const target = canonicalDomain(name);
  return target === null || isIpLiteral(target) || port === 0 ? null : { priority, weight, port, target };
}

function toAddressRecord(address: string): AddressRecord | null {
  const family = isIP(address);
  return family === 4 || family === 6 ? { family, address } : null;
}

async function fromThisMachine(host: string): Promise<Outcome<AddressRecord>> {
  const found = await systemAddresses(host);
  const common = { secure: false, ttlSeconds: LOCAL_TTL_SECONDS };
  return found.length === 0 ? { kind: 'absent', ...common } : { kind: 'found', found, ...common, canonicalName: null };
}

function fromSystem(found: readonly AddressRecord[]): DnsAnswer<AddressRecord> {
  return { status: 'insecure', records: inOrder(found).slice(0, MAX_RECORDS), ttlSeconds: LOCAL_TTL_SECONDS };
}

function inOrder(addresses: readonly AddressRecord[]): AddressRecord[] {
  return interleaveFamilies([...addresses].sort((a, b) => b.family - a.family));
}

/** The domain in an owner name: `example.net` in `_xmpp-server._tcp.example.net`. */
function ownerDomain(name: string): string {
  return name.replace(/^(?:_[^.]*\.)+/, '');
}
