/** A server on loopback that is the target of a check: correct in everything except what a test breaks. */
import { randomBytes } from 'node:crypto';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createSecureContext, type SecureVersion, TLSSocket } from 'node:tls';
import { Parser, type Element } from '@xmpp/xml';
import type { Credential } from '../../src/ports.ts';

export interface FarEndOptions {
  /** Null: it presents no certificate. */
  readonly credential: Credential | null;
  /** @defaultValue `starttls` */
  readonly tls?: 'starttls' | 'direct';
  /** `ignored`: not offered, and not answered. @defaultValue `offered` */
  readonly startTls?: 'offered' | 'absent' | 'refused' | 'ignored';
  readonly maxVersion?: SecureVersion;
  /** The answer to the first bytes, whatever they are; then it closes. */
  readonly banner?: string;
  /** Closes the connection at once. */
  readonly closes?: boolean;
  /** Accepts the connection, and never sends anything. */
  readonly silent?: boolean;
  /** Condition of the stream error that follows its header. */
  readonly streamError?: string;
  /** @defaultValue `absent` */
  readonly external?: 'accepted' | 'refused' | 'absent';
  /** The answer to an assertion; null: dialback is not offered. @defaultValue valid */
  readonly dialback?: 'valid' | 'invalid' | `error ${string}` | null;
  readonly contentNamespace?: string;
}

export interface FarEnd {
  readonly port: number;
  /** Connections so far. */
  readonly connections: number;
  /** Names of the elements and headers received; `message`, `iq` and `presence` would be stanzas. */
  readonly heard: readonly string[];
  /** Attributes of the last header. */
  readonly header: Readonly<Record<string, string>>;
  /** The SNI of the last handshake. */
  readonly sni: string | null;
  readonly alpn: readonly string[];
  close(): Promise<void>;
}

const SASL = 'urn:ietf:params:xml:ns:xmpp-sasl';
const TLS = 'urn:ietf:params:xml:ns:xmpp-tls';
const STREAMS = 'urn:ietf:params:xml:ns:xmpp-streams';
const STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas';

export async function startFarEnd(options: FarEndOptions): Promise<FarEnd> {
  const { credential, tls = 'starttls', startTls = 'offered', maxVersion, external = 'absent' } = options;
  const { dialback = 'valid', contentNamespace = 'jabber:server', banner } = options;
  const heard: string[] = [];
  const sockets = new Set<Socket>();
  const seen = { header: {} as Record<string, string>, sni: null as string | null, alpn: [] as string[] };
  let connections = 0;
  const secureContext =
    credential === null
      ? null
      : createSecureContext({
          ...credential,
          sessionIdContext: 'far end', // without this, a client that presents a certificate cannot resume its session
          ...(maxVersion === undefined ? {} : { minVersion: 'TLSv1', maxVersion, ciphers: 'DEFAULT@SECLEVEL=0' }),
        });

  const secured = (socket: Socket): TLSSocket => {
    const wrapped = new TLSSocket(socket, {
      isServer: true,
      requestCert: true,
      rejectUnauthorized: false,
      ...(secureContext === null ? {} : { secureContext }),
      SNICallback: (name, done) => {
        seen.sni = name;
        done(null, undefined);
      },
      ALPNCallback: ({ protocols }) => {
        seen.alpn = protocols;
        return protocols[0];
      },
    });
    wrapped.on('error', () => undefined);
    wrapped.on('_tlsError', () => socket.end());
    return wrapped;
  };

  const speak = (socket: Socket, isSecure: boolean, isAuthenticated = false): void => {
    const parser = new Parser();
    const write = (xml: string): void => {
      if (socket.writable) socket.write(xml);
    };
    parser.on('start', ({ attrs }: Element) => {
      heard.push('stream');
      seen.header = { ...attrs };
      const id = randomBytes(8).toString('hex');
      const db = dialback === null ? '' : ` xmlns:db='jabber:server:dialback'`;
      write(
        `<?xml version='1.0'?><stream:stream xmlns='${contentNamespace}'${db} xmlns:stream='http://etherx.jabber.org/streams' version='1.0' id='${id}' from='${seen.header['to'] ?? ''}'>`,
      );
      if (options.streamError !== undefined) {
        write(`<stream:error><${options.streamError} xmlns='${STREAMS}'/></stream:error></stream:stream>`);
        socket.end();
        return;
      }
      write(`<stream:features>${features(isSecure, isAuthenticated)}</stream:features>`);
    });
    parser.on('element', (element: Element) => {
      heard.push(element.name);
      const { from = '', to = '' } = element.attrs as Record<string, string>;
      if (element.is('starttls', TLS)) {
        if (startTls === 'ignored') return;
        if (startTls !== 'offered') {
          write(`<failure xmlns='${TLS}'/></stream:stream>`);
          socket.end();
          return;
        }
        write(`<proceed xmlns='${TLS}'/>`);
        socket.removeAllListeners('data');
        speak(secured(socket), true);
      } else if (element.is('auth', SASL)) {
        const isAccepted = external === 'accepted';
        write(isAccepted ? `<success xmlns='${SASL}'/>` : `<failure xmlns='${SASL}'><not-authorized/></failure>`);
        if (!isAccepted) return;
        socket.removeAllListeners('data');
        speak(socket, true, true);
      } else if (element.name === 'db:result') {
        const [type, condition] = (dialback ?? 'invalid').split(' ');
        const error = condition === undefined ? '' : `<error type='cancel'><${condition} xmlns='${STANZAS}'/></error>`;
        write(`<db:result from='${to}' to='${from}' type='${type ?? ''}'>${error}</db:result>`);
      }
    });
    parser.on('error', () => socket.destroy());
    parser.on('end', () => socket.end('</stream:stream>'));
    socket.on('data', (bytes: Buffer) => {
      try {
        parser.write(bytes.toString());
      } catch {
        socket.destroy(); // a ClientHello may look like an entity, which makes the parser throw
      }
    });
    socket.on('error', () => undefined);
  };

  const features = (isSecure: boolean, isAuthenticated: boolean): string => {
    if (!isSecure) {
      const isOffered = startTls === 'offered' || startTls === 'refused';
      return isOffered ? `<starttls xmlns='${TLS}'><required/></starttls>` : '';
    }
    const mechanism = external === 'absent' ? '' : '<mechanism>EXTERNAL</mechanism>';
    const sasl = mechanism === '' || isAuthenticated ? '' : `<mechanisms xmlns='${SASL}'>${mechanism}</mechanisms>`;
    return sasl + (dialback === null ? '' : `<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>`);
  };

  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket.on('error', () => undefined));
    socket.once('close', () => sockets.delete(socket));
    if (options.closes === true) socket.end();
    else if (banner !== undefined) socket.once('data', () => socket.end(banner));
    else if (options.silent === true) socket.resume();
    else if (tls === 'direct') speak(secured(socket), true);
    else speak(socket, false);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    heard,
    get header() {
      return seen.header;
    },
    get sni() {
      return seen.sni;
    },
    get alpn() {
      return seen.alpn;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
