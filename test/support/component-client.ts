/** An external component (XEP-0114) for tests: works against Prosody, ejabberd and our own daemon. */
import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { Element, Parser } from '@xmpp/xml';
import { PATIENCE_MS } from './patience.ts';

export interface ComponentOptions {
  /** On 127.0.0.1. */
  readonly port: number;
  readonly domain: string;
  readonly secret: string;
  /** How long connecting and the handshake may take. @defaultValue 60000 */
  readonly timeoutMs?: number;
}

export interface ComponentClient extends AsyncIterable<Element> {
  readonly domain: string;
  /** All stanzas received so far, oldest first. */
  readonly received: readonly Element[];
  send(stanza: Element | string): void;
  /**
   * The first stanza, already received or yet to come, that `fits`. Rejects after `timeoutMs` and when the stream ends.
   * @defaultValue 60000
   */
  waitFor(fits: (stanza: Element) => boolean, timeoutMs?: number): Promise<Element>;
  /** Sends a ping (XEP-0199) and resolves with its answer, an `iq` of type `result` or `error`. */
  ping(to: string, timeoutMs?: number): Promise<Element>;
  close(): Promise<void>;
}

/** Resolves once the server has accepted the handshake (XEP-0114 §3); rejects with the server's answer otherwise. */
export async function connectComponent(options: ComponentOptions): Promise<ComponentClient> {
  const socket = connect({ host: '127.0.0.1', port: options.port, noDelay: true });
  const client = new Client(socket, options);
  await client.accepted(options.timeoutMs ?? PATIENCE_MS);
  return client;
}

/** From then on, returns every message to its sender: an echo service for servers that have none. */
export async function echoMessages(client: ComponentClient): Promise<void> {
  for await (const stanza of client) {
    const { from, to, type, ...attributes } = stanza.attrs as Record<string, string>;
    if (!stanza.is('message') || type === 'error') continue;
    const echo = new Element('message', { ...attributes, ...(type === undefined ? {} : { type }), from: to, to: from });
    for (const child of stanza.children) echo.cnode(child);
    client.send(echo);
  }
}

class Client implements ComponentClient {
  readonly domain: string;
  readonly received: Element[] = [];
  readonly #socket: Socket;
  readonly #watchers = new Set<() => void>();
  readonly #closed: Promise<void>;
  #accepted = false;
  #ended: Error | null = null;
  #lastId = 0;

  constructor(socket: Socket, { domain, secret }: ComponentOptions) {
    this.domain = domain;
    this.#socket = socket;
    const parser = new Parser();
    parser.on('start', (header: Element) => {
      const digest = createHash('sha1')
        .update(`${header.attrs['id'] ?? ''}${secret}`)
        .digest('hex');
      socket.write(`<handshake>${digest}</handshake>`);
    });
    parser.on('element', (element: Element) => this.#take(element));
    parser.on('end', () => this.#end(new Error(`${domain}: the server closed the stream`)));
    parser.on('error', (error: Error) => this.#end(error));
    socket
      .setEncoding('utf8')
      .on('connect', () => socket.write(header(domain)))
      .on('data', (text: string) => parser.write(text))
      .on('error', (error) => this.#end(error));
    this.#closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#end(new Error(`${domain}: the connection is closed`));
        resolve();
      });
    });
  }

  accepted(timeoutMs: number): Promise<void> {
    return this.#until(() => (this.#accepted ? true : undefined), 'the handshake', timeoutMs).then(() => undefined);
  }

  send(stanza: Element | string): void {
    this.#socket.write(stanza.toString());
  }

  waitFor(fits: (stanza: Element) => boolean, timeoutMs = PATIENCE_MS): Promise<Element> {
    return this.#until(() => this.received.find(fits), 'a stanza', timeoutMs);
  }

  ping(to: string, timeoutMs?: number): Promise<Element> {
    this.#lastId += 1;
    const id = `ping-${this.#lastId}`;
    this.send(`<iq type='get' id='${id}' from='${this.domain}' to='${to}'><ping xmlns='urn:xmpp:ping'/></iq>`);
    const answers = (stanza: Element): boolean =>
      stanza.is('iq') && stanza.attrs['id'] === id && stanza.attrs['from'] === to && stanza.attrs['type'] !== 'get';
    return this.waitFor(answers, timeoutMs);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Element> {
    for (let index = 0; ; index += 1) {
      const stanza = await this.#until(
        () => this.received[index] ?? (this.#ended === null ? undefined : null),
        'a stanza',
        null,
      );
      if (stanza === null) return;
      yield stanza;
    }
  }

  async close(): Promise<void> {
    this.#socket.end('</stream:stream>');
    const deadline = setTimeout(() => this.#socket.destroy(), 1000); // the server may keep its half open
    await this.#closed;
    clearTimeout(deadline);
  }

  #take(element: Element): void {
    if (element.is('handshake')) this.#accepted = true;
    else if (element.is('error', 'http://etherx.jabber.org/streams'))
      this.#end(new Error(`${this.domain}: ${element.toString()}`));
    else this.received.push(element);
    this.#wake();
  }

  #end(error: Error): void {
    this.#ended ??= error;
    this.#socket.end();
    this.#wake();
  }

  #wake(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }

  /** Checks now and after every change; rejects when the stream has ended or time is up. */
  #until<Result>(look: () => Result | undefined, what: string, timeoutMs: number | null): Promise<Result> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(late);
        this.#watchers.delete(watcher);
      };
      const watcher = (): void => {
        const found = look();
        if (found !== undefined) {
          settle();
          resolve(found);
        } else if (this.#ended !== null) {
          settle();
          reject(this.#ended);
        }
      };
      const late =
        timeoutMs === null
          ? undefined
          : setTimeout(() => {
              settle();
              const got = this.received.map(String).join('\n');
              reject(new Error(`${this.domain}: no sign of ${what} within ${timeoutMs} ms; received:\n${got}`));
            }, timeoutMs);
      this.#watchers.add(watcher);
      watcher();
    });
  }
}

const header = (domain: string): string =>
  `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' ` +
  `xmlns:stream='http://etherx.jabber.org/streams' to='${domain}'>`;
