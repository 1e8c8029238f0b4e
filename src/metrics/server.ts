/** `/metrics` over HTTP, for Prometheus and compatible collectors: guarded like the inspector. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Guard, type GuardOptions, urlHost } from '../inspector/guard.ts';
import { close, listenOn } from '../inspector/listen.ts';
import type { Metrics } from './metrics.ts';

export interface MetricsServerOptions extends GuardOptions {
  /** The port; 0 for any free one. */
  readonly port: number;
}

/** Nobody needs more at once. */
const MAX_CONNECTIONS = 16;
/** Time limits, in milliseconds: for receiving a request (a line and a few headers), and for an idle connection. */
const REQUEST_MS = 10_000;
const STILL_MS = 60_000;

/** Only the path and query of a request matter. */
const BASE = 'http://metrics.invalid';

export class MetricsServer {
  readonly #server: Server;
  readonly #metrics: Metrics;
  readonly address: string;
  readonly port: number;

  private constructor(server: Server, metrics: Metrics, address: string, port: number) {
    this.#server = server;
    this.#metrics = metrics;
    this.address = address;
    this.port = port;
  }

  get url(): string {
    return `http://${urlHost(this.address)}:${this.port}/metrics`;
  }

  /** Rejects with FaultError `tcp`: `listen-failed` when the address cannot be listened on. */
  static async start({ address, port, token }: MetricsServerOptions, metrics: Metrics): Promise<MetricsServer> {
    const guard = new Guard({ address, token });
    const times = { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS };
    const server = createServer(times, (request, response) => void answer(request, response, guard, metrics));
    server.setTimeout(STILL_MS);
    server.maxConnections = MAX_CONNECTIONS;
    try {
      return new MetricsServer(server, metrics, address, await listenOn(server, address, port));
    } catch (error) {
      metrics.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.#metrics.stop();
    await close(this.#server);
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  guard: Guard,
  metrics: Metrics,
): Promise<void> {
  const { url = '/', method } = request;
  const parsed = URL.canParse(url, BASE) ? new URL(url, BASE) : null;
  const send = (status: number, body: string, type = 'text/plain; charset=utf-8'): void => {
    const bytes = Buffer.from(body);
    const headers = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', 'content-type': type };
    response.writeHead(status, { ...headers, 'content-length': bytes.length });
    response.end(method === 'HEAD' ? undefined : bytes);
  };
  if (parsed === null) {
    send(400, 'no such address');
    return;
  }
  const refusal = guard.refuses(request, parsed.searchParams);
  if (refusal !== null) send(refusal.status, refusal.text);
  else if (parsed.pathname !== '/metrics') send(404, 'nothing is here; try\n/metrics');
  else {
    const text = await metrics.text().catch(() => null);
    if (text === null) send(500, 'the numbers could not be gathered');
    else send(200, text, metrics.contentType);
  }
}
