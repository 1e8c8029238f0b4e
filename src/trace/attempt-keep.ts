/**
 * The last attempts of each remote domain, kept beside the ring: a busy neighbour pushes the records of a quiet domain
 * out of the ring, but not these. A peer that makes up domains pushes out other made-up domains first.
 */
import { traceLimits } from './limits.ts';
import type { RecordOf } from './record.ts';
import { weigh } from './weigh.ts';

type AttemptRecord = RecordOf<'attempt'>;

interface Domain {
  attempts: AttemptRecord[];
  bytes: number;
}

export class AttemptKeep {
  readonly #mostBytes: number;
  /**
   * Each map is ordered from least to most recently used. They are forgotten in this order: domains for which nothing
   * was ever proved; domains that were proved (a wildcard can prove any number of them); domains to which somebody here
   * wanted to send.
   */
  readonly #strangers = new Map<string, Domain>();
  readonly #proved = new Map<string, Domain>();
  readonly #wanted = new Map<string, Domain>();
  #bytes = 0;
  #forgotten = 0;

  constructor(mostBytes: number = traceLimits.attemptBytes) {
    this.#mostBytes = mostBytes;
  }

  get #classes(): readonly Map<string, Domain>[] {
    return [this.#strangers, this.#proved, this.#wanted];
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Number of domains all of whose attempts were dropped to make room for others. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** The oldest first. */
  of(remote: string): readonly AttemptRecord[] {
    return this.#find(remote)?.attempts ?? [];
  }

  /** The attempts of all domains, the oldest first. */
  all(): readonly AttemptRecord[] {
    return this.#classes
      .flatMap((domains) => [...domains.values()])
      .flatMap(({ attempts }) => attempts)
      .sort((one, other) => one.seq - other.seq);
  }

  add(record: AttemptRecord): void {
    const { remote, direction, outcome } = record.attempt;
    const domain = this.#find(remote) ?? { attempts: [], bytes: 0 };
    const isWanted = this.#wanted.delete(remote) || direction === 'outgoing';
    const isProved = this.#proved.delete(remote) || outcome === 'holds';
    this.#strangers.delete(remote);
    (isWanted ? this.#wanted : isProved ? this.#proved : this.#strangers).set(remote, domain); // re-inserted at the end
    domain.attempts.push(record);
    this.#weigh(domain, weigh(record));
    while (domain.attempts.length > traceLimits.attempts) {
      const [oldest] = domain.attempts.splice(oldestOf(domain.attempts), 1);
      if (oldest !== undefined) this.#weigh(domain, -weigh(oldest));
    }
    while (this.#bytes > this.#mostBytes && this.#forgetOne());
  }

  #find(remote: string): Domain | undefined {
    return this.#wanted.get(remote) ?? this.#proved.get(remote) ?? this.#strangers.get(remote);
  }

  #weigh(domain: Domain, bytes: number): void {
    domain.bytes += bytes;
    this.#bytes += bytes;
  }

  #forgetOne(): boolean {
    for (const domains of this.#classes)
      for (const [remote, { bytes }] of domains) {
        domains.delete(remote);
        this.#bytes -= bytes;
        this.#forgotten += 1;
        return true;
      }
    return false;
  }
}

/** Anybody may connect and claim to be the domain: failed claims get at most half of the room. */
function oldestOf(attempts: readonly AttemptRecord[]): number {
  const isClaim = ({ attempt: { direction, outcome } }: AttemptRecord): boolean =>
    direction === 'incoming' && outcome === 'failed';
  return attempts.filter(isClaim).length > traceLimits.attempts / 2 ? attempts.findIndex(isClaim) : 0;
}
