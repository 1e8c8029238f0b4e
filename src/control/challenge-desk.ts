/**
 * Where associations ask for proofs of delegation: one challenge per domain and stream, however many wait for it, and
 * none for a domain that was refused before on this stream (ProtoXEP DNA §6.8).
 */
import type { ChallengeOutcome, StreamId, StreamReport } from '../../machines/events.ts';
import { limits } from '../../machines/limits.ts';
import type { Clock } from '../ports.ts';
import { fault, type Fault, FaultError } from '../protocol/faults.ts';
import type { DnaProofType } from '../protocol/proof.ts';

export interface ChallengeWish {
  readonly domain: string;
  readonly prooftypes: readonly DnaProofType[];
  /** True when the remembered proof is about to expire. */
  readonly fresh: boolean;
}

export interface ChallengeDeskPorts {
  /** Whether the stream is open, so that its end will be reported. */
  readonly stands: (stream: StreamId) => boolean;
  readonly challenge: (stream: StreamId, domain: string, prooftypes: readonly DnaProofType[]) => void;
  readonly clock: Clock;
}

/** How a challenge ended. */
interface Came {
  readonly outcome: ChallengeOutcome;
  /** The proof types that were asked for: asking for others is new information. */
  readonly prooftypes: readonly DnaProofType[];
}

interface Waiter {
  readonly resolve: (came: Came) => void;
  readonly reject: (why: FaultError) => void;
}

interface Remembered extends Came {
  /** True when the domain was not refuted: another assertion then counts as new information as well. */
  readonly mayReturn: boolean;
}

interface StreamRow {
  readonly waiting: Map<string, { readonly prooftypes: readonly DnaProofType[]; readonly waiters: Set<Waiter> }>;
  readonly remembered: Map<string, Remembered>;
}

const closed = fault('stream', 'closed', 'peer', 'the stream was closed before the challenge was answered');
const tooMany = fault('dna', 'resource-constraint', 'peer', 'too many domains were challenged on this stream');

export class ChallengeDesk {
  readonly #ports: ChallengeDeskPorts;
  /** Only streams on which a domain was challenged. */
  readonly #streams = new Map<StreamId, StreamRow>();

  constructor(ports: ChallengeDeskPorts) {
    this.#ports = ports;
  }

  get streamsChallenged(): number {
    return this.#streams.size;
  }

  /** The outcome is about the proof types of the wish. Rejects when the stream ends first. */
  async ask(stream: StreamId, wish: ChallengeWish, signal: AbortSignal): Promise<ChallengeOutcome> {
    for (;;) {
      signal.throwIfAborted();
      if (!this.#ports.stands(stream)) throw new FaultError(closed);
      const row = this.#rowOf(stream);
      const known = wish.fresh ? undefined : row.remembered.get(wish.domain);
      if (known !== undefined && this.#answers(wish, known)) return known.outcome;
      const isOwn = !row.waiting.has(wish.domain);
      const came = await this.#wait(stream, row, wish, signal);
      if (isOwn || this.#answers(wish, came)) return came.outcome;
      // Only one challenge for a domain is outstanding at a time. That one asked for other types; now it is our turn.
    }
  }

  /** Waits for the challenge that is under way, or sends our own. */
  #wait(stream: StreamId, row: StreamRow, { domain, prooftypes }: ChallengeWish, signal: AbortSignal): Promise<Came> {
    const underWay = row.waiting.get(domain);
    if (underWay === undefined && row.remembered.size >= limits.challengesRemembered && !row.remembered.has(domain))
      throw new FaultError(tooMany);
    return new Promise((resolve, reject) => {
      const { waiters } = underWay ?? { waiters: new Set<Waiter>() };
      const waiter = { resolve, reject };
      waiters.add(waiter);
      // Nobody waits any more, but the peer has been asked: its answer is remembered.
      signal.addEventListener('abort', () => waiters.delete(waiter), { once: true });
      if (underWay !== undefined) return;
      row.waiting.set(domain, { prooftypes, waiters });
      this.#ports.challenge(stream, domain, prooftypes);
    });
  }

  settled({ stream, outcome }: Extract<StreamReport, { type: 'challenge.settled' }>): void {
    const row = this.#streams.get(stream);
    const asked = row?.waiting.get(outcome.domain);
    if (row === undefined || asked === undefined) return;
    row.waiting.delete(outcome.domain);
    const { domain, isImpossible } = outcome;
    const came = { outcome, prooftypes: asked.prooftypes };
    if (!isOurs(outcome)) row.remembered.set(domain, { ...came, mayReturn: isImpossible });
    for (const { resolve } of asked.waiters) resolve(came);
  }

  /** The far end asserts a domain, perhaps one that it could not prove before. */
  asserted(stream: StreamId, domain: string): void {
    const remembered = this.#streams.get(stream)?.remembered;
    if (remembered?.get(domain)?.mayReturn === true) remembered.delete(domain);
  }

  /** The proof of the domain no longer holds on the stream. */
  withdrawn(stream: StreamId, domain: string, why: Fault): void {
    const remembered = this.#streams.get(stream)?.remembered.get(domain);
    if (remembered?.outcome.verdict.kind !== 'proved') return;
    const verdict = { kind: 'undetermined', fault: why } as const;
    const outcome = { ...remembered.outcome, isImpossible: why.condition === 'impossible', verdict };
    this.#streams.get(stream)?.remembered.set(domain, { ...remembered, outcome, mayReturn: true });
  }

  streamEnds(stream: StreamId, why: Fault | null): void {
    const row = this.#streams.get(stream);
    this.#streams.delete(stream);
    for (const { waiters } of row?.waiting.values() ?? [])
      for (const { reject } of waiters) reject(new FaultError(why ?? closed));
  }

  /** Whether the outcome answers the wish: it proves by one of its types, or none of its types can prove. */
  #answers({ prooftypes }: ChallengeWish, { outcome: { verdict }, prooftypes: asked }: Came): boolean {
    if (verdict.kind !== 'proved') return prooftypes.every((type) => asked.includes(type));
    const holds = verdict.expiresAtMs === null || verdict.expiresAtMs > this.#ports.clock.now();
    return holds && prooftypes.some((type) => type === verdict.prooftype);
  }

  #rowOf(stream: StreamId): StreamRow {
    const known = this.#streams.get(stream);
    if (known !== undefined) return known;
    const row: StreamRow = { waiting: new Map(), remembered: new Map() };
    this.#streams.set(stream, row);
    return row;
  }
}

/** A local failure is not held against the far end. */
const isOurs = ({ verdict }: ChallengeOutcome): boolean =>
  verdict.kind === 'undetermined' && verdict.fault.origin !== 'peer';
