/** Web servers on loopback, with their own authority: many hosts behind one port, told apart by SNI. */
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { Credential } from '../../src/ports.ts';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import { createTableResolver, type TableResolver } from '../../src/simulation/table-dns.ts';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export const webAuthority = createCertificateAuthority({ name: 'Web CA' });
/** An authority that nobody trusts. */
export const strangeAuthority = createCertificateAuthority({ name: 'Strange CA' });

export interface Web {
  readonly port: number;
  /** Knows every host of this web. */
  readonly resolver: TableResolver;
  /** The requests: `host path`, in order. */
  readonly asked: readonly string[];
  /** TCP connections accepted so far, whatever became of them. */
  readonly connections: number;
  /** Connections that are open now. */
  readonly open: number;
  /** Sets the answer of a host from now on; the host has a good certificate unless one is given. */
  serve(host: string, handler: Handler, credential?: Credential): void;
  close(): Promise<void>;
}

export async function startWeb(address = '127.0.0.1'): Promise<Web> {
  const hosts = new Map<string, { handler: Handler; credential: Credential }>();
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const resolver = createTableResolver({});
  const server: Server = createServer(
    {
      noDelay: true, // otherwise each answer waits for the acknowledgement of the session tickets
      ...webAuthority.issue({ ipAddresses: ['127.0.0.1', '::1'], commonName: 'no name' }),
      SNICallback: (name, done) => {
        const credential = hosts.get(name)?.credential;
        done(null, credential === undefined ? undefined : createSecureContext({ ...credential }));
      },
    },
    (request, response) => {
      const host = request.headers.host?.replace(/:\d+$/, '') ?? '';
      asked.push(`${host} ${request.url ?? ''}`);
      const handler = hosts.get(host)?.handler;
      if (handler === undefined) response.writeHead(421).end();
      else handler(request, response);
    },
  );
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    resolver,
    asked,
    get connections() {
      return connections;
    },
    get open() {
      return sockets.size;
    },
    serve: (host, handler, credential = webAuthority.issue({ dnsNames: [host] })) => {
      hosts.set(host, { handler, credential });
      resolver.set(host, { addresses: [{ family: address.includes(':') ? 6 : 4, address }] });
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** A success with this body; anything but a string is written as JSON. */
export const says =
  (body: unknown, headers: Readonly<Record<string, string>> = {}): Handler =>
  (_, response) =>
    response
      .writeHead(200, { 'content-type': 'application/json', ...headers })
      .end(typeof body === 'string' ? body : JSON.stringify(body));

export const answers =
  (status: number, headers: Readonly<Record<string, string>> = {}): Handler =>
  (_, response) =>
    response.writeHead(status, headers).end();

export const redirects = (location: string, status = 302): Handler => answers(status, { location });
