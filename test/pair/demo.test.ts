/** `xmpp-dna demo`. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { makePaint } from '../../src/cli/paint.ts';
import { play } from '../../src/demo/play.ts';
import { describe } from '../../src/demo/print.ts';
import { scenarios } from '../../src/demo/scenarios.ts';
import { createSimulation } from '../support/simulation.ts';

const ROOT = new URL('../..', import.meta.url).pathname;

test('demo --json --keep: JSON Lines and nothing else; every scenario holds on real sockets; SIGINT ends it with 0', async () => {
  const args = ['--import', 'tsx', 'src/cli/main.ts', 'demo', '--json', '--keep'];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const events: Record<string, unknown>[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const event = JSON.parse(line) as Record<string, unknown>;
    events.push(event);
    if (event['event'] === 'kept') child.kill('SIGINT');
  }
  assert.deepEqual(await exited, [0, null]);
  const played = events.filter(({ event }) => event === 'scenario');
  assert.deepEqual(
    played.map(({ id, holds }) => [id, holds]),
    scenarios.map(({ id }) => [id, true]),
  );
  assert.deepEqual(
    events.slice(-2).map(({ event }) => event),
    ['summary', 'kept'],
  );
});

test('a claim that does not hold is told with what was expected and what was seen', async () => {
  const [scenario] = scenarios;
  assert.ok(scenario !== undefined);
  const wrong = { claim: 'pigs fly', expected: 'pigs in the air', seen: () => 'pigs on the ground' };
  const ran = await play({ ...scenario, checks: [...scenario.checks, wrong] }, createSimulation(1));
  await ran.stop();
  assert.equal(ran.played.holds, false);
  const text = describe(ran.played, 1, makePaint(false)).join('\n');
  assert.match(text, /✗ 1 of 11 claims do not hold\n +pigs fly\n +expected pigs in the air\n +saw +pigs on the ground/);
});

test('what a person reads fits a wide terminal, and has no colour where nobody would see it', async () => {
  for (const [index, scenario] of scenarios.entries()) {
    const ran = await play(scenario, createSimulation(1));
    await ran.stop();
    const lines = describe(ran.played, index + 1, makePaint(false));
    assert.ok(lines.every((line) => line.length <= 130 && !line.includes('\u001b')));
    assert.ok(lines.some((line) => line.includes(scenario.title) && line.includes(scenario.spec)));
    assert.match(lines.join('\n'), /✓ all \d+ claims hold/);
  }
});
