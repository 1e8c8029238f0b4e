/**
 * Makes charts faster: what xstate recomputes at each step (the states exited and entered, what an action is, the value
 * and tags of the state) depends on the chart's definition alone, and is computed once. The result of an event is the
 * same, microstep by microstep (docs/adr/steps.md).
 */
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { type Move, Plan } from './plan.ts';
import { ended } from './snapshots.ts';
import { type Scope, Step } from './step.ts';

const INIT = 'xstate.init';
const STOP = 'xstate.stop';
const ERROR = 'xstate.error.actor';

/**
 * A faster copy of the chart, of the same type.
 * @throws Unreadable when the chart has parallel regions, history, or another feature that none of our charts uses
 */
export function hasten<Chart extends AnyStateMachine>(chart: Chart): Chart {
  const hastened = chart.provide({}) as Chart;
  const plan = new Plan(hastened);
  hastened.getInitialSnapshot = (scope: Scope, input: unknown) => born(plan, scope, input);
  hastened.microstep = (snapshot: AnyMachineSnapshot, event: AnyEventObject, scope: Scope) =>
    moved(plan, snapshot, event, scope);
  hastened.transition = (snapshot: AnyMachineSnapshot, event: AnyEventObject, scope: Scope) =>
    moved(plan, snapshot, event, scope).at(-1) ?? snapshot;
  return hastened;
}

function born(plan: Plan, scope: Scope, input: unknown): AnyMachineSnapshot {
  const init = { type: INIT, input };
  const step = new Step(plan, scope, plan.unborn, init);
  let begun = plan.unborn;
  try {
    begun = step.begin(input);
    step.take(plan.birth);
    settle(plan, step, init, null);
    return step.snapshot;
  } catch (error) {
    return ended(begun, 'error', { error });
  }
}

/** The snapshot after each microstep. */
function moved(plan: Plan, snapshot: AnyMachineSnapshot, event: AnyEventObject, scope: Scope): AnyMachineSnapshot[] {
  const step = new Step(plan, scope, snapshot, event);
  if (event.type === STOP) {
    return [ended(step.withoutChildren(), 'stopped', snapshot)];
  }
  const move = step.select(plan.candidates(step.place, event), event);
  if (move === null && event.type.startsWith(ERROR)) {
    const { error } = event as { readonly error?: unknown };
    return [ended(step.withoutChildren(), 'error', { output: snapshot.output as unknown, error })];
  }
  if (move !== null) step.take(move);
  const steps = [step.snapshot];
  settle(plan, step, event, steps);
  return steps;
}

/** Continues while eventless transitions can be taken or raised events are queued. */
function settle(plan: Plan, step: Step, first: AnyEventObject, steps: AnyMachineSnapshot[] | null): void {
  let event = first;
  let mayFollow = true;
  while (step.snapshot.status === 'active') {
    let move: Move | null = mayFollow ? step.select(step.place.always, event) : null;
    const before: AnyMachineSnapshot | null = move === null ? null : step.snapshot;
    if (move === null) {
      const raised = step.queue.shift();
      if (raised === undefined) break;
      event = raised;
      move = step.select(plan.candidates(step.place, event), event);
    }
    if (move !== null) step.take(move);
    mayFollow = step.snapshot !== before;
    steps?.push(step.snapshot);
  }
  if (step.snapshot.status !== 'active') step.stopChildren();
}
