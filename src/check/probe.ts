/** Probes that decide nothing but explain a failure: run after the negotiation, and reported as steps. */
import { limits } from '../../machines/limits.ts';
import type { Connection, Ports } from '../ports.ts';
import type { Endpoint } from '../protocol/dns.ts';
import type { Fault } from '../protocol/faults.ts';
import type { Service } from '../protocol/service.ts';
import { formatTlsa, tlsaOwner, type TlsaRecord } from '../protocol/tlsa.ts';
import type { Findings } from './findings.ts';
import { dnsStep, type TellSince } from './watched.ts';

/** How long a probe may take, in milliseconds. */
const PROBE_MS = 5_000;

const WITHOUT_DANE: readonly string[] = ['insecure-delegation', 'insecure-address', 'no-tlsa'];

/**
 * Looks up TLSA records that DANE must ignore (RFC 7673 §3.2), so that they can be mentioned. They prove nothing.
 * @param ports with a resolver whose answers are not reported as steps
 */
export async function ignoredTlsa(
  { endpoint }: Pick<Findings, 'endpoint'>,
  { resolver, clock }: Pick<Ports, 'resolver' | 'clock'>,
  tell: TellSince,
): Promise<readonly TlsaRecord[]> {
  if (endpoint === null || endpoint.dane.kind !== 'none' || !resolver.validates) return [];
  if (!WITHOUT_DANE.includes(endpoint.dane.why.condition)) return [];
  const sinceMs = clock.now();
  const owner = tlsaOwner(endpoint.host, endpoint.port);
  const giveUp = new AbortController();
  const timer = clock.setTimeout(() => giveUp.abort('late'), limits.addressesMs);
  const answer = await resolver.tlsa(owner, giveUp.signal);
  clock.clearTimeout(timer);
  if (answer.records.length > 0) tell(dnsStep(`TLSA ${owner}`, answer, formatTlsa, true), sinceMs);
  return answer.records;
}

/** Whether a port for STARTTLS wants TLS from the first byte: tested on a connection of its own. */
export async function wantsTlsFirst(
  { domain, service, endpoint, firstBytes, fault: why }: Findings,
  ports: Pick<Ports, 'network' | 'clock'>,
  tell: TellSince,
): Promise<boolean> {
  if (endpoint === null || why === null || !mayWantTlsFirst(endpoint, why, firstBytes)) return false;
  const sinceMs = ports.clock.now();
  const isIt = await speaksTlsFirst(ports, endpoint, domain, service);
  const evidence = { host: endpoint.host, port: endpoint.port, probe: 'TLS from the first byte' };
  tell({ state: 'tlsNegotiation', outcome: isIt ? 'probed' : 'failed', evidence }, sinceMs);
  return isIt;
}

/**
 * A port that closes or waits when it receives plain text may expect TLS first: OpenSSL sends no alert in response to
 * XML.
 */
const mayWantTlsFirst = (endpoint: Endpoint, why: Fault, firstBytes: string | null): boolean =>
  endpoint.tls === 'starttls' &&
  firstBytes === null &&
  (why.layer === 'stream' || why.layer === 'tcp') &&
  ['closed', 'connection-closed', 'connection-reset', 'header-timeout'].includes(why.condition);

/** Whether a TLS handshake succeeds at the endpoint from the first byte on. */
function speaksTlsFirst(
  { network, clock }: Pick<Ports, 'network' | 'clock'>,
  { addresses, port }: Endpoint,
  serverName: string,
  alpn: Service,
): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (speaks: boolean): void => {
      clock.clearTimeout(timer);
      resolve(speaks);
    };
    const timer = clock.setTimeout(() => {
      resolve(false);
      connection.destroy();
    }, PROBE_MS);
    const connection: Connection = network.connect(
      { addresses, port },
      {
        connected: () => connection.startTlsClient({ serverName, credential: null, minVersion: 'TLSv1.2', alpn }),
        secured: () => {
          settle(true);
          connection.destroy();
        },
        data: () => undefined,
        drained: () => undefined,
        closed: () => settle(false),
      },
    );
  });
}
