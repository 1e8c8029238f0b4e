/** Worker: a peer that opens streams and sends stanzas on them. */
import * as tls from 'node:tls';
import { openS2s, type S2sStream } from './s2s-client.ts';
import { serveCommands } from './workers.ts';

export interface Target {
  readonly port: number;
  readonly from: string;
  readonly to: string;
  readonly cert: string;
  readonly key: string;
}

export type SenderCommand =
  /** One stream, for `send`. */
  | ({ readonly do: 'open' } & Target)
  /** Bare TLS, for `send`. */
  | ({ readonly do: 'connect' } & Target)
  /** The same stanza `count` times, in large writes; answers when the system has accepted all. */
  | { readonly do: 'send'; readonly count: number; readonly stanza: string }
  /** The same stanza, `perSecond` times a second, for `milliseconds`. */
  | { readonly do: 'pace'; readonly perSecond: number; readonly milliseconds: number; readonly stanza: string }
  /** Streams in sequence, `parallel` at a time, each closed once it is authenticated. */
  | ({ readonly do: 'streams'; readonly count: number; readonly parallel: number; readonly resume: boolean } & Target)
  /** Bare TLS handshakes, in the same way. */
  | ({
      readonly do: 'handshakes';
      readonly count: number;
      readonly parallel: number;
      readonly resume: boolean;
    } & Target)
  /** Streams that stay open. */
  | ({ readonly do: 'hold'; readonly count: number; readonly parallel: number } & Target);

export interface SenderAnswer {
  /** How many of the streams or handshakes resumed a session. */
  readonly resumed: number;
}

const BUNDLE_MS = 2;
/** Bytes per write. */
const CHUNK = 64 * 1024;

const held: Pick<S2sStream, 'socket'>[] = [];
const sessions = new Map<string, Buffer>();

serveCommands<SenderCommand, SenderAnswer>(async (command) => {
  switch (command.do) {
    case 'open':
      held.push(await openS2s({ ...command, context: contextOf(command) }));
      return { resumed: 0 };
    case 'connect':
      held.push({ socket: await connected(command) });
      return { resumed: 0 };
    case 'send':
      await send(command.count, Buffer.from(command.stanza));
      return { resumed: 0 };
    case 'pace':
      await pace(command, Buffer.from(command.stanza));
      return { resumed: 0 };
    case 'hold': {
      const context = contextOf(command);
      await inParallel(command, async () => {
        held.push(await openS2s({ ...command, context }));
        return false;
      });
      return { resumed: 0 };
    }
    case 'streams': {
      const context = contextOf(command);
      const key = `stream ${command.port}`;
      return inParallel(command, async () => {
        const session = command.resume ? sessions.get(key) : undefined;
        const stream = await openS2s({ ...command, context, session });
        await stream.close();
        const issued = stream.session();
        if (issued !== undefined) sessions.set(key, issued);
        return stream.resumed;
      });
    }
    case 'handshakes': {
      const context = contextOf(command);
      const key = `tls ${command.port}`;
      return inParallel(command, async () => {
        const { resumed, issued } = await handshake(command, context, command.resume ? sessions.get(key) : undefined);
        if (issued !== undefined) sessions.set(key, issued);
        return resumed;
      });
    }
  }
});

function contextOf({ cert, key }: Target): tls.SecureContext {
  return tls.createSecureContext({ cert, key, minVersion: 'TLSv1.3' });
}

function connected(target: Target): Promise<tls.TLSSocket> {
  const { port, to } = target;
  return new Promise((resolve, reject) => {
    const secureContext = contextOf(target);
    const socket = tls.connect({ host: '127.0.0.1', port, secureContext, servername: to, rejectUnauthorized: false });
    socket.once('secureConnect', () => resolve(socket.resume())).once('error', reject);
  });
}

async function inParallel(
  { count, parallel }: { readonly count: number; readonly parallel: number },
  one: () => Promise<boolean>,
): Promise<SenderAnswer> {
  let left = count;
  let resumed = 0;
  const run = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      if (await one()) resumed += 1;
    }
  };
  await Promise.all(Array.from({ length: parallel }, run));
  return { resumed };
}

async function send(count: number, stanza: Buffer): Promise<void> {
  const socket = held.at(-1)?.socket;
  if (socket === undefined) throw new Error('no stream is open');
  const perChunk = Math.max(1, Math.floor(CHUNK / stanza.length));
  const chunk = Buffer.concat(Array.from({ length: perChunk }, () => stanza));
  let closed: () => void = () => undefined;
  const closing = new Promise<void>((_, reject) => {
    closed = (): void => reject(new Error('the server closed the stream'));
  });
  socket.once('close', closed);
  for (let left = count; left > 0; left -= perChunk) {
    const bytes = left >= perChunk ? chunk : chunk.subarray(0, left * stanza.length);
    if (!socket.write(bytes)) {
      await Promise.race([closing, new Promise<void>((resolve) => void socket.once('drain', resolve))]);
    }
  }
  socket.off('close', closed);
}

/** In batches, every few milliseconds. */
function pace(
  { perSecond, milliseconds }: { readonly perSecond: number; readonly milliseconds: number },
  stanza: Buffer,
): Promise<void> {
  const socket = held.at(-1)?.socket;
  if (socket === undefined) throw new Error('no stream is open');
  const begunMs = performance.now();
  let sent = 0;
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const passedMs = Math.min(performance.now() - begunMs, milliseconds);
      const due = Math.floor((passedMs / 1_000) * perSecond) - sent;
      if (due > 0) socket.write(Buffer.concat(Array.from({ length: due }, () => stanza)));
      sent += due;
      if (passedMs < milliseconds) return;
      clearInterval(timer);
      resolve();
    }, BUNDLE_MS);
  });
}

/** Resolves when the server has sent its one byte, so that both ends have finished the handshake. */
function handshake(
  { port, to }: Target,
  context: tls.SecureContext,
  session: Buffer | undefined,
): Promise<{ resumed: boolean; issued: Buffer | undefined }> {
  return new Promise((resolve, reject) => {
    let issued: Buffer | undefined;
    let resumed = false;
    const socket = tls.connect({
      host: '127.0.0.1',
      port,
      secureContext: context,
      servername: to,
      rejectUnauthorized: false,
      ...(session === undefined ? {} : { session }),
    });
    socket
      .on('session', (given: Buffer) => (issued = given))
      .once('secureConnect', () => (resumed = socket.isSessionReused()))
      .once('data', () => socket.end())
      .once('error', reject)
      .once('close', () => resolve({ resumed, issued }));
  });
}
