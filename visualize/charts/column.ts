/**
 * The outermost states of a chart in one column: an arrow from one to the next is drawn as a line; the target of any
 * other is named.
 */
import type { Box, CardOf, DrawnArrow, Drawing, Line, Point } from './drawing.ts';
import { labelledEdge, labelSize, place, type Placed, startEdges, startId, startNodes } from './elk.ts';
import { backOf } from './exits.ts';
import { type ChartGraph, type GraphArrow, type GraphState, statesIn } from './graph.ts';

/** Minimum gap between one state and the next. */
const GAP = 26;
/** Between the horizontal parts of two lines, and between two lines that enter a box. */
const LINE_GAP = 12;
/** Between the corner of a box and a line that enters it. */
const CORNER_GAP = 24;
/** The end of a line without a label. */
const POINT = { width: 2, height: 2 };

/** One outermost state, with the labels of the arrows to the next one below it. */
interface Strip {
  readonly state: GraphState;
  readonly placed: Placed;
  readonly within: readonly GraphArrow[];
  readonly onward: readonly GraphArrow[];
}

const idOf = ({ from, to }: GraphArrow): string => `${from} ${to}`;
const labelId = (arrow: GraphArrow): string => `:label ${idOf(arrow)}`;

export async function placeInColumn(
  graph: ChartGraph,
  arrows: readonly GraphArrow[],
  cardOf: CardOf,
): Promise<Omit<Drawing, 'anywhere'>> {
  const strips: Strip[] = [];
  for (const state of graph.root.states) strips.push(await stripOf(state, graph.root, arrows, cardOf));
  const boxes = strips.map(({ placed, state }) => placed.boxOf(state.path) ?? { x: 0, y: 0, width: 0, height: 0 });
  // The boxes share one vertical axis, whatever is beside them.
  const axis = Math.max(...boxes.map(({ x, width }) => x + width / 2));

  const parts: Omit<Drawing, 'anywhere'>[] = [];
  let y = 0;
  for (const [index, strip] of strips.entries()) {
    const box = boxes[index] ?? { x: 0, y: 0, width: 0, height: 0 };
    const by = { x: Math.round(axis - box.x - box.width / 2), y };
    const next = boxes[index + 1];
    const nextBox = next === undefined ? null : { ...next, x: Math.round(axis - next.width / 2) };
    const part = drawStrip(strip, by, nextBox, graph.root, cardOf);
    parts.push(part);
    y = part.height;
  }
  return {
    width: Math.max(...parts.map(({ width }) => width)),
    height: y - GAP,
    states: parts.flatMap(({ states }) => states),
    starts: parts.flatMap(({ starts }) => starts),
    startLines: parts.flatMap(({ startLines }) => startLines),
    arrows: parts.flatMap((part) => part.arrows),
  };
}

async function stripOf(
  state: GraphState,
  root: GraphState,
  arrows: readonly GraphArrow[],
  cardOf: CardOf,
): Promise<Strip> {
  const paths = new Set([...statesIn(state)].map(({ path }) => path));
  const within = arrows.filter(({ from, to }) => paths.has(from) && paths.has(to));
  const onward = arrows.filter(({ from, to }) => paths.has(from) && !paths.has(to));
  const begins = root.initial === state.path;
  const isBack = backOf(root);
  const placed = await place([state], cardOf, (nodes) => ({
    children: [
      ...(begins ? startNodes(root) : []),
      ...nodes,
      ...onward.map((arrow) => ({ id: labelId(arrow), ...(labelSize(arrow) ?? POINT) })),
    ],
    edges: [
      ...(begins ? [{ id: startId(''), sources: [startId('')], targets: [state.path] }] : []),
      ...startEdges(state),
      ...within.map((arrow) => labelledEdge(idOf(arrow), arrow, [arrow.from, arrow.to], isBack(arrow))),
      ...onward.map((arrow) => ({ id: idOf(arrow), sources: [arrow.from], targets: [labelId(arrow)] })),
    ],
  }));
  return { state, placed, within, onward };
}

/**
 * @param by the offset of the strip
 * @param next the box of the next state, whose vertical position is not known yet
 */
function drawStrip(
  { state, placed, within, onward }: Strip,
  by: Point,
  next: Box | null,
  root: GraphState,
  cardOf: CardOf,
): Omit<Drawing, 'anywhere'> {
  const moved = <T extends Point>(one: T): T => ({ ...one, x: one.x + by.x, y: one.y + by.y });
  const movedLine = ({ points, label }: Line): Line => ({
    points: points.map(moved),
    label: label === null ? null : moved(label),
  });
  const all = [...statesIn(state)];
  const starting = [root, ...all].filter(({ path }) => placed.boxOf(startId(path)) !== null);
  const bottom = by.y + placed.height;
  const leaving = onward.map((arrow) => leavingLine(arrow, placed, moved));
  const { lines, top } = leadTo(leaving, next, bottom);
  return {
    width: by.x + placed.width,
    height: top,
    states: all.flatMap((one) => {
      const box = placed.boxOf(one.path);
      return box === null ? [] : [{ ...moved(box), state: one, card: cardOf(one) }];
    }),
    starts: starting.flatMap(({ path }) => placed.boxOf(startId(path)) ?? []).map(moved),
    startLines: starting.map(({ path }) => movedLine(placed.lineOf(startId(path)))),
    arrows: [...within.map((arrow) => ({ arrow, ...movedLine(placed.lineOf(idOf(arrow))) })), ...lines],
  };
}

/** From the state to below the arrow's label. */
function leavingLine(arrow: GraphArrow, placed: Placed, moved: <T extends Point>(one: T) => T): DrawnArrow {
  const points = placed.lineOf(idOf(arrow)).points.map(moved);
  const box = placed.boxOf(labelId(arrow));
  const label = box === null || labelSize(arrow) === null ? null : moved(box);
  const last = points.at(-1);
  if (last === undefined || label === null) return { arrow, points, label };
  return { arrow, points: [...points, { x: last.x, y: label.y + label.height }], label };
}

/** Draws lines straight down into the next box; lines that would miss it bend, each at its own height. */
function leadTo(
  leaving: readonly DrawnArrow[],
  next: Box | null,
  bottom: number,
): { lines: DrawnArrow[]; top: number } {
  if (next === null) return { lines: [...leaving], top: bottom + GAP };
  const sorted = leaving.map((line) => ({ line, x: line.points.at(-1)?.x ?? 0 })).sort((one, other) => one.x - other.x);
  let free = next.x + CORNER_GAP;
  const entering = sorted.map(({ line, x }) => {
    const enter = Math.max(free, Math.min(x, next.x + next.width - CORNER_GAP));
    free = enter + LINE_GAP;
    return { line, x, enter };
  });
  const bends = entering.filter(({ x, enter }) => x !== enter).length;
  const top = bottom + GAP + bends * LINE_GAP;
  let level = bottom;
  const lines = entering.map(({ line, x, enter }) => {
    const end = { x: enter, y: top + next.y };
    if (x === enter) return { ...line, points: [...line.points, end] };
    level += LINE_GAP;
    return { ...line, points: [...line.points, { x, y: level }, { x: enter, y: level }, end] };
  });
  return { lines, top };
}
