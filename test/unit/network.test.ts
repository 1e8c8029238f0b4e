import { once } from 'node:events';
import * as net from 'node:net';
import { systemClock } from '../../src/adapters/clock.ts';
import { createNetwork } from '../../src/adapters/network.ts';
import { networkContract } from './network-contract.ts';
import type { World } from './network-contract.ts';

/** Sockets move on between turns of the event loop; a wait is a look in each of them. */
async function until(predicate: () => boolean): Promise<void> {
  const deadline = Date.now() + 5_000;
  do {
    await new Promise((resolve) => setImmediate(resolve));
    if (Date.now() > deadline) throw new Error('not reached within 5 s');
  } while (!predicate());
}

async function closedPort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const sockets = (): World => ({
  network: (credentials) => createNetwork({ credentials, clock: systemClock }),
  until,
  address: '127.0.0.1',
  closedPort,
});

networkContract('sockets', sockets);
