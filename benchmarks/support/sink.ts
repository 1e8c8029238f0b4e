/**
 * Worker: a component (XEP-0114), or a receiver of bytes from a bare relay, that counts what arrives and parses
 * nothing.
 */
import { connect, type Socket } from 'node:net';
import { attachComponent } from './component-client.ts';
import { serveCommands } from './workers.ts';

export type SinkCommand =
  | { readonly do: 'attach'; readonly port: number; readonly domain: string; readonly secret: string }
  /** As `attach`, without a handshake. */
  | { readonly do: 'connect'; readonly port: number }
  /**
   * Answers when `count` messages have arrived since the last answer; rejects when there are more, or after a minute.
   */
  | { readonly do: 'await'; readonly count: number };

export interface SinkAnswer {
  readonly arrived: number;
}

const END = Buffer.from('</message>');
const PATIENCE_MS = 60_000;

let socket: Socket | null = null;
let arrived = 0;
let tail = Buffer.alloc(0);
let counted = (): void => undefined;

serveCommands<SinkCommand, SinkAnswer>((command) => {
  if (command.do === 'await') return allArrived(command.count);
  return command.do === 'attach' ? attach(command) : connected(command.port);
});

function connected(port: number): Promise<SinkAnswer> {
  socket?.destroy();
  const fresh = connect({ host: '127.0.0.1', port, noDelay: true });
  socket = fresh.on('data', count);
  return new Promise((resolve, reject) => {
    fresh.once('connect', () => resolve({ arrived: 0 })).once('error', reject);
  });
}

async function attach({ port, domain, secret }: Extract<SinkCommand, { do: 'attach' }>): Promise<SinkAnswer> {
  socket?.destroy();
  socket = await attachComponent(port, domain, secret);
  socket.on('data', count);
  return { arrived: 0 };
}

/** Counts the ends of messages, including those that are split between two chunks. */
function count(chunk: Buffer): void {
  const seam = Buffer.concat([tail, chunk.subarray(0, END.length - 1)]);
  for (let at = seam.indexOf(END); at !== -1; at = seam.indexOf(END, at + END.length)) arrived += 1;
  for (let at = chunk.indexOf(END); at !== -1; at = chunk.indexOf(END, at + END.length)) arrived += 1;
  tail = Buffer.from(Buffer.concat([tail, chunk.subarray(-(END.length - 1))]).subarray(-(END.length - 1)));
  counted();
}

function allArrived(expected: number): Promise<SinkAnswer> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => finish(), PATIENCE_MS);
    const finish = (): void => {
      clearTimeout(late);
      counted = () => undefined;
      const answer = { arrived };
      arrived = 0;
      if (answer.arrived === expected) resolve(answer);
      else reject(new Error(`${answer.arrived} messages arrived instead of ${expected}`));
    };
    counted = (): void => {
      if (arrived >= expected) finish();
    };
    counted();
  });
}
