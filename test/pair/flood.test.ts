/** One address cannot have all the streams (DESIGN §4, Listener). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../machines/limits.ts';
import { credentialOf } from '../../src/demo/certificates.ts';
import { ConnectionManager } from '../../src/manager.ts';
import type { ConnectionEvents } from '../../src/ports.ts';
import { createSimulation } from '../support/simulation.ts';

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

  const flood = simulation.host({ forServerName: () => null }).network;
  for (let i = 0; i < limits.streamsPerAddress + 50; i += 1) flood.connect(target, silent);
  await simulation.clock.advance(1_000);
  assert.equal(manager.snapshot().streams.length, limits.streamsPerAddress);

  simulation.host({ forServerName: () => null }).network.connect(target, silent);
  await simulation.clock.advance(1_000);
  assert.equal(manager.snapshot().streams.length, limits.streamsPerAddress + 1);

  await simulation.clock.advance(limits.headerMs + limits.closeMs + 1_000); // they said nothing in time
  assert.equal(manager.snapshot().streams.length, 0);
  flood.connect(target, silent);
  await simulation.clock.advance(1_000);
  assert.equal(manager.snapshot().streams.length, 1);
  const stopped = manager.stop();
  await simulation.clock.advance(20_000);
  await stopped;
});
