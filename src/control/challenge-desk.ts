/**
 * Where the association asks for proofs of delegation: one challenge per domain and stream, however many wait for it, and none
 * of a domain that was refused before on this stream (ProtoXEP §6.8).
 */
import type { ChallengeOutcome, StreamId, StreamReport } from '../../machines/events.ts';
import { limits } from '../../machines/limits.ts';
import type { Clock } from '../ports.ts';
import { fault, type Fault, FaultError } from '../protocol/faults.ts';
import type { DnaProofType } from '../protocol/proof.ts';

export interface ChallengeWish {
  readonly domain: string;
  readonly prooftypes: readonly DnaProofType[];
  /** What is remembered is about to end. */
  readonly fresh: boolean;
}

export interface ChallengeDeskPorts {
  /** Whether the stream stands, so that its end will be told. */
  readonly stands: (stream: StreamId) => boolean;
  readonly challenge: (stream: StreamId, domain: string, prooftypes: readonly DnaProofType[]) => void;
  readonly clock: Clock;
}

interface Waiter {
  readonly resolve: (outcome: ChallengeOutcome) => void;
  readonly reject: (why: FaultError) => void;
}

interface Remembered {
  readonly outcome: ChallengeOutcome;
  /** What was asked for: another way is new information. */
  readonly prooftypes: readonly DnaProofType[];
  /** It was not refuted: another assertion is new information as well. */
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
  /** Streams on which nobody was ever challenged are not in it. */
  readonly #streams = new Map<StreamId, StreamRow>();

  constructor(ports: ChallengeDeskPorts) {
    this.#ports = ports;
  }

  get streamsChallenged(): number {
    return this.#streams.size;
  }

  /** Rejects when the stream ends before the answer. */
  async ask(stream: StreamId, wish: ChallengeWish, signal: AbortSignal): Promise<ChallengeOutcome> {
    signal.throwIfAborted();
    if (!this.#ports.stands(stream)) throw new FaultError(closed);
    const row = this.#rowOf(stream);
    const { domain, prooftypes } = wish;
    const known = this.#known(row, wish);
    if (known !== null) return known;
    const underWay = row.waiting.get(domain);
    if (underWay === undefined && row.remembered.size >= limits.challengesRemembered && !row.remembered.has(domain))
      throw new FaultError(tooMany);
    return await new Promise((resolve, reject) => {
      const { waiters } = underWay ?? { waiters: new Set<Waiter>() };
      const waiter = { resolve, reject };
      waiters.add(waiter);
      // Nobody waits, but the far end is asked: its answer is remembered.
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
    if (!isOurs(outcome))
      row.remembered.set(domain, { outcome, prooftypes: asked.prooftypes, mayReturn: isImpossible });
    for (const { resolve } of asked.waiters) resolve(outcome);
  }

  /** The far end asserts a domain, perhaps one that it could not prove before. */
  asserted(stream: StreamId, domain: string): void {
    const remembered = this.#streams.get(stream)?.remembered;
    if (remembered?.get(domain)?.mayReturn === true) remembered.delete(domain);
  }

  /** What was proved belongs to the stream no more. */
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

  #known({ remembered }: StreamRow, { domain, prooftypes, fresh }: ChallengeWish): ChallengeOutcome | null {
    const known = remembered.get(domain);
    if (known === undefined || fresh) return null;
    const { verdict } = known.outcome;
    if (verdict.kind !== 'proved')
      return prooftypes.every((type) => known.prooftypes.includes(type)) ? known.outcome : null;
    const holds = verdict.expiresAtMs === null || verdict.expiresAtMs > this.#ports.clock.now();
    return holds && prooftypes.some((type) => type === verdict.prooftype) ? known.outcome : null;
  }

  #rowOf(stream: StreamId): StreamRow {
    const known = this.#streams.get(stream);
    if (known !== undefined) return known;
    const row: StreamRow = { waiting: new Map(), remembered: new Map() };
    this.#streams.set(stream, row);
    return row;
  }
}

/** What failed here, and not there, is not held against the far end. */
const isOurs = ({ verdict }: ChallengeOutcome): boolean =>
  verdict.kind === 'undetermined' && verdict.fault.origin !== 'peer';
