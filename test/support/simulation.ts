/** An in-memory stage: one fabric, one simulated clock, one seed. */
import {
  createMemoryNetwork,
  type MemoryNetwork,
  type MemoryNetworkOptions,
} from '../../src/simulation/memory-network.ts';
import { createDnaProofJudge } from '../../src/adapters/dna/judge.ts';
import { createPathValidator } from '../../src/adapters/pkix/path-validator.ts';
import { createSeededRandom } from '../../src/adapters/random.ts';
import { SimulatedClock } from '../../src/simulation/simulated-clock.ts';
import { createTablePoshSource } from '../../src/simulation/table-posh.ts';
import { createTableZones } from '../../src/simulation/table-zones.ts';
import { createTableResolver } from '../../src/simulation/table-dns.ts';
import { trustAnchor } from '../../src/demo/certificates.ts';
import type { Stage } from '../../src/demo/stage.ts';
import type { DnaProofJudge, PathValidator } from '../../src/ports.ts';

export type LinkOptions = Omit<MemoryNetworkOptions, 'clock' | 'random'>;

export interface StageOptions extends LinkOptions {
  readonly dnsMs?: number;
  /** Whether the answers of the table count as validated. @defaultValue true */
  readonly validates?: boolean;
  /** Null: nobody judges proofs of delegation. @defaultValue a real judge */
  readonly dnaProofs?: DnaProofJudge | null;
}

export interface Simulation extends Stage {
  readonly clock: SimulatedClock;
  readonly fabric: MemoryNetwork;
}

/** Longest time a simulated scenario may take: longer than any single deadline. */
const PATIENCE_MS = 300_000;

let validator: PathValidator | null = null;

export function createSimulation(
  seed: number,
  { dnsMs = 5, validates = true, dnaProofs, ...link }: StageOptions = {},
): Simulation {
  const clock = new SimulatedClock();
  const random = createSeededRandom(seed);
  const fabric = createMemoryNetwork({ clock, random, ...link });
  validator ??= createPathValidator({ system: false, anchors: [trustAnchor()] });
  const resolver = createTableResolver({}, { clock, delayMs: dnsMs, validates });
  const zones = createTableZones(resolver);
  return {
    clock,
    random,
    fabric,
    resolver,
    zones,
    posh: createTablePoshSource({}, { clock, delayMs: dnsMs }),
    pathValidator: validator,
    ...(dnaProofs === null
      ? {}
      : {
          dnaProofs:
            dnaProofs ?? createDnaProofJudge({ pathValidator: validator, clock, resolver, openValidator: zones.open }),
        }),
    host: (credentials) => {
      const network = fabric.network(credentials);
      return { network, address: network.address };
    },
    until: async (predicate) => {
      const deadlineMs = clock.now() + PATIENCE_MS;
      try {
        await clock.runUntil(predicate, deadlineMs - clock.now());
        return true;
      } catch {
        return false; // the caller reports which predicate did not become true
      }
    },
  };
}

/** A bad line, with properties derived from the seed. */
export function weather(seed: number): LinkOptions & { dnsMs: number } {
  return {
    latencyMs: 1 + ((seed * 37) % 150),
    jitterMs: (seed * 13) % 60,
    lossPercent: (seed * 7) % 20,
    segmentBytes: seed % 3 === 0 ? 200 : 16_384,
    dnsMs: (seed * 11) % 80,
  };
}
