/** Sits in front of a name server, forwards only what it is told to, and records the questions. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { decode, type DecodedPacket, encode, type Packet, streamEncode } from 'dns-packet';
import { framed, messagesIn } from './dns-server.ts';

export interface DnsRelay {
  /** `127.0.0.1@PORT`. */
  readonly address: string;
  /** The questions asked over UDP, such as `TLSA _5269._tcp.xmpp.example`, in order. */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

export interface AskedQuestion {
  readonly type: string;
  /** In lower case. */
  readonly name: string;
}

/** How a question is handled: with the server's own answer, with SERVFAIL, or not at all. */
export type Treatment = 'answered' | 'failed' | 'dropped';

const SERVFAIL = 2;
/** A port that is free for one protocol may be in use for the other. */
const ATTEMPTS = 50;

/** Listens on the same port over UDP and TCP. */
async function onePort(front: Socket, streams: Server): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    streams.listen(0, '127.0.0.1');
    await once(streams, 'listening');
    const { port } = streams.address() as AddressInfo; // a TCP server has such an address
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

/** Forwards to `port` on 127.0.0.1 over UDP, and over TCP for truncated answers. */
export async function startDnsRelay(port: number, treat: (question: AskedQuestion) => Treatment): Promise<DnsRelay> {
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
    const query = decode(packet);
    const questions = questionsOf(query);
    for (const { type, name } of questions) asked.push(`${type} ${name}`);
    const treatment = treatmentOf(questions, treat);
    if (treatment === 'failed') front.send(encode(failure(query)), client.port, client.address);
    if (treatment === 'answered') socketOf(client).send(packet, port, '127.0.0.1');
  });

  const streams = createServer((client) => {
    const server = connect(port, '127.0.0.1');
    messagesIn(client, (message) => {
      const query = decode(message);
      const treatment = treatmentOf(questionsOf(query), treat);
      if (treatment === 'failed') client.write(streamEncode(failure(query)));
      if (treatment === 'answered') server.write(framed(message));
    });
    client.on('end', () => server.end());
    server.pipe(client);
    client.on('error', () => server.destroy());
    server.on('error', () => client.destroy());
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

const questionsOf = ({ questions = [] }: DecodedPacket): readonly AskedQuestion[] =>
  questions.map(({ type, name }) => ({ type, name: name.toLowerCase() }));

const treatmentOf = (questions: readonly AskedQuestion[], treat: (question: AskedQuestion) => Treatment): Treatment =>
  questions.map(treat).find((treatment) => treatment !== 'answered') ?? 'answered';

const failure = ({ id = 0, questions = [] }: DecodedPacket): Packet => ({
  ...{ id, type: 'response', flags: SERVFAIL },
  questions,
});
