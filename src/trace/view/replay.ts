/**
 * A view built from records: every actor goes through its chart again with the events that it handled, and no effects
 * are run. If that leads elsewhere than the records say, the view reports it.
 */
import { actorView } from './actor-view.ts';
import { ByActor } from './by-actor.ts';
import { LazyActors } from './lazy-actors.ts';
import { traceLimits } from '../limits.ts';
import { isMove, type RecordOf, type TraceRecord } from '../record.ts';
import { ReplayedActor } from './replayed-actor.ts';
import type { Divergence, View } from './view.ts';

export interface ReplayOptions {
  /** Domains served by the end that made the records. */
  readonly hosts?: readonly string[];
  /** The last record used, by its `seq`. @defaultValue the last of all */
  readonly until?: number;
  /** Number of missing records. */
  readonly lost?: number;
}

/** The view after `records`, the oldest first. */
export function replay(records: readonly TraceRecord[], { until, ...options }: ReplayOptions = {}): View {
  const seen = until === undefined ? records : records.filter(({ seq }) => seq <= until);
  const replayer = new Replayer(seen, options);
  replayer.moveTo(seen.length);
  return replayer.view();
}

/**
 * Shows records at any point in time. Actors are replayed independently: a step back restarts only the actors that it
 * affects.
 */
export class Replayer {
  readonly #records: readonly TraceRecord[];
  readonly #hosts: readonly string[];
  readonly #byActor: ByActor;
  /** In order of birth. */
  readonly #replayed = new Map<string, ReplayedActor>();
  #diverged: Divergence[] = [];
  #lost: number;
  #at = 0;

  constructor(records: readonly TraceRecord[], { hosts = [], lost = 0 }: Omit<ReplayOptions, 'until'> = {}) {
    this.#records = records;
    this.#hosts = hosts;
    this.#lost = lost;
    this.#byActor = new ByActor(records);
  }

  /** @param index number of records that have happened by then; 0 is the beginning */
  moveTo(index: number): void {
    if (index < this.#at) this.#goBack(index);
    for (const record of this.#records.slice(this.#at, index)) {
      if (record.kind === 'lost') this.#lost += record.records;
      this.#take(record);
    }
    this.#at = index;
  }

  #goBack(index: number): void {
    const undone = new Set<string>();
    for (const record of this.#records.slice(index, this.#at)) {
      if (record.kind === 'lost') this.#lost -= record.records;
      if (isMove(record)) undone.add(record.actor);
    }
    this.#at = index;
    const livesSince = new Map<string, number>();
    for (const id of undone) livesSince.set(id, this.#beginAnew(id, index));
    this.#diverged = this.#diverged.filter(({ actor, seq }) => seq < (livesSince.get(actor) ?? Infinity));
    for (const id of undone)
      for (const record of this.#byActor.of(id, index)) if (record.seq >= (livesSince.get(id) ?? 0)) this.#take(record);
    this.#diverged.sort((one, other) => one.seq - other.seq);
  }

  /** Restarts the actor from its last birth before `index`; returns the `seq` of that record. */
  #beginAnew(id: string, index: number): number {
    const kept = this.#byActor.of(id, index);
    const birth = kept.findLast(({ kind }) => kind === 'born' || kind === 'snapshot') ?? kept.find(isMove);
    if (birth === undefined || !isMove(birth)) this.#replayed.delete(id);
    else this.#replayed.set(id, new ReplayedActor(birth)); // keeps its place in the order of birth
    return birth?.seq ?? 0;
  }

  #take(record: TraceRecord): void {
    const known = this.#replayed.get(record.actor);
    if (record.kind === 'born' || record.kind === 'snapshot' || (known === undefined && isMove(record))) {
      this.#replayed.set(record.actor, new ReplayedActor(record));
    }
    const divergence = this.#replayed.get(record.actor)?.take(record) ?? null;
    if (divergence !== null) this.#diverged.push(divergence);
  }

  /**
   * The current view; it is valid only until the next move.
   * @param atMs the moment shown, in milliseconds since the epoch @defaultValue that of the last record
   */
  view(atMs = this.#records[this.#at - 1]?.atMs ?? 0): View {
    const [replayed, byActor, at] = [this.#replayed, this.#byActor, this.#at];
    let seen: readonly TraceRecord[] | null = null;
    const records = (): readonly TraceRecord[] => (seen ??= this.#records.slice(0, at));
    let attempts: ReturnType<typeof attemptsAmong> | null = null;
    const lives = (id: string): boolean => {
      const actor = replayed.get(id);
      return actor !== undefined && actor.ended === null;
    };
    return {
      atMs,
      origin: 'trace',
      host: this.#hosts[0] ?? null,
      hosts: this.#hosts,
      actors: new LazyActors(
        () => replayed.keys(),
        (id) => {
          const actor = replayed.get(id);
          return actor === undefined ? undefined : actorView(actor, byActor.of(id, at), lives);
        },
      ),
      context: (id) => replayed.get(id)?.snapshot?.context as unknown,
      recordsOf: (actor, most) => byActor.of(actor, at, most),
      get records() {
        return records();
      },
      attempts: (remote) => (attempts ??= attemptsAmong(records())).get(remote)?.slice(-traceLimits.attempts) ?? [],
      lost: this.#lost,
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
