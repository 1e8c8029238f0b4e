/** Spans of negotiations (docs/spans.md): their parents, that all of them end, and what failed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpanStatusCode, trace } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { Subject } from 'rxjs';
import { traceSpans } from '../../src/telemetry/spans.ts';
import type { TraceRecord } from '../../src/trace/record.ts';
import { createDuo, type Duo, type DuoOptions } from '../support/duo.ts';

/** A provider that keeps finished spans, and counts the spans that were begun. */
function remembering() {
  const exporter = new InMemorySpanExporter();
  let begun = 0;
  const counting = {
    onStart: () => void (begun += 1),
    onEnd: () => undefined,
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter), counting] });
  return { provider, spans: () => exporter.getFinishedSpans(), begun: () => begun };
}

async function traced(options: DuoOptions, run: (duo: Duo) => Promise<void>) {
  const duo = await createDuo({ seed: 6, ...options });
  const [ours, theirs] = [remembering(), remembering()];
  const tracing = [
    traceSpans(duo.providers.A, { provider: ours.provider }),
    traceSpans(duo.providers.B, { provider: theirs.provider }),
  ];
  await run(duo);
  await duo.stop();
  for (const one of tracing) one.stop();
  return { ours, theirs };
}

const named = (spans: readonly ReadableSpan[], name: string): ReadableSpan => {
  const found = spans.find((span) => span.name === name);
  assert.ok(found !== undefined, `${name} is not among ${spans.map((span) => span.name).join(', ')}`);
  return found;
};

const parentName = (spans: readonly ReadableSpan[], span: ReadableSpan): string | null =>
  spans.find((one) => one.spanContext().spanId === span.parentSpanContext?.spanId)?.name ?? null;

const once = async (duo: Duo): Promise<void> => {
  duo.send('a.example', 'b.example');
  await duo.settle();
};

test('below a negotiation: its look-ups, its stream, and below that TLS, association and prooftypes', async () => {
  const { ours, theirs } = await traced({}, once);
  const spans = ours.spans();
  const negotiation = named(spans, 'negotiation');
  assert.equal(negotiation.parentSpanContext, undefined);
  assert.equal(negotiation.attributes['xmpp.dna.remote'], 'b.example');
  assert.equal(negotiation.attributes['xmpp.dna.outcome'], 'holds');
  assert.equal(negotiation.status.code, SpanStatusCode.UNSET);
  for (const [name, parent] of [
    ['resolution', 'negotiation'],
    ['dns SRV', 'resolution'],
    ['dns addresses', 'resolution'],
    ['stream outgoing', 'negotiation'],
    ['tls', 'stream outgoing'],
    ['association', 'stream outgoing'],
    ['prooftype pkix', 'association'],
  ] as const)
    assert.equal(parentName(spans, named(spans, name)), parent, name);
  const traces = new Set(spans.map((span) => span.spanContext().traceId));
  assert.equal(traces.size, 1);
  const tls = named(spans, 'tls').attributes;
  assert.equal(tls['tls.protocol.version'], '1.3');
  assert.match(String(tls['tls.server.hash.sha256']), /^[0-9a-f]{64}$/);
  assert.equal(named(spans, 'stream outgoing').attributes['server.port'], 40_001);
  assert.equal(named(spans, 'prooftype pkix').attributes['xmpp.dna.outcome'], 'proved');
  const incoming = named(theirs.spans(), 'stream incoming');
  assert.equal(incoming.attributes['xmpp.dna.remote'], 'a.example');
  const theirTls = named(theirs.spans(), 'tls').attributes;
  assert.match(String(theirTls['tls.client.subject']), /a\.example/, 'who dialled showed it');
  assert.match(String(theirTls['tls.client.not_after']), /^\d{4}-/);
  assert.deepEqual(
    Object.keys(theirTls).filter((name) => name.startsWith('tls.server.')),
    [],
  );
  assert.equal(parentName(theirs.spans(), named(theirs.spans(), 'association')), 'stream incoming');
});

test('whatever is begun ends, once, and not before it began', async () => {
  const { ours, theirs } = await traced({}, async (duo) => {
    await once(duo);
    duo.send('a.example', 'c.example'); // an unknown domain
    await duo.settle();
  });
  for (const { spans, begun } of [ours, theirs]) {
    const ids = spans().map((span) => span.spanContext().spanId);
    assert.equal(ids.length, begun());
    assert.equal(new Set(ids).size, ids.length);
    for (const { name, startTime, endTime } of spans())
      assert.ok(endTime[0] > startTime[0] || (endTime[0] === startTime[0] && endTime[1] >= startTime[1]), name);
  }
});

test('a fault is the status of all that it ended: prooftype, association, stream, negotiation', async () => {
  const { ours } = await traced({ B: { hosts: ['b.example'], certificate: { names: ['mallory.example'] } } }, once);
  const spans = ours.spans();
  for (const name of ['prooftype pkix', 'association', 'stream outgoing', 'negotiation']) {
    const { status, attributes } = named(spans, name);
    assert.equal(status.code, SpanStatusCode.ERROR, name);
    assert.equal(attributes['error.type'], 'pkix:name-mismatch', name);
    assert.match(status.message ?? '', /mallory\.example/);
  }
  assert.equal(named(spans, 'prooftype posh').status.code, SpanStatusCode.UNSET, 'it could not find out');
});

test('a look-up that failed says by what', async () => {
  const { ours } = await traced({}, async (duo) => {
    duo.simulation.resolver.set('_xmpp-server._tcp.b.example', {
      status: 'bogus',
      reason: 'the signature has expired',
    });
    await once(duo);
  });
  const { status, attributes } = named(ours.spans(), 'dns SRV');
  assert.deepEqual([status.code, attributes['error.type']], [SpanStatusCode.ERROR, 'dns:bogus']);
});

test('what is open when it is stopped is ended, and nothing is listened to any more', async () => {
  const duo = await createDuo({ seed: 6 });
  const { provider, spans, begun } = remembering();
  const tracing = traceSpans(duo.providers.A, { provider });
  duo.send('a.example', 'b.example');
  await duo.simulation.clock.advance(60); // while the stream is being negotiated
  assert.ok(spans().length < begun());
  tracing.stop();
  const ended = spans().length;
  assert.equal(ended, begun());
  assert.ok(spans().some(({ attributes }) => attributes['xmpp.dna.outcome'] === 'stopped'));
  await duo.settle();
  await duo.stop();
  assert.equal(begun(), ended);
});

test('where no provider is registered nobody listens; where one is, it is found', () => {
  const records$ = new Subject<TraceRecord>();
  traceSpans({ records$ }).stop();
  const idle = traceSpans({ records$ });
  assert.equal(records$.observed, false);
  idle.stop();
  trace.setGlobalTracerProvider(remembering().provider);
  const tracing = traceSpans({ records$ });
  assert.equal(records$.observed, true);
  tracing.stop();
  assert.equal(records$.observed, false);
  trace.disable();
});
