/** The two services that XMPP defines for a domain (RFC 6120 §3.2.1, §14.3), and the differences between them. */
import { NS } from './namespaces.ts';

/** Also the ALPN protocol name (XEP-0368 §7), and the service in the SRVName (RFC 6120 §13.7.1.2.1). */
export type Service = 'xmpp-server' | 'xmpp-client';

export const SERVICES = ['xmpp-server', 'xmpp-client'] as const satisfies readonly Service[];

export interface ServiceFacts {
  /** Labels before the domain, for STARTTLS and for TLS from the first byte (RFC 6120 §3.2.1, XEP-0368 §3). */
  readonly srv: string;
  readonly directSrv: string;
  /** The port if there is no SRV record (RFC 6120 §3.2.2). */
  readonly defaultPort: number;
  /** RFC 6120 §4.8.2. */
  readonly contentNamespace: string;
}

export const serviceFacts: Readonly<Record<Service, ServiceFacts>> = {
  'xmpp-server': {
    srv: '_xmpp-server._tcp',
    directSrv: '_xmpps-server._tcp',
    defaultPort: 5269,
    contentNamespace: NS.server,
  },
  'xmpp-client': {
    srv: '_xmpp-client._tcp',
    directSrv: '_xmpps-client._tcp',
    defaultPort: 5222,
    contentNamespace: NS.client,
  },
};
