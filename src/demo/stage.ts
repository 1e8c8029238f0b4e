/** Where scenarios are played: on real sockets (loopback-stage.ts), or in a simulation (the pair tests). */
import type { Observable } from 'rxjs';
import type { TablePoshSource } from '../simulation/table-posh.ts';
import type { TableZones } from '../simulation/table-zones.ts';
import type { TableResolver } from '../simulation/table-dns.ts';
import type { CredentialStore } from '../adapters/network/tls.ts';
import type { Clock, DnaProofJudge, Network, PathValidator, Random } from '../ports.ts';

export interface StageHost {
  readonly network: Network;
  /** Where its listeners are reached. */
  readonly address: string;
}

export interface Stage {
  readonly clock: Clock;
  readonly random: Random;
  /** One name system for all hosts; empty at first. */
  readonly resolver: TableResolver;
  /** Zones in it that are signed while nothing signed delegates to them; none at first. */
  readonly zones: TableZones;
  /** What the domains say on the web; empty at first. */
  readonly posh: TablePoshSource;
  /** Trusts the trusted authority of ./certificates.ts. */
  readonly pathValidator: PathValidator;
  /** Judges proofs of delegation; absent: nobody is challenged for one. */
  readonly dnaProofs?: DnaProofJudge;
  /** One more host. */
  host(credentials: CredentialStore): StageHost;
  /** Lets time pass until `predicate` holds, or it is clear that it will not; `changes$` says when it may have become true. */
  until(predicate: () => boolean, changes$: Observable<unknown>): Promise<boolean>;
}
