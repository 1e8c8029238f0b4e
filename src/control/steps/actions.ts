/** Actions of a chart, as data: what xstate works out of each at every step is read once. */
import type { AnyEventObject, AnyStateMachine } from 'xstate';

/** What an action is called with; `params` beside it. */
export interface ActionArgs {
  readonly context: unknown;
  readonly event: AnyEventObject;
  readonly self: unknown;
  readonly system: unknown;
}

type Expression<Value> = (args: ActionArgs, params: unknown) => Value;
export type Computable<Value> = Value | Expression<Value>;

/** `params` are of the place where the action stands; a function of context and event, or the value. */
interface Placed {
  readonly params: unknown;
}
export interface Assign extends Placed {
  readonly does: 'assign';
  readonly assignment: Expression<object> | Readonly<Record<string, unknown>>;
}
export interface Emit extends Placed {
  readonly does: 'emit';
  readonly event: Computable<AnyEventObject>;
}
export interface SendTo extends Placed {
  readonly does: 'sendTo';
  readonly to: Computable<unknown>;
  readonly event: Computable<AnyEventObject>;
  readonly delay: Computable<string | number | undefined>;
  readonly id: string | undefined;
}
export interface Raise extends Placed {
  readonly does: 'raise';
  readonly event: Computable<AnyEventObject>;
  readonly delay: Computable<string | number | undefined>;
  readonly id: string | undefined;
}
export interface Cancel extends Placed {
  readonly does: 'cancel';
  readonly id: Computable<string>;
}
export interface Spawn extends Placed {
  readonly does: 'spawnChild';
  readonly src: unknown;
  readonly id: string | ((args: ActionArgs) => string) | undefined;
  readonly input: unknown;
}
export interface Stop extends Placed {
  readonly does: 'stopChild';
  readonly child: Computable<unknown>;
}
export interface Enqueue extends Placed {
  readonly does: 'enqueueActions';
  readonly collect: (args: object, params: unknown) => void;
}
/** Whatever else there is: left to xstate. */
export interface Other extends Placed {
  readonly does: 'other';
  readonly type: string;
  readonly run: ((args: ActionArgs, params: unknown) => void) | undefined;
}
export type Action = Assign | Emit | SendTo | Raise | Cancel | Spawn | Stop | Enqueue | Other;

/** An action as the chart has it: a name, a name with params, or what one of xstate's creators gave. */
export function readAction(chart: AnyStateMachine, action: unknown): Action {
  if (typeof action === 'function') return readImplementation(action.name || '(anonymous)', action, undefined);
  const { type, params } = typeof action === 'string' ? { type: action, params: undefined } : (action as Named);
  return readImplementation(type, (chart.implementations.actions as Readonly<Record<string, unknown>>)[type], params);
}

/** What its creators leave on an action (xstate 5.33). */
interface BuiltIn {
  readonly type: string;
  readonly resolve: unknown;
  readonly assignment: Assign['assignment'];
  readonly event: Emit['event'];
  readonly to: unknown;
  readonly id: never;
  readonly delay: SendTo['delay'];
  readonly sendId: Cancel['id'];
  readonly src: unknown;
  readonly systemId: unknown;
  readonly syncSnapshot: boolean;
  readonly input: unknown;
  readonly actorRef: unknown;
  readonly collect: Enqueue['collect'];
}

function readImplementation(name: string, known: unknown, params: unknown): Action {
  const builtIn = known as BuiltIn | undefined;
  if (builtIn?.resolve === undefined) return { does: 'other', type: name, run: known as Other['run'], params };
  const { id, event, delay } = builtIn;
  switch (builtIn.type) {
    case 'xstate.assign':
      return { does: 'assign', assignment: builtIn.assignment, params };
    case 'xstate.emit':
      return { does: 'emit', event, params };
    case 'xstate.sendTo':
      if (typeof builtIn.to === 'string' && builtIn.to.startsWith('#_')) break; // to the parent, or inside
      return { does: 'sendTo', to: builtIn.to, event, delay, id, params };
    case 'xstate.raise':
      return { does: 'raise', event, delay, id, params };
    case 'xstate.cancel':
      return { does: 'cancel', id: builtIn.sendId, params };
    case 'xstate.spawnChild':
      if (builtIn.syncSnapshot || builtIn.systemId !== undefined) break;
      return { does: 'spawnChild', src: builtIn.src, id, input: builtIn.input, params };
    case 'xstate.stopChild':
      return { does: 'stopChild', child: builtIn.actorRef, params };
    case 'xstate.enqueueActions':
      return { does: 'enqueueActions', collect: builtIn.collect, params };
  }
  throw new Unreadable(`action ${builtIn.type}`);
}

/** The chart has something that no chart of ours has. */
export class Unreadable extends TypeError {}

interface Named {
  readonly type: string;
  readonly params?: unknown;
}
