/** Which open stream may serve which domain (RFC 7712 §4.4). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StandingStreams } from '../../src/control/standing-streams.ts';
import { endpointOf, rowOf } from '../support/stream-rows.ts';

/** A stream to evil.example, which has published the victim's address beside its own. */
function standing(connectedTo: string): StandingStreams {
  const streams = new StandingStreams();
  const row = rowOf(1, endpointOf('xmpp.evil.example', '192.0.2.1', '203.0.113.9'), { connectedTo });
  streams.add(row);
  streams.leadsTo(1, 'evil.example');
  streams.verifiable(row);
  streams.established(row);
  return streams;
}
const wanted = { remote: 'victim.example', endpoints: [endpointOf('xmpp.victim.example', '192.0.2.1')], avoid: [] };

test('an address that was published but did not answer is not where a stream leads: no db:verify and no supposition for its owner (S2, S6, M8)', () => {
  const streams = standing('203.0.113.9');
  assert.equal(streams.find({ ...wanted, purpose: 'verification' }), null);
  assert.equal(streams.find({ ...wanted, purpose: 'stanzas' }), null);
});

test('the address that answered is: the same address and port serve another domain (XEP-0220 §2.6.2, M1)', () => {
  const streams = standing('192.0.2.1');
  assert.deepEqual(streams.find({ ...wanted, purpose: 'verification' }), { stream: 1, manner: 'assertion' });
  assert.deepEqual(streams.find({ ...wanted, purpose: 'stanzas' }), { stream: 1, manner: 'supposition' });
});

test('a stream that was removed is found under no domain that it led to', () => {
  const streams = standing('192.0.2.1');
  streams.leadsTo(1, 'other.example');
  streams.remove(1);
  assert.equal(streams.find({ remote: 'other.example', endpoints: [], avoid: [], purpose: 'verification' }), null);
  assert.equal(streams.find({ ...wanted, purpose: 'verification' }), null);
});

test('L3: who has the very same addresses by another name waits for the stream that is being opened there; who shares one does not', () => {
  const streams = new StandingStreams();
  const [one, other] = ['one', 'other'].map((name) => endpointOf(`${name}.hoster.example`, '192.0.2.1', '192.0.2.2'));
  assert.ok(one !== undefined && other !== undefined);
  const found = (endpoint: typeof one) =>
    streams.find({ remote: 'tenant.example', endpoints: [endpoint], avoid: [], purpose: 'stanzas' });
  const takeBack = streams.promise(one);
  assert.deepEqual(found(other), { pending: null });
  assert.equal(found(endpointOf('xmpp.victim.example', '192.0.2.1')), null);
  assert.equal(takeBack(), true);
  assert.equal(found(other), null);
  streams.add(rowOf(1, one, { connectedTo: null }));
  assert.deepEqual(found(other), { pending: 1 });
  assert.equal(found(endpointOf('xmpp.victim.example', '192.0.2.1')), null);
  streams.remove(1);
  assert.equal(found(other), null);
});

test('a stream that leads to a domain no more is not offered for it, and goes on leading to the others', () => {
  const streams = new StandingStreams();
  const row = rowOf(1, endpointOf('h.example', '192.0.2.1'), {});
  row.stage = 'established';
  streams.add(row);
  for (const remote of ['b.example', 'c.example']) streams.leadsTo(1, remote);
  assert.deepEqual([streams.leadsNoMore(1, 'b.example'), streams.leadsNoMore(1, 'b.example')], [true, false]);
  const leading = (remote: string) => streams.leadingTo({ remote, purpose: 'stanzas', avoid: [] })?.id ?? null;
  assert.deepEqual([leading('b.example'), leading('c.example')], [null, 1]);
});
