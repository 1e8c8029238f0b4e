/** Worker: the least that a server in Node can do for a mutually authenticated connection: TLS, one byte, the end. */
import type { AddressInfo } from 'node:net';
import * as tls from 'node:tls';
import { serveCommands } from './workers.ts';

export interface BareCommand {
  readonly cert: string;
  readonly key: string;
}
export interface BareAnswer {
  readonly port: number;
}

serveCommands<BareCommand, BareAnswer>(({ cert, key }) => {
  const server = tls.createServer(
    { cert, key, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.3', sessionIdContext: 'bare' },
    (socket) => socket.on('error', () => undefined).end('.'),
  );
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve({ port: (server.address() as AddressInfo).port }));
  });
});
