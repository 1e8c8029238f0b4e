/** The charts by the ids that records use. Effects are not provided, because a replay must not act. */
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import * as charts from '../../../machines/index.ts';
import { type Described, describeNode } from './stay.ts';

export const chartsById: ReadonlyMap<string, AnyStateMachine> = new Map(
  Object.values(charts)
    .filter(isChart)
    .map((chart) => [chart.id, chart]),
);

function isChart(value: unknown): value is AnyStateMachine {
  return typeof value === 'object' && value !== null && 'root' in value && 'implementations' in value;
}

/** What a chart says about the state at a path joined by dots; null if it has no such state. */
export function describedAt(machine: string, path: string): Described | null {
  let node: AnyStateNode | undefined = chartsById.get(machine)?.root;
  for (const name of path.split('.'))
    node = node !== undefined && Object.hasOwn(node.states, name) ? node.states[name] : undefined;
  return node === undefined ? null : describeNode(node);
}
