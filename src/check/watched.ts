/** Ports that report what passes through them: DNS answers as steps, and the first bytes from a far end. */
import type { Clock, Connection, Network, Resolver } from '../ports.ts';
import type { DnsAnswer } from '../protocol/dns.ts';
import { formatTlsa } from '../protocol/tlsa.ts';
import type { Told } from './steps.ts';

/** Reports a step that began at `sinceMs`. */
export type TellSince = (step: Told, sinceMs: number) => void;

/** Maximum number of records shown in one step. */
const MAX_TOLD = 16;

/** @param isIgnored the answer must not be trusted, and was asked for only so that it can be mentioned */
export function dnsStep<Record>(
  question: string,
  answer: DnsAnswer<Record>,
  format: (record: Record) => string,
  isIgnored = false,
): Told {
  const { status, records, ttlSeconds, reason, canonicalName } = answer;
  return {
    state: 'dnsResolution',
    outcome: status,
    evidence: {
      question,
      records: records.slice(0, MAX_TOLD).map(format),
      ttlSeconds,
      ...(reason === undefined ? {} : { reason }),
      ...(canonicalName === undefined ? {} : { canonicalName }),
      ...(isIgnored ? { ignored: true } : {}),
    },
  };
}

export function watchedResolver(resolver: Resolver, clock: Clock, tell: TellSince): Resolver {
  const watch = async <Record>(
    question: string,
    asked: Promise<DnsAnswer<Record>>,
    format: (record: Record) => string,
  ): Promise<DnsAnswer<Record>> => {
    const sinceMs = clock.now();
    const answer = await asked;
    tell(dnsStep(question, answer, format), sinceMs);
    return answer;
  };
  return {
    validates: resolver.validates,
    srv: (name, signal, options) =>
      watch(
        `SRV ${name}`,
        resolver.srv(name, signal, options),
        ({ priority, weight, port, target }) => `${priority} ${weight} ${port} ${target}`,
      ),
    addresses: (host, signal, options) =>
      watch(`A, AAAA ${host}`, resolver.addresses(host, signal, options), ({ address }) => address),
    tlsa: (name, signal, options) => watch(`TLSA ${name}`, resolver.tlsa(name, signal, options), formatTlsa),
  };
}

/** Enough to distinguish XML, TLS, HTTP and mail. */
const FIRST_BYTES = 64;

/** @param heard called with the first unencrypted bytes of each connection */
export function watchedNetwork(network: Network, heard: (bytes: Buffer) => void): Network {
  return {
    listen: (options, accept) => network.listen(options, accept),
    connect: (options, events): Connection => {
      let isFirst = true;
      return network.connect(options, {
        connected: (info) => events.connected(info),
        data: (bytes) => {
          if (isFirst) heard(bytes.subarray(0, FIRST_BYTES));
          isFirst = false;
          events.data(bytes);
        },
        secured: (session) => {
          isFirst = false; // bytes under TLS do not count as first bytes
          events.secured(session);
        },
        drained: () => events.drained(),
        closed: (what) => events.closed(what),
      });
    },
  };
}
