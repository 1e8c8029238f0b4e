/** An actor at a glance: what is asked of ten thousand to find the few that are looked at. */
import { numberIn, textIn } from '../context.ts';
import type { TraceRecord } from '../record.ts';
import type { ActorView, Ending, View, Waiting } from './view.ts';

export interface Glance {
  readonly id: string;
  readonly machine: string;
  readonly state: readonly string[];
  /** Null where nothing is waited for, and of one that has ended. */
  readonly waits: Waiting | null;
  readonly ended: Ending | null;
  /** Those on whose progress it may wait: on the first of them that lives. */
  readonly waitsOn: readonly string[];
  readonly local: string;
  readonly remote: string;
  /** The stream that it has, or had last. */
  readonly stream: number | null;
}

/** The same of every view; of one that has a shorter way to it, without making the actor. */
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

/** Of one that has ended, from its records; null where a pair or its like did not say enough on its way. */
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
