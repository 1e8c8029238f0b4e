/** One address cannot have all the fetches: whose documents never come keeps nobody else from his (FACTS §14.22). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../machines/limits.ts';
import { createSlots } from '../../src/adapters/dns/bounded.ts';
import { credentialOf } from '../../src/demo/certificates.ts';
import { ConnectionManager } from '../../src/manager.ts';
import type { PoshSource } from '../../src/ports.ts';
import { createSimulation, type Simulation } from '../support/simulation.ts';
import { header, ScriptedStream, STARTTLS } from '../support/simulation-peer.ts';

const HOSTING = credentialOf({ hosts: ['hosting.example'] });

/** As many fetches at once as the real source makes for strangers; only quiet.example ever answers. */
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

/** From an address of its own: under TLS, asserts these domains, none of which its certificate names. */
async function claim(simulation: Simulation, at: { address: string; port: number }, domains: readonly string[]) {
  const { clock } = simulation;
  const { network } = simulation.host({ forServerName: () => null });
  const stream = new ScriptedStream();
  stream.bind(network.connect({ addresses: [{ family: 4, address: at.address }], port: at.port }, stream));
  await clock.runUntil(() => stream.isConnected, 1_000);
  stream.write(header(`from='hosting.example' to='b.example'`) + STARTTLS);
  await clock.runUntil(() => stream.text.includes('<proceed'), 1_000);
  stream.secureAsClient('b.example', HOSTING);
  await clock.runUntil(() => stream.isSecured, 1_000);
  stream.write(header(`from='hosting.example' to='b.example'`));
  await clock.runUntil(() => stream.take('</stream:features>') !== null, 1_000);
  for (const domain of domains) stream.write(`<db:result from='${domain}' to='b.example'>key</db:result>`);
  return stream;
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
