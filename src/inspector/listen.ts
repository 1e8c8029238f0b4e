/** Where the inspector and the metrics listen: an address, or why it cannot be had. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import { fault, FaultError } from '../protocol/faults.ts';

/**
 * Answers the port, where 0 was asked for the one that was free.
 * @throws FaultError `tcp`: `listen-failed` where the address cannot be had
 */
export async function listenOn(server: Server, address: string, port: number): Promise<number> {
  server.listen(port, address);
  try {
    await once(server, 'listening');
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new FaultError(fault('tcp', 'listen-failed', 'local', text), { cause: error });
  }
  const bound = server.address();
  return typeof bound === 'object' && bound !== null ? bound.port : port;
}

/** Nobody is waited for. */
export async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
