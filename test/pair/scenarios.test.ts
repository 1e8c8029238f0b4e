/** Every scenario of the demo, simulated: the same claims on any line, and the same trace for the same seed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { play, type Played } from '../../src/demo/play.ts';
import type { Scenario } from '../../src/demo/scenario.ts';
import { scenarios } from '../../src/demo/scenarios.ts';
import { createSimulation, type LinkOptions, weather } from '../support/simulation.ts';

async function playSimulated(scenario: Scenario, seed: number, link: LinkOptions = {}): Promise<Played> {
  const simulation = createSimulation(seed, link);
  const ran = await play(scenario, simulation);
  await ran.stop();
  return ran.played;
}

function failures({ claims }: Played): string {
  return claims
    .filter(({ holds }) => !holds)
    .map(({ claim, expected, saw }) => `${claim}\n    expected ${expected}\n    saw      ${saw}`)
    .join('\n');
}

for (const scenario of scenarios) {
  test(`${scenario.title} (${scenario.spec})`, async () => {
    assert.equal(failures(await playSimulated(scenario, 1)), '');
  });
}

/** Those in which the order on the wire matters most; the others use the same code paths. */
const CORE = ['simple-mutual', 'no-client-certificate', 'connection-reuse', 'bidirectional', 'both-at-once'];

for (const scenario of scenarios) {
  const seeds = CORE.includes(scenario.id) ? 50 : 10;
  test(`${scenario.id}: latency, jitter and loss change when, never what: ${seeds} seeds (X1, E3)`, async () => {
    for (let seed = 1; seed <= seeds; seed++) {
      const played = await playSimulated(scenario, seed, weather(seed));
      assert.equal(failures(played), '', `seed ${seed}: ${JSON.stringify(weather(seed))}`);
    }
  });

  test(`${scenario.id}: same seed, same trace, byte for byte (X1)`, async () => {
    const trace = async (): Promise<string> => JSON.stringify(await playSimulated(scenario, 7, weather(7)));
    const [first, second] = [await trace(), await trace()];
    assert.ok(first.includes('"kind":"event"'));
    assert.equal(first, second);
  });
}
