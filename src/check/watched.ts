/** Ports that tell what comes through them: DNS answers as steps, and the first bytes that a far end says. */
import type { Clock, Connection, Network, Resolver } from '../ports.ts';
import type { DnsAnswer } from '../protocol/dns.ts';
import { formatTlsa } from '../protocol/tlsa.ts';
import type { Told } from './steps.ts';

/** Tells a step that began at `sinceMs`. */
export type TellSince = (step: Told, sinceMs: number) => void;

/** Records told of in one step. */
const MAX_TOLD = 16;

/** @param isIgnored of an answer that nobody may believe, asked for only so that it can be said */
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

/** Enough to tell XML, TLS, HTTP and mail apart. */
const FIRST_BYTES = 64;

/** @param heard is told the first plain bytes of each connection */
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
          isFirst = false; // what comes under TLS was said to us alone
          events.secured(session);
        },
        drained: () => events.drained(),
        closed: (what) => events.closed(what),
      });
    },
  };
}
