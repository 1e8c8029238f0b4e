/** Sends requests to an inspector over HTTP and WebSocket, with exactly the headers that a test chooses. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { Observable, Subject } from 'rxjs';
import { WebSocket } from 'ws';
import type { Commands, Live } from '../../src/inspector/inspected.ts';
import type { Inspector } from '../../src/inspector/server.ts';
import type { TraceBody, TraceRecord } from '../../src/trace/record.ts';

export interface Got {
  readonly status: number;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
}

export interface Asking {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Does not use `fetch`, which adds headers of its own. */
export async function ask(to: Inspector, path: string, { method = 'GET', headers, body }: Asking = {}): Promise<Got> {
  const asked = request({ host: to.address, port: to.port, path, method, headers: { ...headers }, agent: false });
  asked.end(body);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  let text = '';
  for await (const part of response.setEncoding('utf8') as AsyncIterable<string>) text += part;
  return { status: response.statusCode ?? 0, body: text, headers: response.headers };
}

/** A WebSocket, and the messages received on it. */
export class Wire {
  readonly socket: WebSocket;
  readonly messages: unknown[] = [];
  readonly #heard: (() => void)[] = [];

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer) => {
      this.messages.push(JSON.parse(data.toString()));
      for (const look of this.#heard.splice(0)) look();
    });
  }

  static async open(to: Inspector, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Wire> {
    const socket = new WebSocket(`ws://127.0.0.1:${to.port}${path}`, { headers });
    const wire = new Wire(socket);
    await once(socket, 'open');
    return wire;
  }

  say(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** The first message for which `is` holds, now or later. */
  async next<Message>(is: (message: Message) => boolean): Promise<Message> {
    for (;;) {
      const found = (this.messages as Message[]).find(is);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#heard.push(resolve));
    }
  }

  /** Resolves when the other end has read everything sent before: it answers pings in order. */
  async settled(): Promise<void> {
    this.socket.ping();
    await once(this.socket, 'pong');
  }

  async closed(): Promise<{ readonly code: number; readonly reason: string }> {
    const [code, reason] = (await once(this.socket, 'close')) as [number, Buffer];
    return { code, reason: reason.toString() };
  }

  async close(): Promise<void> {
    const closed = once(this.socket, 'close');
    this.socket.close();
    await closed;
  }
}

/** The status with which a WebSocket is refused. */
export async function refusalOf(
  to: Inspector,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${to.port}${path}`, { headers });
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
  response.resume();
  await once(response, 'close');
  return response.statusCode ?? 0;
}

/** Records what a running manager would be asked to do. */
export class ScriptedLive implements Live {
  /** Number of subscribers to the records. */
  listeners = 0;
  readonly #happens = new Subject<TraceRecord>();
  #left: () => void = () => undefined;
  readonly records$ = new Observable<TraceRecord>((listener) => {
    const listening = this.#happens.subscribe(listener);
    this.listeners += 1;
    return () => {
      listening.unsubscribe();
      this.listeners -= 1;
      this.#left();
    };
  });
  readonly asked: string[] = [];
  readonly told: string[] = [];
  readonly tell = (text: string): void => void this.told.push(text);
  #seq = 0;
  readonly commands: Commands = {
    connect: (local, remote) => {
      this.asked.push(`connect ${local} ${remote}`);
      return { outcome: 'opening' };
    },
    retry: (local, remote) => {
      this.asked.push(`retry ${local} ${remote}`);
      return false;
    },
    closeStream: (stream) => {
      this.asked.push(`close ${stream}`);
      return stream === 3;
    },
    block: (domain) => {
      this.asked.push(`block ${domain}`);
      if (domain === 'no domain') throw new TypeError('domain: "no domain" is no domain');
      return true;
    },
    unblock: (domain) => {
      this.asked.push(`unblock ${domain}`);
      return true;
    },
    blocked: ['blocked.example'],
  };

  partiesOf(stream: number): { local: string; remote: string } {
    return { local: 'a.example', remote: stream === 3 ? 'b.example' : 'other.example' };
  }

  /** Resolves when a subscriber has unsubscribed. */
  left(): Promise<void> {
    return new Promise((resolve) => (this.#left = resolve));
  }

  record(actor: string, body: TraceBody): void {
    this.#happens.next({ seq: this.#seq++, atMs: 1_000, actor, cause: null, ...body });
  }
}

export function assertIsOurs({ headers }: Got): void {
  assert.match(String(headers['content-security-policy']), /default-src 'none'.*frame-ancestors 'none'/);
  assert.equal(headers['x-content-type-options'], 'nosniff');
}
