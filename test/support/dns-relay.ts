/** Stands before a name server, passes everything on, and knows what was asked. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { decode, encode } from 'dns-packet';

export interface DnsRelay {
  /** `127.0.0.1@PORT`. */
  readonly address: string;
  /** What was asked over UDP: `TLSA _5269._tcp.xmpp.example`, in order. */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

const SERVFAIL = 2;
/** A port that is free for one protocol may be taken for the other. */
const ATTEMPTS = 50;

/** Listens on the same port over UDP and TCP. */
async function onePort(front: Socket, streams: Server): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    streams.listen(0, '127.0.0.1');
    await once(streams, 'listening');
    const { port } = streams.address() as AddressInfo; // of a TCP server
    try {
      front.bind(port, '127.0.0.1');
      await once(front, 'listening');
      return port;
    } catch (taken) {
      await new Promise((resolve) => streams.close(resolve));
      if (attempt === ATTEMPTS) throw taken;
    }
  }
}

/**
 * Passes on to `port` on 127.0.0.1, over UDP and, for answers that were cut, over TCP.
 * @param failing zone for which it says that the server has failed
 */
export async function startDnsRelay(port: number, failing: string): Promise<DnsRelay> {
  const asked: string[] = [];
  const front = createSocket('udp4');
  const behind = new Map<string, Socket>();
  const socketOf = (client: RemoteInfo): Socket => {
    const key = `${client.address} ${client.port}`;
    const known = behind.get(key);
    if (known !== undefined) return known;
    const socket = createSocket('udp4');
    socket.on('message', (answer) => front.send(answer, client.port, client.address));
    socket.on('error', () => undefined);
    behind.set(key, socket);
    return socket;
  };
  front.on('message', (packet, client) => {
    const { id, questions = [] } = decode(packet);
    for (const { type, name } of questions) asked.push(`${type} ${name.toLowerCase()}`);
    if (questions.some(({ name }) => `.${name.toLowerCase()}`.endsWith(`.${failing}`))) {
      front.send(encode({ id: id ?? 0, type: 'response', flags: SERVFAIL, questions }), client.port, client.address);
    } else socketOf(client).send(packet, port, '127.0.0.1');
  });

  const streams = createServer((client) => {
    const server = connect(port, '127.0.0.1');
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.pipe(other);
      one.on('error', () => other.destroy());
    }
  });
  const ours = await onePort(front, streams);
  return {
    address: `127.0.0.1@${ours}`,
    asked,
    close: async () => {
      for (const socket of [front, ...behind.values()]) socket.close();
      await new Promise((resolve) => streams.close(resolve));
    },
  };
}
