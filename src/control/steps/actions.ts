/** Actions of a chart, as data: what xstate derives from each of them at every step is derived once. */
import type { AnyEventObject, AnyStateMachine } from 'xstate';

/** The arguments of an action, besides `params`. */
export interface ActionArgs {
  readonly context: unknown;
  readonly event: AnyEventObject;
  readonly self: unknown;
  readonly system: unknown;
}

type Expression<Value> = (args: ActionArgs, params: unknown) => Value;
export type Computable<Value> = Value | Expression<Value>;

/** `params` as given where the action is used: a function of context and event, or a value. */
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
/** Any other action: left to xstate. */
export interface Other extends Placed {
  readonly does: 'other';
  readonly type: string;
  readonly run: ((args: ActionArgs, params: unknown) => void) | undefined;
}
export type Action = Assign | Emit | SendTo | Raise | Cancel | Spawn | Stop | Enqueue | Other;

/** Reads an action as the chart has it: a name, a name with params, or the result of an xstate action creator. */
export function readAction(chart: AnyStateMachine, action: unknown): Action {
  if (typeof action === 'function') return readImplementation(action.name || '(anonymous)', action, undefined);
  const { type, params } = typeof action === 'string' ? { type: action, params: undefined } : (action as Named);
  return readImplementation(type, (chart.implementations.actions as Readonly<Record<string, unknown>>)[type], params);
}

/** What xstate's action creators put on an action (5.33). */
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

/** The chart uses a feature that none of our charts uses. */
export class Unreadable extends TypeError {}

interface Named {
  readonly type: string;
  readonly params?: unknown;
}
