import assert from 'node:assert/strict';
import test from 'node:test';
import { fault } from '../../src/protocol/faults.ts';
import { poshUrl, writePoshDocument } from '../../src/protocol/posh.ts';
import { SimulatedClock } from '../../src/simulation/simulated-clock.ts';
import { createTablePoshSource } from '../../src/simulation/table-posh.ts';

const never = new AbortController().signal;
const URL_OF_A = poshUrl('a.example', 'xmpp-server');
const certificate = { sha256: 'ab'.repeat(32), sha512: 'cd'.repeat(64) };
const document = writePoshDocument([certificate], 60);

test('a table answers as the Web does: documents, references, 404, trouble', async () => {
  const clock = new SimulatedClock();
  const source = createTablePoshSource(
    {
      [URL_OF_A]: JSON.stringify({ url: 'https://b.example', expires: 30 }),
      'https://b.example/': document,
      [poshUrl('c.example', 'xmpp-server')]: { condition: 'timeout' },
      [poshUrl('d.example', 'xmpp-server')]: { status: 500 },
    },
    { clock },
  );
  assert.deepEqual(await source.fetch('a.example', 'xmpp-server', never), {
    fingerprints: [{ 'sha-256': certificate.sha256, 'sha-512': certificate.sha512 }],
    expiresAtMs: clock.now() + 30_000,
    url: 'https://b.example/',
  });
  const conditions = { c: 'timeout', d: 'document-unavailable', e: 'document-missing' };
  for (const [domain, condition] of Object.entries(conditions)) {
    await assert.rejects(source.fetch(`${domain}.example`, 'xmpp-server', never), ({ fault: told }) => {
      assert.deepEqual(told, { ...fault('posh', condition, 'web'), text: (told as { text: string }).text });
      return true;
    });
  }
  await assert.rejects(source.fetch('a.example', 'xmpp-client', never), /document-missing/);
});

test('what stands in the table can be changed', async () => {
  const source = createTablePoshSource({});
  source.set(URL_OF_A, document);
  await source.fetch('a.example', 'xmpp-server', never);
  source.set(URL_OF_A, null);
  await assert.rejects(source.fetch('a.example', 'xmpp-server', never), /document-missing/);
});

test('an answer takes its time, and whoever gives up leaves no timer', async () => {
  const clock = new SimulatedClock();
  const source = createTablePoshSource({ [URL_OF_A]: document }, { clock, delayMs: 20 });
  let isThere = false;
  const answer = source.fetch('a.example', 'xmpp-server', never).finally(() => (isThere = true));
  await clock.advance(19);
  assert.equal(isThere, false);
  await clock.advance(1);
  assert.equal((await answer).expiresAtMs, clock.now() + 60_000);

  const asker = new AbortController();
  const left = source.fetch('a.example', 'xmpp-server', asker.signal);
  asker.abort();
  await assert.rejects(left, /cancelled/);
  await assert.rejects(source.fetch('a.example', 'xmpp-server', asker.signal), /cancelled/);
  assert.equal(clock.pending, 0);
});
