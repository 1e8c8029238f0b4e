/** The inspector of a running daemon: what {@link View} says, over HTTP. It reads, and changes nothing. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { fault, FaultError } from '../protocol/faults.ts';
import type { View } from '../trace/view.ts';
import { answerOf, type Answer } from './answers.ts';
import { Guard, type GuardOptions, urlHost } from './guard.ts';
import { loadPage, type Page, type PageFile } from './page.ts';

export interface InspectorOptions extends GuardOptions {
  /** 0: any free port. */
  readonly port: number;
}

export interface Inspected {
  view(): View;
  /** What the ring holds, as the lines of a trace file. */
  traceLines(): Iterable<string>;
  /** Where nothing runs and a file is shown: its name, and the moment that its end is, in milliseconds since the epoch. */
  readonly trace?: { readonly name: string; readonly atMs: number };
}

/** Nobody needs more at once, and each costs memory. */
const MAX_CONNECTIONS = 64;
/** A request is a line and a few headers, in milliseconds. */
const REQUEST_MS = 10_000;

/** Of a request only path and query count. */
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
  readonly address: string;
  readonly port: number;

  private constructor(server: Server, address: string, port: number) {
    this.#server = server;
    this.address = address;
    this.port = port;
  }

  /** Where it is found; without its token, which is not for logs. */
  get url(): string {
    return `http://${urlHost(this.address)}:${this.port}/`;
  }

  /** Rejects with FaultError `tcp`: `listen-failed` where the address cannot be had. */
  static async start(
    { address, port, token }: InspectorOptions,
    inspected: Inspected,
    page = loadPage(),
  ): Promise<Inspector> {
    const guard = new Guard({ address, token });
    const server = createServer({ requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS }, (request, response) =>
      serve(request, response, guard, inspected, page),
    );
    server.maxConnections = MAX_CONNECTIONS;
    server.listen(port, address);
    try {
      await once(server, 'listening');
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      throw new FaultError(fault('tcp', 'listen-failed', 'local', text), { cause: error });
    }
    const bound = server.address();
    return new Inspector(server, address, typeof bound === 'object' && bound !== null ? bound.port : port);
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

function serve(
  request: IncomingMessage,
  response: ServerResponse,
  guard: Guard,
  inspected: Inspected,
  page: Page,
): void {
  const path = request.url ?? '/';
  if (!URL.canParse(path, BASE)) {
    send(request, response, { status: 400, type: 'text', body: 'no such address' });
    return;
  }
  const url = new URL(path, BASE);
  const refusal = guard.refuses(request, url.searchParams);
  if (refusal !== null) {
    send(request, response, { status: refusal.status, type: 'text', body: refusal.text });
    return;
  }
  const cookie = guard.cookieFor(url.searchParams);
  if (cookie !== null) response.setHeader('set-cookie', cookie);
  const file = page.get(url.pathname);
  if (file === undefined) send(request, response, answerOf(url, inspected));
  else sendFile(request, response, file);
}

const TYPES: Record<Answer['type'], string> = {
  json: 'application/json; charset=utf-8',
  text: 'text/plain; charset=utf-8',
  trace: 'application/x-ndjson; charset=utf-8',
};

function send(request: IncomingMessage, response: ServerResponse, { status, type, body }: Answer): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, { ...HEADERS, 'content-type': TYPES[type], 'content-length': bytes.length });
  response.end(request.method === 'HEAD' ? undefined : bytes);
}

function sendFile(request: IncomingMessage, response: ServerResponse, { type, body, isImmutable }: PageFile): void {
  const caching = isImmutable ? { 'cache-control': 'private, max-age=31536000, immutable' } : {};
  response.writeHead(200, { ...HEADERS, ...caching, 'content-type': type, 'content-length': body.length });
  response.end(request.method === 'HEAD' ? undefined : body);
}
