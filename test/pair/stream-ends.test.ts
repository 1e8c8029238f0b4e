/** L1: however a stream ends, stanzas that were written to it and may not have been read are counted and reported. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../machines/limits.ts';
import { createPathValidator } from '../../src/adapters/pkix/path-validator.ts';
import { ConnectionManager } from '../../src/manager.ts';
import type { Connection } from '../../src/ports.ts';
import type { Fault } from '../../src/protocol/faults.ts';
import { Stanza } from '../../src/protocol/stanza.ts';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import { createSimulation } from '../support/simulation.ts';

const authority = createCertificateAuthority({ name: 'Of these tests' });
const BURST = 11;

/** A sends to B, over one open stream without traffic. */
async function pairOfManagers() {
  const simulation = createSimulation(1);
  const { clock } = simulation;
  const pathValidator = createPathValidator({ system: false, anchors: [authority.certPem] });
  const accepted: Connection[] = [];
  const manager = async (domain: string): Promise<ConnectionManager> => {
    const credential = authority.issue({ dnsNames: [domain] });
    const { network, address } = simulation.host({ forServerName: () => credential });
    const made = new ConnectionManager(
      { hosts: { [domain]: credential }, listen: [{ address, port: 5269, tls: 'detect' }] },
      {
        ...simulation,
        pathValidator,
        network: {
          connect: (to, events) => network.connect(to, events),
          listen: (at, connected) =>
            network.listen(at, (one) => {
              accepted.push(one.connection);
              return connected(one);
            }),
        },
      },
    );
    await made.start();
    simulation.resolver.set(domain, { addresses: [{ family: 4, address }] });
    return made;
  };
  const [a, b] = [await manager('a.example'), await manager('b.example')];
  let arrived = 0;
  b.stanzas$.subscribe(() => (arrived += 1));
  const ends: string[] = [];
  a.reports$.subscribe(({ report }) => {
    const { type, fault = null, stanzas } = report as { type: string; fault?: Fault | null; stanzas?: number };
    if (type === 'stream.closing') ends.push(fault === null ? 'closing' : `closing: ${fault.layer} ${fault.condition}`);
    if (type === 'stream.broken') ends.push(`broken: ${stanzas}`);
    if (type === 'stream.closed') ends.push('closed');
  });
  const outcomes: string[] = [];
  const send = (): void => {
    const bytes = Buffer.from(`<message from='u@a.example' to='v@b.example'/>`);
    a.router.inject(new Stanza('message', 'v@b.example', 'u@a.example', bytes, 'jabber:server'), null, ({ outcome }) =>
      outcomes.push(outcome),
    );
  };
  send();
  await clock.runUntil(() => arrived === 1, 10_000);
  await clock.advance(40_000); // nothing was written recently
  outcomes.length = 0;
  const burst = (): void => {
    for (let n = 0; n < BURST; n += 1) send();
  };
  return {
    clock,
    a,
    b,
    ends,
    burst,
    /** Counts the burst only. */
    tally: () => ({ sent: outcomes.filter((one) => one === 'sent').length, arrived: arrived - 1 }),
    stream: () => a.snapshot().streams[0]!.id,
    /** Like a killed process: its kernel closes the connection, and later bytes are not read. */
    killB: () => {
      for (const connection of accepted) {
        connection.pause();
        connection.end();
      }
    },
    freezeB: () => {
      for (const connection of accepted) connection.pause();
    },
    stop: async () => {
      const stopped = Promise.all([a.stop(), b.stop()]);
      await clock.advance(20_000);
      await stopped;
    },
  };
}

type Managers = Awaited<ReturnType<typeof pairOfManagers>>;

test('L1: a peer that ends the stream by a stream error while stanzas are on the line: so many are unknown', async () => {
  const it = await pairOfManagers();
  it.b.setPolicy({ deny: ['a.example'] });
  it.burst();
  await it.clock.advance(limits.closeMs + 1_000);
  assert.deepEqual(it.tally(), { sent: BURST, arrived: 0 });
  assert.deepEqual(it.ends, ['closing: stream policy-violation', `broken: ${BURST}`, 'closed']);
  assert.equal(it.a.router.counters.unknown, BURST);
  await it.stop();
});

test('L1: a peer that is killed: the end of the connection is no closing tag, and so many are unknown', async () => {
  const it = await pairOfManagers();
  it.killB();
  it.burst();
  await it.clock.advance(1_000);
  assert.deepEqual(it.tally(), { sent: BURST, arrived: 0 });
  assert.deepEqual(it.ends, ['closing: tcp connection-closed', `broken: ${BURST}`, 'closed']);
  assert.equal(it.a.router.counters.unknown, BURST);
  await it.stop();
});

test('L1: we take leave, and the peer ends the connection without its tag: no fault, but so many are unknown (RFC 6120 §4.4)', async () => {
  const it = await pairOfManagers();
  it.burst();
  it.a.closeStream(it.stream());
  it.killB();
  await it.clock.advance(limits.closeMs + 1_000);
  assert.deepEqual(it.tally(), { sent: BURST, arrived: 0 });
  assert.deepEqual(it.ends, ['closing', `broken: ${BURST}`, 'closed']);
  await it.stop();
});

test('L1: we take leave, and the peer says nothing until our patience ends: so many are unknown', async () => {
  const it = await pairOfManagers();
  it.burst();
  it.a.closeStream(it.stream());
  it.freezeB();
  await it.clock.advance(limits.closeMs + 1_000);
  assert.deepEqual(it.tally(), { sent: BURST, arrived: 0 });
  assert.deepEqual(it.ends, ['closing', `broken: ${BURST}`, 'closed']);
  await it.stop();
});

test('a stream whose closing tags are exchanged has lost nothing, whoever closes it and why', async () => {
  for (const close of [
    (it: Managers) => it.a.closeStream(it.stream()),
    (it: Managers) => it.b.closeStream(it.b.snapshot().streams[0]!.id),
    (it: Managers) => it.a.setPolicy({ deny: ['b.example'] }),
  ]) {
    const it = await pairOfManagers();
    it.burst();
    close(it);
    await it.clock.advance(limits.closeMs + 1_000);
    assert.deepEqual(it.tally(), { sent: BURST, arrived: BURST }, close.toString());
    assert.ok(!it.ends.some((end) => end.startsWith('broken')), it.ends.join());
    assert.equal(it.a.router.counters.unknown, 0);
    await it.stop();
  }
});

test('a stream that is closed while TCP is connecting is dropped at once, and nothing is dialled any more', async () => {
  const simulation = createSimulation(1);
  const { clock, fabric } = simulation;
  const { network, address } = simulation.host({ forServerName: () => null });
  const silent = simulation.host({ forServerName: () => null });
  let dialled = 0;
  await silent.network.listen({ address: silent.address, port: 5269, tls: 'starttls' }, () => {
    dialled += 1;
    return { connected: () => 0, data: () => 0, secured: () => 0, drained: () => 0, closed: () => 0 };
  });
  simulation.resolver.set('b.example', { addresses: [{ family: 4, address: silent.address }] });
  fabric.cut(address, silent.address);
  const manager = new ConnectionManager({ hosts: { 'a.example': null } }, { ...simulation, network });
  await manager.start();
  const bytes = Buffer.from(`<message from='u@a.example' to='v@b.example'/>`);
  manager.router.inject(new Stanza('message', 'v@b.example', 'u@a.example', bytes, 'jabber:server'), null);
  await clock.runUntil(() => manager.snapshot().streams.length === 1, 1_000);
  await clock.advance(100); // the SYN is lost
  const { id } = manager.snapshot().streams[0]!;
  manager.closeStream(id);
  await clock.advance(1);
  assert.ok(
    manager.snapshot().streams.every((stream) => stream.id !== id),
    'the stream is gone',
  );
  let stopped = false;
  void manager.stop(0).then(() => (stopped = true));
  await clock.advance(10);
  assert.ok(stopped, 'stopped at once');
  fabric.mend();
  await clock.advance(10_000);
  assert.equal(dialled, 0);
});
