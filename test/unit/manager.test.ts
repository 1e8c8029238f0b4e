/** The options of a manager are checked, and a manager is started only once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectionManager } from '../../src/manager.ts';
import { type ManagerOptions, traceFrom } from '../../src/options.ts';
import type { Listening } from '../../src/ports.ts';
import { FaultError, fault } from '../../src/protocol/faults.ts';
import type { Outlet } from '../../src/routing/types.ts';
import { createSimulation } from '../support/simulation.ts';

const HOSTS = { 'a.example': null };

function make(options: Partial<ManagerOptions> = {}) {
  const simulation = createSimulation(1);
  const { network, address } = simulation.host({ forServerName: () => null });
  const listen = [{ address, port: 5269, tls: 'detect' as const }];
  return {
    simulation,
    manager: new ConnectionManager({ hosts: HOSTS, listen, ...options }, { ...simulation, network }),
  };
}

const outlet: Outlet = {
  contentNamespace: 'jabber:server',
  writable: true,
  write: () => undefined,
  cork: () => undefined,
  uncork: () => undefined,
};

test('limits from the library have the bounds of the file (RFC 6120 §13.12)', () => {
  const wrong: readonly (readonly [NonNullable<ManagerOptions['limits']>, RegExp])[] = [
    [{ stanzaBytes: 9_999 }, /^limits\.stanzaBytes: expected a whole number from 10000 to /],
    [{ preAuthBytes: 0 }, /^limits\.preAuthBytes: expected a whole number from 2048 to /],
    [{ queueStanzas: -1 }, /^limits\.queueStanzas: expected a whole number from 1 to /],
    [{ queueStanzas: 1.5 }, /^limits\.queueStanzas: .*, got 1\.5$/],
    [{ queueBytes: Number.NaN }, /^limits\.queueBytes: .*, got NaN$/],
    [{ stanzaBytes: 20_000, queueBytes: 19_999 }, /^limits\.queueBytes: expected at least limits\.stanzaBytes, 20000/],
    [
      { stanzaBytes: 33_554_432 },
      /^limits\.stanzaBytes: expected at most limits\.queueBytes, 16777216 by default: one stanza must fit/,
    ],
    [{ queueBytes: 10_000 }, /^limits\.queueBytes: expected at least limits\.stanzaBytes, 524288: one stanza must fit/],
  ];
  for (const [limits, message] of wrong) assert.throws(() => make({ limits }), { name: 'TypeError', message });
  make({ limits: { stanzaBytes: 10_000, preAuthBytes: 2_048, queueStanzas: 1, queueBytes: 10_000 } });
});

test('a trace has bounds, and what is left undefined has its default', () => {
  for (const records of [-1, 2.5, Number.NaN, 1_000_001, Infinity])
    assert.throws(() => make({ trace: { records } }), { name: 'TypeError', message: /^trace\.records: expected / });
  make({ trace: { records: 1_000_000 } });
  const given = { records: undefined, bytes: undefined } as unknown as ManagerOptions['trace'] & object;
  assert.deepEqual(traceFrom(given), traceFrom());
});

test('a host that is there twice, spelled in two ways, is a mistake', () => {
  const hosts = { 'a.example': null, 'A.example': null };
  assert.throws(() => make({ hosts }), { name: 'TypeError', message: /^hosts: "A\.example" is there already/ });
});

test('only hosted domains are attached to', () => {
  const { manager } = make();
  assert.throws(() => manager.attach(['not-ours.example'], outlet), {
    name: 'TypeError',
    message: /not a hosted domain/,
  });
  assert.throws(() => manager.attach(['a.example', 'not-ours.example'], outlet), TypeError);
  manager.attach(['A.example'], outlet);
  assert.equal(manager.router.attachedTo('a.example'), outlet);
});

test('a manager is started once: again, or after a stop, it says so and listens nowhere else', async () => {
  const { manager, simulation } = make();
  await manager.start();
  await assert.rejects(manager.start(), /started once/);
  assert.equal(manager.listening.length, 1);
  const stopped = manager.stop();
  await simulation.clock.advance(10_000);
  await stopped;
  await assert.rejects(manager.start(), /started once/);
  assert.equal(manager.listening.length, 0);
});

test('a manager that could not listen may try again; one that is stopped meanwhile listens no more', async () => {
  const simulation = createSimulation(1);
  const { network, address } = simulation.host({ forServerName: () => null });
  let answer: { readonly resolve: (one: Listening) => void; readonly reject: (why: Error) => void } | undefined;
  const slow = {
    ...network,
    listen: () => new Promise<Listening>((resolve, reject) => void (answer = { resolve, reject })),
  };
  const listen = [{ address, port: 5269, tls: 'detect' as const }];
  const manager = new ConnectionManager({ hosts: HOSTS, listen }, { ...simulation, network: slow });
  const first = manager.start();
  answer?.reject(new FaultError(fault('tcp', 'address-in-use', 'local')));
  await assert.rejects(first, FaultError);

  const second = manager.start();
  await manager.stop();
  let closed = false;
  answer?.resolve({ address, port: 5269, close: () => Promise.resolve(void (closed = true)) });
  await assert.rejects(second, /stopped while it started/);
  assert.ok(closed);
  assert.deepEqual(manager.listening, []);
});

test('a stop that is asked for twice is one: both wait for the same end', async () => {
  const { manager, simulation } = make();
  await manager.start();
  assert.equal(manager.stop(), manager.stop());
  await simulation.clock.advance(10_000);
  await manager.stop();
});
