/** The charts by their ids, as records name them. Without effects: what is replayed acts on nothing. */
import type { AnyStateMachine } from 'xstate';
import * as charts from '../../../machines/index.ts';

export const chartsById: ReadonlyMap<string, AnyStateMachine> = new Map(
  Object.values(charts)
    .filter(isChart)
    .map((chart) => [chart.id, chart]),
);

function isChart(value: unknown): value is AnyStateMachine {
  return typeof value === 'object' && value !== null && 'root' in value && 'implementations' in value;
}
