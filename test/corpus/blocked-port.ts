/**
 * A port that behaves as if a firewall dropped its packets: its connection queue is full, and the kernel ignores every
 * SYN.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import type { Stage } from './stage.ts';

const BACKLOG = 1;

/** The listener blocks its own thread on `gate`, and so never accepts a connection. */
const LISTENS = `
const { parentPort, workerData } = require('node:worker_threads');
const server = require('node:net').createServer((socket) => socket.destroy());
server.listen({ port: 0, host: '127.0.0.1', backlog: ${BACKLOG} }, () => {
  parentPort.postMessage(server.address().port);
  Atomics.wait(new Int32Array(workerData), 0, 0);
  server.close();
});`;

export async function blockedPort(stage: Stage): Promise<number> {
  const gate = new SharedArrayBuffer(4);
  const worker = new Worker(LISTENS, { eval: true, workerData: gate });
  const [port] = (await once(worker, 'message')) as [number];
  const fill: Socket[] = [];
  for (let taken = 0; taken <= BACKLOG; taken += 1) {
    const socket = connect({ host: '127.0.0.1', port }).on('error', () => undefined);
    await once(socket, 'connect');
    fill.push(socket);
  }
  stage.atEnd(async () => {
    for (const socket of fill) socket.destroy();
    Atomics.store(new Int32Array(gate), 0, 1);
    Atomics.notify(new Int32Array(gate), 0);
    await worker.terminate();
  });
  return port;
}
