/** Real sockets and real TLS on loopback; names from a table in the process. */
import { firstValueFrom, merge, of, race, timer } from 'rxjs';
import { filter, map } from 'rxjs/operators';
import { systemClock } from '../adapters/clock.ts';
import { createDnaProofJudge } from '../adapters/dna/judge.ts';
import { createNetwork } from '../adapters/network/network.ts';
import { createPathValidator } from '../adapters/pkix/path-validator.ts';
import { createRandom } from '../adapters/random.ts';
import { createTablePoshSource } from '../simulation/table-posh.ts';
import { createTableZones } from '../simulation/table-zones.ts';
import { createTableResolver } from '../simulation/table-dns.ts';
import { trustAnchor } from './certificates.ts';
import type { Stage } from './stage.ts';

/** How long to wait for a scenario's claims to come true, in milliseconds: far longer than any scenario takes. */
const PATIENCE_MS = 5_000;

export function createLoopbackStage(): Stage {
  const resolver = createTableResolver({}, { validates: true });
  const zones = createTableZones(resolver);
  const pathValidator = createPathValidator({ system: false, anchors: [trustAnchor()] });
  return {
    clock: systemClock,
    random: createRandom(),
    resolver,
    zones,
    posh: createTablePoshSource({}),
    pathValidator,
    dnaProofs: createDnaProofJudge({ pathValidator, clock: systemClock, resolver, openValidator: zones.open }),
    host: (credentials) => ({ network: createNetwork({ clock: systemClock, credentials }), address: '127.0.0.1' }),
    until: (predicate, changes$) => {
      const comesTrue$ = merge(of(null), changes$).pipe(
        filter(() => predicate()),
        map(() => true),
      );
      const tooLate$ = timer(PATIENCE_MS).pipe(map(() => predicate()));
      return firstValueFrom(race(comesTrue$, tooLate$));
    },
  };
}
