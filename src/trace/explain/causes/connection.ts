/** From the first SYN to a stream header: whether there is an XMPP server at all. */
import { serviceFacts } from '../../../protocol/service.ts';
import { type Cause, place, said, says, type Situation } from './cause.ts';

/** A TLS alert or handshake: the content type of a TLS record, followed by version 3.x (RFC 8446 §5.1). */
const isTlsRecord = ({ firstBytes }: Situation): boolean =>
  firstBytes != null && [0x15, 0x16].includes(firstBytes.charCodeAt(0)) && firstBytes.charCodeAt(1) === 3;
const isHttp = ({ firstBytes }: Situation): boolean => firstBytes?.startsWith('HTTP/') === true;
/** Not white space and a `<`, so it cannot be XML. */
const isOther = ({ firstBytes }: Situation): boolean => firstBytes != null && !/^\s*</.test(firstBytes);

/** The first line, quoted, with non-ASCII characters replaced. */
const shown = ({ firstBytes }: Situation): string =>
  JSON.stringify(/^[^\r\n]*/.exec(firstBytes ?? '')?.[0].replace(/[^ -~]/g, '.') ?? '');

const isBeforeTls = ({ isEncrypted, endpoint }: Situation): boolean =>
  isEncrypted !== true && endpoint?.tls !== 'direct';

export const connectionCauses: readonly Cause[] = [
  {
    id: 'connection-refused',
    layers: ['tcp'],
    conditions: ['connection-refused'],
    because: (situation) => `Nothing listens at ${place(situation)}${said(situation)}.`,
    fix: () => 'Start the server, have it listen on all addresses of the host, or publish the port on which it does.',
  },
  {
    id: 'connection-filtered',
    layers: ['tcp'],
    conditions: ['connect-timeout'],
    because: (situation) =>
      `${place(situation)} does not answer at all: packets to it are dropped on the way, as firewalls do.`,
    fix: ({ endpoint }) =>
      `Open TCP port ${endpoint?.port ?? 5269} towards the host in its firewall, for IPv4 and IPv6, or publish an address that can be reached.`,
  },
  {
    id: 'host-unreachable',
    layers: ['tcp'],
    conditions: ['host-unreachable', 'address-unavailable', 'connection-failed'],
    because: (situation) => `There is no route from here to ${place(situation)}${said(situation)}.`,
    fix: () =>
      'Publish only addresses that the Internet can reach; if other hosts cannot be reached either, check the network here.',
  },
  {
    id: 'starttls-on-direct-port',
    layers: ['tcp', 'xml', 'stream', 'tls'],
    when: (situation) => isBeforeTls(situation) && (isTlsRecord(situation) || situation.wantsTlsFirst === true),
    because: (situation) =>
      `${place(situation)} speaks TLS from the first byte, but is published as a port for STARTTLS.`,
    fix: ({ service = 'xmpp-server', domain }) => {
      const { srv, directSrv } = serviceFacts[service];
      return `Publish that port under ${directSrv}.${domain}, and under ${srv}.${domain} the one that begins without TLS.`;
    },
  },
  {
    id: 'http-server',
    layers: ['tcp', 'xml', 'stream'],
    when: (situation) => isBeforeTls(situation) && isHttp(situation),
    because: (situation) => `${place(situation)} is a web server: it answered ${shown(situation)}.`,
    fix: () => 'Have the SRV record name the port of the XMPP server; a web server on that port has to move.',
  },
  {
    id: 'not-xmpp',
    layers: ['tcp', 'xml', 'stream'],
    when: (situation) => isBeforeTls(situation) && isOther(situation),
    because: (situation) => `${place(situation)} is not an XMPP server: it said ${shown(situation)}.`,
    fix: () => 'Have the SRV record name the host and the port of the XMPP server.',
  },
  {
    id: 'closed-at-once',
    layers: ['tcp', 'stream'],
    conditions: ['connection-closed', 'connection-reset', 'closed'],
    when: (situation) => isBeforeTls(situation) && situation.firstBytes === null,
    because: (situation) =>
      `${place(situation)} accepted the connection and closed it without a word${said(situation)}.`,
    fix: () =>
      'Look at the log of that server, and at anything in front of it: access lists, limits per address, a proxy whose backend is down, or a port that wants TLS from the first byte.',
  },
  {
    id: 'port-for-clients',
    layers: ['xml', 'stream'],
    conditions: ['invalid-namespace'],
    when: (situation) => situation.service !== 'xmpp-client' && says(/\bjabber:client\b/)(situation),
    because: (situation) => `${place(situation)} is a port for clients, and not for servers${said(situation)}.`,
    fix: () => 'Have the SRV record name the port for servers: most often that is 5269, and 5222 that for clients.',
  },
  {
    id: 'silent-under-tls',
    layers: ['stream'],
    conditions: ['header-timeout'],
    when: ({ isEncrypted, endpoint }) => isEncrypted === true && endpoint?.tls !== 'direct',
    because: (situation) =>
      situation.isAuthenticated === true
        ? `${place(situation)} accepted our certificate, but did not answer the stream header after it in time.`
        : `${place(situation)} finished TLS, but did not answer the stream header under TLS in time.`,
    fix: () => 'Look at the log of that server: it hangs where it restarts the stream, after TLS or SASL.',
  },
  {
    id: 'silent-server',
    layers: ['stream'],
    conditions: ['header-timeout'],
    because: (situation) =>
      `${place(situation)} accepted the connection but said nothing in time; an XMPP server answers with a stream header.`,
    fix: ({ endpoint }) =>
      endpoint?.tls === 'direct'
        ? 'Look at the log of the server: it has to answer a stream header under TLS.'
        : 'If the port speaks TLS from the first byte, publish it under the name for direct TLS; else look at the log of the server.',
  },
];
