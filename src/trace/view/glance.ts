/** An actor at a glance: the part that is read for ten thousand actors to find the few that are shown. */
import { numberIn, textIn } from '../context.ts';
import type { TraceRecord } from '../record.ts';
import type { ActorView, Ending, View, Waiting } from './view.ts';

export interface Glance {
  readonly id: string;
  readonly machine: string;
  readonly state: readonly string[];
  /** Null if nothing is awaited, and for an actor that has ended. */
  readonly waits: Waiting | null;
  readonly ended: Ending | null;
  /** Actors whose progress it may wait for: it waits for the first of them that is live. */
  readonly waitsOn: readonly string[];
  readonly local: string;
  readonly remote: string;
  /** Its stream, or its last one. */
  readonly stream: number | null;
}

/** The glance of an actor in any view; a view with a cheaper way does not build the whole actor. */
export function glanceAt(view: View, id: string): Glance | undefined {
  if (view.glance !== undefined) return view.glance(id);
  const actor = view.actors.get(id);
  return actor === undefined ? undefined : glanceOf(actor);
}

export const livesIn = (view: View, id: string): boolean =>
  view.lives === undefined ? glanceAt(view, id)?.ended === null : view.lives(id);

export function glanceOf(actor: ActorView): Glance {
  const { id, machine, state, waits, ended, waitsOn, context } = actor;
  const { local, remote, stream } = context;
  const whom = { local: textIn(local), remote: textIn(remote), stream: numberIn(stream) };
  return { id, machine, state, ended, waitsOn, waits: ended === null ? waits : null, ...whom };
}

/** The glance of an ended actor, from its records; null if they do not say enough. */
export function glanceBack(records: readonly TraceRecord[]): Glance | null {
  const last = records.at(-1);
  const ended = records.findLast((one) => one.kind === 'ended');
  const stood = records.findLast((one) => one.kind === 'event' || one.kind === 'born');
  if (last === undefined || ended === undefined || stood === undefined || stood.seq > ended.seq) return null;
  const { atMs, how, fault, machine } = ended;
  const [, local = '', remote = ''] = /^pair:([^/>]*)>([^/]*)$/.exec(ended.actor) ?? [];
  return {
    ...{ id: ended.actor, machine, state: stood.states, waits: null, waitsOn: [], local, remote, stream: null },
    ended: ended.output === undefined ? { atMs, how, fault } : { atMs, how, output: ended.output, fault },
  };
}
