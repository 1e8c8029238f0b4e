/** Opens the listeners of the inspector and of the metrics. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import { fault, FaultError } from '../protocol/faults.ts';

/**
 * Listens and returns the port; where port 0 was requested, the one that the system assigned.
 * @throws FaultError `tcp`: `listen-failed` when the address cannot be listened on
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

/** Closes the server without waiting for clients. */
export async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
