/** One GET on one connection: request, status, and a body of bounded size (RFC 9112). */
import type { TLSSocket } from 'node:tls';
import { Client } from 'undici';
import { exchangeError, HttpsError } from './failure.ts';

export interface HttpsResponse {
  readonly status: number;
  /** The Location header; null when there is none, or more than one. */
  readonly location: string | null;
  /** Empty unless the status is a success. */
  readonly body: Uint8Array;
}

/** Largest header section of a response, in bytes: the limit of Node's own servers and clients. */
const MAX_HEADER_BYTES = 16_384;

/** Requests `url` and closes the connection. @throws HttpsError, with any condition once `stop` has fired */
export async function exchange(
  socket: TLSSocket,
  url: URL,
  maxBodyBytes: number,
  stop: AbortSignal,
): Promise<HttpsResponse> {
  let isTaken = false;
  const client = new Client(url.origin, {
    // This connection only: a second one would go to an address that has not been checked.
    connect: (_, done) => {
      const isFirst = !isTaken;
      isTaken = true;
      // Deferred: the client does not start when it is called back synchronously.
      queueMicrotask(() => {
        if (isFirst) done(null, socket);
        else done(new HttpsError('connection-closed', 'closed before there was a response'), null);
      });
    },
    maxHeaderSize: MAX_HEADER_BYTES,
    // One time limit covers everything; `stop` fires when it is reached.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  try {
    const { statusCode, headers, body } = await client.request({
      method: 'GET',
      path: `${url.pathname}${url.search}`,
      headers: { accept: 'application/json', 'accept-encoding': 'identity' },
      reset: true,
      signal: stop,
    });
    body.on('error', () => undefined); // it may be abandoned unread
    const { location } = headers;
    const isSuccess = statusCode >= 200 && statusCode < 300;
    return {
      status: statusCode,
      location: typeof location === 'string' ? location : null,
      body: isSuccess ? await bodyOf(headers, body, maxBodyBytes) : new Uint8Array(),
    };
  } catch (error) {
    throw exchangeError(error);
  } finally {
    client.destroy().catch(() => undefined);
    socket.destroy();
  }
}

/** Counts the bytes as they arrive, so that a body without a length, or longer than declared, is cut off too. */
async function bodyOf(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  body: AsyncIterable<Buffer>,
  maxBytes: number,
): Promise<Uint8Array> {
  const coding = headers['content-encoding'] ?? 'identity';
  if (coding !== 'identity') throw new HttpsError('response-invalid', `encoded as ${String(coding)}, unasked`);
  const tooLarge = new HttpsError('too-large', `more than ${maxBytes} bytes`);
  if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge;
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxBytes) throw tooLarge;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
