/** One address cannot occupy all streams. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../machines/limits.ts';
import { createLog } from '../../src/cli/log.ts';
import { credentialOf } from '../../src/demo/certificates.ts';
import { ConnectionManager } from '../../src/manager.ts';
import type { ConnectionEvents, Network } from '../../src/ports.ts';
import { fault } from '../../src/protocol/faults.ts';
import { rows } from '../../src/trace/queries/queries.ts';
import { createDuo } from '../support/duo.ts';
import { createSimulation, type Simulation } from '../support/simulation.ts';
import { header, ScriptedStream } from '../support/simulation-peer.ts';

/** More than the fabric delivers at once here. */
const CHUNK_BYTES = 2_000;

const silent: ConnectionEvents = {
  connected: () => undefined,
  data: () => undefined,
  secured: () => undefined,
  drained: () => undefined,
  closed: () => undefined,
};

test('connections beyond streamsPerAddress are dropped at once, and another address still gets in', async () => {
  const simulation = createSimulation(1);
  const credential = credentialOf({ hosts: ['b.example'] });
  const { network, address } = simulation.host({ forServerName: () => credential });
  const options = { hosts: { 'b.example': credential }, listen: [{ address, port: 5269, tls: 'starttls' as const }] };
  const manager = new ConnectionManager(options, { ...simulation, network });
  await manager.start();
  const target = { addresses: [{ family: 4 as const, address }], port: 5269 };
  const refused: string[] = [];
  const lines: string[] = [];
  const terminal = { tell: (line: string) => lines.push(line), paint: (_colour: string, text: string) => text };
  const log = createLog(terminal, () => simulation.clock.now());
  manager.reports$.subscribe((record) => {
    if (record.report.type === 'connection.refused') refused.push(record.report.type);
    log.record(record);
  });

  const flood = simulation.host({ forServerName: () => null }).network;
  for (let i = 0; i < limits.streamsPerAddress + 50; i += 1) flood.connect(target, silent);
  await simulation.clock.advance(1_000);
  assert.equal(manager.snapshot().streams.length, limits.streamsPerAddress);
  assert.equal(refused.length, 1, 'the operator hears of it once, not fifty times, and nothing else is pushed out');
  const told = lines.filter((line) => line.includes('is refused'));
  assert.match(told.join('\n'), /warning a connection from \S+ is refused: .*too-many-connections/);

  simulation.host({ forServerName: () => null }).network.connect(target, silent);
  await simulation.clock.advance(1_000);
  assert.equal(manager.snapshot().streams.length, limits.streamsPerAddress + 1);

  await simulation.clock.advance(limits.headerMs + limits.closeMs + 1_000); // they did not send a header in time
  assert.equal(manager.snapshot().streams.length, 0);
  flood.connect(target, silent);
  await simulation.clock.advance(1_000);
  assert.equal(manager.snapshot().streams.length, 1);
  const stopped = manager.stop();
  await simulation.clock.advance(20_000);
  await stopped;
});

test('connections beyond connectionsPerSecond are dropped, and another address still gets in (L2)', async () => {
  const simulation = createSimulation(1);
  const { network, address } = simulation.host({ forServerName: () => null });
  const listen = [{ address, port: 5269, tls: 'starttls' as const }];
  const options = { hosts: { 'b.example': null }, listen, limits: { connectionsPerSecond: 2 } };
  const manager = new ConnectionManager(options, { ...simulation, network });
  await manager.start();
  const refused: unknown[] = [];
  manager.reports$.subscribe(({ report }) => {
    if (report.type === 'connection.refused') refused.push({ ...report });
  });
  const target = { addresses: [{ family: 4 as const, address }], port: 5269 };
  const open = async (from: Network, count: number): Promise<number> => {
    const before = manager.snapshot().streams.length;
    for (let at = 0; at < count; at += 1) from.connect(target, silent);
    await simulation.clock.advance(1_000);
    return manager.snapshot().streams.length - before;
  };
  const [flood, other] = [
    simulation.host({ forServerName: () => null }),
    simulation.host({ forServerName: () => null }),
  ];
  assert.equal(await open(flood.network, 50), 20, 'those of ten seconds at once');
  assert.equal(await open(flood.network, 50), 2, 'and then two a second');
  assert.equal(await open(other.network, 5), 5);
  const why = fault('tcp', 'too-many-connections', 'peer', 'it opens them too fast');
  assert.deepEqual(refused, [{ type: 'connection.refused', remoteAddress: flood.address, fault: why }]);
  const stopped = manager.stop();
  await simulation.clock.advance(20_000);
  await stopped;
});

/** b.example, which accepts peers that it cannot prove. */
async function permissiveManager() {
  const simulation = createSimulation(1);
  const { network, address } = simulation.host({ forServerName: () => null });
  const manager = new ConnectionManager(
    {
      hosts: { 'b.example': null },
      listen: [{ address, port: 5269, tls: 'starttls' }],
      policy: { federation: 'permissive' },
    },
    { ...simulation, network },
  );
  await manager.start();
  return { simulation, manager, address };
}

/** Claims domain after domain as its own; all of them lead to hosts that never answer. */
async function claim(simulation: Simulation, at: { address: string; port: number }, domains: readonly string[]) {
  const { network } = simulation.host({ forServerName: () => null });
  for (let i = 0; i < domains.length; i += limits.pendingVerifications) {
    const stream = new ScriptedStream();
    stream.bind(network.connect({ addresses: [{ family: 4, address: at.address }], port: at.port }, stream));
    await simulation.clock.runUntil(() => stream.isConnected, 1_000);
    stream.write(header(`from='${domains[i]}' to='b.example'`));
    for (const domain of domains.slice(i, i + limits.pendingVerifications)) {
      stream.write(`<db:result from='${domain}' to='b.example'>key</db:result>`);
    }
  }
}

test('whoever claims domain after domain makes us dial no more than verifyStreams of them at once, and delays nobody else', async () => {
  const { simulation, manager, address } = await permissiveManager();
  const { clock, fabric, resolver } = simulation;
  const silentHost = (domain: string, at: string): string => {
    resolver.set(domain, { addresses: [{ family: 4, address: at }] });
    fabric.cut(address, at);
    return domain;
  };
  let made = 0;
  const silentHosts = (length: number): string[] =>
    Array.from({ length }, () => silentHost(`d${++made}.flood.example`, `10.66.${made >> 8}.${made & 0xff}`));
  const dialled = (): number =>
    manager.snapshot().streams.filter(({ role, state }) => role === 'initiating' && state === 'opening').length;

  await claim(simulation, { address, port: 5269 }, silentHosts(200));
  await clock.advance(1_000);
  assert.equal(dialled(), limits.verifyStreamsPerAddress, 'one address has its share, though there is room');

  const addresses = limits.verifyStreams / limits.verifyStreamsPerAddress;
  for (let i = 1; i < addresses + 5; i += 1) {
    await claim(simulation, { address, port: 5269 }, silentHosts(limits.verifyStreamsPerAddress));
  }
  await clock.advance(1_000);
  assert.equal(dialled(), limits.verifyStreams);

  await claim(simulation, { address, port: 5269 }, [silentHost('quiet.example', '10.67.0.1')]);
  const quiet = (): boolean =>
    manager.snapshot().streams.some(({ remote, role }) => remote === 'quiet.example' && role === 'initiating');
  let most = 0;
  await clock.runUntil(() => {
    most = Math.max(most, dialled());
    return quiet();
  }, limits.verifyStreamMs);
  assert.ok(most <= limits.verifyStreams, `${most} were dialled at once`);

  await clock.advance(limits.verifyStreamMs + limits.closeMs + 1_000);
  assert.equal(dialled(), 0);
  const stopped = manager.stop();
  await clock.advance(20_000);
  await stopped;
});

test('who brings more than bytesPerSecond is read more slowly, loses nothing, and slows nobody else (L2)', async () => {
  const duo = await createDuo({
    A: { hosts: ['a.example'] },
    B: { hosts: ['b.example', 'c.example'], limits: { bytesPerSecond: 10_000 } },
  });
  const { clock } = duo.simulation;
  duo.send('a.example', 'b.example');
  await duo.settle();
  await clock.advance(10_000);
  const flood = 400;
  for (let at = 0; at < flood; at += 1) duo.send('a.example', 'b.example');
  const begunMs = clock.now();
  const [before] = rows(duo.providers.B.view(), 'stream').rows;
  await clock.runUntil(() => duo.arrived.length === 1 + flood, 120_000);
  const [after] = rows(duo.providers.B.view(), 'stream').rows;
  const bytes = (after?.bytes?.in ?? 0) - (before?.bytes?.in ?? 0);
  const tookMs = clock.now() - begunMs;
  // The allowance saved up during the last second is used at once, and nobody waits for the debt of the last chunk.
  const dueMs = (bytes - 10_000 - CHUNK_BYTES) / 10;
  assert.ok(dueMs > 3_000 && tookMs >= dueMs && tookMs < 2 * dueMs, `${bytes} B, ${tookMs} ms`);
  assert.deepEqual(
    duo.arrived.map(({ id }) => id),
    [...Array(1 + flood).keys()],
    'in order, each once',
  );
  const slowed = duo.timeline.filter(
    ({ record }) => record.kind === 'report' && record.report.type === 'stream.slowed',
  );
  assert.deepEqual(
    slowed.map(({ at, record }) => [at, record.actor]),
    [['B', 'stream:1']],
  );
  await duo.stop();
});

test('who asserts a domain and leaves makes us leave its authoritative server, which hears no error and did nothing wrong', async () => {
  const { simulation, manager, address } = await permissiveManager();
  const { clock } = simulation;
  const authority = simulation.host({ forServerName: () => null });
  const asked = new ScriptedStream();
  await authority.network.listen({ address: authority.address, port: 5269, tls: 'starttls' }, ({ connection }) =>
    asked.bind(connection),
  );
  simulation.resolver.set('a.example', { addresses: [{ family: 4, address: authority.address }] });
  const faults: unknown[] = [];
  manager.reports$.subscribe(({ report }) => {
    if (report.type === 'stream.closed') faults.push((report as { fault?: unknown }).fault);
  });

  const stranger = simulation.host({ forServerName: () => null });
  const claim = new ScriptedStream();
  claim.bind(stranger.network.connect({ addresses: [{ family: 4, address }], port: 5269 }, claim));
  await clock.runUntil(() => claim.isConnected, 1_000);
  claim.write(header(`from='a.example' to='b.example'`) + `<db:result from='a.example' to='b.example'>key</db:result>`);
  await clock.runUntil(() => asked.heard.includes('<stream:stream'), 10_000);
  claim.destroy();
  await clock.runUntil(() => asked.heard.endsWith('</stream:stream>'), 10_000);
  assert.ok(!asked.heard.includes('stream:error'), asked.heard);
  asked.write(`${header(`id='x' from='a.example'`)}</stream:stream>`);
  await clock.runUntil(() => faults.length === 2, 20_000);
  assert.equal(faults.at(-1), null, 'nor is it counted as a fault');
  const stopped = manager.stop();
  await clock.advance(20_000);
  await stopped;
});
