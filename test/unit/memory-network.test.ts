import { createMemoryNetwork } from '../../src/adapters/memory-network.ts';
import { createSeededRandom } from '../../src/adapters/random.ts';
import { SimulatedClock } from '../../src/adapters/simulated-clock.ts';
import { networkContract } from './network-contract.ts';
import type { World } from './network-contract.ts';

function fabric(): World {
  const clock = new SimulatedClock();
  const memory = createMemoryNetwork({
    clock,
    random: createSeededRandom(1),
    latencyMs: 20,
    jitterMs: 5,
    lossPercent: 2,
  });
  const here = memory.network({ forServerName: () => null });
  return {
    network: (credentials) => memory.network(credentials),
    until: async (predicate) => {
      await clock.runUntil(predicate, 60_000);
    },
    address: here.address,
    closedPort: () => Promise.resolve(9),
  };
}

networkContract('memory', fabric);
