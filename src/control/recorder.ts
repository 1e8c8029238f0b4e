/** Records what happens: always in memory, within its bounds; and to subscribers. */
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
  /**
   * Records kept in memory, at most a million; with 0, records exist only while somebody subscribes.
   * @defaultValue {@link traceLimits}
   */
  readonly records?: number;
  readonly bytes?: number;
}

type ScopeOfChart = Parameters<AnyStateMachine['transition']>[2];

const INIT = { type: 'xstate.init' };
const NOTHING_PASSED: readonly (readonly string[])[] = [];

export class Recorder implements Course {
  /** Reports of root actors. Cheap, and always worth a log line. */
  readonly reports$ = new Subject<ReportRecord>();
  /** All records, as they are made. */
  readonly records$ = new Subject<TraceRecord>();
  readonly ring: Ring;
  readonly clock: Clock;
  readonly #keeps: boolean;
  readonly #live = new Map<string, WatchedActor>();
  /** The actor whose step or birth is being computed: the parent of any actor born within it. */
  #mover: WatchedActor | null = null;
  #seq = 0;
  #course: number | null = null;
  /**
   * The record of what has just come in for an actor (an element, a stanza that waits, a request): it is the cause of
   * the actor's next event about it.
   */
  #prompt: number | null = null;
  #prompted = '';
  /** How many transitions and births are being computed, nested; their records wait for the outermost. */
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

  /** Live actors by id; those born while nothing was recorded are missing. */
  get live(): ReadonlyMap<string, LiveActor> {
    return this.#live;
  }

  /** Whether a record would be kept, or delivered to a subscriber. */
  get isOn(): boolean {
    return this.#keeps || this.records$.observed;
  }

  /**
   * A snapshot of every live actor; not to be called within a transition. Each gets the number of the record that comes
   * next.
   */
  snapshots(): TraceRecord[] {
    const atMs = this.clock.now();
    return Array.from(this.#live.values(), ({ path, chart, self, bornMs, stay }) => ({
      seq: this.#seq,
      atMs,
      actor: path,
      cause: null,
      kind: 'snapshot',
      machine: chart.id,
      snapshot: chart.getPersistedSnapshot(self.getSnapshot() as AnyMachineSnapshot), // the actor runs a chart
      bornMs,
      entered: (stay?.entered ?? []).map(({ node, sinceMs, untilMs }) => ({
        state: node.path.join('.'),
        sinceMs,
        untilMs,
      })),
    }));
  }

  /** The record in whose course further records are made now: their cause. */
  get course(): number | null {
    return this.#course;
  }

  /** Returns the number of the record; null when nobody wants it. */
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
   * A copy of the chart whose actors are recorded; it computes the same. Wrapping the two functions that every step of
   * an actor passes through costs a fraction of xstate's inspection (docs/adr/trace.md).
   */
  watch<Chart extends AnyStateMachine>(chart: Chart): Chart {
    const watched = chart.provide({}) as Chart; // a copy, of the same type
    watched.getInitialSnapshot = (scope: ScopeOfChart, input: unknown) =>
      this.isOn ? this.#born(chart, scope, input) : chart.getInitialSnapshot(scope, input);
    watched.transition = (snapshot: AnyMachineSnapshot, event: AnyEventObject, scope: ScopeOfChart) => {
      const actor = this.isOn ? (scope as WatchedScope)[WATCHED] : undefined; // set in #born only
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
    const nowMs = this.clock.now(); // read before any child is born, like the sequence number
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
      this.#seq = seq; // no child was born: nothing has happened
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

  /**
   * The cause of an event: for the end of a child, that record; for news from the far end, the element that brought it.
   */
  #causeOf(actor: WatchedActor, type: string): number | null {
    if (type.startsWith('xstate.')) return actor.endOfChild(type);
    if (this.#prompt === null) return this.#course;
    const isPrompted = type.startsWith('peer.') || type === 'local.routeWanted' || type === 'stream.assigned';
    if (!isPrompted || this.#prompted !== actor.path) return this.#course;
    const prompt = this.#prompt;
    this.#prompt = null;
    return prompt;
  }

  /** Runs what an actor does after a step, with that step as its cause. */
  inCourseOf({ seq }: { readonly seq: number }, run: () => void): void {
    const outer = this.#course;
    this.#course = seq;
    try {
      run();
    } finally {
      this.#course = outer;
    }
  }

  /**
   * A function that runs what follows an actor's last step or end, with that as its cause; ask for it while the actor
   * lives.
   */
  following(id: string): (run: () => void) => void {
    const actor = this.#live.get(id);
    return actor === undefined ? (run) => run() : (run) => this.inCourseOf(actor, run);
  }

  /** Records nested in others, or delivered to a subscriber, are kept only when the outermost one is complete. */
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
  const { remote } = context as { remote?: unknown }; // of streams: only their events have something to redact
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

/** The states that were passed through without a stay: nearly always none, or one. */
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

/** The parts of an actor's last snapshot that are recorded. */
interface Last {
  readonly status: string;
  readonly output?: unknown;
  readonly error?: unknown;
  readonly context: unknown;
}

/** Charts keep the reason for a failure under this name, or in the verdict if they return one. */
function faultOf(value: unknown): Fault | null {
  if (typeof value !== 'object' || value === null) return null;
  if ('verdict' in value) return faultOf(value.verdict);
  return 'fault' in value ? (value.fault as Fault | null) : null;
}
