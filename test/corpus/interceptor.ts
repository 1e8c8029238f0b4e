/** A man in the middle, or a proxy: it terminates TLS with its own certificate, reads everything, and passes it on. */
import { once } from 'node:events';
import { type AddressInfo, connect as dial, createServer, type Socket } from 'node:net';
import { connect as dialTls, TLSSocket } from 'node:tls';
import type { Credential } from '../../src/ports.ts';
import type { Stage } from './stage.ts';

const PROCEED = /<proceed[^>]*\/>/;

/** A port that passes everything on to `port`, and presents `credential` from <proceed/> on. */
export async function intercepted(stage: Stage, port: number, credential: Credential): Promise<number> {
  const sockets = new Set<Socket>();
  const watched = <Kind extends Socket>(socket: Kind): Kind => {
    sockets.add(socket.on('error', () => undefined));
    return socket;
  };
  const server = createServer((near) => {
    watched(near);
    const far = watched(dial(port, '127.0.0.1'));
    near.pipe(far);
    const onward = (bytes: Buffer): void => {
      if (!PROCEED.test(bytes.toString())) {
        near.write(bytes);
        return;
      }
      far.off('data', onward);
      near.unpipe(far);
      const { cert, key } = credential;
      const within = watched(new TLSSocket(near, { isServer: true, cert, key }));
      const beyond = watched(dialTls({ socket: far, rejectUnauthorized: false }));
      within.pipe(beyond).pipe(within);
      near.write(bytes);
    };
    far.on('data', onward);
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  stage.atEnd(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port; // a TCP server has such an address
}
