/**
 * What follows from a chart's definition alone, computed once: which states a transition exits and enters, and the
 * actions on the way (https://www.w3.org/TR/scxml/#AlgorithmforSCXMLInterpretation). For charts in which one innermost
 * state is active at a time, like all of ours.
 */
import type { AnyMachineSnapshot, AnyStateMachine, AnyStateNode, EventObject } from 'xstate';
import { type Action, readAction, Unreadable } from './actions.ts';
import { type Guard, readGuard } from './guards.ts';
import { withNodes } from './snapshots.ts';

type AnyTransition = NonNullable<AnyStateNode['always']>[number];

/** One innermost state, and the states around it. */
export interface Place {
  readonly leaf: AnyStateNode;
  /** From the outermost to the innermost: one array shared by all snapshots at this place. */
  readonly nodes: readonly AnyStateNode[];
  /** The same in reverse. */
  readonly inward: readonly AnyStateNode[];
  /** The actions to run when the chart ends here. */
  readonly last: readonly Action[];
  /** Equal to `snapshot.value`. */
  readonly value: unknown;
  readonly tags: ReadonlySet<string>;
  readonly always: readonly Move[];
  /** By event type: the transitions that may take it, the innermost state's first. */
  readonly candidates: Map<string, readonly Move[]>;
}

/** What happens when one state is entered. Its children do not exist yet for events that it sends to them. */
export interface Entry {
  readonly node: AnyStateNode;
  readonly actions: readonly Action[];
  readonly invoked: readonly string[] | undefined;
}

/** A transition, as taken from one place. */
export interface Move {
  readonly guard: Guard | null;
  readonly exits: readonly Action[];
  readonly actions: readonly Action[];
  readonly entries: readonly Entry[];
  /** Its target; null when it has none. */
  readonly to: AnyStateNode | null;
}

export class Plan {
  readonly chart: AnyStateMachine;
  /** The transition into the initial state. */
  readonly birth: Move;
  /** The snapshot before that: no state is entered. */
  readonly unborn: AnyMachineSnapshot;
  readonly #places = new Map<AnyStateNode, Place>();
  readonly #byNodes = new WeakMap<readonly AnyStateNode[], Place>();

  /** @throws Unreadable when the chart has parallel regions, history or another feature that is not supported here */
  constructor(chart: AnyStateMachine) {
    this.chart = chart;
    const { root } = chart;
    for (const node of nodesOf(root)) checkNode(node);
    const leaf = defaultLeaf(root);
    const entries = pathTo(leaf).map((node) => this.#entry(node));
    const { key: value } = pathTo(leaf)[1] ?? root;
    this.unborn = withNodes(chart.resolveState({ value, context: {} }), [root]);
    this.birth = { guard: null, exits: [], actions: [], entries, to: leaf };
    for (const node of nodesOf(root)) {
      if (!isLeaf(node)) continue;
      const place = this.place(node);
      // Reads everything now, so that an unsupported chart is refused when it is made.
      for (const { transitions } of place.inward)
        for (const type of transitions.keys()) this.candidates(place, { type });
    }
  }

  /** The place of a snapshot. */
  placeOf(nodes: readonly AnyStateNode[]): Place {
    const known = this.#byNodes.get(nodes);
    if (known !== undefined) return known;
    // A restored snapshot, or that of an actor that is done.
    let leaf = this.chart.root;
    for (const node of nodes) if (node.path.length > leaf.path.length) leaf = node;
    const place = this.place(leaf);
    this.#byNodes.set(nodes, place);
    return place;
  }

  place(leaf: AnyStateNode): Place {
    const known = this.#places.get(leaf);
    if (known !== undefined) return known;
    const nodes = pathTo(leaf);
    const inward = nodes.toReversed();
    const always: Move[] = [];
    const place: Place = {
      leaf,
      nodes,
      inward,
      last: inward.flatMap((node) => this.#exitActions(node)),
      value: valueOf(nodes),
      tags: new Set(nodes.flatMap(({ tags }) => tags)),
      always,
      candidates: new Map(),
    };
    this.#places.set(leaf, place);
    this.#byNodes.set(nodes, place);
    this.#byNodes.set(inward, place);
    for (const node of inward) for (const transition of node.always ?? []) always.push(this.#move(transition, place));
    return place;
  }

  candidates(place: Place, { type }: EventObject): readonly Move[] {
    const known = place.candidates.get(type);
    if (known !== undefined) return known;
    const moves = place.inward.flatMap((node) =>
      transitionsFor(node, type).map((transition) => this.#move(transition, place)),
    );
    place.candidates.set(type, moves);
    return moves;
  }

  #move(transition: AnyTransition, { leaf, nodes }: Place): Move {
    const { source, target, reenter } = transition;
    const guard = transition.guard === undefined ? null : readGuard(this.chart, transition.guard);
    const actions = transition.actions.map((action) => readAction(this.chart, action));
    const [to, ...others] = target ?? [];
    if (others.length > 0) throw new Unreadable(`${source.id}: several targets`);
    if (to === undefined) return { guard, exits: [], actions, entries: [], to: null };
    const domain = domainOf(source, to, reenter);
    const exits = nodes
      .filter((node) => isWithin(node, domain))
      .toReversed()
      .flatMap((node) => this.#exits(node));
    const end = defaultLeaf(to);
    const isEntered = (node: AnyStateNode): boolean =>
      node === to ? source !== to || source !== domain || reenter : isWithin(node, domain);
    const entries = pathTo(end)
      .filter(isEntered)
      .map((node) => this.#entry(node));
    return { guard, exits, actions, entries, to: end === leaf && entries.length === 0 ? null : end };
  }

  #exits(node: AnyStateNode): readonly Action[] {
    return [
      ...this.#exitActions(node),
      ...node.invoke.map(({ id }): Action => ({ does: 'stopChild', child: id, params: undefined })),
    ];
  }

  #exitActions(node: AnyStateNode): readonly Action[] {
    return node.exit.map((action) => readAction(this.chart, action));
  }

  #entry(node: AnyStateNode): Entry {
    const entry = node.entry.map((action) => readAction(this.chart, action));
    const invoked = node.invoke.map(({ src, id, input }): Action => ({
      does: 'spawnChild',
      src,
      id,
      input,
      params: undefined,
    }));
    const ids = node.invoke.map(({ id }) => id);
    return { node, actions: [...entry, ...invoked], invoked: ids.length === 0 ? undefined : ids };
  }
}

function checkNode(node: AnyStateNode): void {
  const { id, type, invoke } = node;
  if (type === 'parallel' || type === 'history') throw new Unreadable(`${id}: ${type}`);
  if (type === 'compound' && node.initial.actions.length > 0) throw new Unreadable(`${id}: initial actions`);
  for (const { src, systemId, onSnapshot } of invoke) {
    if (typeof src !== 'string' || src.startsWith('xstate.invoke.')) throw new Unreadable(`${id}: inline actor`);
    if (systemId !== undefined || onSnapshot !== undefined) throw new Unreadable(`${id}: invoke`);
  }
  for (const { source, reenter } of [...[...node.transitions.values()].flat(), ...(node.always ?? [])])
    if (reenter && source.parent === undefined) throw new Unreadable(`${id}: reenter`);
}

const isLeaf = ({ type }: AnyStateNode): boolean => type === 'atomic' || type === 'final';

const nodesOf = (node: AnyStateNode): AnyStateNode[] => [
  node,
  ...(Object.values(node.states) as AnyStateNode[]).flatMap(nodesOf), // xstate types these for any machine
];

function pathTo(node: AnyStateNode): AnyStateNode[] {
  const path: AnyStateNode[] = [];
  for (let at: AnyStateNode | undefined = node; at !== undefined; at = at.parent) path.unshift(at);
  return path;
}

function defaultLeaf(node: AnyStateNode): AnyStateNode {
  let leaf = node;
  while (leaf.type === 'compound') {
    const [initial] = leaf.initial.target;
    if (initial === undefined) throw new Unreadable(`${leaf.id}: no initial state`);
    leaf = initial;
  }
  return leaf;
}

/** A proper descendant, never the state itself. */
function isWithin(node: AnyStateNode, outer: AnyStateNode): boolean {
  let at = node.parent;
  while (at !== undefined && at !== outer) at = at.parent;
  return at !== undefined;
}

/** The innermost state that the transition does not leave. */
function domainOf(source: AnyStateNode, to: AnyStateNode, reenter: boolean): AnyStateNode {
  if (!reenter && (to === source || isWithin(to, source))) return source;
  let domain = to.parent;
  while (domain !== undefined && !isWithin(source, domain)) domain = domain.parent;
  return domain ?? source.machine.root;
}

/** The state value as xstate has it: a string, or objects around it. */
function valueOf(nodes: readonly AnyStateNode[]): unknown {
  const [innermost, ...outer] = nodes.slice(1).toReversed();
  if (innermost === undefined) return {};
  return outer.reduce<unknown>((value, { key }) => ({ [key]: value }), innermost.key);
}

/** The transitions of one state that may take an event: those for its exact type first, then the longest pattern. */
function transitionsFor(node: AnyStateNode, type: string): readonly AnyTransition[] {
  const patterns = [...node.transitions.keys()]
    .filter((descriptor) => descriptor !== type && isPatternOf(descriptor, type))
    .sort((a, b) => b.length - a.length);
  return [type, ...patterns].flatMap((descriptor) => node.transitions.get(descriptor) ?? []);
}

const isPatternOf = (descriptor: string, type: string): boolean =>
  descriptor === '*' || (descriptor.endsWith('.*') && `${type}.`.startsWith(descriptor.slice(0, -1)));
