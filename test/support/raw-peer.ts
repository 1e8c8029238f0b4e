/**
 * A hand-written peer server that does what no real server would: it speaks STARTTLS and dialback (XEP-0220) as its
 * test tells it to, vouches for every key, believes everybody, and records what it receives.
 */
import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { TLSSocket, connect as connectTls, createSecureContext } from 'node:tls';
import { Parser, type Element } from '@xmpp/xml';
import type { Credential } from '../../src/ports.ts';
import { PATIENCE_MS } from './patience.ts';

export interface RawPeer {
  readonly port: number;
  /** Elements received on streams that others opened: stanzas, and attempts to authenticate. */
  readonly heard: readonly Element[];
  /** Resolves when it has received an element that `fits`. */
  hears(fits: (element: Element) => boolean): Promise<void>;
  /** Dials a server on 127.0.0.1, goes through STARTTLS and stops at the features after it. */
  open(to: { readonly port: number; readonly from: string; readonly to: string }): Promise<RawStream>;
  close(): void;
}

export class RawStream {
  /** The id in the last stream header received. */
  id = '';
  readonly received: Element[] = [];
  ended = false;
  /** Replaced on the receiving side. */
  onHeader = (): void => undefined;
  onElement: (element: Element) => void = () => undefined;
  #socket: Socket;
  #parser = new Parser();
  readonly #watchers = new Set<() => void>();

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen();
  }

  write(xml: string): void {
    this.#socket.write(xml);
  }

  /**
   * The first element, already received or yet to come, that `fits`; undefined if the stream ends or `timeoutMs` pass
   * without one.
   */
  waitFor(fits: (element: Element) => boolean, timeoutMs = PATIENCE_MS): Promise<Element | undefined> {
    return new Promise((resolve) => {
      const settle = (element?: Element): void => {
        clearTimeout(late);
        this.#watchers.delete(look);
        resolve(element);
      };
      const late = setTimeout(settle, timeoutMs);
      const look = (): void => {
        const found = this.received.find(fits);
        if (found !== undefined || this.ended) settle(found);
      };
      this.#watchers.add(look);
      look();
    });
  }

  /** Sends a dialback key for a pair; resolves with the reaction: `db:result` or the end of the stream. */
  assert(from: string, to: string): Promise<Element | undefined> {
    this.write(`<db:result from='${from}' to='${to}'>key of ${from}</db:result>`);
    return this.waitFor(
      ({ name, attrs }) =>
        name === 'stream:error' || (name === 'db:result' && attrs['from'] === to && attrs['to'] === from),
    );
  }

  secure(socket: TLSSocket): void {
    this.#socket = socket;
    this.received.length = 0;
    this.#parser = new Parser();
    this.#listen();
  }

  get socket(): Socket {
    return this.#socket;
  }

  close(): void {
    this.#socket.destroy();
  }

  #listen(): void {
    const parser = this.#parser;
    parser.on('start', (header: Element) => (this.id = String(header.attrs['id'] ?? '')));
    parser.on('start', () => this.onHeader());
    parser.on('element', (element: Element) => {
      this.received.push(element);
      this.onElement(element);
      for (const watcher of [...this.#watchers]) watcher();
    });
    const end = (): void => {
      this.ended = true;
      for (const watcher of [...this.#watchers]) watcher();
    };
    parser.on('end', end);
    const socket = this.#socket;
    socket.on('data', (bytes: Buffer) => {
      if (parser === this.#parser) parser.write(bytes.toString());
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (socket === this.#socket) end();
    });
  }
}

const SASL = 'urn:ietf:params:xml:ns:xmpp-sasl';
const EXTERNAL = `<mechanisms xmlns='${SASL}'><mechanism>EXTERNAL</mechanism></mechanisms>`;
const DIALBACK = 'jabber:server:dialback';

export interface RawPeerOptions {
  /** It also offers SASL EXTERNAL, and then refuses it (RFC 6120 §6.4.5). @defaultValue false */
  readonly refuseExternal?: boolean;
  /** It has no TLS, refuses it, and offers everything else. @defaultValue false */
  readonly plain?: boolean;
}

export async function startRawPeer(
  credential: Credential,
  { refuseExternal = false, plain = false }: RawPeerOptions = {},
): Promise<RawPeer> {
  const heard: Element[] = [];
  const open = new Set<RawStream>();
  const hearing = new EventEmitter();
  const hear = (element: Element): void => {
    heard.push(element);
    hearing.emit('heard');
  };
  const secureContext = createSecureContext({ cert: credential.cert, key: credential.key, minVersion: 'TLSv1.2' });

  const receive = (socket: Socket): void => {
    const stream = new RawStream(socket);
    open.add(stream);
    let secured = plain;
    stream.onHeader = () => {
      const features = secured
        ? `${refuseExternal ? EXTERNAL : ''}<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>`
        : `<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>`;
      stream.write(`${header(`id='${randomBytes(8).toString('hex')}'`)}<stream:features>${features}</stream:features>`);
    };
    stream.onElement = (element) => {
      const { from = '', to = '', id = '' } = element.attrs as Record<string, string>;
      if (plain && element.is('starttls')) {
        stream.write(`<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>`);
      } else if (element.is('starttls')) {
        stream.write(`<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`);
        secured = true;
        stream.secure(new TLSSocket(socket, { isServer: true, secureContext }));
      } else if (element.is('auth', SASL)) {
        hear(element);
        stream.write(`<failure xmlns='${SASL}'><not-authorized/></failure>`);
      } else if (element.name === 'db:verify' || element.is('verify', DIALBACK)) {
        stream.write(`<db:verify from='${to}' to='${from}' id='${id}' type='valid'/>`);
      } else if (element.name === 'db:result') {
        hear(element);
        stream.write(`<db:result from='${to}' to='${from}' type='valid'/>`);
      } else hear(element);
    };
  };

  const server = createServer(receive);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');

  return {
    port: address.port,
    heard,
    hears: async (fits) => {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      while (!heard.some(fits)) await once(hearing, 'heard', { signal });
    },
    open: async ({ port, from, to }) => {
      const socket = connect({ host: '127.0.0.1', port });
      const stream = new RawStream(socket);
      open.add(stream);
      const addressed = header(`from='${from}' to='${to}'`);
      stream.write(addressed);
      await stream.waitFor((element) => element.name === 'stream:features');
      stream.write(`<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`);
      await stream.waitFor((element) => element.is('proceed'));
      const tls = connectTls({ socket, secureContext, servername: to, rejectUnauthorized: false });
      stream.secure(tls);
      stream.write(addressed);
      await stream.waitFor((element) => element.name === 'stream:features');
      return stream;
    },
    close: () => {
      server.close();
      for (const stream of open) stream.close();
    },
  };
}

const header = (attributes: string): string =>
  `<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:db='${DIALBACK}' ` +
  `xmlns:stream='http://etherx.jabber.org/streams' version='1.0' ${attributes}>`;
