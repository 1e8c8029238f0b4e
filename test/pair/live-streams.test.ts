/** Changes while streams are open: their age, their proofs, the policy (L6). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import xml from '@xmpp/xml';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import { createPathValidator } from '../../src/adapters/pkix/path-validator.ts';
import { ConnectionManager } from '../../src/manager.ts';
import type { Fault } from '../../src/protocol/faults.ts';
import type { PolicyOptions } from '../../src/protocol/policy.ts';
import { createSimulation } from '../support/simulation.ts';

const authority = createCertificateAuthority({ name: 'Of these tests' });
const stranger = createCertificateAuthority({ name: 'Trusted by nobody' });
const DAY_MS = 86_400_000;

async function duo(policy: PolicyOptions, notAfter = new Date(Date.UTC(2040, 0)), issuer = authority) {
  const simulation = createSimulation(1);
  const pathValidator = createPathValidator({ system: false, anchors: [authority.certPem] });
  const manager = async (domain: string): Promise<ConnectionManager> => {
    const credential = issuer.issue({ dnsNames: [domain], notAfter });
    const { network, address } = simulation.host({ forServerName: () => credential });
    const made = new ConnectionManager(
      { hosts: { [domain]: credential }, listen: [{ address, port: 5269, tls: 'detect' }], policy, bidi: false },
      { ...simulation, pathValidator, network },
    );
    await made.start();
    simulation.resolver.set(domain, { addresses: [{ family: 4, address }] });
    return made;
  };
  const [a, b] = [await manager('a.example'), await manager('b.example')];
  let heard = 0;
  b.stanzas$.subscribe(() => (heard += 1));
  const send = async (): Promise<string> => {
    const outcomes: string[] = [];
    void a
      .send(xml('message', { from: 'u@a.example', to: 'v@b.example' }))
      .then((delivery) => outcomes.push(delivery.outcome));
    await simulation.clock.runUntil(() => outcomes.length > 0, 200_000);
    await simulation.clock.advance(1_000);
    return outcomes[0] ?? 'nothing';
  };
  const opened = (): number => simulation.fabric.history.length;
  const stop = async (): Promise<void> => {
    const stopped = Promise.all([a.stop(), b.stop()]);
    await simulation.clock.advance(20_000);
    await stopped;
  };
  return { simulation, a, b, send, heard: () => heard, opened, stop };
}

test('a stream that is only written to is not idle: stanzas every minute for half an hour, one socket', async () => {
  const { simulation, send, heard, opened, stop } = await duo({});
  for (let minute = 0; minute < 30; minute += 1) {
    assert.equal(await send(), 'sent');
    await simulation.clock.advance(59_000);
  }
  assert.equal(heard(), 30);
  assert.equal(opened(), 1);
  await stop();
});

test('a stream that nobody uses is closed, and opened again when it is wanted (L6)', async () => {
  const { simulation, a, send, heard, stop } = await duo({});
  await send();
  await simulation.clock.advance(31 * 60_000);
  assert.equal(a.snapshot().streams.length, 0);
  assert.equal(await send(), 'sent');
  assert.equal(heard(), 2);
  await stop();
});

test('a certificate that ends in forty days ends the stream then, even a busy one (A14, RFC 6120 §13.7.2.3)', async () => {
  const ends = Date.UTC(2026, 0, 1) + 40 * DAY_MS; // the simulated clock starts at the beginning of 2026
  const { simulation, a, send, stop } = await duo({}, new Date(ends));
  assert.equal(await send(), 'sent');
  while (simulation.clock.now() < ends - 700_000) {
    await simulation.clock.advance(600_000);
    assert.equal(await send(), 'sent');
  }
  assert.equal(a.snapshot().streams.length, 1);
  await simulation.clock.advance(800_000);
  assert.equal(a.snapshot().streams.length, 0);
  assert.equal(await send(), 'returned');
  await stop();
});

test('a policy that denies a domain closes its streams, and lets it back in when it changes again (P2, L6)', async () => {
  const { simulation, a, send, heard, stop } = await duo({});
  await send();
  a.setPolicy({ deny: ['b.example'] });
  await simulation.clock.advance(10_000);
  assert.equal(a.snapshot().streams.length, 0);
  assert.equal(await send(), 'returned');
  a.setPolicy({});
  assert.equal(await send(), 'sent');
  assert.equal(heard(), 2);
  await stop();
});

test('a policy that wants a stronger proof closes the streams that rest on a weak one, and no others (P2, S2, L6)', async () => {
  const { simulation, a, send, stop } = await duo({ federation: 'encrypted' }, undefined, stranger);
  const closed: unknown[] = [];
  a.reports$.subscribe(({ report }) => {
    const { fault } = report as unknown as { fault?: Fault | null };
    if (report.type === 'stream.closing' && fault?.layer === 'policy') closed.push(fault.text);
  });
  assert.equal(await send(), 'sent');
  a.setPolicy({ federation: 'encrypted', domains: { 'c.example': { federation: 'authenticated' } } });
  await simulation.clock.advance(2_000);
  assert.deepEqual([closed, a.snapshot().streams.length], [[], 1]);
  a.setPolicy({ federation: 'authenticated' });
  await simulation.clock.advance(10_000);
  assert.ok(closed.includes('a stronger proof is required now'), closed.join());
  assert.equal(a.snapshot().streams.length, 0);
  assert.equal(await send(), 'returned');
  a.setPolicy({ federation: 'encrypted' });
  assert.equal(await send(), 'sent');
  await stop();
});

test('a record tells of a stream what the snapshot shows at that moment: closed means gone', async () => {
  const { simulation, a, send, stop } = await duo({});
  const seen: string[] = [];
  a.records$.subscribe((record) => {
    if (record.kind !== 'report' || !record.report.type.startsWith('stream.') || !record.actor.startsWith('stream:'))
      return;
    const stream = a.snapshot().streams.find(({ id }) => record.actor === `stream:${id}`);
    seen.push(`${record.report.type}: ${stream?.state ?? 'none'}`);
  });
  await send();
  a.closeStream(a.snapshot().streams[0]!.id);
  await simulation.clock.advance(10_000);
  assert.deepEqual(seen, [
    'stream.verifiable: verifiable',
    'stream.established: established',
    'stream.closing: closing',
    'stream.closed: none',
  ]);
  await stop();
});

test('when a manager has stopped, nothing of it waits for time to pass, wherever it was stopped (E3)', async () => {
  for (const afterMs of [0, 4, 6, 11, 30, 60, 200]) {
    const simulation = createSimulation(1);
    const { network, address } = simulation.host({ forServerName: () => null });
    simulation.resolver.set('silent.example', { addresses: [{ family: 4, address: '10.99.0.1' }] });
    const srv = [{ priority: 1, weight: 1, port: 5269, target: 'silent.example' }];
    for (const domain of ['b.example', 'c.example']) simulation.resolver.set(`_xmpp-server._tcp.${domain}`, { srv });
    simulation.fabric.cut(address, '10.99.0.1');
    const manager = new ConnectionManager({ hosts: { 'a.example': null } }, { ...simulation, network });
    await manager.start();
    for (const domain of ['b.example', 'c.example']) {
      void manager.send(xml('message', { from: 'u@a.example', to: `v@${domain}` })); // the second waits for the first
    }
    await simulation.clock.advance(afterMs);
    let stopped = false;
    void manager.stop(100).then(() => (stopped = true));
    await simulation.clock.runUntil(() => stopped, 20_000);
    await simulation.clock.advance(0); // for reports from separate tasks
    assert.equal(simulation.clock.pending, 0, `stopped after ${afterMs} ms`);
  }
});
