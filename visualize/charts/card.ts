/** The contents of the box of a state, line by line. */
import { type GraphArrow, type GraphState, type Reason, reasonWords } from './graph.ts';
import { type Font, widestOf, widthOf, wrap } from './text.ts';

/** Font sizes, in pixels. Nothing is smaller than 12. */
export const FONTS = {
  heading: { size: 24, bold: true },
  lead: { size: 14, bold: false },
  title: { size: 15, bold: true },
  text: { size: 13, bold: false },
  awaits: { size: 13, bold: false },
  spec: { size: 12, bold: false },
  hears: { size: 12, bold: false },
  badge: { size: 12, bold: true },
  label: { size: 12.5, bold: false },
} as const satisfies Readonly<Record<string, Font>>;
export type TextStyle = keyof typeof FONTS;

export const LINE_HEIGHT = 1.4;
export const PADDING = 14;
const BADGE_PADDING = 8;
const BADGE_GAP = 16;
/** Between one block of lines and the next. */
const BLOCK_GAP = 5;

export interface CardLine {
  readonly text: string;
  readonly style: TextStyle;
  /** The baseline, measured from the top of the card. */
  readonly y: number;
}

/** An exit of the state that is not drawn as an arrow: its reasons, and the name of its target state. */
export interface CardExit {
  readonly arrow: GraphArrow;
  readonly name: string;
  readonly nameWidth: number;
  /** The baseline of each reason, measured from the top of the card. */
  readonly baselines: readonly number[];
  /** The vertical middle of the name. */
  readonly y: number;
}

export interface Card {
  readonly width: number;
  readonly height: number;
  readonly lines: readonly CardLine[];
  readonly badge: { readonly text: string; readonly width: number } | null;
  /** The vertical position of the line above the exits; null where there are none. */
  readonly rule: number | null;
  readonly exits: readonly CardExit[];
}

export const EXIT_NAME_HEIGHT = 20;
const EXIT_GAP = 8;
/** Between the longest reason and the names: the length of the arrow between them. */
const EXIT_ARROW = 44;

/** Maximum width of a line of text in the card of a state, and in the head of a state with substates. */
const TEXT_WIDTH = 300;
const HEAD_WIDTH = 460;

/** `peer · 30 s`: who has to act, and within what time. */
export function badgeText({ mover, deadlines, isQuiet }: GraphState): string | null {
  const parts = [mover, ...deadlines.map(({ words }) => words)].filter((part) => part !== null);
  if (parts.length > 0) return parts.join(' · ');
  return isQuiet ? 'quiet' : null;
}

/** Events that are heard, each once; an event that is heard under a condition is listed with the condition. */
export function hearsWords(hears: readonly Reason[]): string {
  const events = new Map<string, Reason[]>();
  for (const reason of hears) events.set(reason.words, [...(events.get(reason.words) ?? []), reason]);
  return [...events.values()]
    .map((reasons) => (reasons.length === 1 ? reasonWords(reasons[0] as Reason) : (reasons[0] as Reason).words))
    .join(', ');
}

type Block = readonly [TextStyle, readonly string[]];

/** @param arrows those from this state that are not drawn as lines */
export function cardOf(state: GraphState, arrows: readonly GraphArrow[]): Card {
  const isRoot = state.path === '';
  const badge = isRoot ? null : badgeText(state);
  const exitWidth = Math.max(0, ...arrows.map(widthOfExit));
  const width = Math.max(exitWidth, isRoot || state.states.length > 0 ? HEAD_WIDTH : TEXT_WIDTH);
  const wrapped = (style: TextStyle, text: string): Block => [
    style,
    text === '' ? [] : wrap(text, FONTS[style], width),
  ];
  const hears = wrapped('hears', state.hears.length === 0 ? '' : `also hears ${hearsWords(state.hears)}`);
  const lines = linesOf(
    isRoot
      ? [['title', ['in any state']], hears]
      : [
          ['title', [state.key]],
          wrapped('spec', state.spec),
          wrapped('text', state.description),
          wrapped('awaits', state.awaits === null ? '' : `awaits ${state.awaits}`),
          hears,
        ],
  );
  const textBottom = (lines.at(-1)?.y ?? 0) + PADDING - 2;
  const { exits, bottom } = exitsOf(arrows, textBottom);
  const badgeWidth = badge === null ? 0 : widthOf(badge, FONTS.badge) + 2 * BADGE_PADDING;
  const titleWidth = widthOf(isRoot ? '' : state.key, FONTS.title) + (badge === null ? 0 : BADGE_GAP + badgeWidth);
  return {
    width:
      Math.max(titleWidth, exitWidth, ...lines.map(({ text, style }) => widthOf(text, FONTS[style]))) + 2 * PADDING,
    height: bottom,
    lines,
    badge: badge === null ? null : { text: badge, width: badgeWidth },
    rule: exits.length === 0 ? null : textBottom,
    exits,
  };
}

const widthOfExit = (arrow: GraphArrow): number =>
  widestOf(arrow.reasons.map(reasonWords), FONTS.label) + EXIT_ARROW + widthOfName(exitName(arrow));

const widthOfName = (name: string): number => widthOf(name, FONTS.badge) + 20;

function linesOf(blocks: readonly Block[]): CardLine[] {
  const lines: CardLine[] = [];
  let y = PADDING - 2;
  for (const [style, texts] of blocks) {
    if (texts.length > 0 && style !== 'title' && style !== 'spec') y += BLOCK_GAP;
    const { size } = FONTS[style];
    for (const text of texts) {
      lines.push({ text, style, y: Math.round(y + size) });
      y += size * LINE_HEIGHT;
    }
  }
  return lines;
}

function exitsOf(arrows: readonly GraphArrow[], top: number): { exits: CardExit[]; bottom: number } {
  const { size } = FONTS.label;
  const exits: CardExit[] = [];
  let y = top + EXIT_GAP;
  for (const arrow of arrows) {
    const height = Math.max(EXIT_NAME_HEIGHT, arrow.reasons.length * size * LINE_HEIGHT);
    const first = y + (height - arrow.reasons.length * size * LINE_HEIGHT) / 2 + size;
    const name = exitName(arrow);
    exits.push({
      arrow,
      name,
      nameWidth: widthOfName(name),
      baselines: arrow.reasons.map((_, index) => Math.round(first + index * size * LINE_HEIGHT)),
      y: Math.round(y + height / 2),
    });
    y += height + EXIT_GAP;
  }
  return { exits, bottom: Math.round(exits.length === 0 ? top : y) };
}

/** The target by its path, relative to the state that is left where it lies inside that state. */
function exitName({ from, to }: GraphArrow): string {
  if (from === to) return 'itself, anew';
  return from !== '' && to.startsWith(`${from}.`) ? to.slice(from.length + 1) : to;
}
