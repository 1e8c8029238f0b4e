/**
 * Worker: the least that a server in Node can do for a mutually authenticated connection: TLS, a check of the client's
 * certificate against its issuer, one byte, close.
 */
import type { AddressInfo } from 'node:net';
import * as tls from 'node:tls';
import { serveCommands } from './workers.ts';

export interface BareCommand {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}
export interface BareAnswer {
  readonly port: number;
}

serveCommands<BareCommand, BareAnswer>(({ cert, key, ca }) => {
  const server = tls.createServer(
    { cert, key, ca, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3', sessionIdContext: 'bare' },
    (socket) => socket.on('error', () => undefined).end('.'),
  );
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve({ port: (server.address() as AddressInfo).port }));
  });
});
