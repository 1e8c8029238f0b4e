/**
 * A provider's port for clients, as far as a client needs it that only wants to know which server it is talking to:
 * header, STARTTLS, certificate, header. Nobody can log in.
 */
import { Framer } from '../adapters/framer/framer.ts';
import type { Connection, ConnectionEvents, Listening, Random } from '../ports.ts';
import { NS } from '../protocol/namespaces.ts';
import type { StreamFeatures, WireElement } from '../protocol/wire.ts';
import { wireToXml } from '../protocol/wire-xml.ts';
import type { StageHost } from './stage.ts';

export function openClientPort({ network, address }: StageHost, random: Random): Promise<Listening> {
  return network.listen({ address, port: 0, tls: 'starttls' }, ({ connection }) => serveClient(connection, random));
}

/** The features before TLS and under TLS, where a login would use a password. */
const features = (isSecure: boolean): StreamFeatures => ({
  kind: 'features',
  startTls: isSecure ? 'absent' : 'required',
  mechanisms: isSecure ? ['SCRAM-SHA-256'] : [],
  dialback: false,
  dialbackErrors: false,
  bidi: false,
  unknown: [],
});

function serveClient(connection: Connection, random: Random): ConnectionEvents {
  let isSecure = false;
  let streamTo: string | null = null;
  const say = (element: WireElement): void => connection.write(wireToXml(element, NS.client));
  const leave = (): void => {
    connection.write('</stream:stream>');
    connection.end();
  };
  const framer: Framer = new Framer({
    streamOpened: ({ attributes }) => {
      streamTo = attributes['to'] ?? null;
      say({ kind: 'streamHeader', to: null, from: streamTo, id: random.hex(8), version: '1.0', dialback: false });
      say(features(isSecure));
    },
    element: (element) => {
      if (isSecure || !element.is('starttls', NS.tls)) {
        leave();
        return;
      }
      framer.halt();
      say({ kind: 'proceed' });
      connection.startTlsServer({ streamTo, service: 'xmpp-client' });
    },
    stanza: leave,
    streamClosed: leave,
    fault: (what) => connection.destroy(what),
  });
  return {
    connected: () => undefined,
    data: (bytes) => framer.push(bytes),
    secured: () => {
      isSecure = true;
      framer.restart();
    },
    drained: () => undefined,
    closed: () => undefined,
  };
}
