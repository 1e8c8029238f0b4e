/** One of our providers in a simulation, against a scripted peer. */
import type { ConnectionManager } from '../../src/manager.ts';
import { SocketCount } from '../../src/demo/counted-network.ts';
import { greeting } from '../../src/demo/greeting.ts';
import { startProvider } from '../../src/demo/provider.ts';
import type { Message, ProviderSetup } from '../../src/demo/scenario.ts';
import type { Delivery } from '../../src/routing/types.ts';
import type { TraceRecord } from '../../src/trace/record.ts';
import { createSimulation, type Simulation, type StageOptions } from './simulation.ts';

export interface Solo {
  readonly simulation: Simulation;
  readonly manager: ConnectionManager;
  readonly port: number;
  readonly address: string;
  readonly records: readonly TraceRecord[];
  readonly arrived: readonly Message[];
  /** The outcome of each message that {@link send} sent, as reported, in order. */
  readonly deliveries: readonly Delivery[];
  send(from: string, to: string): void;
}

export async function createSolo(setup: ProviderSetup, options: StageOptions = {}): Promise<Solo> {
  const simulation = createSimulation(1, options);
  const records: TraceRecord[] = [];
  const arrived: Message[] = [];
  const deliveries: Delivery[] = [];
  const manager = await startProvider(setup, simulation, {
    side: 'A',
    sockets: new SocketCount(),
    changed: () => undefined,
    seen: ({ record }) => records.push(record),
    arrived: (message) => arrived.push(message),
  });
  const { address, port } = manager.listening[0]!;
  let sent = 0;
  return {
    simulation,
    manager,
    address,
    port,
    records,
    arrived,
    deliveries,
    send: (from, to) => {
      manager.router.inject(greeting(from, to, sent++), null, (delivery) => deliveries.push(delivery));
    },
  };
}
