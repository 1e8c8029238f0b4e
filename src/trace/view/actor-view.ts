/** One actor as a view shows it: made from its snapshot and its records, whether it is live or replayed. */
import type { AnyActorRef, AnyMachineSnapshot } from 'xstate';
import { provedBriefly } from '../queries/proved.ts';
import { brief } from './brief.ts';
import { childName } from './child-name.ts';
import { numberIn, textIn } from '../context.ts';
import type { Glance } from './glance.ts';
import { traceLimits } from '../limits.ts';
import type { TraceRecord } from '../record.ts';
import { plain } from '../redact.ts';
import { describe, type Stay, waitingIn } from './stay.ts';
import type { ActorView, Ending } from './view.ts';
import { mayWaitOn, waitsOn } from './waits-on.ts';

/** What is known about an actor. */
export interface Standing {
  readonly id: string;
  /** Id of its chart. */
  readonly machine: string;
  readonly parent: string | null;
  /** Null if a trace does not say enough. */
  readonly snapshot: AnyMachineSnapshot | null;
  readonly stay: Stay | null;
  /** Path through the chart, taken from the trace; used if there is no stay. */
  readonly states: readonly string[];
  readonly bornMs: number | null;
  readonly ended: Ending | null;
}

/** `lives`: whether an id belongs to a chart that has not ended. */
export function actorView(
  { id, machine, parent, snapshot, stay, states, bornMs, ended }: Standing,
  records: readonly TraceRecord[],
  lives: (id: string) => boolean,
): ActorView {
  const { description, spec } = stay === null ? { description: '', spec: '' } : describe(stay);
  const ids = ended !== null || snapshot === null ? [] : namesOf(snapshot);
  const children = ids.map((child) => `${id}/${child}`).filter(lives);
  const context = snapshot === null ? {} : contextOf(snapshot);
  const waits = stay === null || ended !== null ? null : waitingIn(stay);
  return {
    id,
    machine,
    parent,
    children,
    effects: ids.filter((child) => !lives(`${id}/${child}`)),
    state: stay?.innermost.path ?? states,
    path: pathIn(records),
    description,
    spec,
    waits,
    context,
    bornMs,
    ended,
    waitsOn: ended === null ? waitsOn({ machine, waits: waits !== null, context, children }, lives) : [],
  };
}

/** A glance at a live actor, without the parts that are expensive to show. */
export function glanceNow(id: string, machine: string, snapshot: AnyMachineSnapshot, stay: Stay | null): Glance {
  const context = rawContext(snapshot);
  const { local, remote, stream } = context;
  const waits = stay === null ? null : waitingIn(stay);
  const children = chartsOf(id, snapshot);
  return {
    id,
    machine,
    state: stay?.innermost.path ?? [],
    waits,
    ended: null,
    waitsOn: mayWaitOn({ machine, waits: waits !== null, context, children }),
    local: textIn(local),
    remote: textIn(remote),
    stream: numberIn(stream),
  };
}

/** The context object of a running chart itself: not to be changed, and not to be shown as it is. */
const rawContext = ({ context }: AnyMachineSnapshot): Readonly<Record<string, unknown>> =>
  typeof context === 'object' && context !== null ? (context as Readonly<Record<string, unknown>>) : {}; // a record

const namesOf = (snapshot: AnyMachineSnapshot): readonly string[] =>
  // In a replay, a prooftype of the embedder is missing: its logic is not available here.
  Object.entries(snapshot.children as Readonly<Record<string, AnyActorRef | undefined>>).map(([id, child]) =>
    childName(id, (child?.getSnapshot() as { readonly context?: unknown } | undefined)?.context),
  );

/** Paths of its children that are charts: only the snapshots of charts have states. */
function chartsOf(id: string, { children }: AnyMachineSnapshot): readonly string[] {
  let found: string[] | null = null;
  const named = children as Readonly<Record<string, AnyActorRef | undefined>>;
  for (const name in named) {
    const snapshot = named[name]?.getSnapshot() as { readonly context?: unknown } | undefined;
    if (snapshot !== undefined && '_nodes' in snapshot)
      (found ??= []).push(`${id}/${childName(name, snapshot.context)}`);
  }
  return found ?? NONE;
}

const NONE: readonly string[] = [];

/** The context as plain data, without secrets and without the settings that all actors share. */
function contextOf(snapshot: AnyMachineSnapshot): Readonly<Record<string, unknown>> {
  // The contexts of charts are records; the one in a trace may be anything.
  const context: unknown = snapshot.context;
  if (typeof context !== 'object' || context === null || Array.isArray(context)) return {};
  const { settings: _, ...own } = context as Readonly<Record<string, unknown>>;
  const shown = 'validPairs' in own ? { ...own, validPairs: provedBriefly(own) } : own;
  return plain(brief(shown), traceLimits.textChars) as Readonly<Record<string, unknown>>; // a record stays one
}

/** The states that it went through, one entry per stay. */
function pathIn(records: readonly TraceRecord[]): ActorView['path'] {
  const path: { state: string; atMs: number }[] = [];
  const pass = (states: readonly string[], atMs: number): void => {
    const state = states.join('.');
    if (state !== '' && path.at(-1)?.state !== state) path.push({ state, atMs });
  };
  for (const record of records) {
    if (record.kind === 'born') {
      path.length = 0; // an earlier actor had the same name
      pass(record.states, record.atMs);
    }
    if (record.kind !== 'event') continue;
    for (const states of record.passed) pass(states, record.atMs);
    pass(record.states, record.atMs);
  }
  return path.slice(-traceLimits.path);
}
