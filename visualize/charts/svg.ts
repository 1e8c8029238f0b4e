/** A chart as a standalone picture: light or dark like its viewer, and without scripts. */
import type { AnyStateMachine } from 'xstate';
import { type Card, type CardExit, EXIT_NAME_HEIGHT, FONTS, LINE_HEIGHT, PADDING } from './card.ts';
import { type ChartGraph, type GraphArrow, graphOf, type Origin, ORIGINS, type Reason, reasonWords } from './graph.ts';
import type { Box, DrawnArrow, DrawnState, Drawing } from './drawing.ts';
import { layOut } from './layout.ts';
import { arrowHead, document, escaped, rectangle } from './svg-parts.ts';
import { widthOf, wrap } from './text.ts';

/** The chart of a machine as SVG. The same machine gives the same bytes on every computer. */
export async function chartSvg(machine: AnyStateMachine): Promise<string> {
  const graph = graphOf(machine);
  return drawn(graph, await layOut(graph));
}

const MARGIN = 32;
const LEAD_WIDTH = 640;
const BADGE_HEIGHT = 20;

function drawn(graph: ChartGraph, drawing: Drawing): string {
  const { root } = graph;
  const lead = wrap(root.description, FONTS.lead, Math.max(LEAD_WIDTH, drawing.width));
  const headHeight = Math.round(34 + 20 + lead.length * FONTS.lead.size * LINE_HEIGHT + 22);
  const legend = legendOf(graph);
  const legendWidth = legend.reduce((sum, { text }) => sum + widthOf(text, FONTS.spec) + 44, 0);
  const width = Math.max(drawing.width, ...lead.map((line) => widthOf(line, FONTS.lead)), legendWidth) + 2 * MARGIN;
  const height = MARGIN + headHeight + drawing.height + 56 + MARGIN;
  const about = { id: graph.id, title: graph.id, description: `${root.description} (${root.spec})` };
  const head = arrowHead(graph.id);
  return document(about, width, height, [
    `<text class="heading" x="${MARGIN}" y="${MARGIN + 24}">${escaped(graph.id)}</text>`,
    `<text class="spec" x="${MARGIN}" y="${MARGIN + 46}">${escaped(root.spec)}</text>`,
    ...lead.map(
      (line, index) =>
        `<text class="lead" x="${MARGIN}" y="${Math.round(MARGIN + 72 + index * FONTS.lead.size * LINE_HEIGHT)}">${escaped(line)}</text>`,
    ),
    `<g transform="translate(${MARGIN},${MARGIN + headHeight})">`,
    ...[...drawing.states, ...(drawing.anywhere === null ? [] : [drawing.anywhere])].map((one) => stateSvg(one, head)),
    ...drawing.starts.map(
      ({ x, y, width: size }) => `<circle class="start" cx="${x + size / 2}" cy="${y + size / 2}" r="${size / 2}"/>`,
    ),
    ...drawing.startLines.map(({ points }) => `<path class="line" d="${pathOf(points)}" marker-end="${head}"/>`),
    ...drawing.arrows.map((arrow) => lineSvg(arrow, head)),
    ...drawing.arrows.map((arrow) => labelSvg(arrow, drawing.states)),
    '</g>',
    legendSvg(legend, MARGIN + headHeight + drawing.height + 44),
  ]);
}

function stateSvg({ state, card, ...box }: DrawnState, head: string): string {
  const kind = [
    'state',
    state.isQuiet ? 'quiet' : '',
    state.path === '' ? 'anywhere' : state.states.length > 0 ? 'outer' : '',
    state.type === 'final' ? 'final' : '',
    state.mover === null ? '' : 'waiting',
    state.key.startsWith('deciding') ? 'deciding' : '',
  ].filter((one) => one !== '');
  const inset = { x: box.x + 3, y: box.y + 3, width: box.width - 6, height: box.height - 6 };
  return [
    `<g class="${kind.join(' ')}" data-state="${escaped(state.path)}">`,
    `<title>${escaped(tooltipOf(state))}</title>`,
    rectangle(box, 'box', 10),
    ...(state.type === 'final' ? [rectangle(inset, 'inset', 8)] : []),
    ...cardSvg(card, box),
    ...card.exits.map((exit) => exitSvg(exit, { ...box, width: card.width }, head)),
    '</g>',
  ].join('');
}

const tooltipOf = ({ path, description, ifLate }: DrawnState['state']): string =>
  [path, description, ifLate === null ? '' : `If it is late: ${ifLate}.`].filter((part) => part !== '').join('\n');

function cardSvg({ lines, badge, rule }: Card, box: Box): string[] {
  const texts = lines.map(
    ({ text, style, y }) => `<text class="${style}" x="${box.x + PADDING}" y="${box.y + y}">${escaped(text)}</text>`,
  );
  if (rule !== null) texts.push(`<path class="rule" d="M${box.x},${box.y + rule} h${box.width}"/>`);
  if (badge === null) return texts;
  const at = { x: box.x + box.width - badge.width - 10, y: box.y + 10, width: badge.width, height: BADGE_HEIGHT };
  return [
    ...texts,
    rectangle(at, 'pill', BADGE_HEIGHT / 2),
    `<text class="badge" x="${at.x + at.width / 2}" y="${at.y + 14}">${escaped(badge.text)}</text>`,
  ];
}

/** Reasons on the left of the card, the name of the target state on the right, and a short arrow between them. */
function exitSvg({ arrow, name, nameWidth, baselines, y }: CardExit, box: Box, head: string): string {
  const right = box.x + box.width - 10;
  const at = { x: right - nameWidth, y: box.y + y - EXIT_NAME_HEIGHT / 2, width: nameWidth, height: EXIT_NAME_HEIGHT };
  const late = arrow.reasons.every(({ origin }) => origin === 'time');
  return [
    `<g class="exit" ${dataOf(arrow)}>`,
    ...arrow.reasons.map((reason, index) => reasonSvg(reason, box.x + PADDING, box.y + (baselines[index] ?? 0))),
    `<path class="arrow line${late ? ' late' : ''}" d="M${at.x - 28},${box.y + y} H${at.x - 2}" marker-end="${head}"/>`,
    rectangle(at, 'name', EXIT_NAME_HEIGHT / 2),
    `<text class="badge" x="${at.x + nameWidth / 2}" y="${at.y + 14}">${escaped(name)}</text>`,
    '</g>',
  ].join('');
}

const dataOf = ({ from, to, reasons }: GraphArrow): string =>
  `data-from="${escaped(from)}" data-to="${escaped(to)}" data-event="${escaped(reasons.map(({ event }) => event).join(' '))}"`;

const lineSvg = (drawn: DrawnArrow, head: string): string => {
  const late = drawn.arrow.reasons.every(({ origin }) => origin === 'time');
  return `<path class="arrow line${late ? ' late' : ''}" ${dataOf(drawn.arrow)} d="${pathOf(drawn.points)}" marker-end="${head}"/>`;
};

/** A label hides the line below it, so it has the colour of its background. */
function labelSvg(drawn: DrawnArrow, states: readonly DrawnState[]): string {
  const { label, arrow } = drawn;
  if (label === null) return '';
  const { size } = FONTS.label;
  const lines = arrow.reasons.filter((reason) => reasonWords(reason) !== '');
  return [
    `<g class="label${states.some((state) => holds(state, label)) ? ' inner' : ''}" ${dataOf(drawn.arrow)}>`,
    rectangle(label, 'box', 4),
    ...lines.map((reason, index) =>
      reasonSvg(reason, label.x + 5, Math.round(label.y + 4 + size + index * size * LINE_HEIGHT)),
    ),
    '</g>',
  ].join('');
}

const holds = (outer: Box, { x, y, width, height }: Box): boolean =>
  x >= outer.x && y >= outer.y && x + width <= outer.x + outer.width && y + height <= outer.y + outer.height;

function reasonSvg({ words, guard, origin, event }: Reason, x: number, y: number): string {
  const said = words === '' ? '' : `<tspan class="${origin}">${escaped(words)}</tspan>`;
  const asked = guard === null ? '' : `<tspan class="guard">${words === '' ? '' : ' '}[${escaped(guard)}]</tspan>`;
  return `<text class="reason" data-event="${escaped(event)}" x="${x}" y="${y}">${said}${asked}</text>`;
}

/** The radius of an arrow's corners. */
const CORNER = 6;

function pathOf(points: DrawnArrow['points']): string {
  return points
    .map((point, index) => {
      const [before, after] = [points[index - 1], points[index + 1]];
      if (before === undefined) return `M${point.x},${point.y}`;
      if (after === undefined) return `L${point.x},${point.y}`;
      const [from, to] = [towards(point, before), towards(point, after)];
      return `L${from.x},${from.y} Q${point.x},${point.y} ${to.x},${to.y}`;
    })
    .join(' ');
}

type Point = DrawnArrow['points'][number];

/** A corner's radius away from `point`, or half-way where the other point is near. */
function towards(point: Point, other: Point): Point {
  const [dx, dy] = [other.x - point.x, other.y - point.y];
  const step = (d: number): number => Math.sign(d) * Math.min(CORNER, Math.floor(Math.abs(d) / 2));
  return { x: point.x + step(dx), y: point.y + step(dy) };
}

const ORIGIN_WORDS: Readonly<Record<Origin, string>> = {
  peer: 'the far end',
  local: 'who embeds us',
  transport: 'the connection',
  actor: 'another actor',
  time: 'a deadline',
  decision: '[a condition]',
};

interface LegendEntry {
  readonly origin: Origin;
  readonly text: string;
}

function legendOf({ arrows }: ChartGraph): LegendEntry[] {
  const seen = new Set(arrows.flatMap(({ reasons }) => reasons.map(({ origin }) => origin)));
  return ORIGINS.filter((origin) => seen.has(origin)).map((origin) => ({ origin, text: ORIGIN_WORDS[origin] }));
}

function legendSvg(entries: readonly LegendEntry[], y: number): string {
  let x = MARGIN;
  const parts = entries.map(({ origin, text }) => {
    const part = `<circle class="key ${origin}" cx="${x + 5}" cy="${y - 4}" r="5"/><text class="spec" x="${x + 16}" y="${y}">${escaped(text)}</text>`;
    x += widthOf(text, FONTS.spec) + 44;
    return part;
  });
  return `<g class="legend">${parts.join('')}</g>`;
}
