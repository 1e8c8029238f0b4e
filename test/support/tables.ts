/**
 * A machine as a table: what it does with every event in every state, using only `transition`. States and events are
 * derived from the machine, so that a new one without its row or column does not compile.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnyStateMachine, EventFromLogic, InputFrom } from 'xstate';
import type { Fault } from '../../src/protocol/faults.ts';
import { readChart, statesOf } from './charts.ts';
import { type Effect, type Message, PureActor, type RestingState } from './pure.ts';
import { wordsOf } from './samples.ts';

/**
 * `=`: nothing happens. `-`: there is no deadline. Otherwise the next state (`.` for the same one), and the effects in
 * order.
 */
export type Cell<State extends string> = '=' | '-' | readonly [State | '.', ...string[]];

export type Row<State extends string, Column extends string> = Readonly<Record<Column | 'late', Cell<State>>>;

/** Events with a declared type; the ends of children have none, and are optional columns. */
export type DeclaredEvent<Machine extends AnyStateMachine> = Exclude<
  EventFromLogic<Machine>['type'],
  `xstate.${string}`
>;

/** Every state in which the machine may be between two events. */
type StateOf<Machine extends AnyStateMachine, Passing extends string> = Exclude<RestingState<Machine>, Passing>;

export interface MachineTable<
  Machine extends AnyStateMachine,
  Events extends Readonly<Record<string, Message>>,
  Passing extends string,
> {
  readonly machine: Machine;
  readonly spec: string;
  readonly input: InputFrom<Machine>;
  /** Other inputs, for states that cannot be reached with `input`. */
  readonly inputs?: Readonly<Partial<Record<StateOf<Machine, Passing>, InputFrom<Machine>>>>;
  /** The event behind each column. */
  readonly events: Events & Readonly<Record<DeclaredEvent<Machine>, Message>>;
  /** States that are left at once, and whose names do not begin with `deciding`. */
  readonly passing?: readonly Passing[];
  /** How each state is reached: by columns, or by other events where no column leads there. */
  readonly ways: Readonly<Record<StateOf<Machine, Passing>, readonly (keyof Events | 'late' | Message)[]>>;
  readonly table: Readonly<Record<StateOf<Machine, Passing>, Row<StateOf<Machine, Passing>, keyof Events & string>>>;
}

/** The end of a child, as xstate reports it to the parent. */
export const done = (id: string, output: unknown): Message => ({
  type: `xstate.done.actor.${id}`,
  output,
  actorId: id,
});
export const broken = (id: string): Message => ({
  type: `xstate.error.actor.${id}`,
  error: new Error('broken'),
  actorId: id,
});

/** A row with the same cell for every event; exceptions are written after it. */
export function rowOf<Column extends string>(
  events: Readonly<Record<Column, unknown>>,
  cell: '=',
): Readonly<Record<Column, '='>> {
  const columns = Object.keys(events) as Column[]; // a literal of the caller: it has no other keys
  return Object.fromEntries(columns.map((column) => [column, cell])) as Record<Column, '='>;
}

/** The row of a state in which nothing happens any more. */
export function ended<Column extends string>(events: Readonly<Record<Column, unknown>>): Row<never, Column> {
  const columns = Object.keys(events) as Column[]; // a literal of the caller: it has no other keys
  const cells = { late: '-' } as Record<Column | 'late', '=' | '-'>;
  for (const column of columns) cells[column] = '=';
  return cells;
}

/** `say result valid`, `report stream.closing`, `close host-unknown`, `close tcp/connect-timeout`. */
export function detailedWords(effect: Effect): string {
  const words = wordsOf(effect);
  if (effect.kind !== 'sent' || effect.event.type !== 'transport.close') return words;
  const what = effect.event['fault'] as Fault | null; // the payload of `closeStream`
  if (what === null) return words;
  return `${words} ${what.layer === 'stream' ? '' : `${what.layer}/`}${what.condition}`;
}

/** One test for each state, and one that no state and no event of the chart is missing. */
export function checkTable<
  Machine extends AnyStateMachine,
  const Events extends Readonly<Record<string, Message>>,
  Passing extends string = never,
>(what: MachineTable<Machine, Events, Passing>): void {
  const { machine, spec } = what;
  const ways: Readonly<Record<string, readonly (PropertyKey | Message)[]>> = what.ways;
  const table: Readonly<Record<string, Row<string, string>>> = what.table;
  const inputs: Readonly<Record<string, InputFrom<Machine> | undefined>> = what.inputs ?? {};
  const events: Readonly<Record<string, Message>> = what.events;
  const { id, root } = readChart(machine);
  const states = [...statesOf(root)];
  const invoked = new Set(states.flatMap(({ invokes }) => invokes.map((invoke) => invoke.id)));
  /** An invoked actor always ends with its state, so tables do not list it. */
  const isNews = (effect: Effect): boolean => effect.kind !== 'stopped' || !invoked.has(effect.id);

  const send = (actor: PureActor<Machine>, step: PropertyKey | Message): PureActor<Machine> => {
    if (step === 'late') return actor.late();
    const event = typeof step === 'object' ? step : events[step as string];
    assert.ok(event !== undefined, `no column ${step as string}`);
    return actor.sendInternal(event);
  };
  const at = (state: string): PureActor<Machine> => {
    const actor = new PureActor(machine, inputs[state] ?? what.input);
    for (const step of ways[state] ?? []) send(actor, step);
    assert.equal(actor.state, state, `the way to ${state}`);
    return actor;
  };

  for (const [state, row] of Object.entries(table)) {
    test(`${id}, ${state}: every event (${spec})`, () => {
      for (const [column, cell] of Object.entries(row)) {
        const actor = at(state);
        if (cell === '-') {
          assert.throws(() => actor.late(), /no deadline/, `${state} has a deadline`);
          continue;
        }
        send(actor, column);
        const words = actor.effects.filter(isNews).map(detailedWords);
        const [next, ...asked] = cell === '=' ? ['.'] : cell;
        assert.deepEqual([actor.state, ...words], [next === '.' ? state : next, ...asked], `${state}: ${column}`);
      }
    });
  }

  test(`${id}: the table has every state that rests, and every event that the chart names`, () => {
    const resting = states.filter(
      ({ type, always }) => type !== 'compound' && !(always.length > 0 && always.at(-1)?.guard === null),
    );
    assert.deepEqual(Object.keys(table).sort(), resting.map(({ path }) => path).sort());

    const sent = Object.values(events).map(({ type }) => type);
    const isSent = (event: string): boolean =>
      event.endsWith('*') ? sent.some((type) => type.startsWith(event.slice(0, -1))) : sent.includes(event);
    const named = states.flatMap(({ transitions }) => transitions.map(({ event }) => event));
    assert.deepEqual(
      named.filter((event) => !isSent(event)),
      [],
      'events without a column',
    );
  });
}
