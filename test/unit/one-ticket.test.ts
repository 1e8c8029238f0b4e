/**
 * The number of session tickets that our server sends. In its own file, because this setting lasts until the process
 * ends.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import tls from 'node:tls';
import { systemClock } from '../../src/adapters/clock.ts';
import { createNetwork } from '../../src/adapters/network/network.ts';
import { sendOneTicket } from '../../src/adapters/network/one-ticket.ts';
import { loadLibcrypto } from '../../src/adapters/pkix/openssl.ts';
import { credentialOf, Recorder, serving } from '../support/network-contract.ts';

/** A server that echoes everything, with new secure contexts. */
const serve = () =>
  createNetwork({ credentials: serving('b.example'), clock: systemClock }).listen(
    { address: '127.0.0.1', port: 0, tls: 'direct' },
    ({ connection }) => {
      const events = new Recorder();
      events.onData = (bytes) => connection.write(bytes);
      return events;
    },
  );

/** One connection to it, with a client certificate. */
async function connected(port: number, session?: Buffer): Promise<{ tickets: Buffer[]; isResumed: boolean }> {
  const tickets: Buffer[] = [];
  const socket = tls.connect({
    host: '127.0.0.1',
    port,
    rejectUnauthorized: false,
    key: credentialOf('a.example').key,
    cert: credentialOf('a.example').cert,
    ...(session === undefined ? {} : { session }),
  });
  socket.on('session', (ticket) => tickets.push(ticket));
  socket.write('hello');
  // Tickets precede the answer (RFC 8446 §4.6.1 allows them later; OpenSSL sends them at the end of its handshake).
  await once(socket, 'data');
  const isResumed = socket.isSessionReused();
  socket.destroy();
  return { tickets, isResumed };
}

test('two tickets, as OpenSSL has it; one once that is said, and it resumes', async () => {
  const before = await serve();
  assert.equal((await connected(before.port)).tickets.length, 2);
  await before.close();

  process.env['OPENSSL_CONF'] = '/etc/of-the-operator.cnf';
  assert.equal(sendOneTicket(), false, 'who configures OpenSSL keeps his own');
  delete process.env['OPENSSL_CONF'];
  assert.equal(sendOneTicket(), true);
  assert.equal(loadLibcrypto().ERR_peek_error(), 0, 'nothing is left for an unrelated call to find');

  const after = await serve();
  const full = await connected(after.port);
  assert.equal(full.tickets.length, 1);
  const resumed = await connected(after.port, full.tickets[0]);
  assert.equal(resumed.isResumed, true);
  await after.close();
});
