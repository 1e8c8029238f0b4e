/** The current state of an actor in its chart, since when, and until when: read from its snapshots, step by step. */
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine, AnyStateNode } from 'xstate';
import type { StateMeta } from '../../../machines/declare.ts';
import type { Waiting } from './view.ts';

export interface Stay {
  /** Its current states, as in the snapshot: the same array until another state is entered. */
  readonly nodes: readonly AnyStateNode[];
  readonly innermost: AnyStateNode;
  readonly entered: readonly Entered[];
}

interface Entered {
  readonly node: AnyStateNode;
  readonly sinceMs: number;
  /** When its deadline passes; null if it has none. */
  readonly untilMs: number | null;
}

/** The stay after the steps of one event (or of the actor's start, when `before` is null). */
export function follow(
  chart: AnyStateMachine,
  before: Stay | null,
  event: AnyEventObject,
  steps: readonly AnyMachineSnapshot[],
  nowMs: number,
): Stay | null {
  let stay = before;
  for (const step of steps) {
    // Re-entered without another state in between, for example when a search restarts.
    const restarts = stay?.nodes === step._nodes && restartsOn(stay.innermost, event.type);
    if (stay?.nodes !== step._nodes || restarts) stay = enter(chart, restarts ? null : stay, event, step, nowMs);
  }
  return stay;
}

function enter(
  chart: AnyStateMachine,
  before: Stay | null,
  event: AnyEventObject,
  { _nodes: nodes, context }: AnyMachineSnapshot,
  nowMs: number,
): Stay {
  // Allocated at its final length: an array that grows makes room for seventeen entries with the first.
  const entered = new Array<Entered>(nodes.length - 1);
  let at = 0;
  for (const node of nodes) {
    if (node.parent === undefined) continue;
    const was = before === null ? undefined : enteredIn(before, node);
    entered[at++] = was ?? { node, sinceMs: nowMs, untilMs: deadlineOf(chart, node, context, event, nowMs) };
  }
  return { nodes, innermost: innermostOf(chart, nodes), entered };
}

function enteredIn({ entered }: Stay, node: AnyStateNode): Entered | undefined {
  for (const one of entered) if (one.node === node) return one;
  return undefined;
}

export function innermostOf(chart: AnyStateMachine, nodes: readonly AnyStateNode[]): AnyStateNode {
  let innermost: AnyStateNode = chart.root;
  for (const node of nodes) if (node.path.length > innermost.path.length) innermost = node;
  return innermost;
}

/** The stay of a persisted snapshot, which does not contain when its states were entered. */
export function stayFrom(
  chart: AnyStateMachine,
  { _nodes: nodes }: AnyMachineSnapshot,
  kept: readonly { readonly state: string; readonly sinceMs: number; readonly untilMs: number | null }[],
): Stay {
  const entered = nodes
    .filter(({ parent }) => parent !== undefined)
    .map((node) => {
      const was = kept.find(({ state }) => state === node.path.join('.'));
      return { node, sinceMs: was?.sinceMs ?? 0, untilMs: was?.untilMs ?? null };
    });
  return { nodes, innermost: innermostOf(chart, nodes), entered };
}

/** Deadline of a state that is entered now. */
function deadlineOf(
  chart: AnyStateMachine,
  node: AnyStateNode,
  context: unknown,
  event: AnyEventObject,
  nowMs: number,
): number | null {
  let least = Infinity;
  for (const delay of delaysOf(node)) {
    const known = typeof delay === 'number' ? delay : (chart.implementations.delays as Delays)[delay];
    const ms = typeof known === 'function' ? known({ context, event }, undefined) : known;
    if (ms !== undefined && ms < least) least = ms;
  }
  return least === Infinity ? null : nowMs + least;
}

/** The delays as given to `setup`; xstate's type for any machine does not declare them. */
type Delays = Readonly<
  Record<string, number | ((args: { context: unknown; event: unknown }, params: undefined) => number) | undefined>
>;

interface NodeFacts {
  /** Names of delays, or milliseconds. */
  readonly delays: readonly (string | number)[];
  /** Events that may re-enter it. */
  readonly restarts: ReadonlySet<string>;
  /** A list of paths that contains only its own. */
  readonly alone: readonly (readonly string[])[];
}

/** Cache: charts do not change. */
const facts = new WeakMap<AnyStateNode, NodeFacts>();

function factsOf(node: AnyStateNode): NodeFacts {
  const known = facts.get(node);
  if (known !== undefined) return known;
  const delays = new Set(node.after.map(({ delay }) => delay).filter((delay) => typeof delay !== 'function'));
  const restarts = new Set<string>();
  for (const [event, candidates] of node.transitions) {
    if (candidates.some(({ reenter, target }) => reenter && target?.includes(node) === true)) restarts.add(event);
  }
  const made: NodeFacts = { delays: [...delays], restarts, alone: [node.path] };
  facts.set(node, made);
  return made;
}

const delaysOf = (node: AnyStateNode): readonly (string | number)[] => factsOf(node).delays;
const restartsOn = (node: AnyStateNode, event: string): boolean => factsOf(node).restarts.has(event);
/** A list that contains only the path of this state, shared by all actors that pass through it. */
export const aloneOf = (node: AnyStateNode): readonly (readonly string[])[] => factsOf(node).alone;

/** The earliest running deadline. */
export function deadlineIn({ entered }: Stay): number | null {
  let first: number | null = null;
  for (const { untilMs } of entered) if (untilMs !== null && (first === null || untilMs < first)) first = untilMs;
  return first;
}

const metaOf = (node: AnyStateNode): Partial<StateMeta> => (node.meta ?? {}) as Partial<StateMeta>; // typed in `setup`

/**
 * What the innermost waiting state waits for. `ifLate` is taken from the state whose deadline comes first, which may be
 * an outer one.
 */
export function waitingIn({ entered }: Stay): Waiting | null {
  const waiting = entered.findLast(({ node }) => metaOf(node).awaits !== undefined);
  if (waiting === undefined) return null;
  const { awaits = '', mover = 'us', ifLate = '' } = metaOf(waiting.node);
  let next = waiting;
  for (const stay of entered) if (stay.untilMs !== null && stay.untilMs < (next.untilMs ?? Infinity)) next = stay;
  return {
    awaits,
    mover,
    ifLate: metaOf(next.node).ifLate ?? ifLate,
    sinceMs: waiting.sinceMs,
    deadlineMs: next.untilMs,
  };
}

/** Description of the innermost state; the section comes from an outer state if it has none itself. */
export const describe = ({ innermost }: Stay): Described => describeNode(innermost);

export interface Described {
  readonly description: string;
  readonly spec: string;
}

export function describeNode(innermost: AnyStateNode): Described {
  let node: AnyStateNode | undefined = innermost;
  while (node !== undefined && metaOf(node).spec === undefined) node = node.parent;
  return {
    description: innermost.description ?? '',
    spec: node === undefined ? '' : (metaOf(node).spec ?? ''),
  };
}
