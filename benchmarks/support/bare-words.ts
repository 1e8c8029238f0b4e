/**
 * Worker: the least that a server in Node can do for an authenticated stream. It sends fixed text whenever it has read
 * the text that it waits for, as `s2s-client.ts` does, and parses, checks, remembers and logs nothing.
 */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import * as tls from 'node:tls';
import { serveCommands } from './workers.ts';

export interface BareWordsCommand {
  readonly cert: string;
  readonly key: string;
  readonly host: string;
  readonly peer: string;
}
export interface BareWordsAnswer {
  readonly port: number;
}

const NS_TLS = 'urn:ietf:params:xml:ns:xmpp-tls';
const NS_SASL = 'urn:ietf:params:xml:ns:xmpp-sasl';

/** The answer to send, by the text that was read last. */
type Words = readonly (readonly [heard: string, said: string])[];

serveCommands<BareWordsCommand, BareWordsAnswer>(({ cert, key, host, peer }) => {
  const header =
    `<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' ` +
    `xmlns:stream='http://etherx.jabber.org/streams' version='1.0' id='bare' from='${host}' to='${peer}'>`;
  const plain: Words = [
    ['version=', `${header}<stream:features><starttls xmlns='${NS_TLS}'/></stream:features>`],
    ['<starttls', `<proceed xmlns='${NS_TLS}'/>`],
  ];
  const external = `<mechanisms xmlns='${NS_SASL}'><mechanism>EXTERNAL</mechanism></mechanisms>`;
  const secured: Words = [
    ['version=', `${header}<stream:features>${external}</stream:features>`],
    ['<auth', `<success xmlns='${NS_SASL}'/>`],
    ['version=', `${header}<stream:features/>`],
    ['</stream:stream>', '</stream:stream>'],
  ];
  const context = tls.createSecureContext({ cert, key, minVersion: 'TLSv1.3', sessionIdContext: 'bare' });
  const server = createServer({ noDelay: true }, (tcp) => {
    converse(tcp, plain, () => {
      const options = { isServer: true, secureContext: context, requestCert: true, rejectUnauthorized: false };
      const socket = new tls.TLSSocket(tcp, options);
      converse(socket, secured, () => socket.end());
    });
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve({ port: (server.address() as AddressInfo).port }));
  });
});

function converse(socket: Socket, words: Words, done: () => void): void {
  let at = 0;
  const read = (bytes: Buffer): void => {
    const [heard, said] = words[at] ?? [];
    if (heard === undefined || said === undefined || !bytes.includes(heard)) return;
    at += 1;
    socket.write(said);
    if (at < words.length) return;
    socket.off('data', read);
    done();
  };
  socket.on('error', () => socket.destroy()).on('data', read);
}
