/** `xmpp-dna demo`: the flow chart between two providers on loopback, scenario by scenario. */
import { systemClock } from '../adapters/clock.ts';
import { createLoopbackStage } from '../demo/loopback-stage.ts';
import { socketsOf, pathOf, other } from '../demo/paths.ts';
import { play, type Play, type Played } from '../demo/play.ts';
import { describe } from '../demo/print.ts';
import { scenarios } from '../demo/scenarios.ts';
import type { Inspector } from '../inspector/server.ts';
import type { ConnectionManager } from '../manager.ts';
import { paintFor } from './paint.ts';
import type { RunCommand } from './command.ts';
import { inspect } from './inspect.ts';
import { EXIT, type Terminal } from './terminal.ts';

export const demo: RunCommand = async ({ values }, terminal) => {
  const keep = values['keep'] === true;
  const paint = paintFor(process.stdout);
  const startedMs = performance.now();
  const kept: Play[] = [];
  let holding = 0;

  terminal.print(
    'Two providers on loopback: real sockets and TLS, and an authority of their own; DNS and POSH data are tables in the process.',
  );
  for (const [index, scenario] of scenarios.entries()) {
    const one = await play(scenario, createLoopbackStage());
    if (one.played.holds) holding += 1;
    for (const line of describe(one.played, index + 1, paint)) terminal.print(line);
    terminal.event(scenarioEvent(one.played, index + 1));
    if (keep) kept.push(one);
    else await one.stop();
  }

  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  const verdict = `${holding} of ${scenarios.length} scenarios proved what they claim, in ${seconds} s`;
  terminal.print('');
  terminal.print(paint(holding === scenarios.length ? 'green' : 'red', verdict));
  terminal.event({ event: 'summary', scenarios: scenarios.length, holding, seconds: Number(seconds) });
  if (keep) await keepRunning(kept, terminal);
  return holding === scenarios.length ? EXIT.good : EXIT.bad;
};

function scenarioEvent({ scenario, facts, claims, holds }: Played, number: number) {
  return {
    event: 'scenario',
    number,
    id: scenario.id,
    title: scenario.title,
    spec: scenario.spec,
    holds,
    sockets: facts.sockets,
    streams: socketsOf(facts).map(({ opener, initiating, receiving }) => ({
      opener,
      initiating: pathOf(facts, opener, initiating),
      receiving: receiving === null ? [] : pathOf(facts, other(opener), receiving),
    })),
    sought: facts.sought.map(({ domain, verdict }) => ({
      domain,
      verdict: verdict?.verdict ?? null,
      prooftype: verdict?.prooftype ?? null,
    })),
    messages: facts.sent.map(({ from, to, delivery }) => ({ from, to, outcome: delivery?.outcome ?? 'waiting' })),
    claims: claims.map(({ claim, expected, saw, holds: one }) => ({ claim, expected, saw, holds: one })),
  };
}

/** Keeps the providers running until SIGINT or SIGTERM; then drains them. */
async function keepRunning(plays: readonly Play[], terminal: Terminal): Promise<void> {
  // Signals are handled before "still run" is printed: a reader of that line may signal at once.
  const signalled = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  const tell = (text: string): void => terminal.tell(text);
  const inspectors = new Map<ConnectionManager, Inspector>();
  for (const { played, providers } of plays)
    for (const side of ['A', 'B'] as const) {
      const { hosts } = played.scenario[side];
      inspectors.set(providers[side], await inspect(providers[side], ANY_PORT, hosts, systemClock, tell));
    }
  const urlOf = (provider: ConnectionManager): string => inspectors.get(provider)?.url ?? '';
  const running = plays.map(({ played, providers: { A, B } }) => ({
    id: played.scenario.id,
    A: A.listening[0]?.port ?? 0,
    B: B.listening[0]?.port ?? 0,
    inspectors: { A: urlOf(A), B: urlOf(B) },
  }));
  terminal.print('');
  terminal.print('The providers are still running, on these ports of 127.0.0.1; their inspectors are pages to open.');
  for (const { id, A, B, inspectors: at } of running)
    terminal.print(`    ${id.padEnd(26)} A ${A} ${at.A}   B ${B} ${at.B}`);
  terminal.print('Ctrl-C ends them.');
  const [first] = running;
  terminal.event({
    event: 'kept',
    address: '127.0.0.1',
    inspector: first?.inspectors.A ?? null,
    providers: running,
  });
  await signalled;
  await Promise.all([...inspectors.values()].map((inspector) => inspector.stop()));
  await Promise.all(plays.map((one) => one.stop()));
}

const ANY_PORT = { address: '127.0.0.1', port: 0, token: null };
