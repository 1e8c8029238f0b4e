/**
 * An attempt that holds by a single proof. Nearly all attempts are of this kind, and hardly any is ever read, so it is
 * put into words only when it is read. It keeps only texts of its evidence, so that neither certificates nor elements
 * stay alive because of it.
 */
import type { Fault } from '../protocol/faults.ts';
import type { StreamId } from '../protocol/transport.ts';
import { type AttemptEnded, type AttemptVerdict, evidenceIn, type EvidenceTexts } from './attempt.ts';

/** The proof by which it holds. */
export interface HeldBy extends EvidenceTexts {
  readonly prooftype: string;
  readonly expiresAtMs: number | null;
  /** When it was found, in milliseconds since the epoch. */
  readonly atMs: number;
}

/** The object, its numbers and the headers of its strings. */
const BYTES = 300;

export class AttemptHeld implements AttemptEnded {
  readonly local: string;
  readonly remote: string;
  readonly direction: AttemptEnded['direction'];
  readonly startedMs: number;
  readonly outcome = 'holds';
  readonly stream: StreamId;
  readonly fault: Fault | null = null;
  readonly cause = '';
  readonly fix = '';
  readonly #by: HeldBy;

  constructor(
    { local, remote, direction, startedMs }: Pick<AttemptEnded, 'local' | 'remote' | 'direction' | 'startedMs'>,
    stream: StreamId,
    by: HeldBy,
  ) {
    this.local = local;
    this.remote = remote;
    this.direction = direction;
    this.startedMs = startedMs;
    this.stream = stream;
    this.#by = by;
  }

  get verdicts(): readonly AttemptVerdict[] {
    const { prooftype, expiresAtMs, atMs } = this.#by;
    const evidence = evidenceIn(prooftype, this.#by, atMs);
    return [{ prooftype, domain: this.remote, verdict: 'proved', fault: null, expiresAtMs, evidence }];
  }

  /** Approximate number of bytes it keeps alive; a text shared by several attempts counts for each of them. */
  get bytes(): number {
    const { endpoint, certificate, found } = this.#by;
    return BYTES + this.local.length + this.remote.length + endpoint.length + certificate.length + found.length;
  }

  /** As plain data. */
  toJSON(): AttemptEnded {
    const { local, remote, direction, startedMs, outcome, stream, fault, cause, fix, verdicts } = this;
    return { local, remote, direction, startedMs, outcome, stream, fault, cause, fix, verdicts };
  }
}
