/** One picture: the flow charts of RFC 7712, and beside each box the corresponding states of our charts. */
import type { AnyStateMachine } from 'xstate';
import { FONTS, LINE_HEIGHT } from './card.ts';
import { flowChart, type FlowBox, type FlowPart, type Place } from './flow-chart.ts';
import { graphOf, type GraphState, statesIn } from './graph.ts';
import { arrowHead, document, escaped, rectangle } from './svg-parts.ts';
import { wrap } from './text.ts';

const ID = 'overview';
const MARGIN = 32;
const FIGURE_WIDTH = 336;
const COLUMN_WIDTH = 352;
const GUTTER = 24;
const WIDTH = 2 * MARGIN + FIGURE_WIDTH + 2 * (COLUMN_WIDTH + GUTTER);
const PADDING = 12;
const ROW_GAP = 18;
const CARD_GAP = 10;

const columnX = (column: 'a' | 'b'): number =>
  MARGIN + FIGURE_WIDTH + GUTTER + (column === 'a' ? 0 : COLUMN_WIDTH + GUTTER);

/** @throws Error when a box names a state that no machine has */
export function overviewSvg(machines: readonly AnyStateMachine[]): string {
  const find = finderOf(machines);
  const told = new Set<GraphState>();
  const parts: string[] = [];
  let y = MARGIN + 104;
  for (const part of flowChart) {
    parts.push(...partHead(part, y));
    y += 58;
    let above: number | null = null;
    for (const box of part.boxes) {
      const row = rowSvg(box, y, find, told);
      if (above !== null) parts.push(onward(above, y));
      parts.push(row.svg);
      above = y + row.figureHeight;
      y += row.height + ROW_GAP;
    }
    y += 14;
  }
  const about = {
    id: ID,
    title: 'The flow charts of RFC 7712, and these charts',
    description: 'Each box of the figures in RFC 7712 §3 and §4, and which state of which chart it is at either end.',
  };
  return document(about, WIDTH, y + MARGIN, [
    `<text class="heading" x="${MARGIN}" y="${MARGIN + 24}">${escaped(about.title)}</text>`,
    `<text class="spec" x="${MARGIN}" y="${MARGIN + 46}">${escaped(about.description)}</text>`,
    ...heads(MARGIN + 84),
    ...parts,
  ]);
}

const heads = (y: number): string[] => [
  `<text class="title" x="${MARGIN}" y="${y}">The figure</text>`,
  `<text class="title" x="${columnX('a')}" y="${y}">Server A, a.example</text>`,
  `<text class="title" x="${columnX('b')}" y="${y}">Server B, b.example</text>`,
];

const partHead = ({ title, section }: FlowPart, y: number): string[] => [
  `<path class="rule" d="M${MARGIN},${y} H${WIDTH - MARGIN}"/>`,
  `<text class="title" x="${MARGIN}" y="${y + 26}">${escaped(title)}</text>`,
  `<text class="spec" x="${MARGIN}" y="${y + 43}">${escaped(section)}</text>`,
];

/** The line from one box of the figure to the next. */
const onward = (from: number, to: number): string =>
  `<path class="line" d="M${MARGIN + FIGURE_WIDTH / 2},${from} V${to}" marker-end="${arrowHead(ID)}"/>`;

type Find = (place: Place) => GraphState;

function finderOf(machines: readonly AnyStateMachine[]): Find {
  const states = new Map(
    machines.flatMap((machine) => {
      const { id, root } = graphOf(machine);
      return [...statesIn(root)].map((state) => [`${id} ${state.path}`, state] as const);
    }),
  );
  return ({ machine, path }) => {
    const state = states.get(`${machine} ${path}`);
    if (state === undefined) throw new Error(`the flow chart names ${machine}.${path}, which is in no chart`);
    return state;
  };
}

interface Drawn {
  readonly svg: string;
  readonly height: number;
}

function rowSvg(box: FlowBox, y: number, find: Find, told: Set<GraphState>): Drawn & { readonly figureHeight: number } {
  const figure = figureSvg(box, y);
  const columns = (['a', 'b'] as const).map((column) => {
    let height = 0;
    const cards = box[column].map((place) => {
      const card = placeSvg(place, find(place), { x: columnX(column), y: y + height }, told);
      height += card.height + CARD_GAP;
      return card.svg;
    });
    return { svg: cards.join(''), height: Math.max(0, height - CARD_GAP) };
  });
  const parts = [figure, ...columns];
  return {
    svg: parts.map(({ svg }) => svg).join('\n'),
    height: Math.max(...parts.map(({ height }) => height)),
    figureHeight: figure.height,
  };
}

/** A box with its title in the upper edge, as in the figure; a remark has no box. */
function figureSvg({ title, isRemark, lines, draftTitle }: FlowBox, y: number): Drawn {
  const titles = wrap(title, FONTS.badge, FIGURE_WIDTH - 2 * PADDING);
  const texts = [...lines, ...(draftTitle === null ? [] : [`(draft -01: ${draftTitle})`])];
  const step = FONTS.spec.size * LINE_HEIGHT;
  const height = Math.round(2 * PADDING + titles.length * step + (texts.length > 0 ? 6 + texts.length * step : 0));
  const at = { x: MARGIN, y, width: FIGURE_WIDTH, height };
  const center = MARGIN + FIGURE_WIDTH / 2;
  const svg = [
    `<g class="figure${isRemark ? ' remark' : ''}">`,
    ...(isRemark ? [] : [rectangle(at, 'box', 2)]),
    ...titles.map(
      (line, index) =>
        `<text class="badge" x="${center}" y="${Math.round(y + PADDING + 11 + index * step)}">${escaped(line)}</text>`,
    ),
    ...texts.map((line, index) => {
      const baseline = Math.round(y + PADDING + 17 + (titles.length + index) * step);
      return `<text class="spec" x="${MARGIN + PADDING}" y="${baseline}">${escaped(line)}</text>`;
    }),
    '</g>',
  ];
  return { svg: svg.join(''), height };
}

/** The card of a state, with its description only where it appears first. */
function placeSvg(
  { machine, path }: Place,
  state: GraphState,
  { x, y }: { readonly x: number; readonly y: number },
  told: Set<GraphState>,
): Drawn {
  const width = COLUMN_WIDTH - 2 * PADDING;
  const name = path === '' ? machine : `${machine} · ${path}`;
  const titles = wrap(name, FONTS.title, width);
  const specs = wrap(state.spec, FONTS.spec, width);
  const texts = told.has(state) ? [] : wrap(state.description, FONTS.text, width);
  told.add(state);
  const parts: string[] = [];
  let bottom = y + PADDING - 3;
  for (const [style, lines] of [
    ['title', titles],
    ['spec', specs],
    ['text', texts],
  ] as const) {
    for (const line of lines) {
      parts.push(
        `<text class="${style}" x="${x + PADDING}" y="${Math.round(bottom + FONTS[style].size)}">${escaped(line)}</text>`,
      );
      bottom += FONTS[style].size * LINE_HEIGHT;
    }
  }
  const height = Math.round(bottom + PADDING - 4 - y);
  const kind = path === '' ? 'outer' : 'state';
  const open = `<g class="${kind}" data-machine="${escaped(machine)}" data-state="${escaped(path)}">`;
  return {
    svg: [open, rectangle({ x, y, width: COLUMN_WIDTH, height }, 'box', 10), ...parts, '</g>'].join(''),
    height,
  };
}
