/** Plays one scenario on a stage: two providers, the messages between them, and the observations at both. */
import { Subject } from 'rxjs';
import type { CheckVerdict } from '../check/verdict.ts';
import type { ConnectionManager } from '../manager.ts';
import type { Delivery } from '../routing/types.ts';
import { seekServer } from './client.ts';
import { SocketCount } from './counted-network.ts';
import type { Facts, Seen } from './facts.ts';
import { greeting } from './greeting.ts';
import { type Observer, startClientPort, startProvider } from './provider.ts';
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

/** Plays until every claim holds, or the stage's time limit has passed. The providers keep running afterwards. */
export async function play(scenario: Scenario, stage: Stage): Promise<Play> {
  const changes$ = new Subject<void>();
  const changed = (): void => changes$.next();
  const facts = {
    timeline: [] as Seen[],
    sent: [] as (Message & { delivery: Delivery | null })[],
    arrived: [] as (Message & { at: Side })[],
    sought: [] as { domain: string; verdict: CheckVerdict | null }[],
    sockets: new SocketCount(),
  } satisfies Facts;
  const observer = (side: Side): Observer => ({
    side,
    sockets: facts.sockets,
    changed,
    seen: (seen) => facts.timeline.push(seen),
    arrived: (message) => facts.arrived.push({ ...message, at: side }),
  });
  const providers = {
    A: await startProvider(scenario.A, stage, observer('A')),
    B: await startProvider(scenario.B, stage, observer('B')),
  };
  const clientPort = scenario.sought === undefined ? null : await startClientPort(scenario.B, stage, 'B');

  for (const domain of scenario.sought ?? []) {
    const row: (typeof facts.sought)[number] = { domain, verdict: null };
    facts.sought.push(row);
    void seekServer(domain, stage, observer('A')).then((verdict) => {
      row.verdict = verdict;
      changed();
    });
    await stage.until(() => row.verdict !== null, changes$);
  }
  for (const act of scenario.acts) {
    for (const { from, to } of act) {
      const row: (typeof facts.sent)[number] = { from, to, delivery: null };
      facts.sent.push(row);
      const side = scenario.A.hosts.includes(from) ? 'A' : 'B';
      void providers[side].send(greeting(from, to, facts.sent.length)).then((delivery) => {
        row.delivery = delivery;
        changed();
      });
    }
    await stage.until(() => facts.sent.every(({ delivery }) => delivery !== null), changes$);
  }
  const claims = await settle(scenario.checks, facts, (predicate) => stage.until(predicate, changes$));
  const { timeline, sent, arrived, sought, sockets } = facts;
  return {
    played: {
      scenario,
      facts: {
        timeline: [...timeline],
        sent: [...sent],
        arrived: [...arrived],
        sought: [...sought],
        sockets: { opened: sockets.opened, standing: sockets.standing },
      },
      claims,
      holds: claims.every(({ holds }) => holds),
    },
    providers,
    stop: () => {
      const ends = Object.values(providers).map((manager) => manager.stop());
      return ended(stage, clientPort === null ? ends : [...ends, clientPort.close()]);
    },
  };
}

async function settle(
  checks: readonly Check[],
  facts: Facts,
  until: (predicate: () => boolean) => Promise<boolean>,
): Promise<CheckedClaim[]> {
  // The last claims come true last: checking them first saves checking the others.
  const lastFirst = checks.toReversed();
  await until(() => lastFirst.every(({ expected, seen }) => seen(facts) === expected));
  return checks.map((check): CheckedClaim => {
    const saw = check.seen(facts);
    return { ...check, saw, holds: saw === check.expected };
  });
}

/** Lets time pass until all the promises are settled. */
async function ended(stage: Stage, ends: readonly Promise<void>[]): Promise<void> {
  let isOver = false;
  const over$ = new Subject<void>();
  const ending = Promise.all(ends).then(() => {
    isOver = true;
    over$.next();
  });
  await stage.until(() => isOver, over$);
  await ending;
}
