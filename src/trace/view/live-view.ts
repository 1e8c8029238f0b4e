/**
 * The view of a running manager. Actors are read when they are accessed, so the view may only be used in the event loop
 * turn that made it.
 */
import type { AnyActorRef, AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { actorView, glanceNow } from './actor-view.ts';
import { type Glance, glanceBack, glanceOf } from './glance.ts';
import { LazyActors } from './lazy-actors.ts';
import type { AttemptKeep } from '../attempt-keep.ts';
import type { TraceRecord } from '../record.ts';
import { ReplayedActor } from './replayed-actor.ts';
import type { Ring } from '../ring.ts';
import type { Stay } from './stay.ts';
import type { ActorView, View } from './view.ts';

/** What the recorder knows about a live actor. */
export interface LiveActor {
  /** Its id, prefixed by that of its parent: `stream:3/association.b.example`. */
  readonly path: string;
  readonly chart: AnyStateMachine;
  readonly parent: { readonly path: string } | null;
  readonly self: AnyActorRef;
  readonly bornMs: number;
  readonly stay: Stay | null;
  /**
   * The last glance, and the snapshot that it was taken from: for a client that polls every second, most actors have
   * not changed.
   */
  glanced: { readonly snapshot: AnyMachineSnapshot; readonly glance: Glance } | null;
}

export interface LiveSource {
  readonly live: ReadonlyMap<string, LiveActor>;
  readonly ring: Pick<Ring, 'records' | 'lost' | 'index'>;
  readonly attempts: Pick<AttemptKeep, 'of' | 'forgotten'>;
  readonly hosts: readonly string[];
  readonly nowMs: number;
  readonly bytesOf: NonNullable<View['bytesOf']>;
}

export function liveView({ live, ring, attempts, hosts, nowMs, bytesOf }: LiveSource): View {
  let records: readonly TraceRecord[] | null = null;
  const { index } = ring;
  const lives = (id: string): boolean => live.has(id);
  function* ended(): Generator<string> {
    for (const id of index.ended()) if (!live.has(id)) yield id;
  }
  function* ids(): MapIterator<string> {
    for (const id of live.keys()) yield id;
    for (const id of ended()) yield id;
  }
  const actors = new LazyActors(ids, (id) => {
    const actor = live.get(id);
    if (actor === undefined) return endedView(index.of(id));
    const { chart, parent, self, bornMs, stay } = actor;
    const snapshot = self.getSnapshot() as AnyMachineSnapshot; // of a chart
    const standing = { id, machine: chart.id, parent: parent?.path ?? null, snapshot, stay, states: [], bornMs };
    return actorView({ ...standing, ended: null }, index.of(id), lives);
  });
  const glanceOfEnded = (id: string): Glance | undefined => {
    const back = glanceBack(index.of(id));
    if (back !== null) return back;
    const made = actors.get(id);
    return made === undefined ? undefined : glanceOf(made);
  };
  return {
    atMs: nowMs,
    origin: 'live',
    host: hosts[0] ?? null,
    hosts,
    actors,
    lives,
    living: () => live.keys(),
    ended,
    bytesOf,
    glance: (id) => {
      const actor = live.get(id);
      return actor === undefined ? glanceOfEnded(id) : glanceOfLive(actor);
    },
    context: (id) => (live.get(id)?.self.getSnapshot() as { readonly context?: unknown } | undefined)?.context,
    recordsOf: (actor, most) => index.of(actor, most),
    get records() {
      return (records ??= ring.records());
    },
    attempts: (remote) => attempts.of(remote),
    forgotten: attempts.forgotten,
    lost: ring.lost,
    diverged: [],
  };
}

function glanceOfLive(actor: LiveActor): Glance {
  const { path, chart, self, stay, glanced } = actor;
  const snapshot = self.getSnapshot() as AnyMachineSnapshot; // of a chart
  if (glanced?.snapshot === snapshot) return glanced.glance;
  const glance = glanceNow(path, chart.id, snapshot, stay);
  actor.glanced = { snapshot, glance };
  return glance;
}

/** Ended actors do not change: the view built from their records is cached as long as the last of these is alive. */
const views = new WeakMap<TraceRecord, ActorView>();

/** The view of an ended actor, replayed from its records. */
function endedView(records: readonly TraceRecord[]): ActorView | undefined {
  const last = records.findLast(({ kind }) => kind === 'ended');
  if (last === undefined) return undefined; // it is no longer among the ended ones of the index
  const known = views.get(last);
  if (known !== undefined) return known;
  let actor: ReplayedActor | null = null;
  for (const record of records) {
    if (record.kind === 'born') actor = new ReplayedActor(record);
    else if (record.kind === 'event' || record.kind === 'ended') actor ??= new ReplayedActor(record);
    actor?.take(record);
  }
  if (actor === null) return undefined;
  const view = actorView(actor, records, () => false);
  views.set(last, view);
  return view;
}
