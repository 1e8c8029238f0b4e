import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as net from 'node:net';
import { mock, test } from 'node:test';
import tls from 'node:tls';
import { systemClock } from '../../src/adapters/clock.ts';
import { createNetwork } from '../../src/adapters/network/network.ts';
import { SimulatedClock } from '../../src/simulation/simulated-clock.ts';
import type { Accepted, Connection, Listening, Network } from '../../src/ports.ts';
import {
  clientTls,
  closeBoth,
  credentialOf,
  networkContract,
  openPair,
  Recorder,
  secure,
  serving,
} from '../support/network-contract.ts';
import type { World } from '../support/network-contract.ts';
import { freePort } from '../support/processes.ts';

/** Sockets make progress between event loop turns; the predicate is checked in each turn. */
async function until(predicate: () => boolean): Promise<void> {
  const deadline = Date.now() + 5_000;
  do {
    await new Promise((resolve) => setImmediate(resolve));
    if (Date.now() > deadline) throw new Error('not reached within 5 s');
  } while (!predicate());
}

const world: World = {
  network: (credentials) => createNetwork({ credentials, clock: systemClock }),
  until,
  address: '127.0.0.1',
  closedPort: freePort,
};

networkContract('sockets', () => world);

interface Served {
  readonly listening: Listening;
  readonly events: Recorder;
  readonly isAccepted: () => boolean;
  readonly accepted: () => Accepted;
}

/** A listener for one connection, whose other end the test creates itself. */
async function serve(network: Network, tlsMode: 'starttls' | 'direct' | 'detect'): Promise<Served> {
  const events = new Recorder();
  let accepted: Accepted | undefined;
  const listening = await network.listen({ address: '127.0.0.1', port: 0, tls: tlsMode }, (one) => {
    accepted = one;
    return events;
  });
  return {
    listening,
    events,
    isAccepted: () => accepted !== undefined,
    accepted: () => {
      assert.ok(accepted);
      return accepted;
    },
  };
}

/** Counts event loop turns. */
function countTurns(): { readonly turn: () => number; readonly stop: () => void } {
  let turn = 0;
  const count = (): void => {
    turn += 1;
    turning = setImmediate(count);
  };
  let turning = setImmediate(count);
  return { turn: () => turn, stop: () => clearImmediate(turning) };
}

/** A server that is not ours; the sockets that it accepts are destroyed at the end. */
async function foreignServer(accept: (socket: net.Socket) => void, options: net.ServerOpts = {}) {
  const sockets: net.Socket[] = [];
  const server = net.createServer(options, (socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    accept(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as net.AddressInfo).port,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function connectTo(port: number, network = world.network(serving())): { connection: Connection; events: Recorder } {
  const events = new Recorder();
  const connection = network.connect({ addresses: [{ family: 4, address: '127.0.0.1' }], port }, events);
  return { connection, events };
}

for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const) {
  test(`${maxVersion}: a second handshake resumes the first, with the same evidence and whole chains at both ends`, async (t) => {
    const before = tls.DEFAULT_MAX_VERSION;
    tls.DEFAULT_MAX_VERSION = maxVersion;
    t.after(() => {
      tls.DEFAULT_MAX_VERSION = before;
    });
    const serverNetwork = world.network(serving('b.example'));
    const clientNetwork = world.network(serving());
    const credential = credentialOf('a.example');
    let port = 0;
    const accepted: { connection: Connection; events: Recorder }[] = [];
    const listening = await serverNetwork.listen({ address: '127.0.0.1', port: 0, tls: 'direct' }, ({ connection }) => {
      const events = new Recorder();
      accepted.push({ connection, events });
      return events;
    });
    ({ port } = listening);
    const resumed: boolean[][] = [];
    const hello = async (serverName: string, network = clientNetwork): Promise<void> => {
      const client = connectTo(port, network);
      await until(() => client.events.log.includes('connected'));
      client.connection.startTlsClient(clientTls(serverName, { credential }));
      await until(() => client.events.isSecured && accepted.at(-1)?.events.isSecured === true);
      const server = accepted.at(-1)!;
      // TLS 1.3 tickets arrive with or before the first bytes.
      server.connection.write('hello');
      await until(() => client.events.text === 'hello');
      for (const [session, domain] of [
        [client.events.session, 'b.example'],
        [server.events.session, 'a.example'],
      ] as const) {
        assert.equal(session.protocol, maxVersion);
        assert.equal(session.peer?.presented.dnsNames.join(), domain);
        assert.deepEqual(
          session.chain?.der.map((der) => Buffer.from(der)),
          credentialOf(domain).der,
        );
      }
      resumed.push([client.events.session.resumed, server.events.session.resumed]);
      await closeBoth(world, {
        client,
        server,
        accepted: { connection: server.connection, directTls: true },
        listening,
      });
    };
    await hello('b.example');
    await hello('b.example');
    await hello('b.example');
    await hello('other.example');
    await hello('b.example', world.network(serving()));
    await listening.close();
    const yes = [true, true];
    const no = [false, false];
    assert.deepEqual(resumed, [no, yes, yes, no, no]);
  });
}

test('under direct TLS a connection that is dropped as it is accepted costs no TLS', async () => {
  const asked: (string | null)[] = [];
  const own = serving('b.example');
  const network = world.network({
    forServerName: (name) => {
      asked.push(name);
      return own.forServerName(name);
    },
  });
  let isWelcome = false;
  const listening = await network.listen({ address: '127.0.0.1', port: 0, tls: 'direct' }, ({ connection }) => {
    if (!isWelcome) connection.destroy();
    return new Recorder();
  });
  const dial = async (): Promise<boolean> => {
    const { connection, events } = connectTo(listening.port, world.network(serving()));
    await until(() => events.log.includes('connected'));
    connection.startTlsClient(clientTls('b.example'));
    await until(() => events.isClosed || events.isSecured);
    const { isSecured } = events;
    connection.end();
    await until(() => events.isClosed);
    return isSecured;
  };
  assert.equal(await dial(), false);
  assert.equal(asked.length, 0);
  isWelcome = true;
  assert.equal(await dial(), true);
  assert.ok(asked.includes('b.example'));
  await listening.close();
});

test('a session is not resumed once its full handshake is ten minutes old', async () => {
  const clock = new SimulatedClock();
  const serverNetwork = world.network(serving('b.example'));
  const clientNetwork = createNetwork({ credentials: serving(), clock });
  const listening = await serverNetwork.listen({ address: '127.0.0.1', port: 0, tls: 'direct' }, ({ connection }) => {
    connection.write('hello');
    return new Recorder();
  });
  const resumed: boolean[] = [];
  for (const laterMs of [0, 300_000, 300_000, 1]) {
    clock.increment(laterMs);
    const client = connectTo(listening.port, clientNetwork);
    await until(() => client.events.log.includes('connected'));
    client.connection.startTlsClient(clientTls('b.example'));
    await until(() => client.events.text === 'hello');
    resumed.push(client.events.session.resumed);
    client.connection.end();
    await until(() => client.events.isClosed);
  }
  await listening.close();
  assert.deepEqual(resumed, [false, true, true, false]);
});

test('renegotiation of TLS 1.2 is refused and the connection dropped', async () => {
  const { listening, events } = await serve(world.network(serving('b.example')), 'direct');
  const socket = tls.connect({
    port: listening.port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    maxVersion: 'TLSv1.2',
  });
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  socket.renegotiate({ rejectUnauthorized: false }, () => undefined);
  await until(() => events.isClosed);
  assert.deepEqual([events.fault?.layer, events.fault?.condition], ['tls', 'renegotiation-refused']);
  await listening.close();
});

test('a client that offers other ALPN protocols only is refused with the alert (RFC 7301 §3.2)', async () => {
  const { listening, events } = await serve(world.network(serving('b.example')), 'direct');
  const socket = tls.connect({
    port: listening.port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ALPNProtocols: ['h2'],
  });
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  assert.match(error.message, /no application protocol/);
  await until(() => events.isClosed);
  assert.deepEqual([events.fault?.layer, events.fault?.condition], ['tls', 'no-application-protocol']);
  await listening.close();
});

test('a server without our minimum version is a fault that says so (T6)', async () => {
  const server = await foreignServer((socket) => {
    const { key, cert } = credentialOf('b.example');
    const secureContext = tls.createSecureContext({ key, cert, maxVersion: 'TLSv1.2' });
    new tls.TLSSocket(socket, { isServer: true, secureContext }).on('error', () => undefined);
  });
  const { connection, events } = connectTo(server.port);
  await until(() => events.log.includes('connected'));
  connection.startTlsClient(clientTls('b.example', { minVersion: 'TLSv1.3' }));
  await until(() => events.isClosed);
  assert.deepEqual([events.fault?.layer, events.fault?.condition], ['tls', 'no-shared-protocol']);
  assert.match(events.fault?.text ?? '', /protocol version/);
  server.close();
});

test('TLS 1.1 is not spoken (RFC 9325 §3.1.1)', async () => {
  const { listening, events } = await serve(world.network(serving('b.example')), 'direct');
  const socket = tls.connect({
    port: listening.port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    minVersion: 'TLSv1.1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
  });
  await once(socket, 'error');
  await until(() => events.isClosed);
  assert.equal(events.fault?.condition, 'no-shared-protocol');
  await listening.close();
});

test('a server that insists on a certificate is a fault that says so, though TLS 1.3 reports it late', async () => {
  const server = await foreignServer((socket) => {
    const { key, cert } = credentialOf('b.example');
    const secureContext = tls.createSecureContext({ key, cert });
    const secured = new tls.TLSSocket(socket, {
      isServer: true,
      requestCert: true,
      rejectUnauthorized: true,
      secureContext,
    });
    secured.on('error', () => undefined);
  });
  const { connection, events } = connectTo(server.port);
  await until(() => events.log.includes('connected'));
  connection.startTlsClient(clientTls('b.example'));
  await until(() => events.isClosed);
  assert.deepEqual(events.log, ['connected', 'secured', 'closed']);
  assert.deepEqual([events.fault?.layer, events.fault?.condition], ['tls', 'certificate-rejected']);
  server.close();
});

test('a key that does not fit its certificate is a local fault of this connection only', async () => {
  const { cert } = credentialOf('b.example');
  const { key } = credentialOf('a.example');
  const { client, server } = await openPair(world, { credentials: { forServerName: () => ({ cert, key }) } });
  server.connection.startTlsServer({ streamTo: 'b.example' });
  await until(() => server.events.isClosed && client.events.isClosed);
  assert.deepEqual([server.events.fault?.condition, server.events.fault?.origin], ['credential-invalid', 'local']);
});

test('with no certificate for any name the handshake fails, and the reason is ours', async () => {
  const pair = await openPair(world, { credentials: { forServerName: () => null } });
  pair.server.connection.startTlsServer({ streamTo: 'b.example' });
  pair.client.connection.startTlsClient(clientTls('b.example'));
  await until(() => pair.server.events.isClosed && pair.client.events.isClosed);
  assert.deepEqual(
    [pair.server.events.fault?.condition, pair.server.events.fault?.origin],
    ['no-certificate', 'local'],
  );
  assert.equal(pair.client.events.fault?.layer, 'tls');
});

test('bytes torn from the plain stream into the handshake are TLS, even when they came in one segment', async () => {
  const { listening, events, accepted } = await serve(world.network(serving('b.example')), 'starttls');
  // The foreign client does not wait for <proceed/>: its ClientHello is in the kernel before TLS starts here.
  const socket = net.connect(listening.port, '127.0.0.1');
  await once(socket, 'connect');
  events.onData = () => {
    events.onData = () => undefined;
    accepted().connection.pause();
  };
  socket.write('<starttls/>');
  await until(() => events.text === '<starttls/>');
  const secured = tls.connect({ socket, rejectUnauthorized: false });
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  accepted().connection.startTlsServer({ streamTo: null });
  await once(secured, 'secureConnect');
  accepted().connection.resume();
  secured.end('over TLS');
  await until(() => events.isClosed);
  assert.equal(events.text, '<starttls/>over TLS');
  assert.equal(events.fault, null);
  await listening.close();
});

test('a reset by the peer is a `tcp` fault', async () => {
  const server = await foreignServer((socket) => {
    socket.resetAndDestroy();
  });
  const { events } = connectTo(server.port);
  await until(() => events.isClosed);
  assert.deepEqual([events.fault?.layer, events.fault?.condition], ['tcp', 'connection-reset']);
  server.close();
});

test('a peer that never closes its half is dropped after a deadline of the clock', async () => {
  const clock = new SimulatedClock();
  const server = await foreignServer((socket) => socket.resume(), { allowHalfOpen: true });
  const { connection, events } = connectTo(
    server.port,
    createNetwork({ credentials: serving(), clock, endTimeoutMs: 700 }),
  );
  await until(() => events.log.includes('connected'));
  connection.end();
  clock.increment(699);
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(events.isClosed, false);
  clock.increment(1);
  await until(() => events.isClosed);
  assert.equal(events.fault?.condition, 'close-timeout');
  assert.equal(clock.pending, 0);
  server.close();
});

test('who connects to a detecting port and says nothing is dropped unheard', async () => {
  const clock = new SimulatedClock();
  let calls = 0;
  const network = createNetwork({ credentials: serving('b.example'), clock, firstByteTimeoutMs: 100 });
  const listening = await network.listen({ address: '127.0.0.1', port: 0, tls: 'detect' }, () => {
    calls += 1;
    return new Recorder();
  });
  const socket = net.connect(listening.port, '127.0.0.1').resume();
  await once(socket, 'connect');
  await until(() => clock.pending === 1);
  clock.increment(100);
  await once(socket, 'close');
  assert.equal(calls, 0);
  await listening.close();
});

test('connections of one address that say nothing are bounded on a detecting port, and each that speaks or ends makes room', async () => {
  const clock = new SimulatedClock();
  let calls = 0;
  const network = createNetwork({ credentials: serving('b.example'), clock, undecidedPerAddress: 2 });
  const listening = await network.listen({ address: '127.0.0.1', port: 0, tls: 'detect' }, () => {
    calls += 1;
    return new Recorder();
  });
  const open = async (): Promise<net.Socket> => {
    const socket = net.connect(listening.port, '127.0.0.1').resume();
    await once(socket, 'connect');
    return socket;
  };
  const one = await open();
  const two = await open();
  await until(() => clock.pending === 2);
  await once(await open(), 'close');
  one.write('<');
  await until(() => calls === 1);
  const three = await open();
  await until(() => clock.pending === 2);
  await once(await open(), 'close');
  two.destroy();
  await until(() => clock.pending === 1);
  const four = await open();
  await until(() => clock.pending === 2);
  for (const socket of [one, three, four]) socket.destroy();
  await listening.close();
});

test('a dead first address does not hold up a live one, and no timer is left (RFC 8305 §5)', async () => {
  const clock = new SimulatedClock();
  const events = new Recorder();
  const server = await foreignServer((socket) => socket.resume());
  const network = createNetwork({ credentials: serving(), clock });
  network.connect(
    {
      addresses: [
        { family: 4, address: '127.0.0.2' },
        { family: 4, address: '127.0.0.1' },
      ],
      port: server.port,
    },
    events,
  );
  await until(() => events.log.includes('connected'));
  assert.equal(clock.now(), new SimulatedClock().now(), 'the refusal started the next attempt, not the delay');
  assert.equal(clock.pending, 0);
  server.close();
  await until(() => events.isClosed);
});

test('when every address fails the fault names each with its reason', async () => {
  const port = await freePort();
  const events = new Recorder();
  const addresses = ['127.0.0.3', '127.0.0.4', '127.0.0.5'];
  const network = createNetwork({ credentials: serving(), clock: new SimulatedClock() });
  network.connect({ addresses: addresses.map((address) => ({ family: 4, address })), port }, events);
  await until(() => events.isClosed);
  for (const address of addresses)
    assert.match(events.fault?.text ?? '', new RegExp(`${address} port ${port}: .*ECONNREFUSED`));
  assert.equal(events.fault?.condition, 'connection-refused');
});

test('a connection that is dropped while it connects says so once, and connects no more', async () => {
  const server = await foreignServer((socket) => socket.resume());
  const { connection, events } = connectTo(server.port);
  connection.write('never sent');
  connection.destroy({ layer: 'tcp', condition: 'connect-timeout', origin: 'peer' });
  await until(() => events.isClosed);
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(events.log, ['closed']);
  assert.equal(events.fault?.condition, 'connect-timeout');
  server.close();
});

test('what is written before the connection stands is sent when it does', async () => {
  let got = '';
  const server = await foreignServer((socket) => socket.on('data', (bytes: Buffer) => (got += bytes.toString())));
  const { connection, events } = connectTo(server.port);
  connection.write('early');
  assert.equal(connection.bufferedBytes, 5);
  await until(() => got === 'early');
  connection.destroy();
  await until(() => events.isClosed);
  server.close();
});

test('an IPv4 peer of a listener for both families is named as IPv4', async () => {
  const network = world.network(serving('b.example'));
  let remote = '';
  const listening = await network.listen({ address: '::', port: 0, tls: 'starttls' }, ({ connection }) => {
    remote = connection.remoteAddress;
    return new Recorder();
  });
  const socket = net.connect(listening.port, '127.0.0.1').resume();
  await until(() => remote !== '');
  assert.equal(remote, '127.0.0.1');
  socket.destroy();
  await listening.close();
});

test('garbage inside an established TLS session is a `tls` fault that names the session', async () => {
  const pair = await openPair(world, {
    tls: 'direct',
    started: (client) => client.startTlsClient(clientTls('b.example')),
  });
  await until(() => pair.client.events.isSecured && pair.server.events.isSecured);
  await closeBoth(world, pair);

  const { listening, events } = await serve(world.network(serving('b.example')), 'direct');
  const socket = net.connect(listening.port, '127.0.0.1');
  const secured = tls.connect({ socket, rejectUnauthorized: false });
  secured.on('error', () => undefined);
  await once(secured, 'secureConnect');
  await until(() => events.isSecured);
  socket.write(Buffer.concat([Buffer.of(0x17, 3, 3, 0, 32), Buffer.alloc(32, 1)]));
  await until(() => events.isClosed);
  assert.deepEqual([events.fault?.layer, events.fault?.condition], ['tls', 'session-failed']);
  socket.destroy();
  await listening.close();
});

test('what is written in one turn of the event loop leaves as one TLS record, corked or not', async () => {
  const pair = await openPair(world);
  await secure(world, pair, clientTls('b.example'));
  const { client, server } = pair;
  let chunks = 0;
  server.events.onData = () => (chunks += 1);
  const { connection } = client;
  connection.write('x'.repeat(200));
  connection.write(Buffer.alloc(200));
  await new Promise((resolve) => setImmediate(resolve));
  connection.cork();
  connection.write('x'.repeat(200));
  await new Promise((resolve) => setImmediate(resolve));
  connection.write('x'.repeat(200));
  connection.uncork();
  await until(() => server.events.received.length === 800);
  // Node emits one chunk per record.
  assert.equal(chunks, 2);
  await closeBoth(world, pair);
});

test('small writes are not held back until others are acknowledged, and silent peers are probed, by who dials', async () => {
  const { prototype } = net.Socket;
  const noDelay = mock.method(prototype, 'setNoDelay');
  const keepAlive = mock.method(prototype, 'setKeepAlive');
  try {
    const pair = await openPair(world);
    assert.deepEqual(noDelay.mock.calls[0]?.arguments, [true]);
    assert.deepEqual(keepAlive.mock.calls[0]?.arguments, [true, 60_000]);
    await closeBoth(world, pair);
  } finally {
    noDelay.mock.restore();
    keepAlive.mock.restore();
  }
});

test('what was written before the connection is dropped is on its way', async () => {
  const pair = await openPair(world);
  await secure(world, pair, clientTls('b.example'));
  const { client, server } = pair;
  client.connection.write('the last words');
  client.connection.destroy();
  await until(() => server.events.isClosed);
  assert.equal(server.events.received.toString(), 'the last words');
});

test('a peer whose bytes keep us busy waits for its next turn: others have theirs between its chunks', async () => {
  const { listening, events, accepted } = await serve(world.network(serving()), 'starttls');
  const peer = net.connect(listening.port, '127.0.0.1');
  await once(peer, 'connect');
  const bytes = 1024 * 1024;
  const turns = countTurns();
  const turnsOfChunks: number[] = [];
  let seen = 0;
  events.onData = (chunk) => {
    turnsOfChunks.push(turns.turn());
    seen += chunk.length;
    const untilMs = performance.now() + 10;
    while (performance.now() < untilMs);
  };
  peer.write(Buffer.alloc(bytes, ' '));
  await until(() => seen === bytes);
  turns.stop();
  assert.ok(turnsOfChunks.length > 10, `${turnsOfChunks.length} chunks`);
  assert.equal(new Set(turnsOfChunks).size, turnsOfChunks.length, 'each chunk has a turn of its own');
  accepted().connection.destroy();
  peer.destroy();
  await listening.close();
});

test('a peer that floods is read for 128 KiB in one turn, and a chunk: then others have theirs (L2)', async () => {
  const { listening, events, isAccepted, accepted } = await serve(world.network(serving()), 'starttls');
  const peer = net.connect(listening.port, '127.0.0.1');
  await until(isAccepted);
  const { connection } = accepted();
  const bytes = 1024 * 1024;
  const turns = countTurns();
  const perTurn = new Map<number, number>();
  let seen = 0;
  events.onData = (chunk) => {
    perTurn.set(turns.turn(), (perTurn.get(turns.turn()) ?? 0) + chunk.length);
    seen += chunk.length;
  };
  // Repeated, since the kernel may hand over less at once than it has.
  for (let round = 1; round <= 8; round += 1) {
    connection.pause();
    for (let at = 0; at < bytes; at += 65_536) peer.write(Buffer.alloc(65_536, ' '));
    await until(() => bytes - peer.writableLength > 256 * 1024); // this much waits in the kernel
    connection.resume();
    await until(() => seen === round * bytes);
  }
  turns.stop();
  const most = Math.max(...perTurn.values());
  assert.ok(most <= 128 * 1024 + 64 * 1024, `${most} bytes in one turn`);
  connection.destroy();
  peer.destroy();
  await listening.close();
});
