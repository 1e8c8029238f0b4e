/** Who waits for a stream that is being opened, and who is woken (L3). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../machines/limits.ts';
import { nothingNegotiated } from '../../machines/stream/context.ts';
import { type Found, StandingStreams, type Wanted } from '../../src/control/standing-streams.ts';
import { StreamSearch } from '../../src/control/stream-search.ts';
import { SimulatedClock } from '../../src/simulation/simulated-clock.ts';
import { endpointOf, rowOf } from '../support/stream-rows.ts';

class CountingStreams extends StandingStreams {
  looks = 0;

  override find(wanted: Wanted): Found {
    this.looks += 1;
    return super.find(wanted);
  }
}

const patient = new AbortController().signal;
const endpoint = (n: number) => endpointOf(`host${n}.example`, `192.0.2.${n}`);
const wanted = (n: number, remote = `r${n}.example`): Wanted => ({
  remote,
  purpose: 'stanzas',
  endpoints: [endpoint(n)],
  avoid: [],
});
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function stage() {
  const clock = new SimulatedClock();
  const streams = new CountingStreams();
  const awaited: string[] = [];
  const search = new StreamSearch(streams, clock, (remote, stream) => awaited.push(`${remote} ${stream}`));
  return { clock, streams, awaited, search };
}

test('a stream that changes wakes those who look for such a one, and nobody else', async () => {
  const { streams, search } = stage();
  const rows = Array.from({ length: 50 }, (_, n) => rowOf(n, endpoint(n), { connectedTo: `192.0.2.${n}` }));
  for (const row of rows) streams.add(row);
  const found: (Found | undefined)[] = [];
  for (const { id } of rows) void search.find(wanted(id), patient).then((what) => (found[id] = what));
  await settled();
  assert.equal(streams.looks, rows.length);

  streams.verifiable(rows[7]!);
  streams.established(rows[7]!);
  search.changed(rows[7]!);
  await settled();
  assert.deepEqual(found[7], { stream: 7, manner: 'supposition' });
  assert.equal(found.filter((what) => what !== undefined).length, 1);
  assert.equal(streams.looks, rows.length + 1);
});

test('whoever finds nothing promises a stream; others wait for it, and look again when it does not come', async () => {
  const { clock, streams, search } = stage();
  assert.equal(await search.find(wanted(1), patient), null);
  const second: Found[] = [];
  void search.find(wanted(1, 'second.example'), patient).then((what) => second.push(what));
  await clock.advance(limits.promiseMs - 1);
  assert.deepEqual(second, []);
  await clock.advance(1);
  assert.deepEqual(second, [null]);
  assert.equal(streams.looks, 3);
});

test('whoever waits for a promised stream hears which it is when it is being opened, and once', async () => {
  const { streams, awaited, search } = stage();
  assert.equal(await search.find(wanted(1), patient), null);
  void search.find(wanted(1, 'second.example'), patient);
  assert.deepEqual(awaited, []);
  const row = rowOf(1, endpoint(1), { connectedTo: null });
  streams.add(row);
  const { looks } = streams;
  search.opening(row);
  assert.deepEqual([awaited, streams.looks], [['second.example 1'], looks], 'nobody looks again for that');
  search.changed(row);
  await settled();
  assert.deepEqual(awaited, ['second.example 1']);
});

test('of very many who wait for a stream, a few hear which it is', async () => {
  const { streams, awaited, search } = stage();
  assert.equal(await search.find(wanted(1), patient), null);
  for (let n = 0; n < 100; n += 1) void search.find(wanted(1, `d${n}.example`), patient);
  const row = rowOf(1, endpoint(1), { connectedTo: null });
  streams.add(row);
  search.opening(row);
  assert.deepEqual([awaited.length, awaited[0]], [32, 'd0.example 1']);
});

test('of a thousand who wait at a place that fails, the one who has waited longest opens the next stream, and the others do not look', async () => {
  const { clock, streams, search } = stage();
  const failing = (id: number): void => {
    const row = rowOf(id, endpoint(1), { connectedTo: null });
    streams.add(row);
    row.stage = 'closing';
    search.changed(row);
    streams.remove(id);
    search.changed(row);
  };
  streams.add(rowOf(0, endpoint(1), { connectedTo: null }));
  const opened: number[] = [];
  for (let n = 0; n < 1_000; n += 1)
    void search.find(wanted(1, `d${n}.example`), patient).then((what) => opened.push(what === null ? n : NaN));
  await settled();
  streams.remove(0);
  streams.looks = 0;
  for (let id = 1; id <= 1_000; id += 1) {
    failing(id);
    await settled();
    assert.equal(opened.at(-1), id - 1);
  }
  assert.equal(opened.length, 1_000);
  assert.ok(streams.looks <= 2_000, `${streams.looks} looks`);
  search.stop();
  assert.equal(clock.pending, 0);
});

test('where a stream fails, whoever waits for it at another place than he who opens the next one looks as well', async () => {
  const { streams, search } = stage();
  const both = endpointOf('host1.example', '192.0.2.1', '192.0.2.2');
  const row = rowOf(1, both, { connectedTo: '192.0.2.2' });
  streams.add(row);
  streams.verifiable(row);
  const found: string[] = [];
  void search.find({ ...wanted(1), endpoints: [both] }, patient).then(() => found.push('the same'));
  void search.find(wanted(2), patient).then(() => found.push('the address that answered'));
  await settled();
  assert.deepEqual(found, []);
  row.stage = 'closing';
  search.changed(row);
  await settled();
  assert.deepEqual(found, ['the same', 'the address that answered']);
  search.stop();
});

test('a bidirectional stream from the holder of the certificate serves those who wait for its endpoint', async () => {
  const { streams, search } = stage();
  const certificate = { sha256: 'c0ffee' };
  const tls = { protocol: 'TLSv1.3', cipher: '', alpn: null, resumed: false, certificate } as never;
  const ours = rowOf(1, endpoint(1), { tls });
  streams.add(ours);
  streams.established(ours); // the certificate was seen there
  streams.remove(1);
  streams.add(rowOf(2, endpoint(1), {}));
  const found: Found[] = [];
  void search.find(wanted(1), patient).then((what) => found.push(what));
  await settled();
  assert.deepEqual(found, []);

  const theirs = {
    ...rowOf(3, endpoint(1), { tls, negotiation: { ...nothingNegotiated, bidi: true } }),
    initiating: false,
    endpoint: null,
  };
  streams.add(theirs);
  streams.established(theirs);
  search.changed(theirs);
  await settled();
  assert.deepEqual(found, [{ stream: 3, manner: 'supposition' }]);
});

test('once stopped, nobody promises a stream, and no timer is left', async () => {
  const { clock, search } = stage();
  await search.find(wanted(1), patient);
  assert.equal(clock.pending, 1);
  search.stop();
  assert.equal(clock.pending, 0);
  await search.find(wanted(2), patient);
  assert.equal(clock.pending, 0);
});

test('whoever gave up promises no stream that he will not open: others do not wait for it (M1)', async () => {
  const { clock, streams, search } = stage();
  streams.add(rowOf(1, endpoint(1), {}));
  const impatient = new AbortController();
  const first = search.find(wanted(1), impatient.signal);
  await settled();
  impatient.abort();
  streams.remove(1);
  assert.equal(await first, null);
  assert.equal(clock.pending, 0);
  assert.equal(await search.find(wanted(1, 'second.example'), patient), null);
});
