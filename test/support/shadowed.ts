/**
 * A hastened chart that is compared with xstate at every step: the same snapshots, and the same actions in the same
 * order.
 */
import { isDeepStrictEqual } from 'node:util';
import { type AnyEventObject, type AnyMachineSnapshot, type AnyStateMachine, StateMachine } from 'xstate';
import { hasten } from '../../src/control/steps/hasten.ts';

type Scope = Parameters<AnyStateMachine['transition']>[2];
type Born = (scope: Scope, input: unknown) => AnyMachineSnapshot;
type Moved = (snapshot: AnyMachineSnapshot, event: AnyEventObject, scope: Scope) => AnyMachineSnapshot[];
type Way = (scope: Scope) => readonly AnyMachineSnapshot[];

const xstate = StateMachine.prototype as unknown as { getInitialSnapshot: Born; microstep: Moved };

/** @param differences receives a description of each difference */
export function shadowed<Chart extends AnyStateMachine>(chart: Chart, differences: string[]): Chart {
  const quick = hasten(chart);
  // eslint-disable-next-line @typescript-eslint/unbound-method -- these are bound
  const [born, moved, goOn] = [quick.getInitialSnapshot as Born, quick.microstep as Moved, quick.transition];
  const compare = (what: string, expected: Way, actual: Way, before: object): void => {
    const [one, other] = [observed(expected, before), observed(actual, before)];
    if (!isDeepStrictEqual(one, other))
      differences.push(`${chart.id}, ${what}: ${JSON.stringify(one)} and not ${JSON.stringify(other)}`);
  };
  quick.getInitialSnapshot = (scope: Scope, input: unknown) => {
    compare(
      'birth',
      (shadow) => [xstate.getInitialSnapshot.call(quick, shadow, input)],
      (shadow) => [born(shadow, input)],
      {},
    );
    return born(scope, input);
  };
  quick.transition = (snapshot: AnyMachineSnapshot, event: AnyEventObject, scope: Scope) => {
    compare(
      `${JSON.stringify(snapshot.value)} on ${JSON.stringify(event)}`,
      (shadow) => xstate.microstep.call(quick, snapshot, event, shadow),
      (shadow) => moved(snapshot, event, shadow),
      snapshot.children as object,
    );
    return goOn(snapshot, event, scope as never) as AnyMachineSnapshot;
  };
  return quick;
}

interface Seen {
  readonly status: string;
  readonly tags: ReadonlySet<string>;
  readonly _nodes: AnyMachineSnapshot['_nodes'];
  readonly value: unknown;
  readonly context: unknown;
  readonly output: unknown;
  readonly error: unknown;
  readonly children: Readonly<Record<string, Child>>;
}

interface Child {
  readonly id: string;
  readonly src: unknown;
  readonly options: { readonly input?: unknown };
  _processingStatus: number;
}

/** The snapshots and effects of one way through the chart, without any effect on other actors. */
function observed(way: (scope: Scope) => readonly AnyMachineSnapshot[], before: object): unknown {
  const done: unknown[] = [];
  const deferred: (() => void)[] = [];
  const name = (actor: unknown): unknown => (actor as { id?: string } | undefined)?.id;
  const system = {
    scheduler: {
      schedule: (_: unknown, to: unknown, event: unknown, delay: unknown, id: unknown) =>
        done.push(['schedule', name(to), event, delay, id]),
      cancel: (_: unknown, id: unknown) => done.push(['cancel', id]),
    },
    _relay: (_: unknown, to: unknown, event: unknown) => done.push(['relay', name(to), event]),
    _unregister: () => undefined,
    _sendInspectionEvent: () => undefined,
    _bookId: () => 'shadow',
    _logger: () => undefined,
    _clock: {},
  };
  const self = { id: 'self', system };
  const scope = {
    self,
    system,
    id: 'self',
    sessionId: 'shadow',
    logger: () => undefined,
    defer: (run: () => void) => deferred.push(run),
    emit: (event: unknown) => done.push(['emit', event]),
    stopChild: (child: Child) => done.push(['stop', child.id]),
    actionExecutor: ({
      exec,
      info,
      params,
    }: {
      exec?: (info: unknown, params: unknown) => void;
      info: unknown;
      params: unknown;
    }) => exec?.(info, params),
  };
  let steps: readonly AnyMachineSnapshot[] = [];
  try {
    steps = way(scope as unknown as Scope);
  } catch (error) {
    done.push(['thrown', error instanceof Error]);
  }
  const snapshots = steps.map((snapshot) => {
    const { status, value, context, output, error, children, tags, _nodes: nodes } = snapshot as unknown as Seen;
    const kept = Object.entries(children).map(([id, child]) => {
      const isNew = !Object.values(before).includes(child);
      if (isNew) child._processingStatus = 2; // is not started
      return isNew ? [id, child.src, child.options.input] : [id];
    });
    const at = nodes.map(({ id }) => id);
    return {
      status,
      value,
      context,
      output,
      error: String(error),
      kept,
      tags: [...tags],
      at,
    };
  });
  for (const run of deferred) run();
  return { done, snapshots };
}
