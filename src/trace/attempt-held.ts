/**
 * An attempt that holds by one proof, as nearly all do: they are many, and hardly one of them is ever read, so it is put into
 * words when somebody does. Texts are all that it keeps of what it rests on: neither certificates nor elements live on in it.
 */
import type { Fault } from '../protocol/faults.ts';
import type { StreamId } from '../protocol/transport.ts';
import { type AttemptEnded, type AttemptVerdict, evidenceIn, type EvidenceTexts } from './attempt.ts';

/** By which it holds. */
export interface HeldBy extends EvidenceTexts {
  readonly prooftype: string;
  readonly expiresAtMs: number | null;
  /** When it was found, in milliseconds since the epoch. */
  readonly atMs: number;
}

/** Of the object, its numbers, and the texts as such. */
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

  /** About how many bytes it keeps alive; texts that it shares with others count for each. */
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
