/**
 * A peer that costs little: it looks only for the few words that it waits for, and parses nothing. TLS 1.3,
 * certificate, SASL EXTERNAL; the same against every server.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import * as tls from 'node:tls';

export interface S2sOptions {
  readonly port: number;
  readonly from: string;
  readonly to: string;
  readonly context: tls.SecureContext;
  /** TLS session to resume. */
  readonly session?: Buffer | undefined;
  /** How long the whole negotiation may take. @defaultValue 20000 */
  readonly timeoutMs?: number;
}

export interface S2sStream {
  readonly socket: tls.TLSSocket;
  readonly resumed: boolean;
  /** The TLS session that the server issued last, if any. */
  readonly session: () => Buffer | undefined;
  /** Exchanges closing tags, then closes the connection. */
  close(): Promise<void>;
}

/** Resolves when the stream is authenticated and restarted: from then on stanzas may be written. */
export async function openS2s(options: S2sOptions): Promise<S2sStream> {
  const { port, from, to, context, session, timeoutMs = 20_000 } = options;
  const tcp = connectTcp({ host: '127.0.0.1', port, noDelay: true });
  let socket: tls.TLSSocket | null = null;
  const late = setTimeout(() => (socket ?? tcp).destroy(new Error(`${from} to ${to}: too slow`)), timeoutMs);
  try {
    const header =
      `<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' ` +
      `xmlns:stream='http://etherx.jabber.org/streams' version='1.0' from='${from}' to='${to}'>`;
    tcp.write(header);
    await heard(tcp, FEATURES);
    tcp.write(`<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`);
    await heard(tcp, /<proceed[^>]*>/);
    const secured = tls.connect({
      socket: tcp,
      secureContext: context,
      servername: to,
      rejectUnauthorized: false,
      ...(session === undefined ? {} : { session }),
    });
    socket = secured;
    let issued: Buffer | undefined;
    secured.on('session', (given: Buffer) => (issued = given));
    await new Promise((resolve, reject) => secured.once('secureConnect', resolve).once('error', reject));
    secured.write(header);
    const features = await heard(secured, FEATURES);
    if (!features.includes('>EXTERNAL<')) throw new Error(`EXTERNAL is not offered: ${features}`);
    const identity = Buffer.from(from).toString('base64');
    secured.write(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>${identity}</auth>`);
    await heard(secured, /<success[^>]*>/);
    secured.write(header);
    await heard(secured, FEATURES);
    secured.on('error', () => undefined).resume();
    return {
      socket: secured,
      resumed: secured.isSessionReused(),
      session: () => issued,
      close: () => close(secured),
    };
  } catch (error) {
    (socket ?? tcp).destroy();
    throw error;
  } finally {
    clearTimeout(late);
  }
}

const FEATURES = /<stream:features[^>]*\/>|<\/stream:features>/;

/** Everything that was read up to and including these words. */
function heard(socket: Socket, words: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const settle = (): void => void socket.off('data', read).off('error', failed).off('close', failed).pause();
    const read = (bytes: Buffer): void => {
      text += bytes.toString('latin1');
      if (words.test(text)) {
        settle();
        resolve(text);
      } else if (text.includes('</stream:stream>') || text.includes('<failure')) {
        settle();
        reject(new Error(`the server refused: ${text}`));
      }
    };
    const failed = (error?: Error | boolean): void => {
      settle();
      reject(error instanceof Error ? error : new Error(`the connection is closed; heard ${text || 'nothing'}`));
    };
    socket.on('data', read).on('error', failed).on('close', failed).resume();
  });
}

function close(socket: tls.TLSSocket): Promise<void> {
  return new Promise((resolve) => {
    const late = setTimeout(() => socket.destroy(), 2_000);
    socket.once('close', () => {
      clearTimeout(late);
      resolve();
    });
    socket.once('data', () => socket.end()); // only the closing tag arrives
    socket.resume();
    socket.write('</stream:stream>');
  });
}
