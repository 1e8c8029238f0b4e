/**
 * An external component (XEP-0114): returns every message to its sender. Any component for any server is attached in
 * this way.
 *
 *     node examples/component/echo.mjs 127.0.0.1 25347 echo.capulet.example 'the secret of the configuration'
 */
import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { Parser } from 'xmpp-dna';

const [address, port, domain, secret] = process.argv.slice(2);
const socket = connect({ host: address, port: Number(port) });
const parser = new Parser();

parser.on('start', ({ attrs: { id } }) => {
  const digest = createHash('sha1').update(`${id}${secret}`).digest('hex'); // XEP-0114 §3
  socket.write(`<handshake>${digest}</handshake>`);
});
parser.on('element', (element) => {
  if (element.is('handshake')) console.log(`${domain} is attached`);
  if (!element.is('message') || element.attrs.type === 'error') return;
  [element.attrs.from, element.attrs.to] = [element.attrs.to, element.attrs.from];
  socket.write(element.toString());
});
parser.on('end', () => close());

socket.setEncoding('utf8').on('data', (text) => parser.write(text));
socket.write(
  `<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='${domain}'>`,
);
process.once('SIGTERM', () => close());

function close() {
  if (!socket.writableEnded) socket.end('</stream:stream>');
}
