/** A component (XEP-0114) that costs little: it looks only for the few words that it waits for. */
import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';

/** Resolves when the handshake is done: from then on stanzas may be read and written. */
export async function attachComponent(port: number, domain: string, secret: string): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  socket.write(
    `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' ` +
      `xmlns:stream='http://etherx.jabber.org/streams' to='${domain}'>`,
  );
  const [, id = ''] = await heard(socket, / id=['"]([^'"]+)['"][^>]*>/);
  socket.write(`<handshake>${createHash('sha1').update(`${id}${secret}`).digest('hex')}</handshake>`);
  await heard(socket, /<handshake[^>]*>/);
  return socket.on('error', () => undefined);
}

function heard(from: Socket, words: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    let text = '';
    const closed = (): void => reject(new Error(`the server closed the stream: ${text}`));
    const read = (bytes: Buffer): void => {
      text += bytes.toString('latin1');
      const match = words.exec(text);
      if (match === null) return;
      from.off('data', read).off('close', closed);
      resolve(match);
    };
    from.on('data', read).on('close', closed).on('error', closed);
  });
}
