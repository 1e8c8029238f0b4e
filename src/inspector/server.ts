/** The inspector of a running daemon, over HTTP: shows {@link Inspected.view} and runs operator commands. */
import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { answerOf, type Answer, commandAnswer, COMMANDS, type Costly, TRACE } from './answers.ts';
import { bodyOf } from './body.ts';
import { Guard, type GuardOptions, urlHost } from './guard.ts';
import type { Inspected } from './inspected.ts';
import { close, listenOn } from './listen.ts';
import { type Given, Overasked, Paced } from './paced.ts';
import { loadPage, type Page, type PageFile } from './page.ts';
import { refuse, Sockets } from './sockets.ts';
import { streamLines } from './stream-lines.ts';

export type { Inspected } from './inspected.ts';

export interface InspectorOptions extends GuardOptions {
  /** The port; 0 for any free one. */
  readonly port: number;
}

/** Nobody needs more at once, and each connection costs memory. */
const MAX_CONNECTIONS = 64;
/** Most unfinished answers on one connection. */
const MAX_OWED = 8;
/** Time limit for receiving a request, a line and a few headers, in milliseconds; and how often it is checked. */
const REQUEST_MS = 10_000;
const CHECK_MS = 1_000;
/** How long a connection may be idle, in milliseconds: a client that does not read its answers is disconnected. */
const STILL_MS = 60_000;
/** Most traces being sent at once: each is encoded as it is read. */
const MAX_TRACES = 2;

/** Only the path and query of a request matter. */
const BASE = 'http://inspector.invalid';

const HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
};

export class Inspector {
  readonly #server: Server;
  readonly #sockets: Sockets;
  readonly address: string;
  readonly port: number;

  private constructor(server: Server, sockets: Sockets, address: string, port: number) {
    this.#server = server;
    this.#sockets = sockets;
    this.address = address;
    this.port = port;
  }

  /** Its URL, without the token, which must not appear in logs. */
  get url(): string {
    return `http://${urlHost(this.address)}:${this.port}/`;
  }

  /** Rejects with FaultError `tcp`: `listen-failed` when the address cannot be listened on. */
  static async start(
    { address, port, token }: InspectorOptions,
    inspected: Inspected,
    page = loadPage(),
  ): Promise<Inspector> {
    const guard = new Guard({ address, token });
    const sockets = new Sockets(guard, inspected);
    const desk = new Desk(guard, inspected, page);
    const times = {
      requestTimeout: REQUEST_MS,
      headersTimeout: REQUEST_MS,
      connectionsCheckingInterval: CHECK_MS,
    };
    const server = createServer(times, (request, response) => {
      if (isServed(request, response)) desk.serve(request, response);
    });
    server.setTimeout(STILL_MS);
    server.on('upgrade', (request, socket, head) => {
      const url = urlOf(request);
      if (url === null) refuse(socket, 400, 'no such address');
      else if (isWebSocket(request)) sockets.upgrade(request, url, socket, head);
      // Node has released the socket, so an answer sent on it would not have Node's time limits.
      else refuse(socket, 400, 'nothing else is spoken here: leave out the Upgrade header');
    });
    server.maxConnections = MAX_CONNECTIONS;
    return new Inspector(server, sockets, address, await listenOn(server, address, port));
  }

  async stop(): Promise<void> {
    this.#sockets.stop();
    await close(this.#server);
  }
}

/** Unfinished answers on each socket. */
const owed = new WeakMap<Socket, number>();

/**
 * Few clients pipeline requests (RFC 9112 §9.3.2); one that sends a thousand and reads nothing would make us hold all
 * the answers.
 */
function isServed({ socket }: IncomingMessage, response: ServerResponse): boolean {
  const before = owed.get(socket) ?? 0;
  if (before >= MAX_OWED) {
    socket.destroy();
    return false;
  }
  owed.set(socket, before + 1);
  response.once('close', () => owed.set(socket, (owed.get(socket) ?? 1) - 1));
  return true;
}

const isWebSocket = ({ headers }: IncomingMessage): boolean => headers.upgrade?.toLowerCase() === 'websocket';

function urlOf({ url = '/' }: IncomingMessage): URL | null {
  return URL.canParse(url, BASE) ? new URL(url, BASE) : null;
}

/** Answers requests. */
class Desk {
  readonly #guard: Guard;
  readonly #inspected: Inspected;
  readonly #page: Page;
  readonly #paced = new Paced<Answer>();
  #traces = 0;

  constructor(guard: Guard, inspected: Inspected, page: Page) {
    this.#guard = guard;
    this.#inspected = inspected;
    this.#page = page;
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    const url = urlOf(request);
    if (url === null) {
      send(request, response, { status: 400, type: 'text', body: 'no such address' });
      return;
    }
    const isCommand = url.pathname === COMMANDS;
    const methods = isCommand ? ['GET', 'HEAD', 'POST'] : undefined;
    const refusal = this.#guard.refuses(request, url.searchParams, methods);
    if (refusal !== null) {
      send(request, response, { status: refusal.status, type: 'text', body: refusal.text });
      return;
    }
    const cookie = this.#guard.cookieFor(request, url.searchParams);
    if (cookie !== null) response.setHeader('set-cookie', cookie);
    const file = this.#page.get(url.pathname);
    if (request.method === 'POST') void this.#command(request, response);
    else if (file !== undefined) sendFile(request, response, file);
    else if (url.pathname === TRACE) this.#trace(request, response);
    else void this.#answer(request, response, url);
  }

  async #answer(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    try {
      const made = answerOf(url, this.#inspected);
      const { answer, ageMs } = 'steps' in made ? await this.#make(url, made) : { answer: made, ageMs: 0 };
      // RFC 9111 §5.1
      response.setHeader('age', Math.floor(ageMs / 1_000));
      send(request, response, answer);
    } catch (error) {
      const isBusy = error instanceof Overasked;
      send(request, response, isBusy ? { status: 503, type: 'text', body: error.message } : cannotBeTold(error));
    }
  }

  #make({ pathname, search }: URL, { steps, isPolled }: Costly): Promise<Given<Answer>> {
    const key = pathname + search;
    return isPolled ? this.#paced.soon(key, steps) : this.#paced.answer(key, steps);
  }

  async #command(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    if (body === 'gone') return;
    // The rest of the body is not read.
    if (body === 'too-long') response.setHeader('connection', 'close');
    const text = body === 'too-long' ? '' : body.text;
    const contentType = request.headers['content-type'] ?? '';
    send(
      request,
      response,
      toldAnyway(() => commandAnswer(contentType, text, this.#inspected)),
    );
    this.#paced.forget();
  }

  #trace(request: IncomingMessage, response: ServerResponse): void {
    if (this.#traces >= MAX_TRACES) {
      send(request, response, { status: 503, type: 'text', body: 'others are being sent a trace: ask again' });
      return;
    }
    response.writeHead(200, { ...HEADERS, 'content-type': 'application/x-ndjson; charset=utf-8' });
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    this.#traces += 1;
    response.once('close', () => (this.#traces -= 1));
    // A truncated trace that ends normally would look complete.
    streamLines(response, this.#inspected.traceLines()).catch(() => response.destroy());
  }
}

const TYPES: Record<Answer['type'], string> = {
  json: 'application/json; charset=utf-8',
  text: 'text/plain; charset=utf-8',
};

/** An error in what is shown must not affect stanzas. */
const cannotBeTold = (error: unknown): Answer => ({
  status: 500,
  type: 'text',
  body: `this cannot be told: ${error instanceof Error ? error.message : String(error)}`,
});

function toldAnyway(make: () => Answer): Answer {
  try {
    return make();
  } catch (error) {
    return cannotBeTold(error);
  }
}

function send(request: IncomingMessage, response: ServerResponse, { status, type, body, headers }: Answer): void {
  const bytes = Buffer.from(body);
  const own = { 'content-type': TYPES[type], 'content-length': bytes.length };
  response.writeHead(status, { ...HEADERS, ...headers, ...own });
  response.end(request.method === 'HEAD' ? undefined : bytes);
}

function sendFile(request: IncomingMessage, response: ServerResponse, { type, body, isImmutable }: PageFile): void {
  const caching = isImmutable ? { 'cache-control': 'private, max-age=31536000, immutable' } : {};
  response.writeHead(200, { ...HEADERS, ...caching, 'content-type': type, 'content-length': body.length });
  response.end(request.method === 'HEAD' ? undefined : body);
}
