/** The ends of children, told apart by what they were and not by whom: there are as many names as there are pairs in the world. */
import type { AnyStateMachine, EventObject } from 'xstate';

/** What xstate does not declare of its states: which transition they take. It has a memory for each type of event. */
interface Selecting {
  next?: (snapshot: unknown, event: EventObject) => unknown;
  readonly states: Readonly<Record<string, Selecting>>;
}

const END = /^(xstate\.(?:done|error)\.actor\.[a-zA-Z]+\.)./s;

/** `xstate.done.actor.assertion.a.example>b.example` is chosen for as any end of an assertion; it keeps its name for all else. */
function withCommonName(event: EventObject): EventObject {
  if (!event.type.startsWith('xstate.')) return event;
  const what = END.exec(event.type)?.[1];
  return what === undefined ? event : { ...event, type: `${what}child` };
}

/**
 * The chart, which it changes: xstate keeps what each state does on each type of event, for ever, and the end of a child is a type
 * of its own. Where children are named by domains, a peer that asserts one after the other would fill our memory with them.
 */
export function forgettingChildren<Chart extends AnyStateMachine>(chart: Chart): Chart {
  forget(chart.root);
  return chart;
}

function forget(state: Selecting): void {
  const { next } = state;
  if (next !== undefined) state.next = (snapshot, event) => next.call(state, snapshot, withCommonName(event));
  for (const child of Object.values(state.states)) forget(child);
}
