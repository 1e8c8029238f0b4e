/**
 * Decides which arrows are drawn as lines, and which are listed in the box of their state: long lines would hide what
 * is near.
 */
import { type ChartGraph, type GraphArrow, type GraphState, statesIn } from './graph.ts';

/** A state with at least this many incoming arrows is not reached by long ones. */
const MANY = 4;

const isInside = (path: string): boolean => path.includes('.');

/**
 * From a box into its own inside, from the inside out to the box, or back to itself: a line would cross the text at the
 * top of the box.
 */
const isToOrFromWithin = ({ from, to }: GraphArrow): boolean =>
  from === '' || from === to || to.startsWith(`${from}.`) || from.startsWith(`${to}.`);

/** How many outermost states further down an arrow leads; negative upwards. */
function stepsIn(root: GraphState): (arrow: GraphArrow) => number {
  const orderOf = new Map(root.states.map(({ key }, index) => [key, index]));
  const topOf = (path: string): number => orderOf.get(path.split('.')[0] ?? '') ?? -1;
  return ({ from, to }) => topOf(to) - topOf(from);
}

/**
 * The arrows that would be too long: they are listed in the box of their state, with the name of their target. The same
 * holds for arrows that pass other boxes on their way into or out of a box, that lead far back, or that lead where many
 * others do. The shortest arrow down to an outermost state is always drawn.
 */
export function exitArrows({ arrows, root }: ChartGraph): ReadonlySet<GraphArrow> {
  const stepsOf = stepsIn(root);

  const leadingTo = new Map<string, GraphArrow[]>();
  for (const arrow of arrows) {
    if (arrow.from !== arrow.to) leadingTo.set(arrow.to, [...(leadingTo.get(arrow.to) ?? []), arrow]);
  }
  const isLong = (arrow: GraphArrow): boolean => {
    const { from, to } = arrow;
    const steps = stepsOf(arrow);
    const isNear = steps === 0 || steps === 1;
    const goesInOrOut = isInside(from) || isInside(to);
    const isOneOfMany = (leadingTo.get(to)?.length ?? 0) >= MANY;
    return isToOrFromWithin(arrow) || steps < -2 || (!isNear && (goesInOrOut || isOneOfMany));
  };
  const exits = new Set(arrows.filter(isLong));
  for (const [to, all] of leadingTo) {
    if (to === root.initial || isInside(to) || !all.every((arrow) => exits.has(arrow))) continue;
    const [nearest] = all.filter((arrow) => stepsOf(arrow) > 0).sort((one, other) => stepsOf(one) - stepsOf(other));
    if (nearest !== undefined) exits.delete(nearest);
  }
  return exits;
}

/**
 * The same where the outermost states form a column: an arrow is drawn if it stays within one state or leads to the
 * next.
 */
export function exitArrowsOfColumn({ arrows, root }: ChartGraph): ReadonlySet<GraphArrow> {
  const stepsOf = stepsIn(root);
  const isLine = (arrow: GraphArrow): boolean => {
    const steps = stepsOf(arrow);
    return !isToOrFromWithin(arrow) && (steps === 0 || (steps === 1 && !isInside(arrow.to)));
  };
  return new Set(arrows.filter((arrow) => !isLine(arrow)));
}

/** Which arrows lead up, to a state that was declared before. */
export function backOf(root: GraphState): (arrow: GraphArrow) => boolean {
  const order = [...statesIn(root)].map(({ path }) => path);
  return ({ from, to }) => order.indexOf(to) < order.indexOf(from);
}
