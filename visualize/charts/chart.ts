/**
 * A chart as plain data, read from its machine: used by the pictures, the walk, the tables of SPEC.md and their tests.
 */
import { type AnyStateMachine, type AnyStateNode, type AnyTransitionDefinition } from 'xstate';
import type { StateMeta } from '../../machines/declare.ts';

/** One candidate of a transition; the first whose guard holds is taken. */
export interface ChartCandidate {
  readonly guard: string | null;
  /** The parameter of the guard where the chart states it; null where it comes from the event or the context. */
  readonly guardParameter: string | null;
  /** Ids of the states entered; empty where the machine stays. */
  readonly targets: readonly string[];
  readonly actions: readonly string[];
  readonly reenter: boolean;
}

export interface ChartTransition {
  readonly event: string;
  readonly candidates: readonly ChartCandidate[];
}

export interface ChartDeadline {
  /** The name of the delay in `setup`; null for a bare number. */
  readonly delay: string | null;
  readonly isKnown: boolean;
  readonly candidates: readonly ChartCandidate[];
}

export interface ChartInvoke {
  readonly id: string;
  readonly src: string;
  readonly hasOnError: boolean;
}

/** One state with its substates. */
export interface ChartState {
  readonly id: string;
  readonly key: string;
  /** From the root, such as `streamHeaders.awaitingHeader`; empty for the root. */
  readonly path: string;
  readonly type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  readonly description: string | null;
  readonly meta: Partial<StateMeta>;
  readonly tags: readonly string[];
  readonly entry: readonly string[];
  readonly transitions: readonly ChartTransition[];
  readonly deadlines: readonly ChartDeadline[];
  readonly always: readonly ChartCandidate[];
  readonly invokes: readonly ChartInvoke[];
  /** Id of the substate that is entered first. */
  readonly initial: string | null;
  readonly states: readonly ChartState[];
}

/** The range of a delay, in milliseconds; the two are equal where it depends on nothing. */
export interface DelaySpan {
  readonly leastMs: number;
  readonly mostMs: number;
}

export interface Chart {
  readonly id: string;
  readonly description: string | null;
  readonly hasOutput: boolean;
  /** By name; delays whose length no chart states are missing. */
  readonly delays: Readonly<Record<string, DelaySpan>>;
  readonly root: ChartState;
}

function nameOf(named: unknown): string {
  if (typeof named === 'string') return named;
  if (named !== null && (typeof named === 'object' || typeof named === 'function')) {
    if ('type' in named && typeof named.type === 'string') return named.type;
  }
  return '(inline)';
}

function parameterOf(named: unknown): string | null {
  if (named === null || typeof named !== 'object' || !('params' in named)) return null;
  return typeof named.params === 'string' ? named.params : null;
}

const candidateOf = (transition: AnyTransitionDefinition): ChartCandidate => ({
  guard: transition.guard === undefined ? null : nameOf(transition.guard),
  guardParameter: parameterOf(transition.guard),
  targets: (transition.target ?? []).map(({ id }) => id),
  actions: transition.actions.map(nameOf),
  reenter: transition.reenter,
});

function readState(node: AnyStateNode, delays: Readonly<Record<string, unknown>>): ChartState {
  const byDelay = new Map<string, ChartCandidate[]>();
  for (const transition of node.after) {
    const delay = typeof transition.delay === 'string' ? transition.delay : '';
    byDelay.set(delay, [...(byDelay.get(delay) ?? []), candidateOf(transition)]);
  }
  const transitions = [...node.transitions].filter(
    ([event]) => !event.startsWith('xstate.after.') && !event.startsWith('xstate.route'),
  );
  return {
    id: node.id,
    key: node.key,
    path: node.path.join('.'),
    type: node.type,
    description: node.description ?? null,
    meta: (node.meta ?? {}) as Partial<StateMeta>, // charts declare this type in `setup`
    tags: [...node.tags],
    // xstate sets its timers with an entry action of its own.
    entry: node.entry.map(nameOf).filter((name) => name !== 'xstate.raise'),
    transitions: transitions.map(([event, candidates]) => ({ event, candidates: candidates.map(candidateOf) })),
    deadlines: [...byDelay].map(([delay, candidates]) => ({
      delay: delay === '' ? null : delay,
      isKnown: Object.hasOwn(delays, delay),
      candidates,
    })),
    always: (node.always ?? []).map(candidateOf),
    invokes: node.invoke.map(({ id, src }) => ({
      id,
      src: nameOf(src),
      hasOnError: node.transitions.has(`xstate.error.actor.${id}`),
    })),
    // A machine without states also has an `initial`, which has no target.
    initial: node.type === 'compound' ? (node.initial.target[0]?.id ?? null) : null,
    states: Object.values(node.states).map((child) => readState(child, delays)),
  };
}

/** Reads a machine; `provide()` does not change the result. */
export function readChart(machine: AnyStateMachine): Chart {
  const delays = machine.implementations.delays as Readonly<Record<string, unknown>>;
  return {
    id: machine.id,
    description: machine.root.description ?? null,
    hasOutput: (machine.config as { output?: unknown }).output !== undefined,
    delays: Object.fromEntries(Object.entries(delays).flatMap(([name, delay]) => spanOf(name, delay))),
    root: readState(machine.root, delays),
  };
}

/** Our delays declare their range (machines/declare.ts); nothing is known of others that depend on the context. */
function spanOf(name: string, delay: unknown): (readonly [string, DelaySpan])[] {
  if (typeof delay === 'number') return [[name, { leastMs: delay, mostMs: delay }]];
  const { leastMs, mostMs } = (typeof delay === 'function' ? delay : {}) as Partial<DelaySpan>;
  return leastMs === undefined || mostMs === undefined ? [] : [[name, { leastMs, mostMs }]];
}

/** The state and all of its descendants, top to bottom. */
export function* statesOf(state: ChartState): Generator<ChartState> {
  yield state;
  for (const child of state.states) yield* statesOf(child);
}
