/**
 * What a table says, published by a name server on loopback and asked for there. What only signatures could say (`secure`, `bogus`)
 * is the table's word: cases in which that fails have signed zones, and a validator.
 */
import { createResolver } from '../../src/adapters/dns/resolver.ts';
import type { Clock } from '../../src/ports.ts';
import type { DnsAnswer } from '../../src/protocol/dns.ts';
import { createTableResolver, type TableEntry, type TableResolver } from '../../src/simulation/table-dns.ts';
import { type DnsRecord, startDnsServer } from '../support/dns-server.ts';

export interface AskedDns {
  readonly resolver: TableResolver;
  close(): Promise<void>;
}

export async function startAskedDns(clock: Clock): Promise<AskedDns> {
  const table = createTableResolver({}, { validates: true });
  const server = await startDnsServer();
  const asked = createResolver({ servers: [server.address], clock });
  const resolver: TableResolver = {
    validates: true,
    srv: async (name, signal, options) =>
      unlessSigned(await table.srv(name, signal), () => asked.srv(name, signal, options)),
    addresses: async (host, signal, options) =>
      unlessSigned(await table.addresses(host, signal), () => asked.addresses(host, signal, options)),
    tlsa: (name, signal) => table.tlsa(name, signal), // of which only signed ones count
    set: (name, entry) => {
      table.set(name, entry);
      server.set(name, entry === null ? [] : recordsOf(entry));
    },
  };
  return { resolver, close: () => server.close() };
}

const UNSIGNED: ReadonlySet<DnsAnswer<unknown>['status']> = new Set(['insecure', 'nodata-insecure']);

const unlessSigned = <Record>(
  told: DnsAnswer<Record>,
  ask: () => Promise<DnsAnswer<Record>>,
): Promise<DnsAnswer<Record>> => (UNSIGNED.has(told.status) ? ask() : Promise.resolve(told));

const recordsOf = ({ srv = [], addresses = [] }: TableEntry): DnsRecord[] => [
  ...srv.map(({ target, port, priority, weight }) => ({ type: 'SRV' as const, target, port, priority, weight })),
  ...addresses.map(({ family, address }) => ({ type: family === 4 ? ('A' as const) : ('AAAA' as const), address })),
];
