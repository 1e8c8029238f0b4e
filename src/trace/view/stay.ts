/** Where an actor stands in its chart, since when, and until when: read from its snapshots, step by step. */
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine, AnyStateNode } from 'xstate';
import type { StateMeta } from '../../../machines/declare.ts';
import type { Waiting } from './view.ts';

export interface Stay {
  /** The states that it is in, as the snapshot has them: the same array as long as nothing was entered. */
  readonly nodes: readonly AnyStateNode[];
  readonly innermost: AnyStateNode;
  readonly entered: readonly Entered[];
}

interface Entered {
  readonly node: AnyStateNode;
  readonly sinceMs: number;
  /** When its deadline passes; null where it has none. */
  readonly untilMs: number | null;
}

/** The stay after the steps of one event (or of birth: `before` is null then). */
export function follow(
  chart: AnyStateMachine,
  before: Stay | null,
  event: AnyEventObject,
  steps: readonly AnyMachineSnapshot[],
  nowMs: number,
): Stay | null {
  let stay = before;
  for (const step of steps) {
    // Entered anew without another state in between, as where a search starts over.
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
  // As long as it will be: one that grows takes room for seventeen with the first.
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

/** Of a snapshot that was kept: when its states were entered is not in it. */
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

/** When a state that is entered now has had its time. */
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

/** As `setup` takes them; xstate's type of any machine does not say. */
type Delays = Readonly<
  Record<string, number | ((args: { context: unknown; event: unknown }, params: undefined) => number) | undefined>
>;

interface NodeFacts {
  /** Names, or milliseconds. */
  readonly delays: readonly (string | number)[];
  /** Events on which it may be entered anew. */
  readonly restarts: ReadonlySet<string>;
  /** Its path alone, as a list of paths. */
  readonly alone: readonly (readonly string[])[];
}

/** Charts do not change: what is read from a state once holds. */
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
/** A list of this state's path and no other: the same one for all who have passed through it. */
export const aloneOf = (node: AnyStateNode): readonly (readonly string[])[] => factsOf(node).alone;

/** The earliest of the deadlines that run. */
export function deadlineIn({ entered }: Stay): number | null {
  let first: number | null = null;
  for (const { untilMs } of entered) if (untilMs !== null && (first === null || untilMs < first)) first = untilMs;
  return first;
}

const metaOf = (node: AnyStateNode): Partial<StateMeta> => (node.meta ?? {}) as Partial<StateMeta>; // declared so in `setup`

/**
 * What is waited for, by the innermost state that waits. What happens when nothing moves is told of the state whose deadline
 * comes first, which may be one around it.
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

/** Of the innermost state; the section of the state around it where it names none itself. */
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
