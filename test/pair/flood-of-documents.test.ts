/** One address cannot occupy all fetches, nor all runs of an embedder's prooftype: other addresses still get theirs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromPromise } from 'xstate';
import { limits } from '../../machines/limits.ts';
import { createSlots } from '../../src/adapters/bounded.ts';
import { credentialOf } from '../../src/demo/certificates.ts';
import { ConnectionManager } from '../../src/manager.ts';
import type { ProoftypeQuestion, ProoftypeVerdict } from '../../src/prooftype.ts';
import type { PoshSource } from '../../src/ports.ts';
import { prooftypeOf } from '../support/own-prooftypes.ts';
import { createSimulation } from '../support/simulation.ts';
import { claim } from '../support/claims.ts';

/** As many fetches at once as the real source allows for strangers; only quiet.example ever answers. */
function slowSource() {
  const slots = createSlots(16, 2_000);
  const asked: string[] = [];
  const posh: PoshSource = {
    fetch: async (domain, _, signal) => {
      const release = await slots.take(signal);
      asked.push(domain);
      try {
        return await new Promise((resolve, reject) => {
          if (domain === 'quiet.example')
            resolve({
              fingerprints: [{ 'sha-256': 'f'.repeat(64) }],
              expiresAtMs: Infinity,
              url: 'https://quiet.example',
            });
          signal.addEventListener('abort', () => reject(new Error('cancelled')), { once: true });
        });
      } finally {
        release?.();
      }
    },
  };
  return { posh, asked };
}

test('64 assertions of one address, whose documents never come, do not keep another address from its document', async () => {
  const simulation = createSimulation(1, { validates: false });
  const { clock } = simulation;
  const { posh, asked } = slowSource();
  const credential = credentialOf({ hosts: ['b.example'] });
  const { network, address } = simulation.host({ forServerName: () => credential });
  const manager = new ConnectionManager(
    {
      hosts: { 'b.example': credential },
      listen: [{ address, port: 5269, tls: 'starttls' }],
      policy: { prooftypes: ['pkix', 'posh'] },
    },
    { ...simulation, network, posh },
  );
  await manager.start();
  const at = { address, port: 5269 };
  const flood = Array.from({ length: limits.pendingVerifications }, (_, n) => `d${n}.flood.example`);
  await claim(simulation, at, flood);
  await clock.advance(1_000);
  assert.equal(asked.length, limits.documentsPerAddress, 'one address has its share, though there is room');

  const quiet = await claim(simulation, at, ['quiet.example']);
  await clock.advance(1_000);
  assert.equal(asked.at(-1), 'quiet.example');
  assert.match(quiet.heard, /<db:result[^>]* type=["'](invalid|error)/);

  const stopped = manager.stop();
  await clock.advance(20_000);
  await stopped;
});

test("A13: 64 assertions of one address do not have an embedder's prooftype run 64 times, nor keep another address from it", async () => {
  const simulation = createSimulation(1, { validates: false });
  const { clock } = simulation;
  const asked: string[] = [];
  let underWay = 0;
  // Only quiet.example is ever proved.
  const slow = fromPromise<ProoftypeVerdict, ProoftypeQuestion>(
    ({ input, signal }) =>
      new Promise((resolve) => {
        const why = { layer: 'dna', condition: 'unknown-to-us', origin: 'peer' } as const;
        if (input.domain === 'hosting.example') {
          resolve({ kind: 'undetermined', fault: why });
          return;
        }
        asked.push(input.domain);
        if (input.domain === 'quiet.example') {
          resolve({ kind: 'proved', evidence: {}, expiresAtMs: clock.now() + 3_600_000 });
          return;
        }
        underWay += 1;
        signal.addEventListener('abort', () => (underWay -= 1), { once: true });
      }),
  );
  const credential = credentialOf({ hosts: ['b.example'] });
  const { network, address } = simulation.host({ forServerName: () => credential });
  const manager = new ConnectionManager(
    {
      hosts: { 'b.example': credential },
      listen: [{ address, port: 5269, tls: 'starttls' }],
      policy: { prooftypes: ['slow'] },
      prooftypes: { slow: prooftypeOf(() => slow) },
    },
    { ...simulation, network },
  );
  await manager.start();
  const at = { address, port: 5269 };
  await claim(
    simulation,
    at,
    Array.from({ length: limits.pendingVerifications }, (_, n) => `d${n}.flood.example`),
  );
  await clock.advance(1_000);
  assert.equal(underWay, limits.ownProofsPerAddress, 'one address has its share, though there is room');

  const quiet = await claim(simulation, at, ['quiet.example']);
  await clock.advance(1_000);
  assert.match(quiet.heard, /<db:result[^>]* type=["']valid/);
  await clock.advance(limits.ownProofMs);
  assert.ok(asked.length > 2 * limits.ownProofsPerAddress, 'whose time is over gives his turn back');
  assert.equal(underWay <= 2 * limits.ownProofsPerAddress, true);

  const stopped = manager.stop();
  await clock.advance(20_000);
  await stopped;
  assert.equal(underWay, 0);
});
