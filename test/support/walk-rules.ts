/** The rules for every chart: each says where it is broken. */
import { type Chart, type ChartState, statesOf } from './charts.ts';

type Rule = (state: ChartState, above: readonly ChartState[], chart: Chart) => readonly string[];

const isSilentAbout = (text: string | null | undefined): boolean => (text ?? '').trim() === '';

/** Whether the state is left at once, whatever the guards say. */
export const isDeciding = ({ always }: ChartState): boolean => always.at(-1)?.guard === null;

const describes: Rule = ({ description }) => (isSilentAbout(description) ? ['has no description'] : []);

const namesItsSection: Rule = ({ meta }) => (isSilentAbout(meta.spec) ? ['has no meta.spec'] : []);

/** L2: every state that waits has a deadline and names what it waits for. */
const waitsWithDeadline: Rule = ({ tags, meta, deadlines, id }) => {
  if (!tags.includes('waiting')) return [];
  const problems = (['awaits', 'mover', 'ifLate'] as const)
    .filter((field) => isSilentAbout(meta[field]))
    .map((field) => `waits without meta.${field}`);
  if (deadlines.length === 0) problems.push('waits without a deadline');
  for (const { delay, isKnown, candidates } of deadlines) {
    if (delay === null) problems.push('has a deadline without a name');
    else if (!isKnown) problems.push(`has the deadline ${delay}, which setup does not know`);
    if (candidates.at(-1)?.guard !== null) problems.push(`has a deadline that every guard may ignore`);
    if (candidates.some(({ targets }) => targets.length === 0)) problems.push('has a deadline that leads nowhere');
    if (candidates.every(({ targets }) => targets.every((target) => target === id)))
      problems.push('has a deadline that only leads back');
  }
  return problems;
};

/** L2, from the other side: wherever a machine may rest, it waits with a deadline, or is quiet, or has ended. */
const restsOnlyWhereItMay: Rule = (state, above) => {
  const { type, tags } = state;
  if (type !== 'atomic' || tags.includes('waiting') || isDeciding(state)) return [];
  if ([state, ...above].some((one) => one.tags.includes('quiet') || one.tags.includes('waiting'))) return [];
  return ['may rest, but is neither waiting nor quiet'];
};

/** A state that hears others waits, unless it is quiet or consists of waiting states. */
const hearsOnlyWhileWaiting: Rule = (state, above) => {
  const hears =
    state.invokes.length > 0 || state.transitions.some(({ event }) => /^(?:peer|transport|dns)\./.test(event));
  if (!hears || above.length === 0 || state.type === 'final' || state.type === 'compound') return [];
  if ([state, ...above].some(({ tags }) => tags.includes('quiet'))) return [];
  return state.tags.includes('waiting') ? [] : ['hears others without being tagged as waiting'];
};

const survivesItsActors: Rule = ({ invokes }) =>
  invokes.filter(({ hasOnError }) => !hasOnError).map(({ id }) => `invokes ${id} without onError`);

/** The name of a final state is a past participle, unless the machine's output says what the end means. */
const endsInThePast: Rule = ({ type, key }, _above, { hasOutput }) =>
  type === 'final' && !hasOutput && !key.endsWith('ed') ? ['is an end, but no past participle'] : [];

const namesWhatItDoes: Rule = ({ entry, always, transitions, deadlines, invokes }) => {
  const candidates = [
    ...always,
    ...transitions.flatMap((t) => t.candidates),
    ...deadlines.flatMap((d) => d.candidates),
  ];
  const names = [
    ...entry,
    ...candidates.flatMap(({ guard, actions }) => [...actions, ...(guard === null ? [] : [guard])]),
    ...invokes.map(({ src }) => src),
  ];
  return names.some((name) => name === '(inline)' || name.startsWith('xstate.'))
    ? ['has an inline effect or guard']
    : [];
};

/** No `*` inside a state, where it would hide `local.closeRequested`; `peer.*` belongs to the root, and to the end. */
const hidesNothing: Rule = ({ transitions }) =>
  transitions.some(({ event }) => event === '*') ? ['catches every event with *'] : [];

const decidesForSure: Rule = (state) =>
  state.key.startsWith('deciding') && !isDeciding(state) ? ['is called deciding, but may stay'] : [];

const rules: readonly Rule[] = [
  describes,
  namesItsSection,
  waitsWithDeadline,
  restsOnlyWhereItMay,
  hearsOnlyWhileWaiting,
  survivesItsActors,
  endsInThePast,
  namesWhatItDoes,
  hidesNothing,
  decidesForSure,
];

/** What is wrong with a chart, one sentence each; empty for a good one. */
export function problemsOf(chart: Chart): readonly string[] {
  const above = new Map<string, readonly ChartState[]>([[chart.root.id, []]]);
  const problems: string[] = [];
  for (const state of statesOf(chart.root)) {
    const ancestors = above.get(state.id) ?? [];
    for (const child of state.states) above.set(child.id, [...ancestors, state]);
    problems.push(...rules.flatMap((rule) => rule(state, ancestors, chart)).map((what) => `${state.id} ${what}`));
  }
  return problems;
}
