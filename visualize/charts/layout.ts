/** The position of every part of a chart. */
import { type Card, cardOf } from './card.ts';
import { placeInColumn } from './column.ts';
import type { CardOf, DrawnState, Drawing } from './drawing.ts';
import { labelledEdge, place, startEdges, startId, startNodes } from './elk.ts';
import { backOf, exitArrows, exitArrowsOfColumn } from './exits.ts';
import { type ChartGraph, type GraphArrow, type GraphState, statesIn } from './graph.ts';

/**
 * A picture must not be wider than a page, or its text would be scaled down; wider charts get their outermost states in
 * a column.
 */
const MAX_WIDTH = 1_120;
/** Between the states and the part that applies in any of them; no arrow connects the two. */
const ANYWHERE_GAP = 36;

export async function layOut(graph: ChartGraph): Promise<Drawing> {
  const whole = await placeWhole(graph, exitArrows(graph));
  if (whole.width <= MAX_WIDTH) return whole;
  const exits = exitArrowsOfColumn(graph);
  const cardOf = cardsOf(graph, exits);
  return withAnywhere(graph, cardOf, await placeInColumn(graph, linesOf(graph, exits), cardOf));
}

const ANYWHERE = ':any';

async function placeWhole(graph: ChartGraph, exits: ReadonlySet<GraphArrow>): Promise<Drawing> {
  const { root } = graph;
  const cardOf = cardsOf(graph, exits);
  const arrows = linesOf(graph, exits);
  const { width, height } = cardOf(root);
  const anywhere = arrows.some(({ from }) => from === '') ? [{ id: ANYWHERE, width, height }] : [];
  const isBack = backOf(root);
  const placed = await place(root.states, cardOf, (nodes) => ({
    children: [...anywhere, ...startNodes(root), ...nodes],
    edges: [
      ...startEdges(root),
      ...arrows.map((arrow, index) =>
        labelledEdge(`${index}`, arrow, [arrow.from === '' ? ANYWHERE : arrow.from, arrow.to], isBack(arrow)),
      ),
      ...rowsOf(root, arrows).map(([above, below]) => ({
        id: `:row ${above} ${below}`,
        sources: [above],
        targets: [below],
      })),
    ],
  }));
  const all = [...statesIn(root)];
  const drawn = (state: GraphState, id: string): DrawnState[] => {
    const box = placed.boxOf(id);
    return box === null ? [] : [{ ...box, state, card: cardOf(state) }];
  };
  const starting = all.filter(({ initial }) => initial !== null).map(({ path }) => startId(path));
  const [placedAnywhere = null] = drawn(root, ANYWHERE);
  const drawing = {
    width: placed.width,
    height: placed.height,
    states: all.flatMap((state) => drawn(state, state.path)),
    starts: starting.flatMap((id) => placed.boxOf(id) ?? []),
    startLines: starting.map(placed.lineOf),
    arrows: arrows.map((arrow, index) => ({ arrow, ...placed.lineOf(`${index}`) })),
  };
  return placedAnywhere === null ? withAnywhere(graph, cardOf, drawing) : { ...drawing, anywhere: placedAnywhere };
}

const linesOf = ({ arrows }: ChartGraph, exits: ReadonlySet<GraphArrow>): GraphArrow[] =>
  arrows.filter((arrow) => !exits.has(arrow));

function cardsOf({ root }: ChartGraph, exits: ReadonlySet<GraphArrow>): CardOf {
  const make = (state: GraphState): Card =>
    cardOf(
      state,
      [...exits].filter(({ from }) => from === state.path),
    );
  const cards = new Map([...statesIn(root)].map((state) => [state, make(state)]));
  return (state) => cards.get(state) ?? make(state);
}

/** Adds the part that applies in any state, below all states. */
function withAnywhere({ root }: ChartGraph, cardOf: CardOf, drawing: Omit<Drawing, 'anywhere'>): Drawing {
  const card = cardOf(root);
  if (card.exits.length === 0 && root.hears.length === 0) return { ...drawing, anywhere: null };
  const { width, height } = card;
  // Below the last outermost state.
  const last = drawing.states.findLast((one) => !one.state.path.includes('.')) ?? { x: 4, width };
  const x = Math.max(4, Math.round(last.x + (last.width - width) / 2));
  const anywhere = { state: root, card, x, y: drawing.height + ANYWHERE_GAP, width, height };
  return {
    ...drawing,
    anywhere,
    width: Math.max(drawing.width, x + width + 4),
    height: anywhere.y + height,
  };
}

/** Targets of one state are arranged in rows of this length. */
const IN_A_ROW = 2;
/** From this many targets on. */
const MANY = 4;

/** Where a state leads to many others, these are arranged in rows: pairs of which the second is below the first. */
function rowsOf(root: GraphState, arrows: readonly GraphArrow[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (const { states } of statesIn(root)) {
    for (const { path: from } of states) {
      const targets = states
        .map(({ path }) => path)
        .filter((path) => arrows.some((arrow) => arrow.from === from && arrow.to === path));
      if (targets.length < MANY) continue;
      for (const [index, path] of targets.entries()) {
        const above = targets[index - IN_A_ROW];
        if (above !== undefined) pairs.push([above, path]);
      }
    }
  }
  return pairs;
}
