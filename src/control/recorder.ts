/** What happens, as records: in memory always, as far as there is room; and to whoever listens. */
import { Subject } from 'rxjs';
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import type { Clock } from '../ports.ts';
import { type Fault, toFault } from '../protocol/faults.ts';
import type { LiveActor } from '../trace/view/live-view.ts';
import { traceLimits } from '../trace/limits.ts';
import { type EventOfActor, recordOf, type ReportRecord, type TraceBody, type TraceRecord } from '../trace/record.ts';
import { redactEvent, redactInput } from '../trace/redact.ts';
import { Ring } from '../trace/ring.ts';
import { type Course, WATCHED, WatchedActor, type WatchedScope } from './watched-actor.ts';
import { type Keep, RecordBatch } from './record-batch.ts';
import { aloneOf, deadlineIn, follow, innermostOf, type Stay } from '../trace/view/stay.ts';

export interface RecorderOptions {
  readonly clock: Clock;
  /** Kept in memory, at most a million; with 0 there are records only while somebody listens. @defaultValue {@link traceLimits} */
  readonly records?: number;
  readonly bytes?: number;
}

type ScopeOfChart = Parameters<AnyStateMachine['transition']>[2];

const INIT = { type: 'xstate.init' };
const NOTHING_PASSED: readonly (readonly string[])[] = [];

export class Recorder implements Course {
  /** What root actors report. Cheap, and always worth a log line. */
  readonly reports$ = new Subject<ReportRecord>();
  /** All of it, as it is recorded. */
  readonly records$ = new Subject<TraceRecord>();
  readonly ring: Ring;
  readonly clock: Clock;
  readonly #keeps: boolean;
  readonly #live = new Map<string, WatchedActor>();
  /** Whose step, or birth, is being computed: the parent of whoever is born of it. */
  #mover: WatchedActor | null = null;
  #seq = 0;
  #course: number | null = null;
  /** What has just come in, an element or a stanza that waits, and what was asked for, is the cause of what the actor is told of it. */
  #prompt: number | null = null;
  #prompted = '';
  /** How many transitions and births are being computed, one within the other; their records wait for the outermost. */
  #depth = 0;
  readonly #batch = new RecordBatch();
  readonly #keep: Keep;

  constructor({ clock, records = traceLimits.records, bytes = traceLimits.bytes }: RecorderOptions) {
    this.clock = clock;
    this.#keeps = records > 0;
    this.ring = new Ring(records, bytes);
    this.#keep = (seq, atMs, actor, cause, body) => {
      if (this.#keeps) this.ring.push(seq, atMs, actor, cause, body);
      if (this.records$.observed) this.records$.next(recordOf(seq, atMs, actor, cause, body));
    };
  }

  /** Actors that live, by id; of those that were born while nothing was recorded nobody knows. */
  get live(): ReadonlyMap<string, LiveActor> {
    return this.#live;
  }

  /** Whether a record would be kept, or heard by anybody. */
  get isOn(): boolean {
    return this.#keeps || this.records$.observed;
  }

  /** Every actor that lives, in mid-life; not while one moves. The number of each is that of the record that comes next. */
  snapshots(): TraceRecord[] {
    const atMs = this.clock.now();
    return Array.from(this.#live.values(), ({ path, chart, self, bornMs, stay }) => ({
      seq: this.#seq,
      atMs,
      actor: path,
      cause: null,
      kind: 'snapshot',
      machine: chart.id,
      snapshot: chart.getPersistedSnapshot(self.getSnapshot() as AnyMachineSnapshot), // of a chart
      bornMs,
      entered: (stay?.entered ?? []).map(({ node, sinceMs, untilMs }) => ({
        state: node.path.join('.'),
        sinceMs,
        untilMs,
      })),
    }));
  }

  /** In whose course something is recorded now: the cause of it. */
  get course(): number | null {
    return this.#course;
  }

  /** Answers the number of the record; null where nobody wants one. */
  record(actor: string, body: TraceBody, atMs = this.clock.now()): number | null {
    const isReported = body.kind === 'report' && this.reports$.observed;
    if (!this.isOn && !isReported) return null;
    const seq = this.#seq++;
    const cause = this.#course;
    if (isReported) this.reports$.next({ seq, atMs, actor, cause, ...body });
    if (isPrompt(body)) {
      this.#prompted = actor;
      this.#prompt = seq;
    }
    this.#keep(seq, atMs, actor, cause, body);
    return seq;
  }

  /**
   * The chart, whose actors are recorded from now on: what it computes is the same. A wrapper of the two functions in which
   * all of an actor passes costs a fraction of xstate's inspection (docs/adr/trace.md).
   */
  watch<Chart extends AnyStateMachine>(chart: Chart): Chart {
    const watched = chart.provide({}) as Chart; // a copy, of the same type
    watched.getInitialSnapshot = (scope: ScopeOfChart, input: unknown) =>
      this.isOn ? this.#born(chart, scope, input) : chart.getInitialSnapshot(scope, input);
    watched.transition = (snapshot: AnyMachineSnapshot, event: AnyEventObject, scope: ScopeOfChart) => {
      const actor = this.isOn ? (scope as WatchedScope)[WATCHED] : undefined; // set below, by us alone
      return actor === undefined
        ? chart.transition(snapshot, event, scope)
        : this.#moved(chart, actor, snapshot, event);
    };
    return watched;
  }

  #born(chart: AnyStateMachine, scope: ScopeOfChart, input: unknown): AnyMachineSnapshot {
    const mover = this.#mover;
    const parent = mover !== null && scope.self._parent === mover.self ? mover : null;
    const seq = this.#seq++;
    const bornMs = this.clock.now();
    const actor = new WatchedActor(this, scope, { chart, parent, input, bornMs, seq });
    (scope as WatchedScope)[WATCHED] = actor;
    const outer = this.#open(actor, seq);
    const snapshot: AnyMachineSnapshot = chart.getInitialSnapshot(actor, input);
    actor.stay = follow(chart, null, INIT, [snapshot], bornMs);
    this.#live.set(actor.path, actor);
    this.#add(seq, bornMs, actor, outer, {
      kind: 'born',
      machine: chart.id,
      parent: parent?.path ?? null,
      input: redactInput(input),
      states: statesOf(actor.stay),
      untilMs: untilOf(actor.stay),
    });
    if (snapshot.status !== 'active') this.#ended(actor, snapshot);
    this.#close(mover, outer);
    return snapshot;
  }

  #moved(
    chart: AnyStateMachine,
    actor: WatchedActor,
    snapshot: AnyMachineSnapshot,
    event: AnyEventObject,
  ): AnyMachineSnapshot {
    const mover = this.#mover;
    if (event.type === 'xstate.stop') {
      const stopped = chart.transition(snapshot, event, actor);
      const outer = this.#open(actor, actor.seq);
      this.#ended(actor, stopped);
      this.#close(mover, outer);
      return stopped;
    }
    const seq = this.#seq++;
    const nowMs = this.clock.now(); // before that of whoever is born of it, as its number is
    const cause = this.#causeOf(actor, event.type);
    const outer = this.#open(actor, seq);
    let steps: AnyMachineSnapshot[];
    try {
      steps = chart.microstep(snapshot, event, actor);
    } catch (error) {
      this.#add(seq, nowMs, actor, cause, taken(actor, event, snapshot, NOTHING_PASSED));
      this.#ended(actor, { status: 'error', error, context: null });
      this.#close(mover, outer);
      throw error;
    }
    const next = steps[steps.length - 1] ?? snapshot;
    if (next === snapshot) {
      this.#seq = seq; // nobody was born: nothing has happened
      this.#close(mover, outer);
      return snapshot;
    }
    const before = actor.stay;
    const passed = steps.length === 1 ? NOTHING_PASSED : passedIn(chart, before, steps);
    actor.stay = follow(chart, before, event, steps, nowMs);
    actor.seq = seq;
    this.#add(seq, nowMs, actor, cause, taken(actor, event, snapshot, passed));
    if (next.status !== 'active') this.#ended(actor, next);
    this.#close(mover, outer);
    return next;
  }

  #ended(actor: WatchedActor, { status, output, error, context }: Last): void {
    if (this.#live.get(actor.path) === actor) this.#live.delete(actor.path);
    const seq = this.#seq++;
    const cause = actor.seq;
    actor.seq = seq;
    const isDone = status === 'done';
    const isErrored = status === 'error';
    this.#add(seq, this.clock.now(), actor, cause, {
      kind: 'ended',
      machine: actor.chart.id,
      how: isDone ? 'done' : isErrored ? 'errored' : 'stopped',
      output: isDone ? output : undefined,
      fault: isErrored ? toFault(error, 'internal') : ((isDone ? faultOf(output) : null) ?? faultOf(context)),
    });
    if (status !== 'stopped' && actor.parent !== null) actor.parent.childEnded(actor.id, seq);
  }

  /** What an actor is told of the end of a child has that for its cause; of what its far end said, the element that said it. */
  #causeOf(actor: WatchedActor, type: string): number | null {
    if (type.startsWith('xstate.')) return actor.endOfChild(type);
    if (this.#prompt === null) return this.#course;
    const isPrompted = type.startsWith('peer.') || type === 'local.routeWanted' || type === 'stream.assigned';
    if (!isPrompted || this.#prompted !== actor.path) return this.#course;
    const prompt = this.#prompt;
    this.#prompt = null;
    return prompt;
  }

  /** What an actor sets going when it has moved is done in the course of that. */
  inCourseOf({ seq }: { readonly seq: number }, run: () => void): void {
    const outer = this.#course;
    this.#course = seq;
    try {
      run();
    } finally {
      this.#course = outer;
    }
  }

  /** Runs what is done after an actor has moved, or ended, in the course of that; asked for while the actor lives. */
  following(id: string): (run: () => void) => void {
    const actor = this.#live.get(id);
    return actor === undefined ? (run) => run() : (run) => this.inCourseOf(actor, run);
  }

  /** What others were recorded in, or somebody listens to, is kept when all of it is whole. */
  #add(seq: number, atMs: number, { path }: WatchedActor, cause: number | null, body: TraceBody): void {
    if (this.#depth === 1 && this.#batch.isEmpty && !this.records$.observed) this.#keep(seq, atMs, path, cause, body);
    else this.#batch.add(seq, atMs, path, cause, body);
  }

  #open(actor: WatchedActor, seq: number): number | null {
    const outer = this.#course;
    this.#course = seq;
    this.#mover = actor;
    this.#depth += 1;
    return outer;
  }

  #close(mover: WatchedActor | null, outer: number | null): void {
    this.#course = outer;
    this.#mover = mover;
    this.#depth -= 1;
    if (this.#depth === 0) this.#batch.drain(this.#keep);
  }
}

function taken(
  { chart, stay }: WatchedActor,
  event: EventOfActor,
  { context }: AnyMachineSnapshot,
  passed: readonly (readonly string[])[],
): TraceBody {
  const { remote } = context as { remote?: unknown }; // of streams, whose events alone have something to hide
  return {
    kind: 'event',
    machine: chart.id,
    event: redactEvent(event, remote),
    passed,
    states: statesOf(stay),
    untilMs: untilOf(stay),
  };
}

const isPrompt = (body: TraceBody): boolean =>
  (body.kind === 'wire' && body.direction === 'in') ||
  (body.kind === 'queue' && body.change === 'waiting') ||
  (body.kind === 'report' && body.report.type === 'stream.requested');

const statesOf = (stay: Stay | null): readonly string[] => stay?.innermost.path ?? [];
const untilOf = (stay: Stay | null): number | null => (stay === null ? null : deadlineIn(stay));

/** The states that were only passed: nearly always none, or one. */
function passedIn(
  chart: AnyStateMachine,
  before: Stay | null,
  steps: readonly AnyMachineSnapshot[],
): readonly (readonly string[])[] {
  let passed = NOTHING_PASSED;
  let last = before?.nodes;
  for (let at = 0; at < steps.length - 1; at += 1) {
    const nodes = steps[at]?._nodes;
    if (nodes === undefined || nodes === last) continue;
    last = nodes;
    const innermost = innermostOf(chart, nodes);
    passed = passed === NOTHING_PASSED ? aloneOf(innermost) : [...passed, innermost.path];
  }
  return passed;
}

/** Of the snapshot with which an actor ends. */
interface Last {
  readonly status: string;
  readonly output?: unknown;
  readonly error?: unknown;
  readonly context: unknown;
}

/** Charts keep why they failed under this name, in the verdict where that is what they answer. */
function faultOf(value: unknown): Fault | null {
  if (typeof value !== 'object' || value === null) return null;
  if ('verdict' in value) return faultOf(value.verdict);
  return 'fault' in value ? (value.fault as Fault | null) : null;
}
