/**
 * The last attempts of each remote domain, beside the ring: a busy neighbour pushes out the records of a quiet domain, and not
 * these. Those who make up domains push out each other first.
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
  /** The longest ago first: those of whom nothing was ever proved, and to whom nobody here has ever wanted to send. */
  readonly #strangers = new Map<string, Domain>();
  readonly #known = new Map<string, Domain>();
  #bytes = 0;

  constructor(mostBytes: number = traceLimits.attemptBytes) {
    this.#mostBytes = mostBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The oldest first. */
  of(remote: string): readonly AttemptRecord[] {
    return this.#find(remote)?.attempts ?? [];
  }

  /** Of all domains, the oldest first. */
  all(): readonly AttemptRecord[] {
    const domains = [...this.#strangers.values(), ...this.#known.values()];
    return domains.flatMap(({ attempts }) => attempts).sort((one, other) => one.seq - other.seq);
  }

  add(record: AttemptRecord): void {
    const { remote, direction, outcome } = record.attempt;
    const domain = this.#find(remote) ?? { attempts: [], bytes: 0 };
    const isKnown = this.#known.delete(remote) || outcome === 'holds' || direction === 'outgoing';
    this.#strangers.delete(remote);
    (isKnown ? this.#known : this.#strangers).set(remote, domain); // once more at the end
    domain.attempts.push(record);
    this.#weigh(domain, weigh(record));
    while (domain.attempts.length > traceLimits.attempts) {
      const [oldest] = domain.attempts.splice(oldestOf(domain.attempts), 1);
      if (oldest !== undefined) this.#weigh(domain, -weigh(oldest));
    }
    while (this.#bytes > this.#mostBytes && this.#forgetOne());
  }

  #find(remote: string): Domain | undefined {
    return this.#known.get(remote) ?? this.#strangers.get(remote);
  }

  #weigh(domain: Domain, bytes: number): void {
    domain.bytes += bytes;
    this.#bytes += bytes;
  }

  #forgetOne(): boolean {
    for (const domains of [this.#strangers, this.#known])
      for (const [remote, { bytes }] of domains) {
        domains.delete(remote);
        this.#bytes -= bytes;
        return true;
      }
    return false;
  }
}

/** Anybody may come and claim to be the domain: failures of that kind leave half of the room to others. */
function oldestOf(attempts: readonly AttemptRecord[]): number {
  const isClaim = ({ attempt: { direction, outcome } }: AttemptRecord): boolean =>
    direction === 'incoming' && outcome === 'failed';
  return attempts.filter(isClaim).length > traceLimits.attempts / 2 ? attempts.findIndex(isClaim) : 0;
}
