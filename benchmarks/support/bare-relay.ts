/**
 * Worker: the least that a server in Node can do with bytes that arrive over TLS and leave over TCP: it passes them on.
 */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import * as tls from 'node:tls';
import { serveCommands } from './workers.ts';

export interface RelayCommand {
  readonly cert: string;
  readonly key: string;
}
export interface RelayAnswer {
  readonly ports: { readonly s2s: number; readonly component: number };
}

const listening = (server: Server): Promise<number> =>
  new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)));

serveCommands<RelayCommand, RelayAnswer>(async ({ cert, key }) => {
  let sink: Socket | null = null;
  const out = createServer({ noDelay: true }, (socket) => {
    sink = socket.on('error', () => undefined);
    socket.resume();
  });
  const into = tls.createServer({ cert, key, minVersion: 'TLSv1.3' }, (socket) => {
    if (sink === null) socket.destroy();
    else socket.on('error', () => undefined).pipe(sink, { end: false });
  });
  return { ports: { s2s: await listening(into), component: await listening(out) } };
});
