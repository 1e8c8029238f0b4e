/**
 * Peers that say nothing, or one byte a second: each state closes the connection at its deadline (L2). Time is
 * simulated.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import xml from '@xmpp/xml';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import { createMemoryNetwork } from '../../src/simulation/memory-network.ts';
import { createRandom } from '../../src/adapters/random.ts';
import { SimulatedClock } from '../../src/simulation/simulated-clock.ts';
import { createTableResolver } from '../../src/simulation/table-dns.ts';
import { ConnectionManager } from '../../src/manager.ts';
import { limits } from '../../machines/limits.ts';
import type { Connection, TlsSession } from '../../src/ports.ts';
import {
  conditionOf,
  DIALBACK_FEATURE,
  features,
  header,
  SASL_NS,
  auth,
  PROCEED,
  STARTTLS,
  TLS_NS,
} from '../support/attacker.ts';

const EVIL = 'evil.example';

const never = new Promise<never>(() => undefined);

/** A manager for b.example and an attacker, on one fabric and one clock. */
async function fabric() {
  const clock = new SimulatedClock();
  const ca = createCertificateAuthority({ name: 'Trusted CA' });
  const memory = createMemoryNetwork({ clock, random: createRandom() });
  const resolver = createTableResolver({}, { clock });
  const own = ca.issue({ dnsNames: ['b.example'] });
  const evil = ca.issue({ dnsNames: [EVIL] });
  const at = memory.network({ forServerName: () => own });
  const attacker = memory.network({ forServerName: () => evil });
  const manager = new ConnectionManager(
    {
      hosts: { 'b.example': own },
      listen: [{ address: at.address, port: 5269, tls: 'detect' }],
      policy: { federation: 'encrypted' },
    },
    {
      network: at,
      // The owner of a domain runs its name server, which need not answer.
      resolver: {
        ...resolver,
        srv: (name, signal) => (/\.silent\.example$/.test(name) ? never : resolver.srv(name, signal)),
      },
      clock,
      random: createRandom(),
      pathValidator: {
        validate: () => ({ kind: 'invalid', condition: 'untrusted-root', text: 'in this test', depth: 0 }),
        validateDane: () => ({ kind: 'unmatched', condition: 'no-match', text: 'in this test' }),
      },
    },
  );
  await manager.start();
  const events = (peer: Peer) => ({
    connected: () => undefined,
    data: (bytes: Buffer) => {
      peer.text += bytes.toString();
    },
    secured: (session: TlsSession) => {
      peer.session = session;
      peer.text = '';
    },
    drained: () => undefined,
    closed: () => {
      peer.closed = true;
    },
  });
  return {
    clock,
    manager,
    memory,
    dial: (): Peer => {
      const peer = newPeer();
      peer.connection = attacker.connect({ addresses: [{ family: 4, address: at.address }], port: 5269 }, events(peer));
      return peer;
    },
    /** A server of the attacker; each connection is a peer. */
    listen: async (): Promise<Peer[]> => {
      const peers: Peer[] = [];
      await attacker.listen({ address: attacker.address, port: 5269, tls: 'starttls' }, ({ connection }) => {
        const peer = newPeer();
        peer.connection = connection;
        peers.push(peer);
        return events(peer);
      });
      resolver.set(`_xmpp-server._tcp.${EVIL}`, {
        srv: [{ priority: 0, weight: 0, port: 5269, target: 'host.evil.example' }],
      });
      resolver.set('host.evil.example', { addresses: [{ family: 4, address: attacker.address }] });
      return peers;
    },
    send: () => manager.send(xml('message', { from: 'u@b.example', to: `v@${EVIL}` })),
    attackerTls: { serverName: 'b.example', credential: evil, minVersion: 'TLSv1.2', alpn: null } as const,
  };
}
type Fabric = Awaited<ReturnType<typeof fabric>>;

interface Peer {
  connection: Connection;
  text: string;
  closed: boolean;
  session: TlsSession | null;
}
const newPeer = (): Peer => ({ connection: null as unknown as Connection, text: '', closed: false, session: null });

const OPEN = header({ from: EVIL, to: 'b.example' });
/** Enough time for a few round trips on the fabric. */
const settle = (on: Fabric): Promise<void> => on.clock.advance(200);

async function secured(on: Fabric, peer: Peer): Promise<void> {
  await settle(on);
  peer.connection.write(OPEN + STARTTLS);
  await settle(on);
  peer.connection.startTlsClient(on.attackerTls);
  await settle(on);
  assert.notEqual(peer.session, null);
  peer.connection.write(OPEN);
  await settle(on);
  assert.match(peer.text, /<stream:features>/);
}

/** What the peer says before it falls silent, the condition that it receives then, and by when it must be gone. */
const silences: readonly (readonly [
  string,
  (on: Fabric, peer: Peer) => Promise<void> | void,
  string | null,
  number,
])[] = [
  ['at once', () => undefined, null, limits.headerMs],
  ['after one byte', (_, peer) => peer.connection.write('<'), 'connection-timeout', limits.headerMs],
  [
    'in the middle of its header',
    (_, peer) => peer.connection.write(OPEN.slice(0, 60)),
    'connection-timeout',
    limits.headerMs,
  ],
  ['after its header', (_, peer) => peer.connection.write(OPEN), 'connection-timeout', limits.headerMs],
  ['after <starttls/>', (_, peer) => peer.connection.write(OPEN + STARTTLS), null, limits.handshakeMs],
  [
    'after the handshake',
    async (on, peer) => {
      peer.connection.write(OPEN + STARTTLS);
      await settle(on);
      peer.connection.startTlsClient(on.attackerTls);
    },
    'connection-timeout',
    limits.handshakeMs + limits.headerMs,
  ],
  ['after the features under TLS', secured, 'connection-timeout', limits.authenticationMs],
  [
    'in the middle of SASL',
    async (on, peer) => {
      await secured(on, peer);
      peer.connection.write(auth(''));
    },
    'connection-timeout',
    limits.authenticationMs,
  ],
  [
    'in the middle of an element',
    async (on, peer) => {
      await secured(on, peer);
      peer.connection.write(`<message from='u@${EVIL}'><body>`);
    },
    'connection-timeout',
    limits.authenticationMs,
  ],
  [
    'after a claim that nobody can answer',
    async (on, peer) => {
      await secured(on, peer);
      peer.connection.write(`<db:result from='${EVIL}' to='b.example'>key</db:result>`);
    },
    'connection-timeout',
    limits.authenticationMs + limits.assertionMs,
  ],
];

for (const [name, speak, condition, deadlineMs] of silences) {
  test(`a peer that falls silent ${name} is let go at the deadline, and nothing of it is left (L2)`, async () => {
    const on = await fabric();
    const peer = on.dial();
    await settle(on);
    await speak(on, peer);
    await settle(on);
    const tookMs = await on.clock.runUntil(() => peer.closed);
    // The peer does not answer our closing tag either.
    assert.ok(tookMs <= deadlineMs + limits.closeMs + 1_000, `${tookMs} ms`);
    assert.equal(conditionOf(peer.text), condition);
    await settle(on);
    assert.deepEqual(on.manager.snapshot().streams, []);
    assert.equal(on.memory.sockets, 0);
    assert.equal(on.clock.pending, 0, 'timers left');
  });
}

test('a header of one byte a second does not move the deadline (slow trickle)', async () => {
  const on = await fabric();
  const peer = on.dial();
  await settle(on);
  let sent = 0;
  while (!peer.closed && sent < 120) {
    peer.connection.write(OPEN.slice(sent, sent + 1));
    sent += 1;
    await on.clock.advance(1_000);
  }
  assert.ok(sent * 1_000 <= limits.headerMs + limits.closeMs + 2_000, `${sent} s`);
  assert.equal(conditionOf(peer.text), 'connection-timeout');
  assert.equal(on.memory.sockets, 0);
  assert.equal(on.clock.pending, 0, 'timers left');
});

test('unknown elements, white space and questions do not keep an unproved peer (slow trickle)', async () => {
  const on = await fabric();
  const peer = on.dial();
  await secured(on, peer);
  let seconds = 0;
  for (; !peer.closed && seconds < 300; seconds += 1) {
    peer.connection.write(`<x xmlns='u:x'/> <db:verify from='${EVIL}' to='b.example' id='x'>key</db:verify>`);
    await on.clock.advance(1_000);
  }
  assert.ok(seconds * 1_000 <= limits.authenticationMs + limits.closeMs + 2_000, `${seconds} s`);
  assert.equal(on.memory.sockets, 0);
});

const LONGEST_MS = limits.authenticationMs + limits.verificationMs + limits.spareMs;

test('a claim every 3 s for a domain whose name servers are silent does not keep an unproved peer: its time is extended once (L2)', async () => {
  const on = await fabric();
  const peer = on.dial();
  await secured(on, peer);
  let seconds = 0;
  for (; !peer.closed && seconds < 600; seconds += 3) {
    peer.connection.write(`<db:result from='n${seconds}.silent.example' to='b.example'>key</db:result>`);
    await on.clock.advance(3_000);
  }
  assert.ok(seconds * 1_000 <= LONGEST_MS + limits.closeMs + 4_000, `${seconds} s`);
  assert.equal(conditionOf(peer.text), 'connection-timeout');
  assert.equal(await on.clock.runUntilIdle(), true, 'timers left');
  assert.equal(on.memory.sockets, 0);
});

test('nor do SASL attempts, each at the last moment, and a claim beside each (L2)', async () => {
  const on = await fabric();
  const peer = on.dial();
  await secured(on, peer);
  let seconds = 0;
  for (; !peer.closed && seconds < 600; seconds += 1) {
    if (seconds % 58 === 57) peer.connection.write(auth('='));
    if (seconds % 6 === 0)
      peer.connection.write(`<db:result from='n${seconds}.silent.example' to='b.example'>key</db:result>`);
    await on.clock.advance(1_000);
  }
  assert.ok(seconds * 1_000 <= LONGEST_MS + limits.closeMs + 2_000, `${seconds} s`);
  assert.equal(conditionOf(peer.text), 'connection-timeout');
  assert.equal(await on.clock.runUntilIdle(), true, 'timers left');
  assert.equal(on.memory.sockets, 0);
});

/** What a server says before it falls silent; our stanza comes back, and the connection ends. */
const silentServers: readonly (readonly [string, (on: Fabric, peer: Peer) => Promise<void> | void])[] = [
  ['at once', () => undefined],
  ['after its header', (_, peer) => peer.connection.write(header({ from: EVIL, id: 'x' }))],
  [
    'after <proceed/>',
    (_, peer) =>
      peer.connection.write(header({ from: EVIL, id: 'x' }) + features(`<starttls xmlns='${TLS_NS}'/>`) + ' '),
  ],
  [
    'after the handshake',
    async (on, peer) => {
      peer.connection.write(header({ from: EVIL, id: 'x' }) + features(`<starttls xmlns='${TLS_NS}'/>`));
      await settle(on);
      peer.connection.write(PROCEED);
      peer.connection.startTlsServer({ streamTo: null });
    },
  ],
  [
    'when it is shown our key',
    async (on, peer) => {
      peer.connection.write(header({ from: EVIL, id: 'x' }) + features(`<starttls xmlns='${TLS_NS}'/>`));
      await settle(on);
      peer.connection.write(PROCEED);
      peer.connection.startTlsServer({ streamTo: null });
      await settle(on);
      peer.connection.write(header({ from: EVIL, id: 'y' }) + features(DIALBACK_FEATURE));
    },
  ],
  [
    'in the middle of SASL',
    async (on, peer) => {
      peer.connection.write(header({ from: EVIL, id: 'x' }) + features(`<starttls xmlns='${TLS_NS}'/>`));
      await settle(on);
      peer.connection.write(PROCEED);
      peer.connection.startTlsServer({ streamTo: null });
      await settle(on);
      peer.connection.write(
        header({ from: EVIL, id: 'y' }) +
          features(`<mechanisms xmlns='${SASL_NS}'><mechanism>EXTERNAL</mechanism></mechanisms>`),
      );
    },
  ],
];

for (const [name, speak] of silentServers) {
  test(`a server that falls silent ${name}: the stanza is returned in bounded time, and no socket or timer is left (L1, L2)`, async () => {
    const on = await fabric();
    const peers = await on.listen();
    let outcome = '';
    void on.send().then((delivery) => (outcome = delivery.outcome));
    await on.clock.runUntil(() => peers.length > 0);
    await settle(on);
    const [peer] = peers;
    assert.ok(peer !== undefined);
    await speak(on, peer);
    const tookMs = await on.clock.runUntil(() => outcome !== '');
    assert.equal(outcome, 'returned');
    assert.ok(tookMs <= limits.routeMs + 10_000, `${tookMs} ms`);
    // At the latest when the stream, on which nothing was accepted, has reached the idle timeout.
    await on.clock.runUntil(() => on.memory.sockets === 0, 2 * limits.idleMs);
    assert.equal(await on.clock.runUntilIdle(), true, 'timers left');
    assert.deepEqual(on.manager.snapshot().streams, []);
    assert.deepEqual(on.manager.snapshot().tables.queues, []);
  });
}

test('what is sent after our closing tag is not read for ever: the connection ends (RFC 6120 §4.4)', async () => {
  const on = await fabric();
  const peer = on.dial();
  await settle(on);
  peer.connection.write('garbage');
  let seconds = 0;
  for (; !peer.closed && seconds < 60; seconds += 1) {
    peer.connection.write('x'.repeat(50_000));
    await on.clock.advance(1_000);
  }
  assert.ok(seconds * 1_000 <= limits.closeMs + 2_000, `${seconds} s`);
  assert.equal(on.memory.sockets, 0);
  assert.equal(on.clock.pending, 0, 'timers left');
});
