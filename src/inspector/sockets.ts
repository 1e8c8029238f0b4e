/** The WebSockets of the inspector: who may open one, how many there may be, and how silent ones are closed. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Guard } from './guard.ts';
import type { Inspected } from './inspected.ts';
import { LiveSocket } from './live-socket.ts';
import { showToStately } from './stately-socket.ts';

/** Most pages open at once. */
const MAX_SOCKETS = 16;
/** A client's message is a filter. */
const MAX_MESSAGE_BYTES = 4_096;
/** A client that has not answered one ping by the next is disconnected; the interval, in milliseconds. */
const PING_MS = 30_000;

type Take = (socket: WebSocket, query: URLSearchParams) => void;

export class Sockets {
  readonly #guard: Guard;
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false });
  readonly #takers: ReadonlyMap<string, Take>;
  readonly #answered = new WeakSet<WebSocket>();
  #pinging: NodeJS.Timeout | null = null;

  constructor(guard: Guard, inspected: Inspected) {
    this.#guard = guard;
    const { live } = inspected;
    if (live === undefined) {
      this.#takers = new Map();
      return;
    }
    const pages = new LiveSocket(live);
    this.#takers = new Map<string, Take>([
      ['/api/live', (socket) => pages.take(socket)],
      ['/stately', (socket, query) => showToStately(socket, inspected, live, query)],
    ]);
  }

  upgrade(request: IncomingMessage, { pathname, searchParams }: URL, socket: Duplex, head: Buffer): void {
    // A client that disconnects while it is refused is not our error.
    socket.on('error', () => socket.destroy());
    const refusal = this.#guard.refuses(request, searchParams);
    if (refusal !== null) {
      refuse(socket, refusal.status, refusal.text);
      return;
    }
    const take = this.#takers.get(pathname);
    if (take === undefined) refuse(socket, 404, 'no WebSocket is here');
    else if (this.#server.clients.size >= MAX_SOCKETS) refuse(socket, 503, `${MAX_SOCKETS} are open already`);
    else
      this.#server.handleUpgrade(request, socket, head, (opened) => {
        this.#watch(opened);
        take(opened, searchParams);
      });
  }

  stop(): void {
    if (this.#pinging !== null) clearInterval(this.#pinging);
    for (const socket of this.#server.clients) socket.terminate();
    this.#server.close();
  }

  #watch(socket: WebSocket): void {
    this.#answered.add(socket);
    socket.on('pong', () => this.#answered.add(socket));
    // An invalid or too large frame: the library closes the socket with the matching code.
    socket.on('error', () => undefined);
    this.#pinging ??= setInterval(() => this.#ping(), PING_MS).unref();
  }

  #ping(): void {
    for (const socket of this.#server.clients) {
      if (this.#answered.delete(socket)) socket.ping();
      else socket.terminate();
    }
    if (this.#server.clients.size > 0 || this.#pinging === null) return;
    clearInterval(this.#pinging);
    this.#pinging = null;
  }
}

const REASONS = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  503: 'Service Unavailable',
} as const;

export function refuse(socket: Duplex, status: keyof typeof REASONS, text: string): void {
  const head = `HTTP/1.1 ${status} ${REASONS[status]}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n`;
  socket.end(`${head}Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`, () => socket.destroy());
}
