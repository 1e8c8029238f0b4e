/**
 * No trace contains what must not be in it: the traces of all demo scenarios are searched for secrets that were on the
 * wire.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { credentialOf } from '../../src/demo/certificates.ts';
import { play } from '../../src/demo/play.ts';
import { scenarios } from '../../src/demo/scenarios.ts';
import type { Scenario } from '../../src/demo/scenario.ts';
import type { Stage } from '../../src/demo/stage.ts';
import { createSimulation } from '../support/simulation.ts';
import { tappedNetwork } from '../support/tapped-network.ts';
import { traceText } from '../support/traces.ts';

/** Elements whose text nobody else may read. */
const SECRET_TEXT = /<(?<name>db:result|db:verify|auth|response|proof|body)\b[^>]*>(?<text>[^<]{4,})</g;

/** The number of texts that were searched for, by element, over all scenarios. */
const lookedFor = new Map<string, number>();

/**
 * Plays the scenario; returns everything that is recorded, as it would be written, and everything that must not be in
 * it.
 */
async function tracesOf(scenario: Scenario): Promise<{ text: string; secrets: Map<string, string> }> {
  const secrets = new Map<string, string>();
  const simulation = createSimulation(1);
  const stage: Stage = {
    ...simulation,
    random: {
      ...simulation.random,
      hex: (bytes) => {
        const hex = simulation.random.hex(bytes);
        if (bytes === 32) secrets.set(hex, 'dialback secret');
        return hex;
      },
    },
    host: (credentials) => {
      const host = simulation.host(credentials);
      const overhear = (said: string): void => {
        for (const { groups } of said.matchAll(SECRET_TEXT))
          secrets.set(groups?.['text'] ?? '', groups?.['name'] ?? '');
      };
      return { ...host, network: tappedNetwork(host.network, overhear) };
    },
  };
  for (const side of [scenario.A, scenario.B]) {
    const [, line = ''] = credentialOf(side).key.split('\n');
    secrets.set(line, 'private key');
    for (const proofs of Object.values(side.proofs ?? {})) {
      for (const proof of Object.values(proofs)) if (proof !== undefined) secrets.set(proof, 'proof');
    }
  }
  const ran = await play(scenario, stage);
  const managers = Object.values(ran.providers);
  const alive = managers.flatMap((manager) => [
    traceText(manager.traceSnapshots()),
    JSON.stringify([...manager.view().actors]),
  ]);
  await ran.stop();
  const whole = managers.map((manager) => traceText(manager.view().records));
  return { text: [...alive, ...whole, JSON.stringify(ran.played.facts.timeline)].join('\n'), secrets };
}

for (const scenario of scenarios) {
  test(`${scenario.id}: no key, secret, SASL payload, proof or body is in its trace, nor in a view (O4)`, async () => {
    const { text, secrets } = await tracesOf(scenario);
    for (const [secret, what] of secrets) {
      assert.ok(!text.includes(secret), `${what}: ${secret.slice(0, 80)}`);
      lookedFor.set(what, (lookedFor.get(what) ?? 0) + 1);
    }
    assert.ok(text.includes('peer.streamOpened'));
  });
}

after(() => {
  const kinds = ['db:result', 'db:verify', 'auth', 'proof', 'body', 'dialback secret', 'private key'];
  for (const kind of kinds) assert.ok((lookedFor.get(kind) ?? 0) > 0, `${kind}: there was none to look for`);
});
