/** Two providers in a simulation, and the outcome of every stanza between them. */
import type { ConnectionManager } from '../../src/manager.ts';
import { SocketCount } from '../../src/demo/counted-network.ts';
import type { Seen } from '../../src/demo/facts.ts';
import { greeting } from '../../src/demo/greeting.ts';
import { startProvider } from '../../src/demo/provider.ts';
import type { Message, ProviderSetup, Side } from '../../src/demo/scenario.ts';
import type { Delivery } from '../../src/routing/types.ts';
import { createSimulation, type StageOptions, type Simulation } from './simulation.ts';

export interface Sent extends Message {
  readonly id: number;
  /** Every report of its outcome; L1 requires exactly one. */
  readonly deliveries: Delivery[];
}

export interface Duo {
  readonly simulation: Simulation;
  readonly providers: Readonly<Record<Side, ConnectionManager>>;
  readonly sockets: SocketCount;
  readonly timeline: readonly Seen[];
  readonly sent: readonly Sent[];
  readonly arrived: readonly (Message & { readonly at: Side; readonly id: number })[];
  send(from: string, to: string): Sent;
  /** Advances time until everything sent so far is settled. @throws Error after ten minutes */
  settle(): Promise<void>;
  /** Called for every record as it is made. */
  onRecord(hook: (seen: Seen) => void): void;
  stop(): Promise<void>;
}

export interface DuoOptions {
  readonly seed?: number;
  readonly A?: ProviderSetup;
  readonly B?: ProviderSetup;
  readonly link?: StageOptions;
}

export async function createDuo({
  seed = 1,
  A = { hosts: ['a.example'] },
  B = { hosts: ['b.example'] },
  link = {},
}: DuoOptions = {}): Promise<Duo> {
  const simulation = createSimulation(seed, link);
  const { clock } = simulation;
  const sockets = new SocketCount();
  const timeline: Seen[] = [];
  const sent: Sent[] = [];
  const arrived: (Message & { at: Side; id: number })[] = [];
  const hooks: ((seen: Seen) => void)[] = [];
  const start = (side: Side, setup: ProviderSetup): Promise<ConnectionManager> =>
    startProvider(setup, simulation, {
      side,
      sockets,
      changed: () => undefined,
      seen: (seen) => {
        timeline.push(seen);
        for (const hook of hooks) hook(seen);
      },
      arrived: (message, id) => arrived.push({ ...message, at: side, id: Number(id.slice(1)) }),
    });
  const providers = { A: await start('A', A), B: await start('B', B) };

  return {
    simulation,
    providers,
    sockets,
    timeline,
    sent,
    arrived,
    send: (from, to) => {
      const one: Sent = { from, to, id: sent.length, deliveries: [] };
      sent.push(one);
      const side = A.hosts.includes(from) ? 'A' : 'B';
      providers[side].router.inject(greeting(from, to, one.id), null, (delivery) => one.deliveries.push(delivery));
      return one;
    },
    settle: async () => {
      await clock.runUntil(() => sent.every(({ deliveries }) => deliveries.length > 0), 600_000);
    },
    onRecord: (hook) => hooks.push(hook),
    stop: async () => {
      let stopped = false;
      void Promise.all([providers.A.stop(), providers.B.stop()]).then(() => (stopped = true));
      await clock.runUntil(() => stopped, 60_000);
    },
  };
}
