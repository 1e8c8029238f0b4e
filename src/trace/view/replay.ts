/**
 * A view from records: every actor goes through its chart once more, with the events that it took, and nothing is acted on.
 * Where that leads elsewhere than the records say, the view tells.
 */
import { type AnyEventObject, type AnyMachineSnapshot, type AnyStateMachine, createActor } from 'xstate';
import { actorView } from './actor-view.ts';
import { ByActor } from './by-actor.ts';
import { chartsById } from './charts.ts';
import { LazyActors } from './lazy-actors.ts';
import { traceLimits } from '../limits.ts';
import type { RecordOf, TraceRecord } from '../record.ts';
import { follow, type Stay, stayFrom } from './stay.ts';
import type { Divergence, Ending, View } from './view.ts';

export interface ReplayOptions {
  /** Domains served at the end that the records are of. */
  readonly hosts?: readonly string[];
  /** The last record that is looked at, by its number. @defaultValue the last of all */
  readonly until?: number;
  /** Records that are missing. */
  readonly lost?: number;
}

/** The view after `records`, the oldest first. */
export function replay(records: readonly TraceRecord[], { hosts = [], until, lost = 0 }: ReplayOptions = {}): View {
  const seen = until === undefined ? records : records.filter(({ seq }) => seq <= until);
  const replayer = new Replayer();
  for (const record of seen) replayer.take(record);
  return replayer.view(seen, { hosts, lost });
}

/** Goes through records one by one, so that whoever looks at one moment after the other need not begin anew. */
export class Replayer {
  readonly #replayed = new Map<string, ReplayedActor>();
  readonly #diverged: Divergence[] = [];
  #lost = 0;

  take(record: TraceRecord): void {
    if (record.kind === 'lost') this.#lost += record.records;
    const actor = this.#replayed.get(record.actor);
    if (record.kind === 'born' || record.kind === 'snapshot' || (actor === undefined && isMove(record))) {
      this.#replayed.set(record.actor, new ReplayedActor(record));
    }
    const divergence = this.#replayed.get(record.actor)?.take(record) ?? null;
    if (divergence !== null) this.#diverged.push(divergence);
  }

  /**
   * As it stands now, and only until the next record is taken.
   * @param seen what was taken
   */
  view(seen: readonly TraceRecord[], { hosts = [], lost = 0 }: Omit<ReplayOptions, 'until'> = {}): View {
    const replayed = this.#replayed;
    const index = new ByActor(() => seen);
    let attempts: ReturnType<typeof attemptsAmong> | null = null;
    const lives = (id: string): boolean => {
      const actor = replayed.get(id);
      return actor !== undefined && actor.ended === null;
    };
    return {
      atMs: seen.at(-1)?.atMs ?? 0,
      origin: 'trace',
      host: hosts[0] ?? null,
      hosts,
      actors: new LazyActors(
        () => replayed.keys(),
        (id) => {
          const actor = replayed.get(id);
          return actor === undefined ? undefined : actorView(actor, index.of(id), lives);
        },
      ),
      context: (id) => replayed.get(id)?.snapshot?.context as unknown,
      recordsOf: (actor, most) => index.of(actor, most),
      records: seen,
      attempts: (remote) => (attempts ??= attemptsAmong(seen)).get(remote)?.slice(-traceLimits.attempts) ?? [],
      lost: lost + this.#lost,
      diverged: this.#diverged,
    };
  }
}

/** By remote domain. */
function attemptsAmong(records: readonly TraceRecord[]): ReadonlyMap<string, readonly RecordOf<'attempt'>[]> {
  const attempts = new Map<string, RecordOf<'attempt'>[]>();
  for (const record of records) {
    if (record.kind !== 'attempt') continue;
    const before = attempts.get(record.attempt.remote);
    if (before === undefined) attempts.set(record.attempt.remote, [record]);
    else before.push(record);
  }
  return attempts;
}

type Move = RecordOf<'born' | 'snapshot' | 'event' | 'ended'>;

const isMove = (record: TraceRecord): record is Move =>
  record.kind === 'born' || record.kind === 'event' || record.kind === 'ended' || record.kind === 'snapshot';

type ScopeOfChart = Parameters<AnyStateMachine['transition']>[2];

/** An actor that is led through its chart by its records. */
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

  constructor({ actor, machine }: Move) {
    this.id = actor;
    this.machine = machine;
    this.#chart = chartsById.get(machine) ?? null;
    const slash = actor.lastIndexOf('/');
    this.parent = slash < 0 ? null : actor.slice(0, slash);
  }

  /** Answers where the chart leads elsewhere than the record says; null where it does not. */
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
    const snapshot = scope.self.getSnapshot() as AnyMachineSnapshot; // of a chart
    if (snapshot.status === 'error') return; // the input is not what the chart takes
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
      this.#giveUp(); // of another version of the chart, or no snapshot at all
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
      this.#giveUp(); // the event is not what the chart takes
    }
  }

  /** From the first difference on, the records are believed and not the chart. */
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

  /** Nothing that the chart asks for is done. */
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
