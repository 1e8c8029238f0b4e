/** The outcomes of attempts, as records of their own: they outlast the records from which they are derived. */
import { entryOf } from '../../machines/collections/growing-table.ts';
import type { PairReport, StreamReport } from '../../machines/events.ts';
import type { PairContext } from '../../machines/pair.machine.ts';
import type { StreamContext } from '../../machines/stream/context.ts';
import { LruMap } from '../adapters/lru.ts';
import type { DomainPair } from '../protocol/pairs.ts';
import type { Fault } from '../protocol/faults.ts';
import type { Proof, ProofAttempt, ProofVerdict } from '../protocol/proof.ts';
import type { StreamId } from '../protocol/transport.ts';
import type { WireElement } from '../protocol/wire.ts';
import {
  type AttemptEnded,
  type AttemptVerdict,
  briefFault,
  briefText,
  type EvidenceTexts,
  textsOf,
  verdictKept,
} from '../trace/attempt.ts';
import { AttemptHeld, type HeldBy } from '../trace/attempt-held.ts';
import { AttemptKeep } from '../trace/attempt-keep.ts';
import { fieldsIn, whyInVain } from '../trace/context.ts';
import { diagnose, type Diagnosed, type Situation } from '../trace/explain/causes/diagnose.ts';
import { outOfReach } from '../trace/explain/diagnoses/authoritative-server-failed.ts';
import { isSameFault, toldFault, whyDisbelieved } from '../trace/explain/causes/telling-fault.ts';
import { endsForStanza, refusalIn } from '../trace/explain/refusals.ts';
import { situationOf } from '../trace/explain/situation.ts';
import type { View } from '../trace/view/view.ts';
import { type Failed, FailureExplainer } from './explain-failures.ts';
import type { Recorder } from './recorder.ts';
import type { StreamRow } from './standing-streams.ts';

/**
 * How many failed streams are remembered until their pairs hear of it, and how many assertions that wait for our
 * answer.
 */
const MOST_FAILED = 64;
const MOST_ASSERTED = 1_000;

type Facts = Pick<
  StreamContext,
  'stream' | 'tls' | 'settings' | 'endpoint' | 'connectedTo' | 'associated' | 'negotiation' | 'service' | 'proved'
>;
type Attempted = Pick<AttemptEnded, 'local' | 'remote' | 'direction' | 'startedMs'>;

export class AttemptRecords {
  readonly keep = new AttemptKeep();
  readonly #recorder: Recorder;
  readonly #rowOf: (stream: StreamId) => StreamRow | undefined;
  /** By remote domain: our last stream there that failed, and when. */
  readonly #failed = new LruMap<string, { readonly facts: Facts; readonly atMs: number }>(MOST_FAILED);
  /** When a peer asserted a pair. */
  readonly #asserted = new LruMap<string, number>(MOST_ASSERTED);
  /** Streams on which we were asked as the authoritative server, and which prove nothing. */
  readonly #asking = new Set<StreamId>();
  readonly #fellMs = new WeakMap<ProofVerdict, number>();
  /** The verdicts already told of an association's attempts. */
  readonly #toldOf = new WeakMap<readonly ProofAttempt[], readonly AttemptVerdict[]>();

  readonly #explainer: FailureExplainer;

  constructor(recorder: Recorder, rowOf: (stream: StreamId) => StreamRow | undefined, view: () => View) {
    this.#recorder = recorder;
    this.#rowOf = rowOf;
    this.#explainer = new FailureExplainer(view, recorder.clock);
  }

  /** Takes note of an element that the far end sent. */
  heard(stream: StreamId, element: WireElement): void {
    if (!this.#recorder.isOn) return;
    if (element.kind === 'result' && element.answer === null)
      this.#asserted.set(asserted(stream, element), this.#recorder.clock.now());
    else if (element.kind === 'verify' && element.answer === null) this.#asking.add(stream);
  }

  streamReported(report: StreamReport): void {
    if (!this.#recorder.isOn) return;
    const row = this.#rowOf(report.stream);
    switch (report.type) {
      case 'association.settled':
        this.#note(report.outcome.attempts);
        break;
      case 'verification.settled': {
        const { from, to, attempts, answer } = report.outcome;
        if (row === undefined || answer.type === 'valid') break; // `pair.admitted` follows
        this.#note(attempts);
        const said: Fault = { layer: 'dialback', condition: 'invalid', origin: 'local' };
        const why = whyDisbelieved(attempts, said);
        const attempted = this.#incoming(row, from, to);
        const actor = `stream:${row.id}/verification.${from}>${to}`;
        this.#failedWith(attempted, row.context(), why, attempts, { actor, kind: 'verification' });
        break;
      }
      case 'pair.admitted': {
        const { from, to, proof } = report;
        if (row === undefined || this.#holdsAlready(from, to, 'incoming', report.stream)) break;
        this.#holds(this.#incoming(row, from, to), row.context(), proof);
        break;
      }
      case 'stream.closing':
        if (row !== undefined) this.#closing(row, report.fault);
        break;
      case 'stream.closed':
        this.#asking.delete(report.stream);
        break;
      default:
    }
  }

  pairReported(report: PairReport): void {
    if (!this.#recorder.isOn) return;
    if (report.type !== 'pair.routed' && report.type !== 'pair.failed') return;
    const { local, remote } = report;
    const nowMs = this.#recorder.clock.now();
    const actor = this.#recorder.live.get(`pair:${local}>${remote}`);
    const attempted: Attempted = { local, remote, direction: 'outgoing', startedMs: actor?.bornMs ?? nowMs };
    if (report.type === 'pair.routed') {
      const context = this.#rowOf(report.stream)?.context();
      if (context !== undefined && !this.#holdsAlready(remote, local, 'outgoing', report.stream))
        this.#holds(attempted, context, null);
      return;
    }
    if (this.#isToldAgain(attempted, report.fault, nowMs)) return;
    const { stream = null } = (actor?.self.getSnapshot() as { context?: PairContext } | undefined)?.context ?? {};
    const failed = this.#failed.get(remote);
    // A stream that ended before this attempt began is not part of it.
    const lately = failed !== undefined && failed.atMs >= attempted.startedMs ? failed.facts : null;
    const facts = (stream === null ? undefined : this.#rowOf(stream)?.context()) ?? lately;
    this.#failedWith(attempted, facts, report.fault, null, { actor: `pair:${local}>${remote}`, kind: 'pair' });
  }

  /**
   * The attempt of a stream that we opened may continue elsewhere; a stream opened to us has failed if it was never
   * established.
   */
  #closing(row: StreamRow, why: Fault | null): void {
    const context = row.context();
    const { stream, local, remote, associated } = context;
    const hasStood = row.establishedAt !== Infinity;
    const isAsking = this.#asking.delete(stream);
    if (hasStood && endsForStanza(why)) this.#refused(row);
    if (hasStood || remote === '') return;
    if (row.initiating) {
      this.#failed.set(remote, { facts: factsOf(context), atMs: this.#recorder.clock.now() });
      return;
    }
    const fault = whyInVain(context, why);
    if (fault === null || isAsking) return;
    const told = { actor: `stream:${stream}`, kind: 'stream' } as const;
    this.#failedWith(this.#incoming(row, remote, local), context, fault, associated?.attempts ?? [], told);
  }

  /** The stream was closed because of a stanza of a pair that is not proved on it. */
  #refused(row: StreamRow): void {
    const actor = `stream:${row.id}`;
    const refusal = refusalIn(this.#explainer.view(), actor);
    if (refusal === null) return;
    const { from, to, fault } = refusal;
    this.#failedWith(this.#incoming(row, from, to), row.context(), fault, [], { actor, kind: 'refusal' });
  }

  #incoming(row: StreamRow, from: string, to: string): Attempted {
    const nowMs = this.#recorder.clock.now();
    const key = asserted(row.id, { from, to });
    const bornMs = row.establishedAt === Infinity ? this.#recorder.live.get(`stream:${row.id}`)?.bornMs : undefined;
    const startedMs = this.#asserted.get(key) ?? bornMs ?? nowMs;
    this.#asserted.delete(key);
    return { local: to, remote: from, direction: 'incoming', startedMs };
  }

  #note(attempts: readonly ProofAttempt[]): void {
    const nowMs = this.#recorder.clock.now();
    for (const { verdict } of attempts) this.#fellMs.set(verdict, nowMs);
  }

  #holdsAlready(remote: string, local: string, direction: Attempted['direction'], stream: StreamId): boolean {
    const last = this.#last(remote, local, direction);
    return last?.outcome === 'holds' && last.stream === stream;
  }

  /** While a pair is held off, its failure is reported again for each stanza, although nothing is tried. */
  #isToldAgain({ local, remote, startedMs }: Attempted, why: Fault, nowMs: number): boolean {
    const last = this.#last(remote, local, 'outgoing');
    if (last?.outcome !== 'failed') return false;
    return last.startedMs === startedMs || (startedMs === nowMs && isSameFault(last.fault, briefFault(why)));
  }

  #last(remote: string, local: string, direction: Attempted['direction']) {
    return this.keep.of(remote).findLast(({ attempt }) => attempt.local === local && attempt.direction === direction)
      ?.attempt;
  }

  #holds(attempted: Attempted, facts: Facts, proof: Proof | null): void {
    const by = this.#heldBy(attempted.remote, facts, proof);
    if (by !== null) {
      this.#record(new AttemptHeld(attempted, facts.stream, by));
      return;
    }
    const ended = { outcome: 'holds', fault: null, cause: '', fix: '' } as const;
    this.#record({
      stream: facts.stream,
      verdicts: this.#verdictsOfAll(attempted, facts, proof),
      ...attempted,
      ...ended,
    });
  }

  /** What one association has brought is the same for all pairs of its stream, so it is computed once. */
  #verdictsOfAll(attempted: Attempted, facts: Facts, proof: Proof | null): readonly AttemptVerdict[] {
    const { associated, proved } = facts;
    const told = associated?.domain === attempted.remote ? associated.attempts : [];
    const held = proof ?? entryOf(proved, attempted.remote);
    const isAll = told.some(({ prooftype, verdict }) => verdict.kind === 'proved' && prooftype === held?.prooftype);
    const known = isAll ? this.#toldOf.get(told) : undefined;
    if (known !== undefined) return known;
    const verdicts = this.#verdicts(attempted, facts, null, proof);
    if (isAll) this.#toldOf.set(told, verdicts);
    return verdicts;
  }

  /** The single proof by which it holds; null when others were tried as well. */
  #heldBy(remote: string, { associated, proved, tls, endpoint }: Facts, proof: Proof | null): HeldBy | null {
    const told = associated?.domain === remote ? associated.attempts : [];
    const held = proof ?? entryOf(proved, remote);
    const [first] = told;
    const seen = { certificate: tls?.certificate ?? null, endpoint };
    if (first === undefined) {
      return held === undefined ? null : heldBy(held, textsOf(held, seen), this.#recorder.clock.now());
    }
    const { prooftype, verdict } = first;
    if (told.length > 1 || verdict.kind !== 'proved') return null;
    if (held !== undefined && held.prooftype !== prooftype) return null;
    const atMs = this.#fellMs.get(verdict) ?? this.#recorder.clock.now();
    return heldBy({ prooftype, expiresAtMs: verdict.expiresAtMs }, textsOf(verdict, seen, true), atMs);
  }

  #failedWith(
    attempted: Attempted,
    facts: Facts | null,
    why: Fault,
    attempts: readonly ProofAttempt[] | null,
    failed: Failed,
  ): void {
    const told = attempts === null ? toldFault(facts?.associated?.attempts ?? [], why) : why;
    const stream = facts === null ? null : { context: { ...facts } };
    const view = { atMs: this.#recorder.clock.now() };
    const { cause, fix } =
      this.#explainer.explain(failed) ??
      this.#atAGlance(attempted, told, situationOf(view, { ...attempted, stream, peer: null }, told, attempts));
    this.#record({
      outcome: 'failed',
      stream: facts?.stream ?? null,
      fault: briefFault(told),
      cause: briefText(cause),
      fix: briefText(fix ?? ''),
      verdicts: facts === null ? [] : this.#verdicts(attempted, facts, attempts, null),
      ...attempted,
    });
  }

  /** A cheap diagnosis that does not look at everything that led to the failure. */
  #atAGlance({ remote, direction }: Attempted, why: Fault, situation: Situation): Pick<Diagnosed, 'cause' | 'fix'> {
    const peer = direction === 'incoming' ? this.#contextOf(`peer:${remote}`) : null;
    return outOfReach(remote, why, peer, situation) ?? diagnose(situation);
  }

  #contextOf(actor: string): Readonly<Record<string, unknown>> | null {
    const snapshot: unknown = this.#recorder.live.get(actor)?.self.getSnapshot();
    return fieldsIn(fieldsIn(snapshot)['context']);
  }

  #verdicts(
    { remote }: Attempted,
    { associated, proved, tls, endpoint }: Facts,
    attempts: readonly ProofAttempt[] | null,
    proof: Proof | null,
  ): readonly AttemptVerdict[] {
    const seen = { certificate: tls?.certificate ?? null, endpoint };
    const told = attempts ?? (associated?.domain === remote ? associated.attempts : []);
    const held = proof ?? entryOf(proved, remote);
    const isTold = told.some(({ prooftype, verdict }) => verdict.kind === 'proved' && prooftype === held?.prooftype);
    const last = held === undefined || isTold ? [] : [{ prooftype: held.prooftype, verdict: asVerdict(held) }];
    return [...told, ...last].map(({ prooftype, verdict }) => {
      const atMs = this.#fellMs.get(verdict) ?? this.#recorder.clock.now();
      return verdictKept({ prooftype, domain: remote, atMs, ...foundIn(verdict) }, seen);
    });
  }

  #record(ended: AttemptEnded): void {
    const { direction, local, remote, stream } = ended;
    const actor = direction === 'outgoing' ? `pair:${local}>${remote}` : `stream:${stream ?? -1}`;
    const { course: cause, clock } = this.#recorder;
    const atMs = clock.now();
    const body = { kind: 'attempt', attempt: ended } as const;
    const seq = this.#recorder.record(actor, body, atMs);
    if (seq !== null) this.keep.add({ seq, atMs, actor, cause, ...body });
  }
}

const asserted = (stream: StreamId, { from, to }: DomainPair): string => `${stream} ${from}>${to}`;

/** Not the whole context, which holds tables of everything that was proved. */
const factsOf = (context: StreamContext): Facts => ({
  stream: context.stream,
  tls: context.tls,
  settings: context.settings,
  endpoint: context.endpoint,
  connectedTo: context.connectedTo,
  associated: context.associated,
  negotiation: context.negotiation,
  service: context.service,
  proved: [],
});

function heldBy(
  { prooftype, expiresAtMs }: Pick<HeldBy, 'prooftype' | 'expiresAtMs'>,
  { endpoint, certificate, found }: EvidenceTexts,
  atMs: number,
): HeldBy {
  return { prooftype, expiresAtMs, atMs, endpoint, certificate, found };
}

const asVerdict = (proof: Proof): ProofVerdict => ({ kind: 'proved', ...proof });

const foundIn = (verdict: ProofVerdict) =>
  verdict.kind === 'proved'
    ? ({ verdict: 'proved', evidence: verdict.evidence, expiresAtMs: verdict.expiresAtMs, fault: null } as const)
    : ({ verdict: verdict.kind, evidence: null, expiresAtMs: null, fault: verdict.fault } as const);
