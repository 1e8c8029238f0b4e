/** Guards of a chart, looked up once. */
import type { AnyMachineSnapshot, AnyStateMachine, EventObject } from 'xstate';

interface GuardArgs {
  readonly context: unknown;
  readonly event: EventObject;
}

type Test = (args: GuardArgs, params: unknown) => boolean;
/** xstate's `not`, `and`, `or` and `stateIn`. */
type Composite = Test & {
  readonly check: (snapshot: AnyMachineSnapshot, args: GuardArgs, guard: Composite) => boolean;
};

export interface Guard {
  readonly test: Test | Composite;
  readonly params: unknown;
}

export function readGuard(chart: AnyStateMachine, guard: unknown): Guard {
  if (typeof guard === 'function') return { test: guard as Test, params: undefined };
  const { type, params } = typeof guard === 'string' ? { type: guard, params: undefined } : (guard as Named);
  const known = (chart.implementations.guards as Readonly<Record<string, unknown>>)[type];
  if (known === undefined) throw new TypeError(`guard ${type} of ${chart.id} is not implemented`);
  return typeof known === 'function' ? { test: known as Test, params } : readGuard(chart, known);
}

export function holds({ test, params }: Guard, snapshot: AnyMachineSnapshot, event: EventObject): boolean {
  const args: GuardArgs = { context: snapshot.context, event };
  if ('check' in test) return test.check(snapshot, args, test);
  return test(args, typeof params === 'function' ? (params as Computed)(args) : params);
}

/** A guard as charts write it: `{ type: 'nextIs', params: 'dane' }`. */
interface Named {
  readonly type: string;
  readonly params?: unknown;
}
type Computed = (args: GuardArgs) => unknown;
