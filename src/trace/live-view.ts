/** The view of a manager that runs: actors are looked at as they are asked for, so it is read within the task that made it. */
import type { AnyActorRef, AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { actorView } from './actor-view.ts';
import { ByActor } from './by-actor.ts';
import { LazyActors } from './lazy-actors.ts';
import type { RecordOf, TraceRecord } from './record.ts';
import { ReplayedActor } from './replay.ts';
import type { Stay } from './stay.ts';
import type { ActorView, View } from './view.ts';

/** What the recorder knows of an actor that lives. */
export interface LiveActor {
  /** Its id, below that of its parent: `stream:3/association.b.example`. */
  readonly path: string;
  readonly chart: AnyStateMachine;
  readonly parent: { readonly path: string } | null;
  readonly self: AnyActorRef;
  readonly bornMs: number;
  readonly stay: Stay | null;
}

export interface LiveSource {
  readonly live: ReadonlyMap<string, LiveActor>;
  readonly ring: { records(): readonly TraceRecord[]; readonly lost: number };
  readonly attempts: { of(remote: string): readonly RecordOf<'attempt'>[] };
  readonly hosts: readonly string[];
  readonly nowMs: number;
}

export function liveView({ live, ring, attempts, hosts, nowMs }: LiveSource): View {
  let records: readonly TraceRecord[] | null = null;
  const all = (): readonly TraceRecord[] => (records ??= ring.records());
  const index = new ByActor(all);
  const lives = (id: string): boolean => live.has(id);
  const make = (id: string): ActorView | undefined => {
    const actor = live.get(id);
    if (actor === undefined) return endedView(index.of(id), lives);
    const { chart, parent, self, bornMs, stay } = actor;
    const snapshot = self.getSnapshot() as AnyMachineSnapshot; // of a chart
    const standing = { id, machine: chart.id, parent: parent?.path ?? null, snapshot, stay, states: [], bornMs };
    return actorView({ ...standing, ended: null }, index.of(id), lives);
  };
  return {
    atMs: nowMs,
    origin: 'live',
    host: hosts[0] ?? null,
    hosts,
    actors: new LazyActors(() => [...live.keys(), ...index.actors()], make),
    recordsOf: (actor, most) => index.of(actor, most),
    get records() {
      return all();
    },
    attempts: (remote) => attempts.of(remote),
    lost: ring.lost,
    diverged: [],
  };
}

/** Of one that has ended, what its records lead to. */
function endedView(records: readonly TraceRecord[], lives: (id: string) => boolean): ActorView | undefined {
  let actor: ReplayedActor | null = null;
  for (const record of records) {
    if (record.kind === 'born') actor = new ReplayedActor(record);
    else if (record.kind === 'event' || record.kind === 'ended') actor ??= new ReplayedActor(record);
    actor?.take(record);
  }
  return actor === null ? undefined : actorView(actor, records, lives);
}
