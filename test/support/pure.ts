/** Walks a machine with `initialTransition` and `transition`: nothing runs, and every requested effect is data. */
import {
  type AnyStateMachine,
  type EventFromLogic,
  initialTransition,
  type InputFrom,
  type SnapshotFrom,
  type StateValueFrom,
  transition,
} from 'xstate';
import { childName } from '../../src/trace/view/child-name.ts';

type LeafOf<Value> = Value extends string
  ? Value
  : Value extends object
    ? { [Key in keyof Value & string]: `${Key}.${LeafOf<NonNullable<Value[Key]>>}` }[keyof Value & string]
    : never;

/** xstate's types also list a parent as a state of its own, in which no machine ever is. */
type WithoutParents<All extends string, One extends string = All> = One extends string
  ? Extract<All, `${One}.${string}`> extends never
    ? One
    : never
  : never;

/** Paths of the states in which a machine may be between two events: all except those that decide at once. */
export type RestingState<Machine extends AnyStateMachine> = Exclude<
  WithoutParents<LeafOf<StateValueFrom<Machine>>>,
  `${string}deciding${string}`
>;

/** `streamHeaders.awaitingHeader`, from the nested value of xstate. */
export function pathOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return Object.entries(value as Record<string, unknown>)
    .map(([key, inner]) => `${key}.${pathOf(inner)}`)
    .join(' & ');
}

/**
 * An effect that a machine requested; children have their names, as in a trace. Timers are left out: the walk of the
 * charts checks them.
 */
export type Effect =
  | { readonly kind: 'sent'; readonly to: string; readonly event: Message }
  | { readonly kind: 'emitted'; readonly event: Message }
  | { readonly kind: 'spawned'; readonly id: string; readonly input: unknown }
  | { readonly kind: 'stopped'; readonly id: string };

export type Message = Readonly<Record<string, unknown>> & { readonly type: string };

interface ExecutableAction {
  readonly type: string;
  readonly params: unknown;
}

function effectOf({ type, params }: ExecutableAction): Effect | null {
  if (params === undefined) return null; // no such child
  const said = params as { event: Message; targetId?: string; id?: string; input?: unknown; to?: { id: string } }; // xstate's
  switch (type) {
    case 'xstate.sendTo':
      return { kind: 'sent', to: said.targetId ?? said.to?.id ?? '', event: said.event };
    case 'xstate.emit':
      return { kind: 'emitted', event: said.event };
    case 'xstate.spawnChild':
      return { kind: 'spawned', id: said.id ?? '', input: said.input };
    case 'xstate.stopChild':
      return { kind: 'stopped', id: said.id ?? '' };
    default:
      return null;
  }
}

export class PureActor<Machine extends AnyStateMachine> {
  readonly #machine: Machine;
  /** Names of spawned children, by id. */
  readonly #names = new Map<string, string>();
  #snapshot: SnapshotFrom<Machine>;
  /** What the last event, or the start, requested. */
  effects: readonly Effect[];

  constructor(machine: Machine, input: InputFrom<Machine>) {
    this.#machine = machine;
    const [snapshot, actions] = initialTransition(machine as AnyStateMachine, input);
    this.#snapshot = snapshot as SnapshotFrom<Machine>;
    this.effects = this.#read(actions);
  }

  get snapshot(): SnapshotFrom<Machine> {
    return this.#snapshot;
  }

  get state(): string {
    return pathOf((this.#snapshot as { value: unknown }).value);
  }

  /** Like an actor, it ignores events once it is done. */
  send(event: EventFromLogic<Machine>): this {
    if ((this.#snapshot as { status: string }).status !== 'active') {
      this.effects = [];
      return this;
    }
    const [snapshot, actions] = transition(this.#machine, this.#snapshot, event);
    this.#snapshot = snapshot;
    this.effects = this.#read(actions);
    return this;
  }

  /** An event of xstate itself: the end of a child, or a deadline. */
  sendInternal(event: Message): this {
    return this.send(event as EventFromLogic<Machine>);
  }

  /** The child of this name ends with this output. */
  done(name: string, output: unknown): this {
    const id = this.#idOf(name);
    return this.sendInternal({ type: `xstate.done.actor.${id}`, output, actorId: id });
  }

  failed(name: string, error: unknown = new Error('broken')): this {
    const id = this.#idOf(name);
    return this.sendInternal({ type: `xstate.error.actor.${id}`, error, actorId: id });
  }

  /** The deadline of the current state passes. */
  late(): this {
    const nodes = (this.#snapshot as { _nodes: { id: string; after: { delay: unknown; eventType: string }[] }[] })
      ._nodes;
    const deadline = nodes.flatMap(({ after }) => after)[0];
    if (deadline === undefined) throw new Error(`no deadline in ${this.state}`);
    return this.sendInternal({ type: deadline.eventType });
  }

  #read(actions: readonly ExecutableAction[]): readonly Effect[] {
    return actions
      .map(effectOf)
      .filter((effect) => effect !== null)
      .map((effect) => this.#named(effect));
  }

  #idOf(name: string): string {
    for (const [id, known] of this.#names) if (known === name) return id;
    return name;
  }

  #named(effect: Effect): Effect {
    switch (effect.kind) {
      case 'spawned': {
        const id = childName(effect.id, effect.input);
        this.#names.set(effect.id, id);
        return { ...effect, id };
      }
      case 'stopped':
        return { ...effect, id: this.#names.get(effect.id) ?? effect.id };
      case 'sent':
        return { ...effect, to: this.#names.get(effect.to) ?? effect.to };
      case 'emitted':
        return effect;
    }
  }
}
