/** One event, or birth, on its way through a chart: runs actions in order and updates the snapshot. */
import {
  type AnyActorRef,
  type AnyEventObject,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type AnyStateNode,
  createActor,
} from 'xstate';
import {
  type Action,
  type ActionArgs,
  type Assign,
  type Computable,
  type Emit,
  type Enqueue,
  readAction,
  type SendTo,
  type Spawn,
} from './actions.ts';
import { enqueue, linedUp } from './enqueue.ts';
import { holds, readGuard } from './guards.ts';
import type { Entry, Move, Place, Plan } from './plan.ts';
import { ended, movedTo, withChildren, withContext } from './snapshots.ts';
import { type System, systemOf } from './system.ts';

export type Scope = Parameters<AnyStateMachine['transition']>[2];
type Children = Record<string, AnyActorRef>;

/** Fields of an actor that xstate's types leave out (5.33). */
interface ChildActor extends AnyActorRef {
  readonly _processingStatus: 0 | 1 | 2;
}
const RUNNING = 1;
const STOPPED = 2;

/** The recipient of an event to a child that is created by the same entry: until then only its name is known. */
interface Outgoing {
  to: unknown;
  readonly name: string;
}

export class Step {
  readonly #plan: Plan;
  readonly #scope: Scope;
  readonly #system: System;
  /** Raised events that are not yet taken. */
  readonly queue: AnyEventObject[] = [];
  snapshot: AnyMachineSnapshot;
  place: Place;
  #event: AnyEventObject;
  /** Events that wait until the children of the state that is being entered exist. */
  #outgoing: Outgoing[] = [];
  #invoked: readonly string[] | undefined = undefined;

  constructor(plan: Plan, scope: Scope, snapshot: AnyMachineSnapshot, event: AnyEventObject) {
    this.#plan = plan;
    this.#scope = scope;
    this.#system = systemOf(scope);
    this.snapshot = snapshot;
    this.place = plan.placeOf(snapshot._nodes);
    this.#event = event;
  }

  /** The first of the transitions that may be taken. */
  select(moves: readonly Move[], event: AnyEventObject): Move | null {
    this.#event = event;
    for (const move of moves) if (move.guard === null || holds(move.guard, this.snapshot, event)) return move;
    return null;
  }

  take(move: Move): void {
    if (move.exits.length > 0) this.#run(move.exits);
    if (move.actions.length > 0) this.#run(move.actions);
    for (const entry of move.entries) this.#enter(entry);
    if (move.to === null) return;
    const isOver = this.snapshot.status === 'done';
    if (move.to === this.place.leaf && !isOver) return;
    this.place = this.#plan.place(move.to);
    if (isOver) this.#run(this.place.last);
    this.snapshot = movedTo(this.place, this.snapshot);
  }

  /** Sets the initial context. */
  begin(input: unknown): AnyMachineSnapshot {
    const { context } = this.#plan.chart.config as { context?: unknown };
    const { self } = this.#scope;
    const first =
      typeof context === 'function' ? (context as (args: object) => object)({ input, self }) : (context ?? {});
    this.snapshot = withContext(this.snapshot, Object.assign({}, first));
    return this.snapshot;
  }

  withoutChildren(): AnyMachineSnapshot {
    this.stopChildren();
    return withChildren(this.snapshot, {});
  }

  /** Stops all children. A chart that is done keeps them in its snapshot, as in xstate. */
  stopChildren(): void {
    const { children } = this.snapshot as { children: Children };
    for (const id in children) this.#stop(children[id]);
  }

  #enter({ node, actions, invoked }: Entry): void {
    if (actions.length > 0) {
      this.#invoked = invoked;
      this.#run(actions);
      this.#invoked = undefined;
      if (this.#outgoing.length > 0) this.#address();
    }
    if (node.type === 'final') this.#complete(node);
  }

  #address(): void {
    for (const outgoing of this.#outgoing) outgoing.to = (this.snapshot.children as Children)[outgoing.name];
    this.#outgoing = [];
  }

  #complete(node: AnyStateNode): void {
    const { parent } = node;
    const { self } = this.#scope;
    if (parent !== undefined) {
      const output: unknown = resolved(node.output, this.snapshot.context, this.#event, self);
      this.queue.push({ type: `xstate.done.state.${parent.id}`, output });
    }
    if (parent?.parent !== undefined) return;
    const context: unknown = this.snapshot.context;
    const output = parent === undefined ? undefined : resolved(node.output, context, this.#event, self);
    const done = { type: `xstate.done.state.${node.id}`, output };
    this.snapshot = ended(this.snapshot, 'done', {
      output: resolved(this.#plan.chart.root.output, context, done, self),
    });
  }

  #run(actions: readonly Action[]): void {
    for (const action of actions) {
      const { self, system } = this.#scope;
      const args = { context: this.snapshot.context as unknown, event: this.#event, self, system };
      const { params } = action;
      this.#do(action, args, typeof params === 'function' ? (params as (args: object) => unknown)(args) : params);
    }
  }

  #do(action: Action, args: ActionArgs, params: unknown): void {
    switch (action.does) {
      case 'assign':
        this.snapshot = withContext(this.snapshot, assigned(action, args, params));
        return;
      case 'emit':
        this.#emit(action, args, params);
        return;
      case 'sendTo':
        this.#send(action, args, params);
        return;
      case 'raise': {
        const event = computed(action.event, args, params);
        const delayMs = this.#delay(action.delay, args, params);
        if (delayMs === undefined) this.queue.push(event);
        else this.#schedule(this.#scope.self, event, delayMs, action.id);
        return;
      }
      case 'cancel': {
        const id = computed(action.id, args, params);
        this.#scope.defer(() => this.#system.scheduler.cancel(this.#scope.self, id));
        return;
      }
      case 'spawnChild':
        this.#spawn(action, args);
        return;
      case 'stopChild': {
        const named = computed<unknown>(action.child, args, params);
        const { children } = this.snapshot as { children: Children };
        const child = typeof named === 'string' ? children[named] : (named as AnyActorRef | undefined);
        if (child !== undefined) {
          const others = { ...children };
          Reflect.deleteProperty(others, child.id);
          this.snapshot = withChildren(this.snapshot, others);
          this.#stop(child);
        }
        return;
      }
      case 'enqueueActions':
        this.#enqueue(action, args, params);
        return;
      case 'other':
        // xstate exports no type for the argument of its executor.
        this.#scope.actionExecutor({ type: action.type, info: args, params, exec: action.run } as never);
    }
  }

  #emit({ event }: Emit, args: ActionArgs, params: unknown): void {
    const emitted = computed(event, args, params);
    this.#scope.defer(() => this.#scope.emit(emitted));
  }

  #send(action: SendTo, args: ActionArgs, params: unknown): void {
    const event = computed(action.event, args, params);
    const delayMs = this.#delay(action.delay, args, params);
    const { self } = this.#scope;
    const named = computed(action.to, args, params) ?? self;
    if (typeof named !== 'string') {
      this.#relay(named, event, delayMs, action.id);
      return;
    }
    if (this.#invoked?.includes(named) === true) {
      const outgoing: Outgoing = { to: undefined, name: named };
      this.#outgoing.push(outgoing);
      this.#scope.defer(() => this.#deliver(outgoing.to, event, delayMs, action.id));
      return;
    }
    const child = (this.snapshot.children as Children)[named];
    if (child === undefined)
      throw new Error(`Unable to send event to actor '${named}' from machine '${this.#plan.chart.id}'.`);
    this.#relay(child, event, delayMs, action.id);
  }

  #relay(to: unknown, event: AnyEventObject, delayMs: number | undefined, id: string | undefined): void {
    this.#scope.defer(() => this.#deliver(to, event, delayMs, id));
  }

  #deliver(to: unknown, event: AnyEventObject, delayMs: number | undefined, id: string | undefined): void {
    const { self } = this.#scope;
    if (delayMs === undefined) this.#system._relay(self, to, event);
    else this.#system.scheduler.schedule(self, to, event, delayMs, id);
  }

  #schedule(to: unknown, event: AnyEventObject, delayMs: number, id: string | undefined): void {
    this.#scope.defer(() => this.#system.scheduler.schedule(this.#scope.self, to, event, delayMs, id));
  }

  #delay(delay: Computable<string | number | undefined>, args: ActionArgs, params: unknown): number | undefined {
    if (delay === undefined) return undefined;
    if (typeof delay !== 'string') return computed(delay, args, params) as number | undefined;
    const delays = this.#plan.chart.implementations.delays as Readonly<Record<string, Computable<number>>>;
    const known = delays[delay];
    return known === undefined ? undefined : computed(known, args, params);
  }

  #spawn({ src, id, input }: Spawn, args: ActionArgs): void {
    const actors = this.#plan.chart.implementations.actors as Readonly<Record<string, unknown>>;
    const logic = typeof src === 'string' ? actors[src] : src;
    const name = typeof id === 'function' ? id(args) : id;
    if (logic === undefined) throw new Error(`actor ${String(src)} of ${this.#plan.chart.id} is not implemented`);
    const given = typeof input === 'function' ? (input as (args: object) => unknown)(args) : input;
    const options = { id: name, src, parent: this.#scope.self, input: given, syncSnapshot: false };
    const child = createActor(logic as AnyStateMachine, options as object) as unknown as ChildActor; // any logic
    this.snapshot = withChildren(this.snapshot, { ...(this.snapshot.children as Children), [child.id]: child });
    this.#scope.defer(() => {
      if (child._processingStatus !== STOPPED) child.start();
    });
  }

  #stop(actor: AnyActorRef | undefined): void {
    if (actor === undefined) return;
    const child = actor as ChildActor;
    // A child that was not started never will be; a running one first receives the events sent to it before.
    if (child._processingStatus === RUNNING) this.#scope.defer(() => this.#scope.stopChild(child));
    else this.#scope.stopChild(child);
  }

  #enqueue({ collect }: Enqueue, args: ActionArgs, params: unknown): void {
    const { chart } = this.#plan;
    const { snapshot } = this;
    const check = (guard: unknown): boolean => holds(readGuard(chart, guard), snapshot, args.event);
    const { context, event, self, system } = args;
    this.#run(
      linedUp(collect, { context, event, check, self, system, enqueue }, params, (action) => readAction(chart, action)),
    );
  }
}

function computed<Value>(value: Computable<Value>, args: ActionArgs, params: unknown): Value {
  return typeof value === 'function' ? (value as (args: ActionArgs, params: unknown) => Value)(args, params) : value;
}

function assigned({ assignment }: Assign, args: ActionArgs, params: unknown): object {
  if (typeof assignment === 'function') return Object.assign({}, args.context, assignment(args, params));
  const update: Record<string, unknown> = {};
  for (const key of Object.keys(assignment)) update[key] = computed(assignment[key], args, params);
  return Object.assign({}, args.context, update);
}

function resolved(output: unknown, context: unknown, event: AnyEventObject, self: unknown): unknown {
  return typeof output === 'function' ? (output as (args: object) => unknown)({ context, event, self }) : output;
}
