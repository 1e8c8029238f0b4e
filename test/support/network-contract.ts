/**
 * The behaviour of every {@link Network}, whatever carries it: one table, run against sockets and the in-memory fabric.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import type { CertificateAuthority, IssuedCredential } from '../../src/simulation/certificate-authority.ts';
import type { CredentialStore } from '../../src/adapters/network/tls.ts';
import type { Fault } from '../../src/protocol/faults.ts';
import { FaultError } from '../../src/protocol/faults.ts';
import type {
  Accepted,
  ClientTls,
  Connection,
  ConnectionEvents,
  Listening,
  ListenOptions,
  Network,
  TlsSession,
} from '../../src/ports.ts';

/** One way to run networks, and to wait in them. */
export interface World {
  /** A separate network, as one process has it. */
  network(credentials: CredentialStore): Network;
  /** Resolves once the predicate holds; rejects if it does not hold in time. */
  until(predicate: () => boolean): Promise<void>;
  /** With `closedPort`, a place where nobody listens. */
  readonly address: string;
  closedPort(): Promise<number>;
}

/** Records the events of one connection. */
export class Recorder implements ConnectionEvents {
  readonly log: string[] = [];
  readonly sessions: TlsSession[] = [];
  readonly faults: (Fault | null)[] = [];
  received = Buffer.alloc(0);
  drains = 0;
  onData: (bytes: Buffer) => void = () => undefined;

  connected(): void {
    this.log.push('connected');
  }
  data(bytes: Buffer): void {
    if (this.log.at(-1) !== 'data') this.log.push('data');
    this.received = Buffer.concat([this.received, bytes]);
    this.onData(bytes);
  }
  secured(session: TlsSession): void {
    this.log.push('secured');
    this.sessions.push(session);
  }
  drained(): void {
    this.drains += 1;
  }
  ended(): void {
    this.log.push('ended');
  }
  closed(fault: Fault | null): void {
    this.log.push('closed');
    this.faults.push(fault);
  }

  get text(): string {
    return this.received.toString();
  }
  get isSecured(): boolean {
    return this.sessions.length > 0;
  }
  get isClosed(): boolean {
    return this.faults.length > 0;
  }
  get fault(): Fault | null | undefined {
    return this.faults[0];
  }
  get session(): TlsSession {
    const session = this.sessions[0];
    assert.ok(session, `no TLS session, but: ${this.log.join(' ')} ${JSON.stringify(this.faults)}`);
    return session;
  }
}

export interface End {
  readonly connection: Connection;
  readonly events: Recorder;
}

let authority: CertificateAuthority | undefined;
/** One chain of three for all tests, since generating keys is slow. */
export function issuer(): CertificateAuthority {
  authority ??= createCertificateAuthority({ name: 'Root' }).intermediate({ name: 'Middle' });
  return authority;
}
const issued = new Map<string, IssuedCredential>();
export function credentialOf(domain: string): IssuedCredential {
  const credential = issued.get(domain) ?? issuer().issue({ dnsNames: [domain] });
  issued.set(domain, credential);
  return credential;
}

/** Serves these domains; the first certificate is presented when no server name is given. */
export const serving = (...domains: string[]): CredentialStore => ({
  forServerName: (name) => {
    const domain = name === null ? domains[0] : domains.find((one) => one === name);
    return domain === undefined ? null : credentialOf(domain);
  },
});

export const clientTls = (serverName: string, more: Partial<ClientTls> = {}): ClientTls => ({
  serverName,
  credential: null,
  minVersion: 'TLSv1.2',
  alpn: null,
  ...more,
});

export interface Pair {
  readonly client: End;
  readonly server: End;
  readonly accepted: Accepted;
  readonly listening: Listening;
}

export interface PairOptions {
  readonly tls?: ListenOptions['tls'];
  readonly credentials?: CredentialStore;
  readonly clientNetwork?: Network;
  readonly serverNetwork?: Network;
  /** Called first on the accepting side. */
  readonly greeted?: (server: Connection) => void;
  /** Called as soon as TCP is up, before anything is waited for. */
  readonly started?: (client: Connection) => void;
}

/** One connection with both of its ends. */
export async function openPair(world: World, options: PairOptions = {}): Promise<Pair> {
  const serverNetwork = options.serverNetwork ?? world.network(options.credentials ?? serving('b.example'));
  const clientNetwork = options.clientNetwork ?? world.network(serving());
  const server: { current?: End & { accepted: Accepted } } = {};
  const listening = await serverNetwork.listen(
    { address: world.address, port: 0, tls: options.tls ?? 'starttls' },
    (accepted) => {
      const events = new Recorder();
      server.current = { connection: accepted.connection, events, accepted };
      options.greeted?.(accepted.connection);
      return events;
    },
  );
  const events = new Recorder();
  const connection = clientNetwork.connect(
    { addresses: [{ family: 4, address: world.address }], port: listening.port },
    events,
  );
  await world.until(() => events.log.includes('connected') || events.isClosed);
  options.started?.(connection);
  await world.until(() => server.current !== undefined);
  await listening.close();
  assert.ok(server.current);
  return { client: { connection, events }, server: server.current, accepted: server.current.accepted, listening };
}

export async function secure(
  world: World,
  { client, server }: Pair,
  tls: ClientTls,
  streamTo: string | null = null,
): Promise<void> {
  server.connection.startTlsServer({ streamTo });
  client.connection.startTlsClient(tls);
  await world.until(() => client.events.isSecured && server.events.isSecured);
}

export async function closeBoth(world: World, { client, server }: Pair): Promise<void> {
  client.connection.end();
  await world.until(() => client.events.isClosed && server.events.isClosed);
}

const PIECE = Buffer.alloc(1_000, 'y');

/**
 * Writes to a far end that does not read until the connection accepts no more; `told` holds the results of each write.
 */
async function fill(world: World, connection: Connection) {
  const told: boolean[][] = [];
  const writeAwaited = (): void => {
    const mine: boolean[] = [];
    told.push(mine);
    connection.write(PIECE, (handedOver) => mine.push(handedOver));
  };
  const takesMore = (): boolean => connection.writable;
  while (takesMore()) {
    while (takesMore()) writeAwaited();
    for (let turn = 0; turn < 5; turn++) await world.until(() => true);
  }
  return { told, writeAwaited };
}

export const subjects = (session: TlsSession): string | undefined => session.peer?.presented.dnsNames.join();

export function networkContract(name: string, makeWorld: () => World): void {
  const behaves = (behaviour: string, body: (world: World) => Promise<void>): void => {
    test(`${name}: ${behaviour}`, () => body(makeWorld()));
  };

  behaves('bytes go both ways, in order, and both ends close cleanly', async (world) => {
    const pair = await openPair(world);
    const { client, server } = pair;
    client.connection.write('one ');
    client.connection.write(Buffer.from('two '));
    server.connection.write('eins');
    client.connection.write('three');
    await world.until(() => server.events.text === 'one two three' && client.events.text === 'eins');
    await closeBoth(world, pair);
    assert.deepEqual(client.events.log, ['connected', 'data', 'closed']);
    assert.deepEqual(
      server.events.log,
      ['data', 'ended', 'closed'],
      'who is closed first is told that nothing more is taken',
    );
    assert.deepEqual([client.events.fault, server.events.fault], [null, null]);
  });

  behaves('what was written before `end` still arrives, and so does what the peer says after it', async (world) => {
    const { client, server } = await openPair(world);
    const big = Buffer.alloc(1_000_000, 'x');
    client.connection.write(big);
    client.connection.end();
    client.connection.write('never');
    await world.until(() => client.events.isClosed && server.events.isClosed);
    assert.equal(server.events.received.length, big.length);
    assert.equal(client.events.fault, null);
  });

  behaves('STARTTLS: plain bytes, then a handshake, then the same stream encrypted (RFC 6120 §5.4)', async (world) => {
    const pair = await openPair(world);
    const { client, server } = pair;
    server.events.onData = () => {
      server.events.onData = () => undefined;
      server.connection.write('<proceed/>');
      server.connection.startTlsServer({ streamTo: 'b.example' });
    };
    client.events.onData = () => {
      client.events.onData = () => undefined;
      client.connection.startTlsClient(clientTls('b.example', { credential: credentialOf('a.example') }));
    };
    client.connection.write('<starttls/>');
    await world.until(() => client.events.isSecured && server.events.isSecured);
    client.connection.write('secret');
    server.connection.write('answer');
    await world.until(() => server.events.text.endsWith('secret') && client.events.text.endsWith('answer'));
    assert.deepEqual([server.events.text, client.events.text], ['<starttls/>secret', '<proceed/>answer']);
    assert.deepEqual(client.events.log, ['connected', 'data', 'secured', 'data']);
    assert.equal(subjects(client.events.session), 'b.example');
    assert.equal(subjects(server.events.session), 'a.example');
    assert.deepEqual(
      client.events.session.chain?.der.map((der) => Buffer.from(der)),
      credentialOf('b.example').der,
    );
    assert.deepEqual(
      server.events.session.chain?.der.map((der) => Buffer.from(der)),
      credentialOf('a.example').der,
    );
    await closeBoth(world, pair);
    assert.deepEqual([client.events.fault, server.events.fault], [null, null]);
  });

  behaves('a client without a certificate is secured and shows none', async (world) => {
    const pair = await openPair(world);
    await secure(world, pair, clientTls('b.example'));
    assert.deepEqual([pair.server.events.session.peer, pair.server.events.session.chain], [null, null]);
    await closeBoth(world, pair);
  });

  behaves('a client certificate with serverAuth alone arrives as evidence', async (world) => {
    const credential = issuer().issue({ dnsNames: ['a.example'], eku: ['serverAuth'] });
    const pair = await openPair(world);
    await secure(world, pair, clientTls('b.example', { credential }));
    assert.equal(subjects(pair.server.events.session), 'a.example');
    assert.equal(pair.server.events.session.chain?.der.length, 2);
    await closeBoth(world, pair);
  });

  behaves(
    'the certificate is picked by SNI, else by the stream `to`, else the default (RFC 6120 §5.4.3.1)',
    async (world) => {
      const shown = async (serverName: string, streamTo: string | null): Promise<string | undefined> => {
        const pair = await openPair(world, { credentials: serving('b.example', 'c.example', 'd.example') });
        await secure(world, pair, clientTls(serverName), streamTo);
        await closeBoth(world, pair);
        return subjects(pair.client.events.session);
      };
      assert.equal(await shown('C.example', 'd.example'), 'c.example');
      assert.equal(await shown('unknown.example', 'd.example'), 'd.example');
      assert.equal(await shown('unknown.example', 'unknown.example'), 'b.example');
    },
  );

  behaves('a credential can be replaced between two handshakes', async (world) => {
    let current = credentialOf('b.example');
    const serverNetwork = world.network({ forServerName: () => current });
    const clientNetwork = world.network(serving());
    const seen: (string | undefined)[] = [];
    for (const next of [issuer().issue({ dnsNames: ['b.example', 'renewed.example'] }), current]) {
      const pair = await openPair(world, { serverNetwork, clientNetwork });
      await secure(world, pair, clientTls('b.example'));
      seen.push(subjects(pair.client.events.session));
      await closeBoth(world, pair);
      current = next;
    }
    assert.deepEqual(seen, ['b.example', 'b.example,renewed.example']);
  });

  behaves('direct TLS comes first, with ALPN xmpp-server (XEP-0368)', async (world) => {
    const pair = await openPair(world, {
      tls: 'direct',
      started: (client) => client.startTlsClient(clientTls('b.example', { alpn: 'xmpp-server' })),
    });
    const { client, server } = pair;
    await world.until(() => client.events.isSecured && server.events.isSecured);
    client.connection.write('hello');
    await world.until(() => server.events.text === 'hello');
    assert.equal(pair.accepted.directTls, true);
    assert.deepEqual([client.events.session.alpn, server.events.session.alpn], ['xmpp-server', 'xmpp-server']);
    assert.deepEqual(server.events.log, ['secured', 'data']);
    await closeBoth(world, pair);
  });

  behaves('under direct TLS nothing goes out in the clear, not even what `accept` writes', async (world) => {
    const pair = await openPair(world, { tls: 'direct', greeted: (server) => server.write('hello') });
    await world.until(() => true);
    assert.equal(pair.client.events.text, '');
    pair.client.connection.startTlsClient(clientTls('b.example'));
    await world.until(() => pair.client.events.text === 'hello');
    assert.deepEqual(pair.client.events.log, ['connected', 'secured', 'data']);
    await closeBoth(world, pair);
  });

  behaves('without ALPN in the hello none is chosen (RFC 7301 §3.1)', async (world) => {
    const pair = await openPair(world);
    await secure(world, pair, clientTls('b.example', { alpn: null }));
    assert.deepEqual([pair.client.events.session.alpn, pair.server.events.session.alpn], [null, null]);
    await closeBoth(world, pair);
  });

  behaves(
    'one port tells direct TLS from plain streams by the first byte and loses none of them (T2)',
    async (world) => {
      const plain = await openPair(world, { tls: 'detect', started: (client) => client.write('<?xml') });
      assert.equal(plain.accepted.directTls, false);
      plain.client.connection.write(' version');
      await world.until(() => plain.server.events.text === '<?xml version');
      await secure(world, plain, clientTls('b.example'));
      await closeBoth(world, plain);

      const direct = await openPair(world, {
        tls: 'detect',
        started: (client) => client.startTlsClient(clientTls('b.example', { alpn: 'xmpp-server' })),
      });
      assert.equal(direct.accepted.directTls, true);
      await world.until(() => direct.client.events.isSecured && direct.server.events.isSecured);
      direct.client.connection.write('hello');
      await world.until(() => direct.server.events.text === 'hello');
      await closeBoth(world, direct);
    },
  );

  behaves('a handshake with a peer that does not speak TLS fails as a `tls` fault', async (world) => {
    const { client, server } = await openPair(world);
    client.connection.startTlsClient(clientTls('b.example'));
    server.connection.write('<stream:error/>');
    await world.until(() => client.events.isClosed);
    assert.deepEqual([client.events.fault?.layer, client.events.fault?.condition], ['tls', 'handshake-failed']);
    assert.equal(client.events.fault?.origin, 'peer');

    const other = await openPair(world);
    other.server.connection.startTlsServer({ streamTo: null });
    other.client.connection.write('<stream:stream xmlns="jabber:server">');
    await world.until(() => other.server.events.isClosed);
    assert.deepEqual(
      [other.server.events.fault?.layer, other.server.events.fault?.condition],
      ['tls', 'handshake-failed'],
    );
  });

  behaves('a peer that closes during the handshake is a `tls` fault', async (world) => {
    const { client, server } = await openPair(world);
    client.connection.startTlsClient(clientTls('b.example'));
    server.connection.end();
    await world.until(() => client.events.isClosed);
    assert.deepEqual([client.events.fault?.layer, client.events.fault?.condition], ['tls', 'connection-reset']);
  });

  behaves('TLS is started once only', async (world) => {
    const pair = await openPair(world);
    await secure(world, pair, clientTls('b.example'));
    assert.throws(() => pair.client.connection.startTlsClient(clientTls('b.example')), TypeError);
    await closeBoth(world, pair);
  });

  behaves('nobody listening: one `closed` with a fault that names the address', async (world) => {
    const events = new Recorder();
    const port = await world.closedPort();
    world.network(serving()).connect({ addresses: [{ family: 4, address: world.address }], port }, events);
    assert.deepEqual(events.log, [], 'nothing is said before connect has answered');
    await world.until(() => events.isClosed);
    assert.deepEqual([events.fault?.layer, events.fault?.condition], ['tcp', 'connection-refused']);
    assert.match(events.fault?.text ?? '', new RegExp(`${world.address.replaceAll('.', '\\.')} port ${port}`));
    assert.deepEqual(events.log, ['closed']);
  });

  behaves('no address at all is a fault too, after connect has answered', async (world) => {
    const events = new Recorder();
    world.network(serving()).connect({ addresses: [], port: 1 }, events);
    assert.deepEqual(events.log, []);
    await world.until(() => events.isClosed);
    assert.equal(events.fault?.condition, 'host-unreachable');
  });

  behaves('a port in use is a fault of `listen`', async (world) => {
    const network = world.network(serving('b.example'));
    const where = { address: world.address, port: 0, tls: 'starttls' } as const;
    const listening = await network.listen(where, () => new Recorder());
    await assert.rejects(
      network.listen({ ...where, port: listening.port }, () => new Recorder()),
      (error) => error instanceof FaultError && error.fault.condition === 'address-in-use',
    );
    await listening.close();
    const again = await network.listen({ ...where, port: listening.port }, () => new Recorder());
    await again.close();
  });

  behaves('`destroy` tells its own fault here and a reset or an end there', async (world) => {
    const { client, server } = await openPair(world);
    client.connection.destroy({ layer: 'stream', condition: 'host-unknown', origin: 'peer' });
    assert.equal(client.events.isClosed, false, 'said later, never inside the call');
    await world.until(() => client.events.isClosed && server.events.isClosed);
    assert.equal(client.events.fault?.condition, 'host-unknown');
  });

  for (const encrypted of [false, true]) {
    behaves(
      `back-pressure${encrypted ? ' under TLS' : ''}: a paused reader fills the writer, reading on drains it`,
      async (world) => {
        const pair = await openPair(world);
        if (encrypted) await secure(world, pair, clientTls('b.example'));
        const { client, server } = pair;
        server.connection.pause();
        const piece = Buffer.alloc(65_536, 'y');
        let sent = 0;
        while (client.connection.writable && sent < 64_000_000) {
          client.connection.write(piece);
          sent += piece.length;
          if (sent % (32 * piece.length) === 0) await world.until(() => true);
        }
        assert.equal(client.connection.writable, false);
        assert.ok(client.connection.bufferedBytes > 262_144);
        assert.equal(client.events.drains, 0);
        server.connection.resume();
        await world.until(() => client.events.drains === 1 && server.events.received.length === sent);
        assert.equal(client.connection.writable, true);
        assert.equal(client.connection.bufferedBytes, 0);
        await closeBoth(world, pair);
      },
    );
  }

  for (const encrypted of [false, true]) {
    for (const breaker of ['the peer', 'we'] as const) {
      behaves(
        `L1: a stuck connection${encrypted ? ' under TLS' : ''} that ${breaker} drop${breaker === 'we' ? '' : 's'}: each who waits hears once what was handed over`,
        async (world) => {
          const pair = await openPair(world);
          if (encrypted) await secure(world, pair, clientTls('b.example'));
          const { client, server } = pair;
          server.connection.pause();
          const { told, writeAwaited } = await fill(world, client.connection);
          client.connection.cork(); // two that do not even leave our own batch
          writeAwaited();
          writeAwaited();
          const { bufferedBytes } = client.connection;
          (breaker === 'we' ? client : server).connection.destroy();
          await world.until(() => client.events.isClosed && told.every((mine) => mine.length > 0));
          client.connection.uncork();
          writeAwaited(); // and one to a closed connection
          await world.until(() => true);
          assert.ok(told.every((mine) => mine.length === 1));
          const outcomes = told.map(([handedOver]) => handedOver);
          const handedOver = outcomes.indexOf(false);
          assert.ok(handedOver > 0, 'nothing was handed over');
          assert.ok(!outcomes.slice(handedOver).includes(true), 'bytes are handed over in order');
          const lostBytes = (outcomes.length - 1 - handedOver) * PIECE.length;
          // The first of them may be cut; and the in-memory network also counts the frame of each record.
          assert.ok(Math.abs(lostBytes - bufferedBytes) < 2 * PIECE.length, `${lostBytes} of ${bufferedBytes} bytes`);
        },
      );
    }
  }

  behaves('L1: what was written before `end` is handed over, however slowly it is read', async (world) => {
    const pair = await openPair(world);
    await secure(world, pair, clientTls('b.example'));
    const { client, server } = pair;
    server.connection.pause();
    const { told } = await fill(world, client.connection);
    assert.ok(told.some((mine) => mine.length === 0));
    client.connection.end();
    server.connection.resume();
    await world.until(() => client.events.isClosed && server.events.isClosed);
    assert.ok(told.every(([handedOver, ...more]) => handedOver === true && more.length === 0));
    assert.equal(server.events.received.length, told.length * PIECE.length);
  });

  behaves('L1: writes that are joined by a cork are each told of, and none before the uncork', async (world) => {
    const pair = await openPair(world);
    const { client, server } = pair;
    const told: string[] = [];
    client.connection.cork();
    client.connection.write('one ', (handedOver) => told.push(`one ${handedOver}`));
    client.connection.write('two ');
    client.connection.write('three', (handedOver) => told.push(`three ${handedOver}`));
    await world.until(() => true);
    assert.deepEqual(told, []);
    client.connection.uncork();
    await world.until(() => server.events.text === 'one two three' && told.length > 0);
    assert.deepEqual(told, ['one true', 'three true']);
    await closeBoth(world, pair);
    assert.equal(told.length, 2);
  });

  behaves(
    'a reader paused before the handshake is still secured, and gets its bytes when it reads on',
    async (world) => {
      const pair = await openPair(world);
      pair.server.connection.pause();
      await secure(world, pair, clientTls('b.example'));
      pair.client.connection.write('late');
      pair.client.connection.end();
      assert.equal(pair.server.events.text, '');
      pair.server.connection.resume();
      await world.until(() => pair.server.events.text === 'late' && pair.client.events.isClosed);
    },
  );

  behaves('corked writes are kept together and counted, and nest', async (world) => {
    const pair = await openPair(world);
    await secure(world, pair, clientTls('b.example'));
    const { client, server } = pair;
    const chunks: number[] = [];
    server.events.onData = (bytes) => chunks.push(bytes.length);
    client.connection.cork();
    client.connection.cork();
    for (let i = 0; i < 100; i++) client.connection.write('0123456789');
    client.connection.uncork();
    assert.equal(client.connection.bufferedBytes, 1000);
    client.connection.uncork();
    await world.until(() => server.events.received.length === 1000);
    assert.deepEqual(chunks, [1000]);
    await closeBoth(world, pair);
  });

  behaves('`closed` comes exactly once and last, whatever is called in whatever order', async (world) => {
    type Call = (connection: Connection) => void;
    const calls: Record<string, Call> = {
      write: (c) => c.write('abc'),
      cork: (c) => c.cork(),
      uncork: (c) => c.uncork(),
      pause: (c) => c.pause(),
      resume: (c) => c.resume(),
      end: (c) => c.end(),
      destroy: (c) => c.destroy(),
    };
    const call = fc.record({
      side: fc.constantFrom('client' as const, 'server' as const),
      method: fc.constantFrom(...Object.keys(calls)),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(call, { maxLength: 12 }), fc.boolean(), async (sequence, encrypted) => {
        const pair = await openPair(world);
        if (encrypted) await secure(world, pair, clientTls('b.example'));
        for (const { side, method } of sequence) {
          calls[method]?.(pair[side].connection);
          await world.until(() => true);
        }
        pair.client.connection.destroy();
        // A connection that is not read from does not see the end either.
        pair.server.connection.resume();
        await world.until(() => pair.client.events.isClosed && pair.server.events.isClosed);
        for (const { connection } of [pair.client, pair.server]) {
          for (const method of Object.values(calls)) method(connection);
          connection.startTlsClient(clientTls('b.example'));
          assert.equal(connection.writable, false);
        }
        await world.until(() => true);
        for (const { events } of [pair.client, pair.server]) {
          assert.equal(events.faults.length, 1);
          assert.equal(events.log.at(-1), 'closed');
        }
      }),
      { numRuns: 40 },
    );
  });
}
