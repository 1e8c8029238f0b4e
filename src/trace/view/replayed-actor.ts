/** An actor that is led through its chart by its records; no action or effect of the chart is run. */
import { type AnyEventObject, type AnyMachineSnapshot, type AnyStateMachine, createActor } from 'xstate';
import { chartsById } from './charts.ts';
import type { MoveRecord, RecordOf, TraceRecord } from '../record.ts';
import { follow, type Stay, stayFrom } from './stay.ts';
import type { Divergence, Ending } from './view.ts';

type ScopeOfChart = Parameters<AnyStateMachine['transition']>[2];

export class ReplayedActor {
  readonly id: string;
  readonly machine: string;
  readonly parent: string | null;
  snapshot: AnyMachineSnapshot | null = null;
  stay: Stay | null = null;
  states: readonly string[] = [];
  bornMs: number | null = null;
  ended: Ending | null = null;
  readonly #chart: AnyStateMachine | null;
  #scope: ScopeOfChart | null = null;

  constructor({ actor, machine }: MoveRecord) {
    this.id = actor;
    this.machine = machine;
    this.#chart = chartsById.get(machine) ?? null;
    const slash = actor.lastIndexOf('/');
    this.parent = slash < 0 ? null : actor.slice(0, slash);
  }

  /** Returns a divergence if the chart leads elsewhere than the record says, else null. */
  take(record: TraceRecord): Divergence | null {
    switch (record.kind) {
      case 'born':
        this.bornMs = record.atMs;
        this.#begin(record.input, record.atMs);
        return this.#compare(record);
      case 'snapshot':
        this.bornMs = record.bornMs;
        this.#restore(record);
        return null;
      case 'event':
        this.#move(record.event, record.atMs);
        return this.#compare(record);
      case 'ended': {
        const { atMs, how, output, fault } = record;
        this.ended = output === undefined ? { atMs, how, fault } : { atMs, how, output, fault };
        return null;
      }
      default:
        return null;
    }
  }

  #begin(input: unknown, atMs: number): void {
    const chart = this.#chart;
    if (chart === null) return;
    const scope = this.#scoped(chart, input);
    const snapshot = scope.self.getSnapshot() as AnyMachineSnapshot; // the actor is a chart
    if (snapshot.status === 'error') return; // the chart does not accept the input
    this.snapshot = snapshot;
    this.stay = follow(chart, null, { type: 'xstate.init' }, [snapshot], atMs);
  }

  #restore({ snapshot, entered }: RecordOf<'snapshot'>): void {
    const chart = this.#chart;
    if (chart === null) return;
    try {
      this.snapshot = chart.restoreSnapshot(snapshot as never, this.#scoped(chart, {})); // checked by the chart
      this.stay = stayFrom(chart, this.snapshot, entered);
      this.states = this.stay.innermost.path;
    } catch {
      this.#giveUp(); // from another version of the chart, or not a snapshot at all
    }
  }

  #move(event: AnyEventObject, atMs: number): void {
    const chart = this.#chart;
    if (chart === null || this.snapshot === null || this.#scope === null) return;
    try {
      const steps = chart.microstep(this.snapshot, event, this.#scope);
      this.snapshot = steps.at(-1) ?? this.snapshot;
      this.stay = follow(chart, this.stay, event, steps, atMs);
    } catch {
      this.#giveUp(); // the chart does not accept the event
    }
  }

  /** After the first difference, the records are trusted instead of the chart. */
  #compare({ seq, states }: RecordOf<'born' | 'event'>): Divergence | null {
    this.states = states;
    if (this.#chart === null || this.#scope === null) return null;
    const replayed = this.stay?.innermost.path ?? [];
    if (replayed.join('.') === states.join('.')) return null;
    this.#giveUp();
    return { seq, actor: this.id, lived: states, replayed };
  }

  #giveUp(): void {
    this.snapshot = null;
    this.stay = null;
    this.#scope = null;
  }

  /** A scope that runs no actions. */
  #scoped(chart: AnyStateMachine, input: unknown): ScopeOfChart {
    const self = createActor(chart, { id: this.id, input });
    const nothing = (): void => undefined;
    this.#scope = {
      self,
      id: this.id,
      sessionId: self.sessionId,
      logger: nothing,
      defer: nothing,
      system: self.system,
      stopChild: nothing,
      emit: nothing,
      actionExecutor: nothing,
    };
    return this.#scope;
  }
}
