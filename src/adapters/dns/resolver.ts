/** Names over plain DNS (RFC 6120 §3.2, RFC 8305 §3): no DNSSEC here, so no answer is ever `secure` or `bogus`. */
import { Resolver as CaresResolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Clock, Resolver } from '../../ports.ts';
import { interleaveFamilies, literalAddress } from '../../protocol/addresses.ts';
import type { AddressRecord, DnsAnswer, SrvRecord } from '../../protocol/dns.ts';
import { canonicalDomain, isIpLiteral } from '../../protocol/names.ts';
import { systemClock } from '../clock.ts';
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
  /** Queries under way at one time; further ones wait. Each holds a UDP socket. @defaultValue 100 */
  readonly maxQueries?: number;
  /** @defaultValue the system's clock */
  readonly clock?: Clock;
}

/** c-ares in Node 20 gives no TTL with SRV records; deployed ones are kept for 5 minutes to a day. */
export const SRV_TTL_SECONDS = 300;
/** For "there is none": Node does not give the SOA, so this is short (RFC 2308 §5 asks for the SOA's minimum). */
export const NEGATIVE_TTL_SECONDS = 60;
/** For what does not come from the DNS at all: IP literals and the hosts file. */
export const LOCAL_TTL_SECONDS = 60;
/** A day: longest that we believe a TTL, so that a slip in a zone does not stay for years. */
const MAX_TTL_SECONDS = 86_400;
/** Records taken from one answer; a message could hold thousands. */
export const MAX_RECORDS = 64;
/** How long a positive A answer waits for AAAA (RFC 8305 §3, "Resolution Delay"). */
export const RESOLUTION_DELAY_MS = 50;

/**
 * A resolver over c-ares. Answers are `insecure`, `nodata-insecure` (NXDOMAIN, NODATA) or `error` with its reason.
 * @throws TypeError when a server is not an address with an optional port.
 */
export function createResolver(options: ResolverOptions = {}): Resolver {
  const { timeoutMs = 5000, tries = 2, clock = systemClock } = options;
  const servers = options.servers?.map(toCaresServer) ?? [];
  const slots = createSlots(options.maxQueries ?? 100);
  // c-ares goes round all servers and doubles its patience each round; all rounds have to fit into timeoutMs.
  const firstTryMs = Math.max(1, Math.floor(timeoutMs / (Math.max(1, servers.length) * (2 ** tries - 1))));

  async function bounded<Found>(
    look: (stop: AbortSignal) => Promise<readonly Found[]>,
    signal: AbortSignal,
  ): Promise<Outcome<Found>> {
    const limit = followSignal(signal);
    const timer = clock.setTimeout(() => limit.abort(`no answer within ${timeoutMs} ms`), timeoutMs);
    const release = await slots.take(limit.signal);
    try {
      if (release === null) return { kind: 'failed', reason: String(limit.signal.reason) };
      return { kind: 'found', found: await look(limit.signal) };
    } catch (thrown) {
      if (limit.signal.aborted) return { kind: 'failed', reason: String(limit.signal.reason) };
      return failedQuery(thrown);
    } finally {
      clock.clearTimeout(timer);
      limit.unfollow();
      release?.();
    }
  }

  /** One query on a c-ares channel of its own, since cancelling a channel cancels everything on it. Costs about 60 µs. */
  function ask<Found>(query: (cares: CaresResolver) => Promise<Found[]>, signal: AbortSignal): Promise<Outcome<Found>> {
    return bounded((stop) => {
      const cares = new CaresResolver({ timeout: firstTryMs, tries });
      if (servers.length > 0) cares.setServers(servers);
      stop.addEventListener('abort', () => cares.cancel(), { once: true });
      return query(cares);
    }, signal);
  }

  async function srv(name: string, signal: AbortSignal): Promise<DnsAnswer<SrvRecord>> {
    const outcome = await ask((cares) => cares.resolveSrv(name), signal);
    if (outcome.kind !== 'found') return negative(outcome);
    return positive(outcome.found, toSrvRecord, SRV_TTL_SECONDS);
  }

  async function addresses(host: string, signal: AbortSignal): Promise<DnsAnswer<AddressRecord>> {
    const literal = literalAddress(host);
    if (literal) return fromSystem([literal]);
    if (servers.length === 0) {
      const local = await bounded((stop) => abandonable(systemAddresses(host), stop), signal);
      if (local.kind === 'failed') return negative(local);
      if (local.kind === 'found' && local.found.length > 0) return fromSystem(local.found);
    }
    return askBothFamilies(host, signal);
  }

  /**
   * AAAA and A at once (RFC 8305 §3). A found first waits {@link RESOLUTION_DELAY_MS} for AAAA, no longer. AAAA found first
   * waits for A to its end: the answer is one list, and a host whose IPv6 is broken must still be reached.
   */
  async function askBothFamilies(host: string, signal: AbortSignal): Promise<DnsAnswer<AddressRecord>> {
    const patience = followSignal(signal);
    const asked6 = ask((cares) => cares.resolve6(host, { ttl: true }), patience.signal);
    const outcome4 = await ask((cares) => cares.resolve4(host, { ttl: true }), signal);
    const timer =
      outcome4.kind === 'found'
        ? clock.setTimeout(() => patience.abort(`A came ${RESOLUTION_DELAY_MS} ms ago`), RESOLUTION_DELAY_MS)
        : null;
    const outcome6 = await asked6;
    if (timer !== null) clock.clearTimeout(timer);
    patience.unfollow();

    const found = [outcome6, outcome4].flatMap((outcome) => (outcome.kind === 'found' ? outcome.found : []));
    if (found.length > 0) {
      const answer = positive(found, toAddressRecord, Math.min(...found.map(({ ttl }) => ttl)));
      return { ...answer, records: inOrder(answer.records) };
    }
    // One family refused or silent, the other empty: unknown, not "there is none".
    return negative(outcome6.kind === 'failed' ? outcome6 : outcome4);
  }

  return {
    // An IP literal has no services in the DNS; asking would only leak it to the root servers.
    srv: (name, signal) =>
      isIpLiteral(ownerDomain(name)) ? Promise.resolve(negative({ kind: 'absent' })) : srv(name, signal),
    addresses,
  };
}

type Outcome<Found> =
  | { readonly kind: 'found'; readonly found: readonly Found[] }
  | { readonly kind: 'absent' }
  | { readonly kind: 'failed'; readonly reason: string };

function failedQuery(thrown: unknown): Outcome<never> {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown);
  if (code === 'ENOTFOUND' || code === 'ENODATA') return { kind: 'absent' };
  return { kind: 'failed', reason: CARES_REASONS[code] ?? code };
}

const CARES_REASONS: Readonly<Record<string, string>> = {
  ESERVFAIL: 'SERVFAIL',
  EREFUSED: 'REFUSED',
  ENOTIMP: 'NOTIMP',
  EFORMERR: 'FORMERR',
  ETIMEOUT: 'TIMEOUT: no server answered',
  ECONNREFUSED: 'no server could be reached',
  EBADRESP: 'a server answered what is no DNS message',
  EBADNAME: 'not a name that DNS can hold',
};

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

/** `192.0.2.1@53` and its kin, in the form that c-ares takes. */
function toCaresServer(server: string): string {
  const [, host = server, port = '53'] = isIP(server) ? [] : (/^(.+?)(?:[@:](\d{1,5}))?$/.exec(server) ?? []);
  const address = /^\[(.+)\]$/.exec(host)?.[1] ?? host;
  const family = isIP(address);
  if (family === 0 || Number(port) === 0 || Number(port) > 65_535) {
    throw new TypeError(`not the address of a name server: ${server}`);
  }
  return family === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}

/** An abort controller that also follows `signal`, until `unfollow`: outer signals may live for days. */
function followSignal(signal: AbortSignal) {
  const controller = new AbortController();
  const follow = () => controller.abort('cancelled');
  if (signal.aborted) follow();
  else signal.addEventListener('abort', follow, { once: true });
  return {
    signal: controller.signal,
    abort: (why: string) => controller.abort(why),
    unfollow: () => signal.removeEventListener('abort', follow),
  };
}

/** Settles when `work` does, or rejects when `stop` fires; for work that cannot be cancelled. */
function abandonable<T>(work: Promise<T>, stop: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    stop.addEventListener('abort', () => reject(new Error(String(stop.reason))), { once: true });
    work.then(resolve, reject);
  });
}

/** A counting semaphore, first come first served. */
function createSlots(size: number) {
  let free = size;
  const waiting = new Set<() => void>();
  const release = () => {
    free += 1;
    const [next] = waiting;
    next?.();
  };
  return {
    /** Answers the release of a slot, or null if `signal` came first. */
    take: (signal: AbortSignal): Promise<(() => void) | null> =>
      new Promise((resolve) => {
        const giveUp = () => {
          waiting.delete(enter);
          resolve(null);
        };
        const enter = () => {
          waiting.delete(enter);
          signal.removeEventListener('abort', giveUp);
          free -= 1;
          resolve(release);
        };
        if (signal.aborted) {
          resolve(null);
        } else if (free > 0) {
          enter();
        } else {
          waiting.add(enter);
          signal.addEventListener('abort', giveUp, { once: true });
        }
      }),
  };
}
