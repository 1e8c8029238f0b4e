/** A manager's metrics (docs/metrics.md): gauges are read on request, and no stanza is counted twice. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Observable } from 'rxjs';
import type { ManagerTotals } from '../manager.ts';
import { PROOFTYPES } from '../protocol/policy.ts';
import { faultIn } from '../trace/context.ts';
import type { RecordOf, TraceRecord } from '../trace/record.ts';
import { conditionLabel, prooftypeLabel, tlsLabel } from './words.ts';

/** What is measured. */
export interface Measured {
  totals(): ManagerTotals;
  readonly records$: Observable<TraceRecord>;
}

/** In seconds: from a cached look-up on an open stream to a peer that answers just before its last deadline. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

export class Metrics {
  readonly #registry = new Registry();
  readonly #listening: { unsubscribe(): void };
  readonly #faults: Counter<'of' | 'layer' | 'condition' | 'origin'>;
  readonly #verdicts: Counter<'prooftype' | 'verdict'>;
  readonly #negotiations: Histogram<'direction' | 'outcome'>;

  constructor(measured: Measured, version: string) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    new Gauge({
      name: 'xmpp_dna_build_info',
      help: 'Always 1; the version is in the label.',
      labelNames: ['version'],
      registers,
    }).set({ version }, 1);
    this.#faults = new Counter({
      name: 'xmpp_dna_faults_total',
      help: 'Streams and negotiations that ended with a fault.',
      labelNames: ['of', 'layer', 'condition', 'origin'],
      registers,
    });
    this.#verdicts = new Counter({
      name: 'xmpp_dna_verdicts_total',
      help: 'Verdicts on whether a domain belongs to the far end of a stream.',
      labelNames: ['prooftype', 'verdict'],
      registers,
    });
    this.#negotiations = new Histogram({
      name: 'xmpp_dna_negotiation_seconds',
      help: 'From the wish of a domain pair to its decision.',
      labelNames: ['direction', 'outcome'],
      buckets: SECONDS,
      registers,
    });
    this.#beginAtZero();
    readTotals(measured, registers);
    this.#listening = measured.records$.subscribe((record) => this.#take(record));
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All metrics, in Prometheus's text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  stop(): void {
    this.#listening.unsubscribe();
    this.#registry.clear();
  }

  /** A series that begins with its first event shows no rate for it, so series used by alerts start at zero. */
  #beginAtZero(): void {
    for (const direction of ['outgoing', 'incoming'] as const)
      for (const outcome of ['holds', 'failed'] as const) this.#negotiations.zero({ direction, outcome });
    for (const prooftype of PROOFTYPES)
      for (const verdict of ['proved', 'refuted', 'undetermined'] as const)
        this.#verdicts.inc({ prooftype, verdict }, 0);
  }

  #take(record: TraceRecord): void {
    if (record.kind === 'verdict')
      this.#verdicts.inc({ prooftype: prooftypeLabel(record.prooftype), verdict: record.verdict });
    else if (record.kind === 'attempt') this.#takeAttempt(record);
    else if (record.kind === 'report' && record.report.type === 'stream.closed')
      this.#count('stream', (record.report as { fault?: unknown }).fault);
  }

  #takeAttempt({ attempt: { direction, outcome, startedMs, fault }, atMs }: RecordOf<'attempt'>): void {
    this.#negotiations.observe({ direction, outcome }, Math.max(0, atMs - startedMs) / 1_000);
    this.#count('negotiation', fault);
  }

  #count(of: 'stream' | 'negotiation', what: unknown): void {
    const fault = faultIn(what);
    if (fault === null) return;
    const { layer, condition, origin } = fault;
    this.#faults.inc({ of, layer, condition: conditionLabel(condition), origin });
  }
}

/** Registers gauges over the manager's totals, which are read once per scrape for all of them. */
function readTotals(measured: Measured, registers: Registry[]): void {
  let totals = measured.totals();
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []): Gauge<Label> =>
    new Gauge({ name: `xmpp_dna_${name}`, help, labelNames: [...labelNames], registers });
  const streams = gauge('streams', 'XML streams between servers.', ['role', 'stage', 'tls']);
  const actors = gauge('actors', 'Streams, and pairs and peers that are awake.', ['kind']);
  const queued = {
    pairs: gauge('queued_pairs', 'Domain pairs whose stanzas wait for a stream.'),
    stanzas: gauge('queued_stanzas', 'Stanzas that wait for a stream.'),
    bytes: gauge('queued_bytes', 'Bytes of stanzas that wait for a stream.'),
  };
  const paused = gauge('paused_inlets', 'Streams and components that are not read, for nobody takes what they bring.');
  const routes = gauge('routes', 'Domain pairs, local and remote, that a stream serves.');
  const facts = gauge('facts', 'Domain pairs, remote and local, that may come in on a stream.');
  const stanzas = new Counter({
    name: 'xmpp_dna_stanzas_total',
    help: 'What the data plane did with stanzas.',
    labelNames: ['outcome'],
    registers,
  });
  const lost = new Counter({
    name: 'xmpp_dna_records_lost_total',
    help: 'Records of the trace in memory that made room for others.',
    registers,
  });
  // Collected in the order of creation: the first reads the totals for the others.
  Object.assign(streams, {
    collect: () => {
      totals = measured.totals();
      streams.reset();
      for (const { role, stage, tls } of totals.streams) streams.inc({ role, stage, tls: tlsLabel(tls) });
      for (const kind of ['streams', 'pairs', 'peers'] as const)
        actors.set({ kind: kind.slice(0, -1) }, totals.actors[kind]);
      for (const name of ['pairs', 'stanzas', 'bytes'] as const) queued[name].set(totals.queues[name]);
      paused.set(totals.pausedInlets);
      routes.set(totals.routes);
      facts.set(totals.facts);
      stanzas.reset();
      for (const [outcome, count] of Object.entries<number>({ ...totals.stanzas })) stanzas.inc({ outcome }, count);
      lost.reset();
      lost.inc(totals.recordsLost);
    },
  });
}
