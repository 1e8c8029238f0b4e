/** DNS data held in the process, for the demo, simulations and tests. */
import type { Clock, Resolver } from '../ports.ts';
import { literalAddress } from '../protocol/addresses.ts';
import type { AddressRecord, DnsAnswer, DnsStatus, SrvRecord } from '../protocol/dns.ts';
import type { TlsaRecord } from '../protocol/tlsa.ts';
import { systemClock } from '../adapters/clock.ts';

export interface TableEntry {
  readonly srv?: readonly SrvRecord[];
  readonly addresses?: readonly AddressRecord[];
  readonly tlsa?: readonly TlsaRecord[];
  /** The target of a CNAME at the host; the addresses are listed in this entry all the same. */
  readonly canonicalName?: string;
  /**
   * The DNSSEC status of the whole entry; any other than `secure` and `insecure` hides the records.
   * @defaultValue `insecure`
   */
  readonly status?: DnsStatus;
  readonly ttlSeconds?: number;
  /** The reason for `bogus` or `error`. */
  readonly reason?: string;
}

/** Keys are complete owner names: canonical hosts, or a domain with the prefix `_xmpp-server._tcp.`. */
export type DnsTable = Readonly<Record<string, TableEntry>>;

export interface TableResolver extends Resolver {
  /** Replaces the entry of one owner name; null removes it. Answers already under way are unchanged. */
  set(name: string, entry: TableEntry | null): void;
}

export interface TableResolverOptions {
  /** @defaultValue the system's clock */
  readonly clock?: Clock;
  /** How long each answer takes, in milliseconds. @defaultValue 0: the next microtask, with no timer */
  readonly delayMs?: number;
  /** Whether its answers count as those of a validator. @defaultValue false */
  readonly validates?: boolean;
}

/**
 * A resolver over a table. A name that is not in it is `nodata-insecure`, and so is a record type that its entry lacks.
 */
export function createTableResolver(table: DnsTable, options: TableResolverOptions = {}): TableResolver {
  const { clock = systemClock, delayMs = 0, validates = false } = options;
  const entries = new Map(Object.entries(table));

  function deliver<Record>(answer: DnsAnswer<Record>, signal: AbortSignal): Promise<DnsAnswer<Record>> {
    if (signal.aborted) return Promise.resolve(cancelled);
    if (delayMs === 0) return Promise.resolve(answer);
    return new Promise((resolve) => {
      const giveUp = () => {
        clock.clearTimeout(timer);
        resolve(cancelled);
      };
      const timer = clock.setTimeout(() => {
        signal.removeEventListener('abort', giveUp);
        resolve(answer);
      }, delayMs);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  return {
    validates,
    tlsa: (name, signal) => deliver(answerOf(entries.get(name), 'tlsa'), signal),
    srv: (name, signal) => deliver(answerOf(entries.get(name), 'srv'), signal),
    addresses: (host, signal) => {
      const literal = literalAddress(host);
      const entry = literal ? { addresses: [literal] } : entries.get(host);
      return deliver(answerOf(entry, 'addresses'), signal);
    },
    set: (name, entry) => {
      if (entry === null) entries.delete(name);
      else entries.set(name, entry);
    },
  };
}

const cancelled: DnsAnswer<never> = { status: 'error', records: [], ttlSeconds: 0, reason: 'cancelled' };

function answerOf<Type extends 'srv' | 'addresses' | 'tlsa'>(
  entry: TableEntry | undefined,
  type: Type,
): DnsAnswer<NonNullable<TableEntry[Type]>[number]> {
  const { status = 'insecure', ttlSeconds = 300, reason, canonicalName } = entry ?? {};
  const records = status === 'secure' || status === 'insecure' ? (entry?.[type] ?? []) : [];
  return {
    status: records.length > 0 ? status : withoutRecords(status),
    records,
    ttlSeconds,
    ...(reason === undefined ? {} : { reason }),
    ...(canonicalName === undefined ? {} : { canonicalName }),
  };
}

function withoutRecords(status: DnsStatus): DnsStatus {
  if (status === 'secure') return 'nodata-secure';
  return status === 'insecure' ? 'nodata-insecure' : status;
}
