/** A chart as Mermaid's `stateDiagram-v2`, for pages that render it themselves. */
import type { AnyStateMachine } from 'xstate';
import { badgeText } from './card.ts';
import { type ChartGraph, type GraphArrow, graphOf, type GraphState, reasonWords, statesIn } from './graph.ts';

export function chartMermaid(machine: AnyStateMachine): string {
  const graph = graphOf(machine);
  const lines = [
    `%% ${escaped(`${graph.id} (${graph.root.spec})`)}`,
    'stateDiagram-v2',
    ...(graph.arrows.some(({ from }) => from === '') ? [`    state "in any state" as ${anyId('')}`] : []),
    ...insideOf(graph.root, graph, 1),
    ...graph.arrows.filter((arrow) => !isOwnInside(arrow)).map((arrow) => `    ${arrowLine(arrow, graph)}`),
  ];
  return `${lines.join('\n')}\n`;
}

const idOf = (path: string): string => path.replaceAll(/\W/g, '_');
const anyId = (path: string): string => `${idOf(path)}_any`;

/** Mermaid draws no arrow from a state to one of its substates: such an arrow starts at an extra box inside. */
const isOwnInside = ({ from, to }: GraphArrow): boolean => from !== '' && to.startsWith(`${from}.`);

function insideOf(state: GraphState, graph: ChartGraph, depth: number): string[] {
  const indent = '    '.repeat(depth);
  const own = graph.arrows.filter((arrow) => arrow.from === state.path && isOwnInside(arrow));
  return [
    ...(state.initial === null ? [] : [`${indent}[*] --> ${idOf(state.initial)}`]),
    ...(own.length === 0 ? [] : [`${indent}state "in any of these" as ${anyId(state.path)}`]),
    ...state.states.flatMap((child) => stateLines(child, graph, depth)),
    ...own.map((arrow) => `${indent}${arrowLine(arrow, graph)}`),
  ];
}

function stateLines(state: GraphState, graph: ChartGraph, depth: number): string[] {
  const indent = '    '.repeat(depth);
  const texts = [state.key, state.spec, badgeText(state) ?? ''].filter((text) => text !== '');
  const declared = `${indent}state "${texts.map(escaped).join('<br/>')}" as ${idOf(state.path)}`;
  const end = state.type === 'final' ? [`${indent}${idOf(state.path)} --> [*]`] : [];
  if (state.states.length === 0) return [declared, ...end];
  return [declared, `${indent}state ${idOf(state.path)} {`, ...insideOf(state, graph, depth + 1), `${indent}}`];
}

function arrowLine(arrow: GraphArrow, { root }: ChartGraph): string {
  const outer = [...statesIn(root)].find(({ path }) => path === arrow.from);
  const leavesInside = isOwnInside(arrow) || outer === root;
  const words = arrow.reasons.map(reasonWords).filter((text) => text !== '');
  const label = words.length === 0 ? '' : ` : ${words.map(escaped).join('<br/>')}`;
  return `${leavesInside ? anyId(arrow.from) : idOf(arrow.from)} --> ${idOf(arrow.to)}${label}`;
}

/** Characters that could have a meaning in Mermaid are replaced by their code points. */
const escaped = (text: string): string =>
  text.replaceAll(/[^\p{L}\p{N} .,§·()[\]*'/-]/gu, (character) => `#${character.codePointAt(0) ?? 0};`);
