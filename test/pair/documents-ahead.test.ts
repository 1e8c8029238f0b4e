/**
 * POSH documents are fetched in parallel with the SRV look-up, for the domains that we connect to and no others
 * (RFC 7711 §5).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../machines/limits.ts';
import { createPoshSource } from '../../src/adapters/posh/source.ts';
import type { HttpsClient } from '../../src/adapters/https/client.ts';
import { PoshPrefetch } from '../../src/control/posh-prefetch.ts';
import { credentialOf } from '../../src/demo/certificates.ts';
import { ConnectionManager } from '../../src/manager.ts';
import type { PolicyOptions } from '../../src/options.ts';
import type { LookUpOptions, PoshSource } from '../../src/ports.ts';
import xml from '@xmpp/xml';
import { claim } from '../support/claims.ts';
import { createSimulation } from '../support/simulation.ts';

const DNS_MS = 400;

/** One manager, and the times of its fetches; no document is ever returned. */
async function stage(policy: PolicyOptions, ask: (manager: ConnectionManager) => void, validates = false) {
  const simulation = createSimulation(1, { dnsMs: DNS_MS, validates });
  const { clock } = simulation;
  const startMs = clock.now();
  const asked: { domain: string; atMs: number; purpose: LookUpOptions['purpose'] }[] = [];
  const cancelled: string[] = [];
  const posh: PoshSource = {
    fetch: (domain, _, signal, options) =>
      new Promise((_, reject) => {
        asked.push({ domain, atMs: clock.now() - startMs, purpose: options?.purpose });
        if (options?.purpose === 'verification') reject(new Error('there is none'));
        signal.addEventListener('abort', () => {
          cancelled.push(domain);
          reject(new Error('cancelled'));
        });
      }),
  };
  const credential = credentialOf({ hosts: ['a.example'] });
  const { network, address } = simulation.host({ forServerName: () => credential });
  const at = { address, port: 5269 };
  const manager = new ConnectionManager(
    { hosts: { 'a.example': credential }, policy, listen: [{ ...at, tls: 'starttls' }] },
    { ...simulation, network, posh },
  );
  await manager.start();
  ask(manager);
  await clock.advance(100);
  const stop = async (): Promise<void> => {
    const stopped = manager.stop();
    await clock.advance(20_000);
    await stopped;
  };
  return { asked, cancelled, stop, simulation, at };
}

const sends =
  (...domains: string[]) =>
  (manager: ConnectionManager): void => {
    for (const domain of domains) void manager.send(xml('message', { from: 'a.example', to: domain }));
  };

test('A8: the document of a domain is asked for when its SRV records are, before there is a connection (RFC 7712 §5.2)', async () => {
  const { asked, stop } = await stage({ prooftypes: ['posh', 'pkix'] }, sends('b.example'));
  assert.deepEqual(asked, [{ domain: 'b.example', atMs: 0, purpose: 'stanzas' }]);
  await stop();
});

test('A8: also where the operator has fixed the target, and nobody asks for SRV records', async () => {
  const target = { host: '127.0.0.1', port: 5269, tls: 'starttls' } as const;
  const { asked, stop } = await stage(
    { prooftypes: ['posh'], domains: { 'b.example': { target } } },
    sends('b.example'),
  );
  assert.deepEqual(
    asked.map(({ domain }) => domain),
    ['b.example'],
  );
  await stop();
});

test('a domain whose policy does not name posh is not asked for documents, nor is one that is denied (P2)', async () => {
  const policy: PolicyOptions = {
    prooftypes: ['pkix'],
    deny: ['evil.example'],
    domains: { 'c.example': { prooftypes: ['posh', 'pkix'] }, 'evil.example': { prooftypes: ['posh'] } },
  };
  const { asked, stop } = await stage(policy, sends('b.example', 'c.example', 'evil.example'));
  assert.deepEqual(
    asked.map(({ domain }) => domain),
    ['c.example'],
  );
  await stop();
});

test('what another prooftype may prove before is not asked for ahead: DANE, where somebody validates, and PKIX', async () => {
  const asksWith = async (prooftypes: PolicyOptions['prooftypes'], validates: boolean): Promise<number> => {
    const { asked, stop } = await stage({ prooftypes: prooftypes ?? [] }, sends('b.example'), validates);
    await stop();
    return asked.length;
  };
  assert.equal(await asksWith(['dane', 'pkix', 'posh', 'dialback'], false), 0);
  assert.equal(await asksWith(['dane', 'posh'], true), 0);
  assert.equal(await asksWith(['dane', 'posh'], false), 1);
});

test('nothing is asked for ahead on behalf of strangers: where we dial back to a domain that one asserts', async () => {
  const policy: PolicyOptions = {
    federation: 'encrypted',
    prooftypes: ['posh', 'dialback'],
    domains: { 'hosting.example': { prooftypes: ['pkix'] } },
  };
  const { asked, stop, simulation, at } = await stage(policy, sends());
  const dialled: string[] = [];
  simulation.resolver.srv = (name) => {
    dialled.push(name);
    return new Promise(() => undefined);
  };
  await claim(simulation, at, ['victim.example'], 'a.example');
  await simulation.clock.advance(DNS_MS);
  assert.ok(dialled.includes('_xmpp-server._tcp.victim.example'), dialled.join());
  assert.deepEqual(
    asked.filter(({ purpose }) => purpose === 'stanzas'),
    [],
  );
  await stop();
});

test('so many documents are asked for ahead at once, and no more; whoever drains waits for none of them', async () => {
  const domains = Array.from({ length: 3 * limits.documentsAhead }, (_, n) => `b${n}.example`);
  const { asked, cancelled, stop } = await stage({ prooftypes: ['posh'] }, sends(...domains));
  assert.equal(asked.length, limits.documentsAhead);
  await stop();
  assert.deepEqual(
    cancelled,
    asked.map(({ domain }) => domain),
  );
});

test('what was asked for ahead is what the prooftype is given: one fetch, whether it is over by then or not', async () => {
  const simulation = createSimulation(1);
  let fetches = 0;
  let answer: () => void = () => undefined;
  const client = {
    turn: async () => {
      fetches += 1;
      await new Promise<void>((resolve) => (answer = resolve));
      return { fingerprints: [], expiresAtMs: Infinity, url: 'https://b.example' };
    },
    close: () => undefined,
  } as unknown as HttpsClient; // its material is made up here: nothing is fetched
  const source = createPoshSource({ client, clock: simulation.clock });
  const ahead = new PoshPrefetch({ source, clock: simulation.clock, asksFor: () => true });
  ahead.begin('b.example', 'xmpp-server');
  const ask = () => source.fetch('b.example', 'xmpp-server', new AbortController().signal);
  const joined = ask();
  answer();
  assert.equal(await joined, await ask());
  assert.deepEqual([fetches, ahead.size, simulation.clock.pending], [1, 0, 0]);
});

test('a source that heeds no signal keeps no place for ever', async () => {
  const { clock } = createSimulation(1);
  const source: PoshSource = { fetch: () => new Promise(() => undefined) };
  const ahead = new PoshPrefetch({ source, clock, asksFor: () => true });
  ahead.begin('b.example', 'xmpp-server');
  assert.equal(ahead.size, 1);
  await clock.advance(limits.webMs);
  assert.equal(ahead.size, 0);
});
