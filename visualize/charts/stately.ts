/**
 * A chart as JSON for Stately's tools: the configuration of the machine in the format of XState 5, which Stately Studio
 * calls "JSON code for use with XState" (stately.ai/docs/export-as-code) and accepts between the brackets of
 * `createMachine()` (stately.ai/docs/import-from-code). Guards, actions, actors and delays appear by name; the code
 * that computes their parameters is left out.
 */
import type { AnyStateMachine } from 'xstate';

export function chartStately(machine: AnyStateMachine): string {
  return `${JSON.stringify(machine.config, withoutFunctions, 2)}\n`;
}

/** A function in an array would become `null`. */
const withoutFunctions = (_key: string, value: unknown): unknown =>
  Array.isArray(value) ? value.filter((one) => typeof one !== 'function') : value;
