/** Races the addresses of one target (RFC 8305 §5), for any kind of network. */
import type { AddressRecord } from '../../protocol/dns.ts';
import type { Fault } from '../../protocol/faults.ts';
import type { Clock } from '../../ports.ts';

export interface AttemptFailure {
  readonly address: AddressRecord;
  readonly fault: Fault;
}

export interface Race<Link> {
  /** In the order in which to try them. */
  readonly addresses: readonly AddressRecord[];
  readonly clock: Clock;
  /** How long one attempt runs alone before the next one starts in parallel (RFC 8305 §8). */
  readonly attemptDelayMs: number;
  /** Starts one attempt, reports its outcome at most once, and returns a function that cancels it. */
  attempt(address: AddressRecord, connected: (link: Link) => void, failed: (fault: Fault) => void): () => void;
  won(link: Link, address: AddressRecord): void;
  /** Every address failed; `failures` are in the order in which they occurred. */
  lost(failures: readonly AttemptFailure[]): void;
}

/**
 * Starts the race and returns a function that cancels it. A failed attempt starts the next one at once. The first to
 * connect wins and the others are cancelled; the race is lost only after every address has been tried.
 */
export function raceAddresses<Link>(race: Race<Link>): () => void {
  const { addresses, clock } = race;
  const running = new Map<AddressRecord, () => void>();
  const failures: AttemptFailure[] = [];
  let next = 0;
  let timer: unknown;
  let over = false;

  const stop = (): void => {
    over = true;
    clock.clearTimeout(timer);
    for (const cancel of running.values()) cancel();
    running.clear();
  };

  const startNext = (): void => {
    clock.clearTimeout(timer);
    const address = addresses[next];
    if (address === undefined) {
      if (running.size > 0) return;
      over = true;
      race.lost(failures);
      return;
    }
    next += 1;
    if (next < addresses.length) timer = clock.setTimeout(startNext, race.attemptDelayMs);

    let settled = false;
    const settle = (): boolean => {
      if (settled || over) return false;
      settled = true;
      running.delete(address);
      return true;
    };
    running.set(address, () => undefined);
    const cancel = race.attempt(
      address,
      (link) => {
        if (!settle()) return;
        stop();
        race.won(link, address);
      },
      (fault) => {
        if (!settle()) return;
        failures.push({ address, fault });
        startNext();
      },
    );
    if (running.has(address)) running.set(address, cancel);
  };

  startNext();
  return stop;
}
