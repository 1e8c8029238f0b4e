/** Open spans, by the id of their actor and by remote domain. */
import {
  type Attributes,
  context,
  type HrTime,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import { type Fault, faultSentence } from '../protocol/faults.ts';
import { faultIn } from '../trace/context.ts';

export interface OpenSpan {
  readonly span: Span;
  readonly kind: SpanKind;
  /** The remote domain, if it is known yet. */
  remote: string;
}

export class OpenSpans {
  /** The time at which spans begin and end now. */
  nowMs = 0;
  readonly #tracer: Tracer;
  readonly #open = new Map<string, OpenSpan>();
  /** Ids of open spans by remote domain, oldest first. */
  readonly #with = new Map<string, Set<string>>();

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  get(id: string): OpenSpan | undefined {
    return this.#open.get(id);
  }

  has(id: string): boolean {
    return this.#open.has(id);
  }

  endAll(outcome: string): void {
    for (const id of [...this.#open.keys()]) this.end(id, null, outcome);
  }

  /** Sets the remote domain once it is known. */
  name(id: string, remote: string, attributes: Attributes): void {
    const open = this.#open.get(id);
    if (open === undefined) return;
    this.#isNotWith(open.remote, id);
    open.remote = remote;
    this.#isWith(remote, id);
    open.span.setAttributes(attributes);
  }

  /** Makes a span for something that one record describes completely. */
  moment(
    name: string,
    parent: Span,
    { atMs, ms }: { readonly atMs: number; readonly ms: number },
    attributes: Attributes,
    failure: Failure | null,
  ): void {
    const span = this.#tracer.startSpan(
      name,
      { kind: SpanKind.CLIENT, startTime: timeOf(atMs - ms), attributes },
      trace.setSpan(context.active(), parent),
    );
    if (failure !== null) setFailure(span, failure);
    span.end(timeOf(atMs));
  }

  /** Starts a span below `parent`; without one, a root span, which may be linked to another. */
  start(
    id: string,
    name: string,
    {
      remote,
      parent,
      linked = null,
      kind = SpanKind.INTERNAL,
      attributes = {},
    }: {
      readonly remote: string;
      readonly parent: Span | null;
      readonly linked?: Span | null;
      readonly kind?: SpanKind;
      readonly attributes?: Attributes;
    },
  ): void {
    this.end(id, null, 'left'); // an earlier one with this id
    const links = parent === null && linked !== null ? [{ context: linked.spanContext() }] : [];
    const options = { kind, attributes, links, root: parent === null, startTime: timeOf(this.nowMs) };
    const within = parent === null ? context.active() : trace.setSpan(context.active(), parent);
    this.#open.set(id, { span: this.#tracer.startSpan(name, options, within), kind, remote });
    this.#isWith(remote, id);
  }

  /** Ends a span; `what` may be a fault. */
  end(id: string, what: unknown, outcome: string | null = null): void {
    const open = this.#open.get(id);
    if (open === undefined) return;
    this.#open.delete(id);
    this.#isNotWith(open.remote, id);
    const fault = faultIn(what);
    if (outcome !== null) open.span.setAttribute('xmpp.dna.outcome', outcome);
    if (fault !== null) {
      open.span.setAttribute('xmpp.dna.origin', fault.origin);
      setFailure(open.span, failureOf(fault));
    }
    open.span.end(timeOf(this.nowMs));
  }

  /** The newest span with this remote domain that fits. */
  newest(remote: string, fits: (id: string) => boolean): Span | null {
    let newest: Span | null = null;
    for (const id of this.#with.get(remote) ?? []) if (fits(id)) newest = this.#open.get(id)?.span ?? newest;
    return newest;
  }

  #isWith(remote: string, id: string): void {
    const ids = this.#with.get(remote);
    if (ids === undefined) this.#with.set(remote, new Set([id]));
    else ids.add(id);
  }

  #isNotWith(remote: string, id: string): void {
    const ids = this.#with.get(remote);
    ids?.delete(id);
    if (ids?.size === 0) this.#with.delete(remote);
  }
}

export interface Failure {
  /** The type, as `layer:condition`. */
  readonly type: string;
  readonly message: string;
}

export const failureOf = (fault: Fault): Failure => ({
  type: `${fault.layer}:${fault.condition}`,
  message: faultSentence(fault),
});

function setFailure(span: Span, { type, message }: Failure): void {
  span.setAttribute('error.type', type);
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}

/** As seconds and nanoseconds: a bare number may be interpreted as time since the process started. */
const timeOf = (ms: number): HrTime => [Math.floor(ms / 1_000), Math.round((ms % 1_000) * 1e6)];
