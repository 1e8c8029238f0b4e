/**
 * The DNS of a case: records published by a name server on loopback, and queried there. They are not signed; signed
 * ones are in signed-dns.ts.
 */
import { limits } from '../../machines/limits.ts';
import { createResolver } from '../../src/adapters/dns/resolver.ts';
import type { Clock, Resolver } from '../../src/ports.ts';
import type { TableEntry } from '../../src/simulation/table-dns.ts';
import { type DnsRecord, startDnsServer } from '../support/dns-server.ts';

export type Published = Pick<TableEntry, 'srv' | 'addresses'>;

export interface AskedResolver extends Resolver {
  /** Replaces what is published at one owner name. */
  set(name: string, records: Published): void;
  /** From now on, queries for the name get no answer. */
  silence(name: string): void;
}

export interface AskedDns {
  readonly resolver: AskedResolver;
  close(): Promise<void>;
}

export async function startAskedDns(clock: Clock): Promise<AskedDns> {
  const server = await startDnsServer();
  // The resolver waits for a silent server as long as the charts do.
  const asked = createResolver({ servers: [server.address], timeoutMs: limits.servicesMs, clock });
  return {
    resolver: {
      ...asked,
      set: (name, records) => server.set(name, recordsOf(records)),
      silence: (name) => server.fail(name, 'silent'),
    },
    close: () => server.close(),
  };
}

const recordsOf = ({ srv = [], addresses = [] }: Published): DnsRecord[] => [
  ...srv.map(({ target, port, priority, weight }) => ({ type: 'SRV' as const, target, port, priority, weight })),
  ...addresses.map(({ family, address }) => ({ type: family === 4 ? ('A' as const) : ('AAAA' as const), address })),
];
