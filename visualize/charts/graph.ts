/** What is drawn of a chart: nested states, and one arrow for all transitions from one state to another. */
import type { AnyStateMachine } from 'xstate';
import type { Mover } from '../../machines/declare.ts';
import { type Chart, type ChartCandidate, type ChartState, readChart, statesOf } from './chart.ts';
import { spanWords } from './delay-words.ts';

/**
 * What triggers an arrow: the far end, the embedding program, the connection, another actor, time, or only a decision
 * of the state itself.
 */
export const ORIGINS = ['peer', 'local', 'transport', 'actor', 'time', 'decision'] as const;
export type Origin = (typeof ORIGINS)[number];

/** One way to take an arrow. */
export interface Reason {
  /** The type of the event, as in a trace; empty where the state decides by itself. */
  readonly event: string;
  readonly origin: Origin;
  /** The event in words; empty where the state decides by itself. */
  readonly words: string;
  /** The condition, `else` where none of the earlier ones held; null where there is none. */
  readonly guard: string | null;
}

export interface GraphArrow {
  /** Paths such as `streamHeaders.awaitingHeader`; empty for the machine itself, which means any state. */
  readonly from: string;
  readonly to: string;
  readonly reasons: readonly Reason[];
}

export interface GraphDeadline {
  readonly delay: string;
  /** `15 s`, or `15 s to 55 s` where it depends on the context. */
  readonly words: string;
}

export interface GraphState {
  /** From the machine, such as `streamHeaders.awaitingHeader`; empty for the machine itself. */
  readonly path: string;
  readonly key: string;
  readonly type: ChartState['type'];
  readonly description: string;
  readonly spec: string;
  readonly isQuiet: boolean;
  readonly awaits: string | null;
  readonly mover: Mover | null;
  readonly ifLate: string | null;
  readonly deadlines: readonly GraphDeadline[];
  /** Reactions that do not leave the state; a transition that re-enters it is an arrow. */
  readonly hears: readonly Reason[];
  /** Path of the substate that is entered first. */
  readonly initial: string | null;
  readonly states: readonly GraphState[];
}

export interface ChartGraph {
  readonly id: string;
  readonly root: GraphState;
  readonly arrows: readonly GraphArrow[];
}

/** Reads from a machine what is to be drawn; `provide()` does not change the result. */
export function graphOf(machine: AnyStateMachine): ChartGraph {
  const chart = readChart(machine);
  const pathOf = new Map([...statesOf(chart.root)].map(({ id, path }) => [id, path]));
  const arrows = new Map<string, { from: string; to: string; reasons: Reason[] }>();
  for (const state of statesOf(chart.root)) {
    for (const { reason, targets } of reasonsOf(state, chart)) {
      for (const id of targets) {
        const [from, to] = [state.path, pathOf.get(id) ?? id];
        const key = `${from} ${to}`;
        const arrow = arrows.get(key) ?? { from, to, reasons: [] };
        arrow.reasons.push(reason);
        arrows.set(key, arrow);
      }
    }
  }
  return { id: chart.id, root: graphState(chart.root, chart, pathOf), arrows: [...arrows.values()] };
}

/** The state and all of its descendants, top to bottom. */
export function* statesIn(state: GraphState): Generator<GraphState> {
  yield state;
  for (const child of state.states) yield* statesIn(child);
}

/** `[versionIsForeign]`, `peer.streamOpened [else]` */
export const reasonWords = ({ words, guard }: Reason): string =>
  [words, guard === null ? '' : `[${guard}]`].filter((part) => part !== '').join(' ');

function graphState(state: ChartState, chart: Chart, pathOf: ReadonlyMap<string, string>): GraphState {
  const { path, key, type, description, meta, tags, initial } = state;
  return {
    path,
    key,
    type,
    description: description ?? '',
    spec: meta.spec ?? '',
    isQuiet: tags.includes('quiet'),
    awaits: meta.awaits ?? null,
    mover: meta.mover ?? null,
    ifLate: meta.ifLate ?? null,
    deadlines: state.deadlines.map(({ delay }) => deadlineOf(delay ?? '', chart)),
    hears: reasonsOf(state, chart)
      .filter(({ targets }) => targets.length === 0)
      .map(({ reason }) => reason),
    initial: initial === null ? null : (pathOf.get(initial) ?? null),
    states: state.states.map((child) => graphState(child, chart, pathOf)),
  };
}

function deadlineOf(delay: string, chart: Chart): GraphDeadline {
  const span = chart.delays[delay];
  return { delay, words: span === undefined ? delay : spanWords(span) };
}

interface Way {
  readonly reason: Reason;
  /** Ids of the states entered. */
  readonly targets: readonly string[];
}

/** Everything that may happen in a state itself, in the order in which the chart checks it. */
function reasonsOf(state: ChartState, chart: Chart): Way[] {
  const ways = (event: string, candidates: readonly ChartCandidate[], words: string, origin: Origin): Way[] =>
    candidates.map((candidate) => ({
      reason: { event, origin, words, guard: guardWords(candidate, candidates) },
      targets: candidate.targets,
    }));
  return [
    ...ways('', state.always, '', 'decision'),
    ...state.transitions.flatMap(({ event, candidates }) =>
      ways(event, candidates, eventWords(event), originOf(event)),
    ),
    ...state.deadlines.flatMap(({ delay, candidates }) => {
      const { delay: name, words } = deadlineOf(delay ?? '', chart);
      return ways(
        `xstate.after.${name}.${state.id}`,
        candidates,
        words === name ? `after ${name}` : `after ${words}, ${name}`,
        'time',
      );
    }),
  ];
}

function guardWords({ guard, guardParameter }: ChartCandidate, candidates: readonly ChartCandidate[]): string | null {
  if (guard === null) return candidates.length > 1 ? 'else' : null;
  return guardParameter === null ? guard : `${guard} ${guardParameter}`;
}

const DONE = 'xstate.done.actor.';
const FAILED = 'xstate.error.actor.';

function eventWords(event: string): string {
  if (event.startsWith(DONE)) return `${event.slice(DONE.length)} is done`;
  if (event.startsWith(FAILED)) return `${event.slice(FAILED.length)} fails`;
  return event;
}

function originOf(event: string): Origin {
  const [prefix] = event.split('.');
  if (prefix === 'peer' || prefix === 'local' || prefix === 'transport') return prefix;
  return 'actor';
}
