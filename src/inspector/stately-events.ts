/**
 * Converts records to messages of `@statelyai/inspect`, which Stately's inspector reads: one says that an actor exists,
 * one that it received an event, and one what its state is then. Contexts and events are redacted as in a trace.
 */
import { chartsById } from '../trace/view/charts.ts';
import { traceLimits } from '../trace/limits.ts';
import type { EventOfActor, RecordOf, TraceRecord } from '../trace/record.ts';
import { plain } from '../trace/redact.ts';
import type { ActorView, Ending } from '../trace/view/view.ts';

/** The version of `@statelyai/inspect` whose messages these are. */
const VERSION = '0.7.2';

export interface StatelySnapshot {
  readonly status: 'active' | 'done' | 'error' | 'stopped';
  readonly value: unknown;
  readonly context?: unknown;
  readonly output?: unknown;
}

interface Base {
  /** The actor's id in a trace. */
  readonly sessionId: string;
  readonly rootId: string;
  /** The id of the message. */
  readonly id: string;
  /** Milliseconds since the epoch, as a text. */
  readonly createdAt: string;
  readonly _version: string;
}

export type StatelyEvent =
  | (Base & {
      readonly type: '@xstate.actor';
      readonly name: string;
      readonly parentId: string | undefined;
      /** The configuration of its chart, as JSON. */
      readonly definition: string | undefined;
      readonly snapshot: StatelySnapshot;
    })
  | (Base & { readonly type: '@xstate.event'; readonly event: EventOfActor; readonly sourceId: string | undefined })
  | (Base & { readonly type: '@xstate.snapshot'; readonly event: EventOfActor; readonly snapshot: StatelySnapshot });

export type ShownRecord = RecordOf<'born' | 'event' | 'ended'>;

export const isShown = (record: TraceRecord): record is ShownRecord =>
  record.kind === 'born' || record.kind === 'event' || record.kind === 'ended';

const rootOf = (id: string): string => id.split('/', 1)[0] ?? id;

const baseOf = (actor: string, atMs: number, id: string): Base => ({
  sessionId: actor,
  rootId: rootOf(actor),
  id,
  createdAt: String(atMs),
  _version: VERSION,
});

/** An actor that exists already when a client connects. */
export function standing({ id, machine, parent, state, context }: ActorView, atMs: number): StatelyEvent {
  return {
    type: '@xstate.actor',
    ...baseOf(id, atMs, `${id}@${atMs}`),
    name: id,
    parentId: parent ?? undefined,
    definition: definitionOf(machine),
    snapshot: { status: 'active', value: valueOf(state), context },
  };
}

/** The messages for one record; `now` is the actor's current state, when known. */
export function eventsOf(record: ShownRecord, now?: Pick<ActorView, 'context' | 'state'>): readonly StatelyEvent[] {
  const { actor, atMs, seq, machine } = record;
  const base = baseOf(actor, atMs, String(seq));
  const known = now === undefined ? {} : { context: now.context };
  switch (record.kind) {
    case 'born': {
      const snapshot = { status: 'active' as const, value: valueOf(record.states), ...known };
      const definition = definitionOf(machine);
      return [
        { type: '@xstate.actor', ...base, name: actor, parentId: record.parent ?? undefined, definition, snapshot },
      ];
    }
    case 'event': {
      const event = plain(record.event, traceLimits.textChars) as EventOfActor; // with its type, as it was
      const snapshot = { status: 'active' as const, value: valueOf(record.states), ...known };
      return [
        { type: '@xstate.event', ...base, event, sourceId: undefined },
        { type: '@xstate.snapshot', ...base, id: `${seq}s`, event, snapshot },
      ];
    }
    case 'ended': {
      const output = record.output === undefined ? {} : { output: plain(record.output, traceLimits.textChars) };
      const value = now === undefined || now.state.length === 0 ? {} : valueOf(now.state);
      const snapshot = { status: STATUS[record.how], value, ...known, ...output };
      return [{ type: '@xstate.snapshot', ...base, event: { type: `xstate.${record.how}` }, snapshot }];
    }
  }
}

/** The actor that reports what this protocol has no message for. */
const OURSELVES = 'xmpp-dna';

export const ourselves = (atMs: number): StatelyEvent => ({
  type: '@xstate.actor',
  ...baseOf(OURSELVES, atMs, OURSELVES),
  name: OURSELVES,
  parentId: undefined,
  definition: undefined,
  snapshot: { status: 'active', value: {} },
});

export const droppedRecords = (records: number, atMs: number): StatelyEvent => ({
  type: '@xstate.event',
  ...baseOf(OURSELVES, atMs, `dropped@${atMs}`),
  event: { type: 'inspector.dropped', records },
  sourceId: undefined,
});

const STATUS: Readonly<Record<Ending['how'], StatelySnapshot['status']>> = {
  done: 'done',
  stopped: 'stopped',
  errored: 'error',
};

/** A state path as an XState state value: `{ tlsNegotiation: 'awaitingProceed' }`. */
function valueOf(path: readonly string[]): unknown {
  const [outer = '', ...inner] = path;
  return inner.length === 0 ? outer : { [outer]: valueOf(inner) };
}

const definitions = new Map<string, string | undefined>();

/** The definition without functions: the names of guards, actions and delays remain. */
function definitionOf(machine: string): string | undefined {
  if (!definitions.has(machine)) {
    const config: unknown = chartsById.get(machine)?.config;
    definitions.set(machine, config === undefined ? undefined : JSON.stringify(config, withoutFunctions));
  }
  return definitions.get(machine);
}

/** A function in an array would be serialised as `null`. */
const withoutFunctions = (_key: string, value: unknown): unknown =>
  Array.isArray(value) ? value.filter((one) => typeof one !== 'function') : value;
