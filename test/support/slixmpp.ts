/** A real client for the interop tests: slixmpp, from Debian's package `python3-slixmpp`, in its own process. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { PATIENCE_MS } from './patience.ts';
import { missing } from './processes.ts';

const SCRIPT = fileURLToPath(new URL('./slixmpp-client.py', import.meta.url));

export interface ClientOptions {
  readonly jid: string;
  readonly password: string;
  /** File of the trust anchor for the server's certificate. */
  readonly ca: string;
  /** On 127.0.0.1. */
  readonly port: number;
  /** TLS before any XML (XEP-0368), otherwise STARTTLS. */
  readonly direct: boolean;
  /** @defaultValue the best that both ends support */
  readonly mechanism?: string;
}

/** An event reported by the client; `event` determines which fields are present. */
export interface ClientEvent {
  readonly event: 'online' | 'refused' | 'message' | 'pong' | 'no-pong' | 'disconnected';
  readonly jid?: string;
  readonly mechanism?: string;
  readonly tls?: string;
  readonly condition?: string;
  readonly from?: string;
  readonly to?: string;
  readonly type?: string;
  readonly body?: string;
  readonly error?: string | null;
}

export interface Client {
  message(to: string, body: string): void;
  /** XEP-0199 */
  ping(to: string): void;
  /**
   * The first event, already reported or yet to come, that `fits`. Rejects after 60 s, and when the client ends first.
   */
  waitFor(fits: (event: ClientEvent) => boolean, what: string): Promise<ClientEvent>;
  /** Logs out; resolves when the process is gone. */
  close(): Promise<void>;
}

export const slixmppMissing = (): string | null =>
  missing('/usr/bin/python3', '/usr/lib/python3/dist-packages/slixmpp/__init__.py');

/** Starts the client, which logs in; wait for `online` or `refused`. Takes about 1 s. */
export function startClient(options: ClientOptions): Client {
  const command = ['--pdeathsig', 'KILL', '--', '/usr/bin/python3', SCRIPT, JSON.stringify(options)];
  const child = spawn('setpriv', command, { stdio: ['pipe', 'pipe', 'pipe'] });
  const events: ClientEvent[] = [];
  const watchers = new Set<() => void>();
  let complaints = '';
  let ended = false;
  const wake = (): void => [...watchers].forEach((watcher) => watcher());
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  createInterface(child.stdout).on('line', (line) => {
    events.push(JSON.parse(line) as ClientEvent);
    wake();
  });
  const closed = new Promise<void>((resolve) =>
    child.once('close', () => {
      ended = true;
      wake();
      resolve();
    }),
  );
  child.stdin.on('error', () => undefined); // it may have ended before us
  const order = (what: object): void => void child.stdin.write(`${JSON.stringify(what)}\n`);

  return {
    message: (to, body) => order({ to, body }),
    ping: (to) => order({ ping: to }),
    waitFor: (fits, what) =>
      new Promise((resolve, reject) => {
        const settle = (): void => {
          clearTimeout(late);
          watchers.delete(look);
        };
        const fail = (why: string): void => {
          settle();
          reject(
            new Error(`${options.jid}: no ${what}: ${why}; it told ${JSON.stringify(events, null, 1)}\n${complaints}`),
          );
        };
        const look = (): void => {
          const found = events.find(fits);
          if (found !== undefined) {
            settle();
            resolve(found);
          } else if (ended) fail('the client has ended');
        };
        const late = setTimeout(() => fail('time is up'), PATIENCE_MS);
        watchers.add(look);
        look();
      }),
    close: async () => {
      child.stdin.end();
      const late = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await closed;
      clearTimeout(late);
    },
  };
}
