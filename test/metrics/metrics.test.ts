/** The metrics of a manager, scraped over HTTP after real negotiations (docs/metrics.md). */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { after, test } from 'node:test';
import { Subject } from 'rxjs';
import { Metrics, type Measured } from '../../src/metrics/metrics.ts';
import { MetricsServer } from '../../src/metrics/server.ts';
import { conditionLabel, OTHER, prooftypeLabel, tlsLabel } from '../../src/metrics/words.ts';
import { DNA_CONDITIONS } from '../../src/protocol/dna-conditions.ts';
import { fault } from '../../src/protocol/faults.ts';
import { POSH_CONDITIONS } from '../../src/protocol/posh-conditions.ts';
import type { TraceBody, TraceRecord } from '../../src/trace/record.ts';
import { type Family, parseExposition } from '../support/exposition.ts';
import { createDuo } from '../support/duo.ts';

const ROOT = new URL('../..', import.meta.url).pathname;

async function get(
  port: number,
  path = '/metrics',
  headers: Record<string, string> = {},
): Promise<{ status: number; type: string; body: string }> {
  const asked = request({ host: '127.0.0.1', port, path, headers, agent: false });
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  let body = '';
  for await (const part of response.setEncoding('utf8') as AsyncIterable<string>) body += part;
  return { status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '', body };
}

/** The value of one sample; undefined if there is none with exactly these labels. */
function value(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
  suffix = '',
): number | undefined {
  const wanted = JSON.stringify(Object.entries(labels).sort());
  return families
    .get(name)
    ?.samples.find(
      (sample) => sample.name === `${name}${suffix}` && JSON.stringify(Object.entries(sample.labels).sort()) === wanted,
    )?.value;
}

test('after negotiations that were proved and refused, the counts are those (O7)', async () => {
  const duo = await createDuo({
    seed: 4,
    A: { hosts: ['a.example', 'a2.example'], certificate: { names: ['a.example'] } },
  });
  const [metricsA, metricsB] = [new Metrics(duo.providers.A, '0.1.0'), new Metrics(duo.providers.B, '0.1.0')];
  const servers = [
    await MetricsServer.start({ address: '127.0.0.1', port: 0, token: null }, metricsA),
    await MetricsServer.start({ address: '127.0.0.1', port: 0, token: null }, metricsB),
  ] as const;
  try {
    duo.send('a.example', 'b.example');
    await duo.settle();
    duo.send('a2.example', 'b.example'); // a domain that nobody can prove
    await duo.settle();
    const { status, type, body } = await get(servers[0].port);
    assert.equal(status, 200);
    assert.match(type, /^text\/plain; version=0\.0\.4/);
    const a = parseExposition(body);
    const b = parseExposition((await get(servers[1].port)).body);
    const { A, B } = duo.providers;
    const established = { role: 'initiating', stage: 'established', tls: 'TLSv1.3' };
    const standing = A.snapshot().streams.filter(({ role, state }) => role === 'initiating' && state === 'established');
    assert.ok(standing.length > 0);
    assert.equal(value(a, 'xmpp_dna_streams', established), standing.length);
    assert.equal(value(a, 'xmpp_dna_negotiation_seconds', { direction: 'outgoing', outcome: 'holds' }, '_count'), 1);
    assert.equal(value(a, 'xmpp_dna_negotiation_seconds', { direction: 'outgoing', outcome: 'failed' }, '_count'), 1);
    assert.equal(value(b, 'xmpp_dna_negotiation_seconds', { direction: 'incoming', outcome: 'holds' }, '_count'), 1);
    for (const [families, { records }, verdict] of [
      [a, A.view(), 'proved'],
      [b, B.view(), 'refuted'],
    ] as const) {
      const found = records.filter(
        (one) => one.kind === 'verdict' && one.prooftype === 'pkix' && one.verdict === verdict,
      );
      assert.ok(found.length > 0);
      assert.equal(value(families, 'xmpp_dna_verdicts_total', { prooftype: 'pkix', verdict }), found.length);
    }
    assert.equal(value(a, 'xmpp_dna_routes'), A.snapshot().tables.routes.length);
    assert.equal(value(b, 'xmpp_dna_facts'), B.snapshot().tables.facts.length);
    assert.equal(value(a, 'xmpp_dna_stanzas_total', { outcome: 'sent' }), A.router.counters.sent);
    assert.equal(A.router.counters.sent, 1);
    assert.equal(value(a, 'xmpp_dna_stanzas_total', { outcome: 'returned' }), 1);
    assert.equal(value(a, 'xmpp_dna_queued_stanzas'), 0);
    assert.equal(value(a, 'xmpp_dna_actors', { kind: 'stream' }), A.snapshot().actors.streams);
    assert.equal(value(a, 'xmpp_dna_records_lost_total'), 0);
    assert.equal(value(a, 'xmpp_dna_build_info', { version: '0.1.0' }), 1);
    const faults = a.get('xmpp_dna_faults_total')?.samples.filter(({ labels }) => labels['of'] === 'negotiation');
    assert.deepEqual(
      faults?.map((one) => one.value),
      [1],
    );
    assert.ok((value(a, 'process_resident_memory_bytes') ?? 0) > 0 && a.has('nodejs_eventloop_lag_seconds'));
    // Counters continue from their last value; gauges are read again.
    const again = parseExposition((await get(servers[0].port)).body);
    assert.equal(value(again, 'xmpp_dna_stanzas_total', { outcome: 'sent' }), 1);
    assert.equal(value(again, 'xmpp_dna_streams', established), standing.length);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
    await duo.stop();
  }
});

test('every metric and label is documented, with its type, and none is documented that is not there', async () => {
  const duo = await createDuo({ seed: 4, B: { hosts: ['b.example'], certificate: { names: ['c.example'] } } });
  const metrics = new Metrics(duo.providers.A, '0.1.0');
  duo.send('a.example', 'b.example');
  await duo.settle();
  const families = parseExposition(await metrics.text());
  metrics.stop();
  await duo.stop();
  const rows = readFileSync(`${ROOT}docs/metrics.md`, 'utf8').matchAll(
    /^\| `(xmpp_dna_\w+)` +\| (\w+) +\| (.*?) +\|/gm,
  );
  const documented = new Map([...rows].map(([, name = '', type = '', labels = '']) => [name, { type, labels }]));
  const ours = [...families.values()].filter(({ name }) => name.startsWith('xmpp_dna_'));
  assert.deepEqual([...documented.keys()].sort(), ours.map(({ name }) => name).sort());
  for (const { name, type, samples } of ours) {
    const said = documented.get(name);
    assert.equal(said?.type, type, name);
    const labels = new Set(samples.flatMap((sample) => Object.keys(sample.labels)).filter((label) => label !== 'le'));
    for (const label of labels) assert.match(said.labels, new RegExp(`\`${label}\``), name);
  }
});

/** A manager that only emits records. */
function heard(): { measured: Measured; say: (body: TraceBody) => void } {
  const records$ = new Subject<TraceRecord>();
  const nothing = { admitted: 0, refused: 0, delivered: 0, unattended: 0, sent: 0, queued: 0, returned: 0, dropped: 0 };
  let seq = 0;
  return {
    measured: {
      records$,
      totals: () => ({
        ...{ streams: [], actors: { streams: 0, pairs: 0, peers: 0 }, routes: 0, facts: 0, pausedInlets: 0 },
        ...{ queues: { pairs: 0, stanzas: 0, bytes: 0 }, stanzas: { ...nothing, unknown: 0 }, recordsLost: 0 },
      }),
    },
    say: (body) => records$.next({ seq: seq++, atMs: 0, actor: 'stream:1', cause: null, ...body }),
  };
}

test('what is warned of is there before it happens: the rate of a series that begins with its first event is none', async () => {
  const metrics = new Metrics(heard().measured, '0.1.0');
  const families = parseExposition(await metrics.text());
  metrics.stop();
  assert.equal(
    value(families, 'xmpp_dna_negotiation_seconds', { direction: 'outgoing', outcome: 'failed' }, '_count'),
    0,
  );
  assert.equal(value(families, 'xmpp_dna_verdicts_total', { prooftype: 'dane', verdict: 'refuted' }), 0);
});

test('what peers make up does not become a label: there are no more time series than words of ours', async () => {
  const { measured, say } = heard();
  const metrics = new Metrics(measured, '0.1.0');
  for (let made = 0; made < 1_000; made += 1) {
    const why = fault('stream', `x${made}`, 'peer', 'whatever');
    say({ kind: 'report', report: { type: 'stream.closed', fault: why } as { type: string } });
    const found = { domain: 'b.example', prooftype: `urn:x:${made}`, evidence: null, expiresAtMs: null, fault: why };
    say({ kind: 'verdict', verdict: 'refuted', ...found });
  }
  const families = parseExposition(await metrics.text());
  metrics.stop();
  assert.deepEqual(
    families.get('xmpp_dna_faults_total')?.samples.map(({ labels, value: count }) => [labels['condition'], count]),
    [[OTHER, 1_000]],
  );
  const verdicts = families.get('xmpp_dna_verdicts_total')?.samples ?? [];
  assert.deepEqual(
    verdicts.filter(({ value: count }) => count > 0).map(({ labels, value: count }) => [labels['prooftype'], count]),
    [[OTHER, 1_000]],
  );
  assert.deepEqual([tlsLabel(null), tlsLabel('TLSv1.3'), tlsLabel('x')], ['none', 'TLSv1.3', OTHER]);
  assert.deepEqual([prooftypeLabel('posh'), prooftypeLabel('none')], ['posh', 'none']);
});

test('every condition that our sources name is a label of its own', () => {
  const missing = new Set<string>();
  for (const folder of ['src', 'machines'])
    for (const name of readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts')) continue;
      const text = readFileSync(`${ROOT}${folder}/${name}`, 'utf8');
      for (const [, layer = '', condition = ''] of text.matchAll(/fault\(\s*'([a-z]+)',\s*'([a-z-]+)'/g))
        if (!['config', 'component'].includes(layer) && conditionLabel(condition) === OTHER) missing.add(condition);
    }
  for (const condition of [...Object.keys(DNA_CONDITIONS), ...Object.keys(POSH_CONDITIONS)])
    if (conditionLabel(condition) === OTHER) missing.add(condition);
  assert.deepEqual([...missing], []);
});

test('whoever asks from elsewhere needs the token; a name that leads here by a trick, and other paths, get nothing', async () => {
  const { measured } = heard();
  const token = 'thirty-characters-more-or-less';
  const guarded = await MetricsServer.start({ address: '127.0.0.1', port: 0, token }, new Metrics(measured, '0.1.0'));
  after(() => guarded.stop());
  assert.equal((await get(guarded.port)).status, 401);
  assert.equal((await get(guarded.port, '/metrics', { authorization: 'Bearer wrong' })).status, 401);
  const shown = { authorization: `Bearer ${token}` };
  assert.equal((await get(guarded.port, '/metrics', shown)).status, 200);
  assert.equal((await get(guarded.port, '/metrics', { ...shown, host: 'metrics.example' })).status, 200, 'a proxy');
  const open = await MetricsServer.start(
    { address: '127.0.0.1', port: 0, token: null },
    new Metrics(measured, '0.1.0'),
  );
  after(() => open.stop());
  assert.equal((await get(open.port)).status, 200);
  assert.equal((await get(open.port, '/metrics', { host: 'evil.example' })).status, 403);
  assert.equal((await get(guarded.port, '/', shown)).status, 404);
  assert.equal((await get(guarded.port, '//', shown)).status, 400);
});
