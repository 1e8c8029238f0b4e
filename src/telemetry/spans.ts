/**
 * Negotiations as OpenTelemetry spans (docs/spans.md), made from a manager's records. When no tracer provider is
 * registered, it subscribes to nothing.
 */
import { type Attributes, type Span, SpanKind, trace, type Tracer, type TracerProvider } from '@opentelemetry/api';
import type { Observable } from 'rxjs';
import { fieldsIn, numberIn, textIn } from '../trace/context.ts';
import type { RecordOf, TraceRecord } from '../trace/record.ts';
import {
  certificateAttributes,
  dnsAttributes,
  endpointAttributes,
  poshAttributes,
  tlsAttributes,
} from './attributes.ts';
import { HostNames } from './host-names.ts';
import { type Failure, failureOf, type OpenSpan, OpenSpans } from './open-spans.ts';

/** The source of spans. */
export interface Traced {
  readonly records$: Observable<TraceRecord>;
}

export interface SpanOptions {
  /** @defaultValue the provider registered with `@opentelemetry/api`, if any */
  readonly provider?: TracerProvider;
}

const NAME = 'xmpp-dna';

/** Charts whose actors are spans from birth to end, and the names of these spans. */
const CHILDREN: Readonly<Record<string, string>> = {
  resolution: 'resolution',
  association: 'association',
  verification: 'verification',
  assertion: 'assertion',
  challenge: 'challenge',
  pkixProoftype: 'prooftype pkix',
  daneProoftype: 'prooftype dane',
  poshProoftype: 'prooftype posh',
  dialbackProoftype: 'prooftype dialback',
};

/** The API's own provider, which forwards to the registered one if there is one. */
interface Front extends TracerProvider {
  getDelegateTracer(name: string): Tracer | undefined;
}

const isFront = (provider: TracerProvider): provider is Front =>
  'getDelegateTracer' in provider && typeof provider.getDelegateTracer === 'function';

/** Null when no provider is registered. */
function tracerFrom({ provider = trace.getTracerProvider() }: SpanOptions): Tracer | null {
  const isEmpty = isFront(provider) && provider.getDelegateTracer(NAME) === undefined;
  return isEmpty ? null : provider.getTracer(NAME);
}

/**
 * Makes spans until it is stopped, which ends those that are open. If no provider is registered when it is called, it
 * does nothing, even if one is registered later.
 */
export function traceSpans({ records$ }: Traced, options: SpanOptions = {}): { stop(): void } {
  const tracer = tracerFrom(options);
  if (tracer === null) return { stop: () => undefined };
  const spans = new Spans(tracer);
  const listening = records$.subscribe((record) => spans.take(record));
  return {
    stop: () => {
      listening.unsubscribe();
      spans.stop();
    },
  };
}

class Spans {
  /** By actor id; `… tls` is the handshake of a stream. */
  readonly #open: OpenSpans;
  /** Live streams whose negotiation is over: spans that begin on them later are linked to it. */
  readonly #settled = new Map<string, Span>();
  readonly #hosts = new HostNames();

  constructor(tracer: Tracer) {
    this.#open = new OpenSpans(tracer);
  }

  take(record: TraceRecord): void {
    this.#open.nowMs = record.atMs;
    switch (record.kind) {
      case 'born':
        this.#born(record);
        break;
      case 'event':
        this.#moved(record);
        break;
      case 'report':
        this.#reported(record);
        break;
      case 'ended':
        this.#ended(record);
        break;
      case 'certificate':
        if (record.end === 'remote') this.#shown(record);
        break;
      case 'dns': {
        const remote = this.#hosts.learn(record);
        const { type, status, reason } = record;
        const failure = reason === null ? null : { type: `dns:${status}`, message: reason };
        this.#moment(`dns ${type}`, remote, record, dnsAttributes(record), failure);
        break;
      }
      case 'posh': {
        const failure = record.fault === null ? null : failureOf(record.fault);
        this.#moment('posh', record.domain, record, poshAttributes(record), failure);
        break;
      }
      default:
    }
  }

  stop(): void {
    this.#open.endAll('stopped');
    this.#settled.clear();
  }

  #born({ actor, machine, parent, input, states }: RecordOf<'born'>): void {
    const fields = fieldsIn(input);
    if (machine === 'initiatingStream' || machine === 'receivingStream') {
      const isOurs = machine === 'initiatingStream';
      const remote = textIn(fields['remote']);
      const attributes = {
        'xmpp.dna.stream': numberIn(fields['stream']) ?? -1,
        'xmpp.dna.purpose': textIn(fields['purpose']),
      };
      this.#open.start(actor, isOurs ? 'stream outgoing' : 'stream incoming', {
        remote,
        parent: isOurs ? this.#negotiationWith(remote, textIn(fields['local'])) : null,
        kind: isOurs ? SpanKind.CLIENT : SpanKind.SERVER,
        attributes: {
          ...attributes,
          ...domains(textIn(fields['local']), remote),
          ...endpointAttributes(fields['endpoint']),
        },
      });
      if (states[0] === 'tlsNegotiation') this.#beginTls(actor);
      return;
    }
    const name = CHILDREN[machine];
    if (name === undefined) return;
    const above = parent === null ? undefined : this.#open.get(parent);
    const remote = remoteOf(machine, actor, fields) || (above?.remote ?? '');
    this.#open.start(actor, name, {
      remote,
      parent: above?.span ?? this.#negotiationWith(remote, ''),
      linked: parent === null ? null : (this.#settled.get(parent) ?? null),
      attributes: { 'xmpp.dna.domain': remote },
    });
  }

  #moved({ actor, machine, event, states }: RecordOf<'event'>): void {
    const [state = ''] = states;
    if (machine === 'pair') this.#pairMoved(actor, event.type, state);
    else if (machine === 'initiatingStream' || machine === 'receivingStream') {
      const stream = this.#open.get(actor);
      if (event.type === 'peer.streamOpened' && stream !== undefined) this.#hear(actor, stream, event);
      this.#followTls(actor, state, event);
      if (state === 'established') this.#settle(actor);
    }
  }

  #pairMoved(actor: string, event: string, state: string): void {
    if (event === 'local.routeWanted' && state === 'awaitingRoute' && !this.#open.has(actor)) {
      const [local = '', remote = ''] = actor.slice('pair:'.length).split('>');
      this.#open.start(actor, 'negotiation', { remote, parent: null, attributes: domains(local, remote) });
    }
  }

  /** The TLS handshake: from when the stream enters it (with direct TLS, at its birth) to when it leaves it. */
  #followTls(actor: string, state: string, event: RecordOf<'event'>['event']): void {
    const id = tlsOf(actor);
    if (event.type === 'transport.secured') {
      this.#beginTls(actor);
      this.#open.get(id)?.span.setAttributes(tlsAttributes(event['tls']));
      this.#open.end(id, null);
    } else if (state === 'tlsNegotiation') {
      this.#beginTls(actor);
    } else if ((state === 'closing' || state === 'closed') && this.#open.has(id)) {
      this.#open.end(id, event['fault'] ?? { layer: 'tls', condition: 'not-finished', origin: 'peer' });
    }
  }

  #beginTls(actor: string): void {
    const stream = this.#open.get(actor);
    if (stream === undefined || this.#open.has(tlsOf(actor))) return;
    this.#open.start(tlsOf(actor), 'tls', { remote: stream.remote, parent: stream.span });
  }

  #reported({ actor, report }: RecordOf<'report'>): void {
    if (report.type === 'pair.routed') {
      const { stream } = fieldsIn(report);
      this.#open.get(actor)?.span.setAttribute('xmpp.dna.stream', numberIn(stream) ?? -1);
      this.#open.end(actor, null, 'holds');
    } else if (report.type === 'pair.failed' || report.type === 'stream.closing') {
      this.#open.end(actor, fieldsIn(report)['fault'], report.type === 'pair.failed' ? 'failed' : 'closed');
    }
  }

  #ended({ actor, machine, how, output, fault }: RecordOf<'ended'>): void {
    this.#settled.delete(actor);
    if (machine.endsWith('Stream')) this.#open.end(tlsOf(actor), fault);
    const { kind, verdict } = fieldsIn(output);
    const found = textIn(kind) || textIn(fieldsIn(verdict)['kind']);
    const outcome = how === 'done' ? found || 'done' : how;
    // A prooftype without a result is not a failure: the next one is tried.
    this.#open.end(actor, outcome === 'undetermined' && machine.endsWith('Prooftype') ? null : fault, outcome);
  }

  /** The negotiation of a stream is over; the stream continues. */
  #settle(actor: string): void {
    const stream = this.#open.get(actor);
    if (stream === undefined) return;
    this.#settled.set(actor, stream.span);
    this.#open.end(actor, null, 'established');
  }

  #shown(record: RecordOf<'certificate'>): void {
    const role = this.#open.get(record.actor)?.kind === SpanKind.SERVER ? 'client' : 'server';
    this.#open.get(tlsOf(record.actor))?.span.setAttributes(certificateAttributes(record, role));
  }

  /** Adds a look-up to the actor that waits for it; it is left out if no such actor is known. */
  #moment(
    name: string,
    remote: string,
    when: { readonly atMs: number; readonly ms: number },
    attributes: Attributes,
    failure: Failure | null,
  ): void {
    const parent = this.#open.newest(remote, (id) => !id.endsWith(TLS));
    if (parent !== null) this.#open.moment(name, parent, when, attributes, failure);
  }

  /** The span of the pair itself, if it is negotiating; otherwise the newest one that waits for this remote domain. */
  #negotiationWith(remote: string, local: string): Span | null {
    const own = this.#open.get(`pair:${local}>${remote}`);
    if (own !== undefined) return own.span;
    return this.#open.newest(remote, (id) => id.startsWith('pair:') || id.includes('/verification'));
  }

  /** A header has named the far end. */
  #hear(id: string, stream: OpenSpan, event: RecordOf<'event'>['event']): void {
    const { from, to } = fieldsIn(event['header']);
    const remote = textIn(from);
    if (stream.remote === '' && remote !== '') this.#open.name(id, remote, domains(textIn(to), remote));
  }
}

const TLS = ' tls';
const tlsOf = (actor: string): string => `${actor}${TLS}`;

const domains = (local: string, remote: string): Attributes => ({
  'xmpp.dna.local': local,
  'xmpp.dna.remote': remote,
});

/** The domain that a child actor is about. */
function remoteOf(
  machine: string,
  actor: string,
  { domain, sourceDomain, remote, from }: Record<string, unknown>,
): string {
  if (machine === 'resolution') return textIn(remote) || actor.replace(/^[a-z]+:/, '').replace(/\/.*$/, '');
  return textIn(domain) || textIn(sourceDomain) || (machine === 'verification' ? textIn(from) : '');
}
