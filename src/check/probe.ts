/** Questions that decide nothing and explain much: asked when a negotiation has failed, on connections of their own. */
import type { Connection, Ports } from '../ports.ts';
import type { Endpoint } from '../protocol/dns.ts';
import type { Fault } from '../protocol/faults.ts';
import type { Service } from '../protocol/service.ts';

/** How long a probe may take, in milliseconds. */
const PROBE_MS = 5_000;

/** A port that closes, or waits, when it is spoken to in the clear may want TLS first: OpenSSL sends no alert for XML. */
export const mayWantTlsFirst = (endpoint: Endpoint, why: Fault, firstBytes: Buffer | null): boolean =>
  endpoint.tls === 'starttls' &&
  firstBytes === null &&
  (why.layer === 'stream' || why.layer === 'tcp') &&
  ['closed', 'connection-closed', 'connection-reset', 'header-timeout'].includes(why.condition);

/** Whether a TLS handshake succeeds at the endpoint from the first byte on. */
export function speaksTlsFirst(
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
