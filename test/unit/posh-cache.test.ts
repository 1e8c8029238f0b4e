import assert from 'node:assert/strict';
import test from 'node:test';
import { PoshMemory, type PoshFinding } from '../../src/adapters/posh/memory.ts';
import type { PoshCondition } from '../../src/protocol/posh-conditions.ts';
import { fingerprintMatches, type PoshFingerprint, writePoshDocument } from '../../src/protocol/posh.ts';
import { SimulatedClock } from '../../src/simulation/simulated-clock.ts';
import { held } from '../support/https-client.ts';
import { answers, redirects, says, type Handler } from '../support/https-server.ts';
import { lists, ours, poshStage as stage, theirs } from '../support/posh-stage.ts';

test('a document is remembered until it expires, and then all begins at the domain again (RFC 7711 §6)', async (t) => {
  const { web, clock, fetch, secondsLeft } = await stage(t);
  web.serve('a.example', says({ url: 'https://b.example/', expires: 60 }));
  web.serve('b.example', lists(3_600));
  const first = await fetch();
  await clock.advance(59_999);
  assert.deepEqual(await fetch(), first);
  assert.equal(web.asked.length, 2);
  web.serve('a.example', lists(30, theirs));
  await clock.advance(1);
  assert.equal(await secondsLeft(), 30);
  assert.deepEqual(web.asked.slice(2), ['a.example /.well-known/posh/xmpp-server.json']);
});

test('what HTTP says of caching counts for nothing (RFC 7711 §6)', async (t) => {
  const { web, clock, fetch } = await stage(t);
  const text = writePoshDocument([ours], 60);
  web.serve('a.example', says(text, { 'cache-control': 'no-store', expires: '0' }));
  await fetch();
  await fetch();
  assert.equal(web.asked.length, 1);
  web.serve('a.example', says(text, { 'cache-control': 'max-age=1000000, immutable' }));
  await clock.advance(60_000);
  await fetch();
  assert.equal(web.asked.length, 2);
});

test('services and domains are remembered apart', async (t) => {
  const { web, fetch } = await stage(t);
  for (const host of ['a.example', 'b.example']) web.serve(host, lists());
  await fetch('a.example');
  await fetch('b.example');
  await fetch('a.example', {}, 'xmpp-client');
  assert.equal(web.asked.length, 3);
});

test('"there is none" is remembered for five minutes, other failures for half of one', async (t) => {
  const { web, clock, outcome } = await stage(t);
  const cases: readonly (readonly [PoshCondition, Handler, number])[] = [
    ['document-missing', answers(404), 300_000],
    ['document-unavailable', answers(500), 30_000],
    ['document-invalid', says('{'), 30_000],
    ['expires-zero', lists(0), 30_000],
    ['connection-closed', ({ socket }) => socket.destroy(), 30_000],
  ];
  for (const [condition, handler, lifetimeMs] of cases) {
    const host = `${condition}.example`;
    web.serve(host, handler);
    const asked = web.asked.length;
    assert.equal(await outcome(host), condition);
    web.serve(host, lists());
    await clock.advance(lifetimeMs - 1);
    assert.equal(await outcome(host), condition);
    assert.equal(web.asked.length, asked + 1);
    await clock.advance(1);
    assert.equal(await outcome(host), 'found');
  }
});

test('L6: what is wanted fresh is asked for, and what comes of it is remembered', async (t) => {
  const { web, fetch, outcome } = await stage(t);
  web.serve('a.example', answers(404));
  assert.equal(await outcome(), 'document-missing');
  web.serve('a.example', lists(60, theirs));
  assert.equal(await outcome(), 'document-missing', 'remembered');
  assert.equal(await outcome('a.example', { fresh: true }), 'found');
  assert.ok(fingerprintMatches(await fetch(), theirs));
  assert.equal(web.asked.length, 2);
});

test('what the domain says replaces what it said; trouble on the way does not (RFC 7711 §6)', async (t) => {
  const { web, outcome } = await stage(t);
  const fresh = { fresh: true };
  const troubles: readonly (readonly [PoshCondition, Handler])[] = [
    ['document-unavailable', answers(500)],
    ['connection-closed', ({ socket }) => socket.destroy()],
    ['insecure-redirect', redirects('http://a.example/')],
  ];
  for (const [condition, handler] of troubles) {
    web.serve('a.example', lists());
    assert.equal(await outcome('a.example', fresh), 'found');
    web.serve('a.example', handler);
    assert.equal(await outcome('a.example', fresh), condition, 'who asks afresh is told');
    assert.equal(await outcome(), 'found', 'the document stands until it expires');
  }
  const words: readonly (readonly [PoshCondition, Handler])[] = [
    ['document-missing', answers(404)],
    ['expires-zero', lists(0)],
    ['document-invalid', says('{')],
  ];
  for (const [condition, handler] of words) {
    web.serve('a.example', lists());
    assert.equal(await outcome('a.example', fresh), 'found');
    web.serve('a.example', handler);
    assert.equal(await outcome('a.example', fresh), condition);
    assert.equal(await outcome(), condition);
  }
});

test('our own troubles are not remembered', async (t) => {
  const { web, fetch, outcome } = await stage(t, { maxTurns: 1, maxWaiting: 0 });
  const { handler, reached } = held();
  web.serve('a.example', handler);
  web.serve('b.example', lists());
  const asker = new AbortController();
  const first = fetch('a.example', {}, 'xmpp-server', asker.signal);
  first.catch(() => undefined);
  await reached;
  assert.equal(await outcome('b.example'), 'too-many-fetches');
  asker.abort();
  await assert.rejects(first, /cancelled/);
  web.serve('a.example', lists());
  assert.deepEqual([await outcome('b.example'), await outcome('a.example')], ['found', 'found']);
});

test('equal questions at once are one; who leaves does not take it from the others', async (t) => {
  const { web, fetch } = await stage(t);
  const { handler, reached } = held();
  web.serve('a.example', handler);
  const leaver = new AbortController();
  const left = fetch('a.example', {}, 'xmpp-server', leaver.signal);
  left.catch(() => undefined);
  const [stays, fresh, verification] = [
    fetch(),
    fetch('a.example', { fresh: true }),
    fetch('a.example', { purpose: 'verification' }),
  ];
  const response = await reached;
  leaver.abort();
  await assert.rejects(left, /cancelled/);
  response.end(writePoshDocument([ours], 60));
  const materials = await Promise.all([stays, fresh, verification]);
  for (const material of materials) assert.ok(fingerprintMatches(material, ours));
  assert.equal(web.asked.length, 1);
});

test('a question for which nobody waits is given up, and the next one is a new one', async (t) => {
  const { web, clock, fetch } = await stage(t);
  const { handler, reached } = held();
  web.serve('a.example', handler);
  const asker = new AbortController();
  const left = fetch('a.example', {}, 'xmpp-server', asker.signal);
  left.catch(() => undefined);
  const response = await reached;
  const closed = new Promise((resolve) => response.once('close', resolve));
  asker.abort();
  await assert.rejects(left, /cancelled/);
  web.serve('a.example', lists());
  await fetch();
  await closed;
  assert.deepEqual([web.asked.length, clock.pending], [2, 0]);
  await assert.rejects(fetch('b.example', {}, 'xmpp-server', asker.signal), /cancelled/);
});

test('our own stanzas do not wait behind questions of strangers, not even behind the same one', async (t) => {
  const { web, fetch } = await stage(t, { maxTurns: 2 });
  const { handler, reached } = held();
  web.serve('stranger.example', handler);
  const purpose = 'verification';
  const stranger = fetch('stranger.example', { purpose });
  await reached;
  web.serve('a.example', lists());
  const waiting = fetch('a.example', { purpose });
  await fetch('a.example');
  assert.equal(web.asked.length, 2, 'the one that waits has not been asked');
  (await reached).end(writePoshDocument([theirs], 60));
  await Promise.all([stranger, waiting]);
});

test('memory is bounded, whatever strangers publish', () => {
  const clock = new SimulatedClock();
  const memory = new PoshMemory(clock);
  const found = (fingerprints: number): PoshFinding => ({
    kind: 'found',
    material: {
      fingerprints: Array<PoshFingerprint>(fingerprints).fill({ 'sha-256': ours.sha256 }),
      expiresAtMs: clock.now() + 60_000,
      url: 'https://b.example/',
    },
  });
  for (let i = 0; i < 100_000; i += 1) memory.remember(`https://a${i}.example/`, found(1));
  assert.ok(memory.size > 5_000 && memory.size < 20_000, String(memory.size));
  assert.notEqual(memory.recall('https://a99999.example/'), null);
  assert.equal(memory.recall('https://a0.example/'), null, 'what was used longest ago has gone');
  memory.remember('https://a99999.example/', found(1_000));
  assert.equal(memory.recall('https://a99999.example/'), null, 'what is too large is not kept, nor what it replaces');
});
