/** A resolver that does what a test says with each query, over UDP and TCP on one high loopback port. */
import { createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import {
  type Answer,
  AUTHENTIC_DATA,
  decode,
  type DecodedPacket,
  encode,
  type Packet,
  RECURSION_AVAILABLE,
  streamEncode,
} from 'dns-packet';
import { bindBoth } from './dns-server.ts';

export const RESOLVES = RECURSION_AVAILABLE;
export const VOUCHES = RECURSION_AVAILABLE | AUTHENTIC_DATA;

export interface ScriptedQuery {
  readonly over: 'udp' | 'tcp';
  readonly packet: DecodedPacket;
  readonly port: number;
  /** The start of a packet that answers this query. */
  reply(flags: number, answers?: readonly Answer[], authorities?: readonly Answer[]): Packet;
  send(packet: Packet): void;
  /** Sent unchanged, over TCP too. */
  sendBytes(bytes: Buffer): void;
  /** Closes the TCP connection. */
  hangUp(): void;
}

/** Does not answer unless the script does. @returns `127.0.0.1@PORT` */
export async function scriptedResolver(t: TestContext, script: (query: ScriptedQuery) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const tcp = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    socket.once('data', (bytes) =>
      script(
        query(
          'tcp',
          bytes.subarray(2),
          socket.remotePort ?? 0,
          (reply) => void socket.write(reply),
          () => socket.end(),
        ),
      ),
    );
  });
  const { udp, port } = await bindBoth(tcp);
  udp.on('message', (bytes, from) => {
    const send = (reply: Buffer): void => udp.send(reply, from.port, from.address);
    script(query('udp', bytes, from.port, send, () => undefined));
  });
  t.after(() => {
    udp.close();
    for (const socket of sockets) socket.destroy();
    tcp.close();
  });
  return `127.0.0.1@${port}`;
}

function query(
  over: 'udp' | 'tcp',
  bytes: Buffer,
  port: number,
  sendBytes: (bytes: Buffer) => void,
  hangUp: () => void,
): ScriptedQuery {
  const packet = decode(bytes);
  return {
    over,
    packet,
    port,
    reply: (flags, answers = [], authorities = []) => ({
      id: packet.id ?? 0,
      type: 'response',
      flags,
      questions: packet.questions ?? [],
      answers: [...answers],
      authorities: [...authorities],
    }),
    send: (reply) => sendBytes(over === 'tcp' ? streamEncode(reply) : encode(reply)),
    sendBytes,
    hangUp,
  };
}
