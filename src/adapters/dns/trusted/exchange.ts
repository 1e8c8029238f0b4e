/**
 * One question to one server and its answer: over UDP from a port of its own, then over TCP if the answer was truncated
 * (RFC 7766 §5). An answer counts only if address, port, id and question are those of the query (RFC 5452 §9.1).
 */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createConnection } from 'node:net';
import type { ServerAddress } from '../server-address.ts';
import { type Answer, encodeQuery, type Question, readAnswer } from '../message.ts';

const IDS = 2 ** 16;
const LENGTH_BYTES = 2;

export interface Query extends Question {
  /** CD: the resolver should also return data that fails its validation (RFC 4035 §3.2.2). */
  readonly checkingDisabled: boolean;
}

/** @throws Error that says why there is no answer; at once when `stop` fires. */
export async function exchange(server: ServerAddress, query: Query, stop: AbortSignal): Promise<Answer> {
  const short = await overUdp(server, query, stop);
  if (!short.truncated) return short;
  const answer = await overTcp(server, query, stop);
  if (answer.truncated) throw new Error('the answer is cut off over TCP, too');
  return answer;
}

/** Messages that do not answer the query are ignored, however many arrive: only `stop` ends the wait for the answer. */
function overUdp(server: ServerAddress, query: Query, stop: AbortSignal): Promise<Answer> {
  const { id, bytes } = numbered(query);
  return settled(stop, (settle) => {
    const socket = createSocket(server.family === 6 ? 'udp6' : 'udp4');
    socket.on('error', (error) => settle.fail(error));
    socket.on('message', (message) => settle.try(() => readAnswer(message, id, query)));
    // On a connected socket, the system drops datagrams from elsewhere, and reports when nobody listens there.
    socket.connect(server.port, server.address, () => socket.send(bytes));
    return () => socket.close();
  });
}

function overTcp(server: ServerAddress, query: Query, stop: AbortSignal): Promise<Answer> {
  const { id, bytes } = numbered(query);
  return settled(stop, (settle) => {
    const socket = createConnection({ host: server.address, port: server.port });
    const chunks: Buffer[] = [];
    let heardBytes = 0;
    let endsAt = Infinity;
    socket.on('connect', () => socket.write(withLength(bytes)));
    socket.on('error', (error) => settle.fail(error));
    socket.on('close', () => settle.fail(new Error('the server closed the connection')));
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      heardBytes += chunk.length;
      if (endsAt === Infinity && heardBytes >= LENGTH_BYTES)
        endsAt = LENGTH_BYTES + Buffer.concat(chunks).readUInt16BE(0);
      if (heardBytes < endsAt) return;
      settle.try(() => readAnswer(Buffer.concat(chunks).subarray(LENGTH_BYTES, endsAt), id, query));
      settle.fail(new Error('the server answered something else'));
    });
    return () => socket.destroy();
  });
}

interface Settle {
  /** Settles with what `read` returns or throws; null does not settle. */
  try(read: () => Answer | null): void;
  fail(error: Error): void;
}

/** Runs `start` until it has settled or `stop` fires, then calls the function that `start` returned, once. */
function settled(stop: AbortSignal, start: (settle: Settle) => () => void): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let isOver = false;
    const end = (): boolean => {
      if (isOver) return false;
      isOver = true;
      stop.removeEventListener('abort', giveUp);
      close();
      return true;
    };
    const fail = (error: Error): void => {
      if (end()) reject(error);
    };
    const giveUp = (): void => fail(new Error(String(stop.reason)));
    const close = start({
      fail,
      try: (read) => {
        try {
          const answer = read();
          if (answer !== null && end()) resolve(answer);
        } catch (thrown) {
          fail(new Error(`a malformed answer: ${thrown instanceof Error ? thrown.message : String(thrown)}`));
        }
      },
    });
    stop.addEventListener('abort', giveUp, { once: true });
    if (stop.aborted) giveUp();
  });
}

/** The query with an unpredictable id (RFC 5452 §9.2). */
function numbered(query: Query): { id: number; bytes: Buffer } {
  const id = randomInt(IDS);
  const bytes = encodeQuery(id, query, query.checkingDisabled);
  if (bytes === null) throw new Error('not a name that DNS can hold');
  return { id, bytes };
}

function withLength(message: Buffer): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}
