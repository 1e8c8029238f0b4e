/** The layered layout of ELK: top to bottom, in the order in which the machine declares its states. */
import ElkModule from 'elkjs/lib/elk.bundled.js';
import type { ElkExtendedEdge, ElkLabel, ElkNode, LayoutOptions } from 'elkjs/lib/elk-api.js';
import { FONTS, LINE_HEIGHT } from './card.ts';
import type { Box, CardOf, Line } from './drawing.ts';
import { type GraphArrow, type GraphState, reasonWords, statesIn } from './graph.ts';
import { widestOf } from './text.ts';

const START = 12;
/** Around the text of a label. */
const LABEL_PADDING = 5;

const SPACING: LayoutOptions = {
  'elk.spacing.nodeNode': '28',
  'elk.spacing.edgeNode': '20',
  'elk.spacing.edgeEdge': '14',
  'elk.spacing.edgeLabel': '4',
  'elk.layered.spacing.nodeNodeBetweenLayers': '24',
  'elk.layered.spacing.edgeNodeBetweenLayers': '16',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '12',
};
const OPTIONS: LayoutOptions = {
  ...SPACING,
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.json.shapeCoords': 'ROOT',
  'elk.json.edgeCoords': 'ROOT',
  'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
  'elk.layered.cycleBreaking.strategy': 'MODEL_ORDER',
  'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
  'elk.padding': '[top=4,left=4,bottom=4,right=4]',
};

const elk = new ElkModule.default();

export interface Placed {
  readonly width: number;
  readonly height: number;
  /** Null where there is no such node. */
  readonly boxOf: (id: string) => Box | null;
  readonly lineOf: (id: string) => Line;
}

export interface Sketch {
  readonly children: ElkNode[];
  readonly edges: ElkExtendedEdge[];
}

/**
 * Positions nodes and edges. A box whose card is wider than its contents gets the width of the card in a second round.
 */
export async function place(
  states: readonly GraphState[],
  cardOf: CardOf,
  sketch: (nodes: ElkNode[]) => Sketch,
): Promise<Placed> {
  const first = await placeOnce(sketch(states.map((state) => nodeOf(state, cardOf, noneIsLacking))));
  const lacking = (state: GraphState): number =>
    Math.max(0, cardOf(state).width - (first.boxOf(state.path)?.width ?? 0));
  const outer = states.flatMap((state) => [...statesIn(state)]).filter((state) => state.states.length > 0);
  if (outer.every((state) => lacking(state) === 0)) return first;
  return placeOnce(sketch(states.map((state) => nodeOf(state, cardOf, lacking))));
}

const noneIsLacking = (): number => 0;

async function placeOnce({ children, edges }: Sketch): Promise<Placed> {
  const root: ElkNode = await elk.layout({ id: ':root', layoutOptions: OPTIONS, children, edges });
  const boxes = new Map(nodesIn(root).map((node) => [node.id, rounded(node)]));
  const placedEdges = new Map((root.edges ?? []).map((edge) => [edge.id, edge]));
  return {
    width: Math.ceil(root.width ?? 0),
    height: Math.ceil(root.height ?? 0),
    boxOf: (id) => boxes.get(id) ?? null,
    lineOf: (id) => {
      const back = placedEdges.get(backId(id));
      if (back === undefined) return lineOf(placedEdges.get(id));
      const { points, label } = lineOf(back);
      return { points: points.toReversed(), label };
    },
  };
}

export const startId = (path: string): string => `:start ${path}`;

/** @param lacking by how much the card of a box is wider than its contents */
function nodeOf(state: GraphState, cardOf: CardOf, lacking: (state: GraphState) => number): ElkNode {
  const { width, height } = cardOf(state);
  if (state.states.length === 0) return { id: state.path, width, height };
  const side = 20 + Math.ceil(lacking(state) / 2);
  return {
    id: state.path,
    children: [...startNodes(state), ...state.states.map((child) => nodeOf(child, cardOf, lacking))],
    layoutOptions: { ...SPACING, 'elk.padding': `[top=${height + 6},left=${side},bottom=20,right=${side}]` },
  };
}

/** The start dot of a state with substates. */
export const startNodes = ({ path, initial }: GraphState): ElkNode[] =>
  initial === null ? [] : [{ id: startId(path), width: START, height: START }];

/** The lines from the start dots of a state and of all its descendants. */
export const startEdges = (state: GraphState): ElkExtendedEdge[] =>
  [...statesIn(state)].flatMap(({ path, initial }) =>
    initial === null ? [] : [{ id: startId(path), sources: [startId(path)], targets: [initial] }],
  );

/** The size of an arrow's label; null where there is no label. */
export function labelSize({ reasons }: GraphArrow): { readonly width: number; readonly height: number } | null {
  const lines = reasons.map(reasonWords).filter((line) => line !== '');
  if (lines.length === 0) return null;
  return {
    width: widestOf(lines, FONTS.label) + 2 * LABEL_PADDING,
    height: Math.ceil(lines.length * FONTS.label.size * LINE_HEIGHT) + 2 * LABEL_PADDING - 2,
  };
}

const backId = (id: string): string => `:back ${id}`;

/**
 * An edge with the label of its arrow on it.
 * @param back that it leads up, to a state that was declared before: ELK gets such an edge reversed, and so keeps the
 * order
 */
export function labelledEdge(
  id: string,
  arrow: GraphArrow,
  [from, to]: readonly [string, string],
  back: boolean,
): ElkExtendedEdge {
  const size = labelSize(arrow);
  const onTheEdge = { 'elk.edgeLabels.inline': 'true', 'elk.edgeLabels.placement': 'CENTER' };
  const labels: ElkLabel[] = size === null ? [] : [{ text: id, ...size, layoutOptions: onTheEdge }];
  if (back) return { id: backId(id), sources: [to], targets: [from], labels };
  return { id, sources: [from], targets: [to], labels };
}

const nodesIn = (node: ElkNode): ElkNode[] => [node, ...(node.children ?? []).flatMap(nodesIn)];

const rounded = ({ x = 0, y = 0, width = 0, height = 0 }: Partial<Box>): Box => ({
  x: Math.round(x),
  y: Math.round(y),
  width: Math.round(width),
  height: Math.round(height),
});

function lineOf(edge: ElkExtendedEdge | undefined): Line {
  const points = (edge?.sections ?? []).flatMap(({ startPoint, bendPoints = [], endPoint }) =>
    [startPoint, ...bendPoints, endPoint].map(({ x, y }) => ({ x: Math.round(x), y: Math.round(y) })),
  );
  const label = edge?.labels?.[0];
  return { points, label: label === undefined ? null : rounded(label) };
}
