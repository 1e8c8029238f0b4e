/** Where scenarios are played: on real sockets (loopback-stage.ts), or in a simulation (the pair tests). */
import type { Observable } from 'rxjs';
import type { TablePoshSource } from '../simulation/table-posh.ts';
import type { TableZones } from '../simulation/table-zones.ts';
import type { TableResolver } from '../simulation/table-dns.ts';
import type { CredentialStore } from '../adapters/network/tls.ts';
import type { Clock, DnaProofJudge, Network, PathValidator, Random } from '../ports.ts';

export interface StageHost {
  readonly network: Network;
  /** The address of its listeners. */
  readonly address: string;
}

export interface Stage {
  readonly clock: Clock;
  readonly random: Random;
  /** One DNS for all hosts; empty at first. */
  readonly resolver: TableResolver;
  /** The islands of security in it (see table-zones.ts); none at first. */
  readonly zones: TableZones;
  /** The POSH documents of the domains; empty at first. */
  readonly posh: TablePoshSource;
  /** Trusts the `trusted` authority of ./certificates.ts. */
  readonly pathValidator: PathValidator;
  /** Judges proofs of delegation; if absent, nobody is challenged for one. */
  readonly dnaProofs?: DnaProofJudge;
  /** Adds a host. */
  host(credentials: CredentialStore): StageHost;
  /**
   * Lets time pass until `predicate` holds, or it is clear that it will not; `changes$` emits when it may have become
   * true.
   */
  until(predicate: () => boolean, changes$: Observable<unknown>): Promise<boolean>;
}
