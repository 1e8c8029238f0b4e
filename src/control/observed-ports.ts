/** The manager's ports, with a record of every DNS and POSH answer. */
import type { LookUpOptions, PoshSource, Ports, Resolver } from '../ports.ts';
import type { AddressRecord, DnsAnswer, SrvRecord } from '../protocol/dns.ts';
import { toFault } from '../protocol/faults.ts';
import { formatTlsa, type TlsaRecord } from '../protocol/tlsa.ts';
import type { DnsFinding } from '../trace/record.ts';
import type { Recorder } from './recorder.ts';

/** Records kept of one answer, and characters kept of each. */
const RECORDS_SHOWN = 16;
const RECORD_CHARS = 200;

export function observedPorts(ports: Ports, recorder: Recorder): Ports {
  const { posh, clock } = ports;
  return {
    ...ports,
    resolver: observedResolver(ports.resolver, clock, recorder),
    ...(posh === undefined ? {} : { posh: observedPosh(posh, clock, recorder) }),
  };
}

function observedResolver(resolver: Resolver, clock: Ports['clock'], recorder: Recorder): Resolver {
  const observed =
    <Record>(
      type: DnsFinding['type'],
      ask: (question: string, signal: AbortSignal, options?: LookUpOptions) => Promise<DnsAnswer<Record>>,
      show: (record: Record) => string,
    ) =>
    async (question: string, signal: AbortSignal, options?: LookUpOptions): Promise<DnsAnswer<Record>> => {
      const sinceMs = clock.now();
      const answer = await ask(question, signal, options);
      if (recorder.isOn) {
        const { status, reason = null, records, ttlSeconds } = answer;
        const data = records.slice(0, RECORDS_SHOWN).map((record) => show(record).slice(0, RECORD_CHARS));
        const ms = clock.now() - sinceMs;
        const finding = { question, type, status, reason, count: records.length, data, ttlSeconds, ms };
        recorder.record('', { kind: 'dns', ...finding });
      }
      return answer;
    };
  const showSrv = ({ priority, weight, port, target }: SrvRecord): string => `${priority} ${weight} ${port} ${target}`;
  const showAddress = ({ address }: AddressRecord): string => address;
  return {
    // A getter, not a spread of the resolver: an embedder's resolver may not survive being copied.
    get validates() {
      return resolver.validates;
    },
    srv: observed<SrvRecord>('SRV', (...asked) => resolver.srv(...asked), showSrv),
    tlsa: observed<TlsaRecord>('TLSA', (...asked) => resolver.tlsa(...asked), formatTlsa),
    addresses: observed<AddressRecord>('addresses', (...asked) => resolver.addresses(...asked), showAddress),
  };
}

const observedPosh = (posh: PoshSource, clock: Ports['clock'], recorder: Recorder): PoshSource => ({
  fetch: async (domain, service, signal, options) => {
    const sinceMs = clock.now();
    const tell = (found: { url: string; fingerprints: number; expiresAtMs: number } | null, thrown: unknown): void => {
      recorder.record('', {
        kind: 'posh',
        domain,
        outcome: found === null ? 'failed' : 'found',
        url: found?.url ?? null,
        fingerprints: found?.fingerprints ?? 0,
        expiresAtMs: found?.expiresAtMs ?? null,
        fault: found === null ? toFault(thrown, 'posh') : null,
        ms: clock.now() - sinceMs,
      });
    };
    try {
      const material = await posh.fetch(domain, service, signal, options);
      const { url, fingerprints, expiresAtMs } = material;
      tell({ url, fingerprints: fingerprints.length, expiresAtMs }, null);
      return material;
    } catch (error) {
      tell(null, error);
      throw error;
    }
  },
});
