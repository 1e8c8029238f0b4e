/** A peer that sends whatever its test tells it to, byte by byte, on connections that it opens or accepts. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createSecureContext, connect as connectTls, TLSSocket, type SecureVersion } from 'node:tls';
import type { Credential } from '../../src/ports.ts';
import { PATIENCE_MS } from './patience.ts';

export const XMLNS =
  `xmlns='jabber:server' xmlns:db='jabber:server:dialback' ` + `xmlns:stream='http://etherx.jabber.org/streams'`;
export const TLS_NS = 'urn:ietf:params:xml:ns:xmpp-tls';
export const SASL_NS = 'urn:ietf:params:xml:ns:xmpp-sasl';
export const STARTTLS = `<starttls xmlns='${TLS_NS}'/>`;
export const PROCEED = `<proceed xmlns='${TLS_NS}'/>`;
export const DIALBACK_FEATURE = `<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>`;
export const EXTERNAL_FEATURE = `<mechanisms xmlns='${SASL_NS}'><mechanism>EXTERNAL</mechanism></mechanisms>`;

export const features = (content = ''): string => `<stream:features>${content}</stream:features>`;
export const auth = (data: string, mechanism = 'EXTERNAL'): string =>
  `<auth xmlns='${SASL_NS}' mechanism='${mechanism}'>${data}</auth>`;
export const base64 = (text: string): string => Buffer.from(text).toString('base64');
export const message = (from: string, to: string, body = 'hello'): string =>
  `<message from='${from}' to='${to}' type='chat'><body>${body}</body></message>`;

export function header(attributes: Readonly<Record<string, string>>, version = '1.0'): string {
  const all = Object.entries(attributes).map(([name, value]) => `${name}='${value}'`);
  return `<?xml version='1.0'?><stream:stream ${XMLNS} ${version === '' ? '' : `version='${version}' `}${all.join(' ')}>`;
}

export interface TlsManner {
  readonly credential?: Credential | null;
  readonly serverName?: string;
  readonly alpn?: readonly string[];
  readonly minVersion?: SecureVersion;
  readonly maxVersion?: SecureVersion;
}

/** One end of a connection, controlled by the attacker. */
export class Wire {
  /** All text received since the connection or TLS began. */
  text = '';
  /** All text of all stages: tests search it for what must never have been sent. */
  everything = '';
  closed = false;
  /** Whether it closes the connection when the far end closes the stream. */
  polite = true;
  #socket: Socket;
  readonly #watchers = new Set<() => void>();

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen();
  }

  get socket(): Socket {
    return this.#socket;
  }

  send(bytes: string | Buffer): this {
    if (!this.#socket.destroyed) this.#socket.write(bytes);
    return this;
  }

  /** Resolves once the socket has accepted the bytes, or is closed. */
  sent(bytes: string | Buffer): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.destroyed) resolve();
      else this.#socket.write(bytes, () => resolve());
    });
  }

  drop(): void {
    this.#socket.destroy();
  }

  /** The match in the text received since the last stage, as soon as it is there. */
  until(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#watch(
      () => pattern.exec(this.text),
      () => `${String(pattern)} in ${JSON.stringify(this.text.slice(-2000))}${this.closed ? ', and the end' : ''}`,
    );
  }

  /** Resolves with everything that was received, once the far end has closed the stream and then the connection. */
  end(): Promise<string> {
    return this.#watch(
      () => (this.closed ? this.text : null),
      () => `the end of the connection after ${JSON.stringify(this.text.slice(-2000))}`,
      true,
    );
  }

  /** The condition of the stream error after which the connection was closed; null if it was closed without one. */
  async streamError(): Promise<string | null> {
    return conditionOf(await this.end());
  }

  /** The response header, and the features after it; both are then removed from `text`. */
  async greeting(): Promise<{ id: string; features: string; header: string }> {
    const [whole, head = '', id = '', offered = ''] = await this.until(
      /(<stream:stream [^>]*\bid='([^']*)'[^>]*>)\s*(<stream:features\/>|<stream:features>.*?<\/stream:features>)/s,
    );
    this.text = this.text.slice(this.text.indexOf(whole) + whole.length);
    return { id, features: offered, header: head };
  }

  async starttls(manner: TlsManner = {}): Promise<void> {
    this.send(STARTTLS);
    await this.until(/<proceed[^>]*>/);
    await this.secure(manner);
  }

  /** TLS as the client; resolves when the handshake is done, rejects when it fails. */
  secure({ credential = null, serverName = 'b.example', alpn, minVersion, maxVersion }: TlsManner = {}): Promise<void> {
    return this.#handshake(
      connectTls({
        socket: this.#socket,
        rejectUnauthorized: false,
        servername: serverName,
        ...(credential === null ? {} : { cert: credential.cert, key: credential.key }),
        ...(alpn === undefined ? {} : { ALPNProtocols: [...alpn] }),
        ...(minVersion === undefined ? {} : { minVersion }),
        ...(maxVersion === undefined ? {} : { maxVersion }),
        // OpenSSL allows such obsolete versions only below its usual security level.
        ...(maxVersion === 'TLSv1.1' ? { ciphers: 'DEFAULT@SECLEVEL=0' } : {}),
      }),
      'secureConnect',
    );
  }

  /** TLS as the server. */
  secureAsServer(credential: Credential, { minVersion, maxVersion }: TlsManner = {}): Promise<void> {
    const secureContext = createSecureContext({
      cert: credential.cert,
      key: credential.key,
      ...(minVersion === undefined ? {} : { minVersion }),
      ...(maxVersion === undefined ? {} : { maxVersion }),
      ...(maxVersion === 'TLSv1.1' ? { ciphers: 'DEFAULT@SECLEVEL=0' } : {}),
    });
    const options = { isServer: true, requestCert: true, rejectUnauthorized: false, secureContext };
    return this.#handshake(new TLSSocket(this.#socket, options), 'secure');
  }

  #handshake(socket: TLSSocket, done: 'secure' | 'secureConnect'): Promise<void> {
    this.#socket.removeAllListeners('data').removeAllListeners('close');
    this.#socket = socket;
    this.text = '';
    this.#listen();
    return new Promise((resolve, reject) => {
      socket.once(done, resolve);
      const failed = (error?: Error): void =>
        reject(error instanceof Error ? error : new Error('closed during the handshake'));
      socket
        .once('error', failed)
        .once('_tlsError', failed)
        .once('close', () => failed());
    });
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on('data', (bytes: Buffer) => {
      const text = bytes.toString('latin1');
      this.text += text;
      this.everything += text;
      // Closing here saves the test from waiting for a deadline.
      if (this.polite && text.endsWith('</stream:stream>')) socket.end();
      this.#changed();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.closed = true;
      this.#changed();
    });
  }

  #changed(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }

  #watch<T>(look: () => T | null, what: () => string, atEnd = false): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (end: () => void): void => {
        clearTimeout(late);
        this.#watchers.delete(watcher);
        end();
      };
      const watcher = (): void => {
        const found = look();
        if (found !== null) settle(() => resolve(found));
        else if (this.closed && !atEnd) settle(() => reject(new Error(`no ${what()}`)));
      };
      const late = setTimeout(() => settle(() => reject(new Error(`no ${what()} in time`))), PATIENCE_MS);
      this.#watchers.add(watcher);
      watcher();
    });
  }
}

export const conditionOf = (text: string): string | null =>
  /<stream:error><([a-z-]+) xmlns='urn:ietf:params:xml:ns:xmpp-streams'/.exec(text)?.[1] ?? null;

export function dial(port: number): Promise<Wire> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    socket.once('error', reject).once('connect', () => resolve(new Wire(socket)));
  });
}

/** A malicious server: each connection is a {@link Wire} controlled by `script`, in order of arrival. */
export interface Trap {
  readonly port: number;
  readonly wires: readonly Wire[];
  /** Errors thrown by scripts, except those on connections that had closed by then. */
  readonly problems: readonly unknown[];
  /** Resolves with the n-th connection, counted from 0. */
  wire(index: number): Promise<Wire>;
  close(): void;
}

export async function setTrap(script: (wire: Wire, index: number) => Promise<void> | void): Promise<Trap> {
  const wires: Wire[] = [];
  const problems: unknown[] = [];
  let wake: (() => void)[] = [];
  const server: Server = createServer({ noDelay: true }, (socket) => {
    const wire = new Wire(socket);
    wires.push(wire);
    const woken = wake;
    wake = [];
    for (const one of woken) one();
    Promise.resolve(script(wire, wires.length - 1)).catch((error: unknown) => {
      if (!wire.closed) problems.push(error);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    wires,
    problems,
    wire: async (index) => {
      const late = AbortSignal.timeout(PATIENCE_MS);
      for (;;) {
        const wire = wires[index];
        if (wire !== undefined) return wire;
        if (late.aborted) throw new Error(`no connection ${index}`);
        await new Promise<void>((resolve) => {
          wake.push(resolve);
          late.addEventListener('abort', () => resolve(), { once: true });
        });
      }
    },
    close: () => {
      server.close();
      for (const wire of wires) wire.drop();
    },
  };
}

/**
 * The beginning of most scripts of a receiving server: header, STARTTLS, header again. Resolves after the initial
 * header under TLS; the script then says the rest itself.
 */
export async function receiveUntilTls(
  wire: Wire,
  credential: Credential,
  from: string,
  manner: TlsManner = {},
): Promise<void> {
  await wire.until(/<stream:stream [^>]*>/);
  wire.send(header({ from, id: 'before-tls' })).send(features(`<starttls xmlns='${TLS_NS}'><required/></starttls>`));
  await wire.until(/<starttls[^>]*>/);
  wire.send(PROCEED);
  await wire.secureAsServer(credential, manner);
  await wire.until(/<stream:stream [^>]*>/);
}
