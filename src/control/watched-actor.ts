/** An actor that is recorded: what the recorder knows of it, and the scope through which its chart acts. */
import type { AnyStateMachine } from 'xstate';
import { childName } from '../trace/view/child-name.ts';
import type { LiveActor } from '../trace/view/live-view.ts';
import type { Stay } from '../trace/view/stay.ts';

type Scope = Parameters<AnyStateMachine['transition']>[2];

/** The key under which xstate's scope of an actor holds ours. */
export const WATCHED = Symbol('watched');
export interface WatchedScope extends Scope {
  [WATCHED]?: WatchedActor;
}

/** Runs what an actor causes, with its newest record as the cause. */
export interface Course {
  inCourseOf(actor: { readonly seq: number }, run: () => void): void;
}

interface Birth {
  readonly chart: AnyStateMachine;
  readonly parent: WatchedActor | null;
  readonly input: unknown;
  readonly bornMs: number;
  readonly seq: number;
}

/**
 * The scope between the chart and xstate: one object for each actor, since actors are many and short-lived
 * (docs/adr/trace.md).
 */
export class WatchedActor implements Scope, LiveActor {
  /** Its name in the trace, such as `stream:3/association`. */
  readonly path: string;
  readonly chart: AnyStateMachine;
  readonly parent: WatchedActor | null;
  readonly bornMs: number;
  stay: Stay | null = null;
  glanced: LiveActor['glanced'] = null;
  /** Its newest record, which is the cause of what it does now. */
  seq: number;
  // Taken from xstate; `id` is relative to the parent.
  readonly self: Scope['self'];
  readonly id: string;
  readonly sessionId: string;
  readonly logger: Scope['logger'];
  readonly emit: Scope['emit'];
  readonly system: Scope['system'];
  readonly stopChild: Scope['stopChild'];
  actionExecutor: Scope['actionExecutor'];
  readonly #course: Course;
  readonly #scope: Scope;
  #deferred: (() => void)[] | null = null;
  /** Records of ended children whose end it has not been told yet, by the child's id. */
  #ends: Map<string, number> | null = null;

  constructor(course: Course, scope: Scope, { chart, parent, input, bornMs, seq }: Birth) {
    this.path = parent === null ? scope.id : `${parent.path}/${childName(scope.id, input)}`;
    this.chart = chart;
    this.parent = parent;
    this.bornMs = bornMs;
    this.seq = seq;
    this.self = scope.self;
    this.id = scope.id;
    this.sessionId = scope.sessionId;
    this.logger = scope.logger;
    this.emit = scope.emit;
    this.system = scope.system;
    this.stopChild = scope.stopChild;
    this.actionExecutor = scope.actionExecutor;
    this.#course = course;
    this.#scope = scope;
  }

  /**
   * Runs everything that one event causes under one cause: xstate runs these in this order, all at once, after the
   * event.
   */
  defer(run: () => void): void {
    if (this.#deferred !== null) {
      this.#deferred.push(run);
      return;
    }
    this.#deferred = [run];
    this.#scope.defer(() => {
      const all = this.#deferred ?? [];
      this.#deferred = null;
      this.#course.inCourseOf(this, () => {
        for (const each of all) each();
      });
    });
  }

  childEnded(id: string, seq: number): void {
    (this.#ends ??= new Map()).set(id, seq);
  }

  /** The record of the child's end that an event of this type reports. */
  endOfChild(type: string): number | null {
    if (this.#ends === null || this.#ends.size === 0) return null;
    const prefix = type.startsWith(DONE) ? DONE : ERROR;
    if (!type.startsWith(prefix)) return null;
    const child = type.slice(prefix.length);
    const seq = this.#ends.get(child) ?? null;
    if (seq !== null) this.#ends.delete(child);
    return seq;
  }
}

const DONE = 'xstate.done.actor.';
const ERROR = 'xstate.error.actor.';
