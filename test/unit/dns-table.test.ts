import assert from 'node:assert/strict';
import test from 'node:test';
import { SimulatedClock } from '../../src/simulation/simulated-clock.ts';
import { createTableResolver } from '../../src/simulation/table-dns.ts';

const never = new AbortController().signal;
const owner = '_xmpp-server._tcp.a.example';
const record = { priority: 0, weight: 0, port: 5269, target: 'x.example' };
const home = { family: 4, address: '192.0.2.1' } as const;

test('a table answers with its records, and says of all else that there is none', async () => {
  const resolver = createTableResolver({ [owner]: { srv: [record] }, 'x.example': { addresses: [home] } });
  assert.deepEqual(await resolver.srv(owner, never), { status: 'insecure', records: [record], ttlSeconds: 300 });
  assert.deepEqual((await resolver.addresses('x.example', never)).records, [home]);
  assert.equal((await resolver.srv('x.example', never)).status, 'nodata-insecure');
  assert.equal((await resolver.addresses('nowhere.example', never)).status, 'nodata-insecure');
});

test('the status of an entry is that of its answers; none but secure and insecure ones have records', async () => {
  const entry = { srv: [record] };
  const resolver = createTableResolver({
    secure: { ...entry, status: 'secure' },
    bogus: { ...entry, status: 'bogus', reason: 'signature expired' },
    failed: { ...entry, status: 'error' },
    denied: { ...entry, status: 'nodata-secure' },
  });
  assert.equal((await resolver.srv('secure', never)).status, 'secure');
  assert.equal((await resolver.addresses('secure', never)).status, 'nodata-secure');
  for (const [name, status] of Object.entries({ bogus: 'bogus', failed: 'error', denied: 'nodata-secure' })) {
    const answer = await resolver.srv(name, never);
    assert.deepEqual([answer.status, answer.records], [status, []]);
  }
  assert.equal((await resolver.srv('bogus', never)).reason, 'signature expired');
});

test('what is set takes effect with the next question', async () => {
  const resolver = createTableResolver({});
  resolver.set('x.example', { addresses: [home] });
  assert.equal((await resolver.addresses('x.example', never)).records.length, 1);
  resolver.set('x.example', null);
  assert.equal((await resolver.addresses('x.example', never)).records.length, 0);
});

test('IP literals answer themselves', async () => {
  const resolver = createTableResolver({});
  assert.deepEqual((await resolver.addresses('[::1]', never)).records, [{ family: 6, address: '::1' }]);
});

test('with a delay the answer comes when the clock says so, and an aborted question leaves no timer', async () => {
  const clock = new SimulatedClock();
  const resolver = createTableResolver({ 'x.example': { addresses: [home] } }, { clock, delayMs: 20 });
  let answered = false;
  const answer = resolver.addresses('x.example', never).finally(() => (answered = true));
  await clock.advance(19);
  assert.equal(answered, false);
  await clock.advance(1);
  assert.equal((await answer).records.length, 1);

  const asker = new AbortController();
  const aborted = resolver.addresses('x.example', asker.signal);
  asker.abort();
  assert.deepEqual([(await aborted).status, clock.pending], ['error', 0]);
  assert.equal((await resolver.addresses('x.example', asker.signal)).reason, 'cancelled');
});
