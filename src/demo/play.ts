/** Plays one scenario on a stage: two providers, the messages between them, and what was seen of both. */
import { Subject } from 'rxjs';
import type { ConnectionManager } from '../manager.ts';
import type { Delivery } from '../routing/types.ts';
import { SocketCount } from './counted-network.ts';
import type { Facts, Seen } from './facts.ts';
import { greeting } from './greeting.ts';
import { startProvider } from './provider.ts';
import type { Check, Message, Scenario, Side } from './scenario.ts';
import type { Stage } from './stage.ts';

export interface CheckedClaim extends Check {
  readonly saw: string;
  readonly holds: boolean;
}

export interface Played {
  readonly scenario: Scenario;
  readonly facts: Facts;
  readonly claims: readonly CheckedClaim[];
  readonly holds: boolean;
}

export interface Play {
  readonly played: Played;
  /** The two providers, still running. */
  readonly providers: Readonly<Record<Side, ConnectionManager>>;
  /** Closes all streams and waits for their closing tags. */
  stop(): Promise<void>;
}

/** Plays until every claim holds, or the stage has no more patience. The providers still run afterwards. */
export async function play(scenario: Scenario, stage: Stage): Promise<Play> {
  const changes$ = new Subject<void>();
  const changed = (): void => changes$.next();
  const timeline: Seen[] = [];
  const arrived: (Message & { at: Side })[] = [];
  const sent: (Message & { delivery: Delivery | null })[] = [];
  const sockets = new SocketCount();
  const facts: Facts = { timeline, sent, arrived, sockets };

  const makeProvider = (side: Side): Promise<ConnectionManager> =>
    startProvider(scenario[side], stage, {
      side,
      sockets,
      changed,
      seen: (seen) => timeline.push(seen),
      arrived: (message) => arrived.push({ ...message, at: side }),
    });
  const providers = { A: await makeProvider('A'), B: await makeProvider('B') };

  for (const act of scenario.acts) {
    for (const { from, to } of act) {
      const row: (typeof sent)[number] = { from, to, delivery: null };
      sent.push(row);
      const side = scenario.A.hosts.includes(from) ? 'A' : 'B';
      void providers[side].send(greeting(from, to, sent.length)).then((delivery) => {
        row.delivery = delivery;
        changed();
      });
    }
    await stage.until(() => sent.every(({ delivery }) => delivery !== null), changes$);
  }
  // The last claims come true last: asked first, they spare the others.
  const checks = scenario.checks.toReversed();
  await stage.until(() => checks.every(({ expected, seen }) => seen(facts) === expected), changes$);
  const settled = scenario.checks.map((check): CheckedClaim => {
    const saw = check.seen(facts);
    return { ...check, saw, holds: saw === check.expected };
  });
  return {
    played: {
      scenario,
      facts: {
        timeline: [...timeline],
        sent: [...sent],
        arrived: [...arrived],
        sockets: { opened: sockets.opened, standing: sockets.standing },
      },
      claims: settled,
      holds: settled.every(({ holds }) => holds),
    },
    providers,
    stop: () => stopAll(Object.values(providers), stage),
  };
}

async function stopAll(managers: ConnectionManager[], stage: Stage): Promise<void> {
  let stopped = false;
  const done$ = new Subject<void>();
  const stopping = Promise.all(managers.map((manager) => manager.stop())).then(() => {
    stopped = true;
    done$.next();
  });
  await stage.until(() => stopped, done$);
  await stopping;
}
