/** The peer as a table: resolution, reuse, attempts and their end, as in RFC 6120 §3. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AttemptProgress, StreamWish } from '../../../machines/events.ts';
import { limits, peer } from '../../../machines/index.ts';
import { superseded } from '../../../machines/failures.ts';
import { noProgress, type PeerInput, wishesOf } from '../../../machines/peer.machine.ts';
import type { Endpoint } from '../../../src/protocol/dns.ts';
import { fault, type Fault } from '../../../src/protocol/faults.ts';
import { PureActor } from '../../support/pure.ts';
import { endpoint, wordsOf } from '../../support/samples.ts';
import { broken, checkTable, done } from '../../support/tables.ts';

const unreachable = fault('tcp', 'connect-timeout', 'peer');
const input: PeerInput = { remote: 'b.example', fixedTarget: null, asksForTlsa: true, denied: null, jitter: 0 };
const targetOf = (host: string) => ({ host, port: 5269, tls: 'starttls', secureDelegation: false }) as const;
const second = { ...endpoint, ...targetOf('xmpp2.b.example') };
const wanted = { type: 'local.streamWanted', local: 'a.example', purpose: 'stanzas', avoid: [] } as const;
const resolved = { kind: 'resolved', endpoint, further: [targetOf(second.host)] };

const events = {
  'local.streamWanted': wanted,
  'local.retryRequested': { type: 'local.retryRequested' },
  resolved: done('resolution', resolved),
  'last resolved': done('resolution', { kind: 'resolved', endpoint: second, further: [] }),
  'not resolved': done('resolution', { kind: 'failed', fault: fault('dns', 'no-address', 'dns') }),
  'resolution broken': broken('resolution'),
  'a stream stands': done('findStandingStream', { stream: 7, manner: 'supposition' }),
  'none stands': done('findStandingStream', null),
  'search broken': broken('findStandingStream'),
  'stream.awaited': { type: 'stream.awaited', stream: 9 },
  'stream.assigned': { type: 'stream.assigned', stream: 1 },
  'stream.verifiable': { type: 'stream.verifiable', stream: 1 },
  'stream.established': { type: 'stream.established', stream: 1 },
  'stream.closing': { type: 'stream.closing', stream: 1, fault: unreachable, progress: noProgress },
  superseded: { type: 'stream.closing', stream: 1, fault: superseded, progress: noProgress },
  'stream.closed': { type: 'stream.closed', stream: 1, fault: unreachable, progress: noProgress },
};
const nothing = {
  'local.streamWanted': '=',
  'local.retryRequested': '=',
  resolved: '=',
  'last resolved': '=',
  'not resolved': '=',
  'resolution broken': '=',
  'a stream stands': '=',
  'none stands': '=',
  'search broken': '=',
  'stream.awaited': '=',
  'stream.assigned': '=',
  'stream.verifiable': '=',
  'stream.established': '=',
  'stream.closing': '=',
  superseded: '=',
  'stream.closed': '=',
} as const;
const connecting = ['local.streamWanted', 'resolved', 'none stands', 'stream.assigned'] as const;

checkTable({
  machine: peer,
  spec: 'RFC 6120 §3, RFC 7712 §4.4.2',
  input,
  events,
  ways: {
    resting: [],
    dnsResolution: ['local.streamWanted'],
    connectionReuse: ['local.streamWanted', 'resolved'],
    connecting,
    failed: ['local.streamWanted', 'not resolved'],
  },
  table: {
    resting: { ...nothing, 'local.streamWanted': ['dnsResolution', 'spawn resolution'], late: '-' },
    dnsResolution: {
      ...nothing,
      resolved: ['connectionReuse', 'spawn findStandingStream'],
      'last resolved': ['connectionReuse', 'spawn findStandingStream'],
      'not resolved': ['failed', 'report stream.refused'],
      'resolution broken': ['failed', 'report stream.refused'],
      late: ['failed', 'report stream.refused'],
    },
    connectionReuse: {
      ...nothing,
      'a stream stands': ['resting', 'report stream.offered'],
      'none stands': ['connecting', 'report stream.requested'],
      'search broken': ['connecting', 'report search.failed', 'report stream.requested'],
      late: ['connecting', 'report stream.requested'],
    },
    connecting: {
      ...nothing,
      'stream.established': ['resting', 'report stream.offered'],
      'stream.closing': ['dnsResolution', 'spawn resolution'],
      superseded: ['connectionReuse', 'spawn findStandingStream'],
      'stream.closed': ['dnsResolution', 'spawn resolution'],
      late: ['dnsResolution', 'report stream.abandoned', 'spawn resolution'],
    },
    failed: {
      ...nothing,
      'local.streamWanted': ['failed', 'report stream.refused'],
      'local.retryRequested': ['resting'],
      late: ['resting'],
    },
  },
});

const at = (...steps: readonly (keyof typeof events)[]) => {
  const actor = new PureActor(peer, input);
  for (const step of steps) actor.sendInternal(events[step]);
  return actor;
};
const fails = (actor: PureActor<typeof peer>, what: Fault | null, stream = 1, progress: AttemptProgress = noProgress) =>
  actor
    .sendInternal({ type: 'stream.assigned', stream })
    .sendInternal({ type: 'stream.closed', stream, fault: what, progress });
const anotherTarget = (actor: PureActor<typeof peer>) =>
  actor.sendInternal(events['last resolved']).sendInternal(events['none stands']);
const requested = ({ effects }: PureActor<typeof peer>) =>
  effects.flatMap((effect) =>
    effect.kind === 'emitted' && effect.event.type === 'stream.requested'
      ? [[(effect.event['endpoint'] as typeof endpoint).host, effect.event['avoidExternal']]]
      : [],
  );

test('each target is tried once, in order; after the last the wishes are refused with the last fault (RFC 6120 §3.2.1)', () => {
  const actor = at('local.streamWanted', 'resolved', 'none stands');
  assert.deepEqual(requested(actor), [[endpoint.host, false]]);
  assert.deepEqual(requested(anotherTarget(fails(actor, unreachable))), [[second.host, false]]);
  fails(actor, null, 2);
  assert.deepEqual([actor.state, ...actor.effects.map(wordsOf)], ['failed', 'report stream.refused']);
  assert.equal(actor.snapshot.context.fault?.condition, 'closed', 'who closes without a word has a fault too');
});

const noAnswer = fault('sasl', 'closed-after-auth', 'peer');
const byDialback: AttemptProgress = { connectedTo: null, dialbackOffered: true };

test('EXTERNAL refused: the same endpoint once more by dialback, if that is on offer, then the next one (RFC 7712 §4.3, failures.ts)', () => {
  const actor = at('local.streamWanted', 'resolved', 'none stands');
  assert.deepEqual(requested(fails(actor, noAnswer, 1, byDialback)), [[endpoint.host, true]]);
  assert.deepEqual(requested(anotherTarget(fails(actor, noAnswer, 2, byDialback))), [[second.host, false]]);
  const withoutDialback = fails(at('local.streamWanted', 'resolved', 'none stands'), noAnswer);
  assert.deepEqual(requested(anotherTarget(withoutDialback)), [[second.host, false]]);
});

test('who waits hears why EXTERNAL failed, not why the dialback that was tried instead did', () => {
  const actor = fails(at('local.streamWanted', 'last resolved', 'none stands'), noAnswer, 1, byDialback);
  fails(actor, unreachable, 2);
  assert.deepEqual([actor.state, actor.snapshot.context.fault], ['failed', noAnswer]);
  const denied = fault('policy', 'policy-violation', 'local');
  const further = fails(at('local.streamWanted', 'resolved', 'none stands'), noAnswer, 1, byDialback);
  fails(further, denied, 2);
  assert.deepEqual([further.state, further.snapshot.context.fault], ['failed', noAnswer], 'and yet nothing else helps');
});

const addresses = ['192.0.2.1', '192.0.2.2', '2001:db8::1'].map((address, n) => ({
  address,
  family: n === 2 ? 6 : 4,
})) satisfies Endpoint['addresses'];
const atAddresses = () =>
  at('local.streamWanted')
    .sendInternal(done('resolution', { ...resolved, endpoint: { ...endpoint, addresses } }))
    .sendInternal(events['none stands']);
const dialled = ({ effects }: PureActor<typeof peer>) =>
  effects.flatMap((effect) =>
    effect.kind === 'emitted' && effect.event.type === 'stream.requested'
      ? [(effect.event['endpoint'] as typeof endpoint).addresses.map(({ address }) => address)]
      : [],
  );
const connectedTo = (address: string): AttemptProgress => ({ connectedTo: address, dialbackOffered: false });

test('R2: an address that answered and led nowhere is left, and the others of the target are tried before the next one', () => {
  const actor = atAddresses();
  const failed = fault('tls', 'handshake-failed', 'peer');
  assert.deepEqual(dialled(fails(actor, failed, 1, connectedTo('192.0.2.1'))), [['192.0.2.2', '2001:db8::1']]);
  assert.deepEqual(dialled(fails(actor, failed, 2, connectedTo('2001:db8::1'))), [['192.0.2.2']]);
  fails(actor, failed, 3, connectedTo('192.0.2.2'));
  assert.equal(actor.state, 'dnsResolution');
  assert.equal(fails(atAddresses(), unreachable).state, 'dnsResolution', 'TCP has tried them all');
});

test('R2: EXTERNAL and then dialback at one address, and both again at the next', () => {
  const actor = atAddresses();
  const offers = { ...connectedTo('192.0.2.1'), dialbackOffered: true };
  const tried = [1, 2, 3].map((stream) => {
    fails(actor, noAnswer, stream, stream < 3 ? offers : { ...offers, connectedTo: '192.0.2.2' });
    return [dialled(actor)[0]?.length, requested(actor)[0]?.[1]];
  });
  assert.deepEqual(tried, [
    [3, true],
    [2, false],
    [2, true],
  ]);
});

test('R2: a target with endless addresses does not make us try for ever (limits.attemptsPerWish)', () => {
  const many = Array.from({ length: 100 }, (_, n) => ({ family: 4, address: `192.0.2.${String(n)}` }));
  const actor = at('local.streamWanted')
    .sendInternal(done('resolution', { ...resolved, endpoint: { ...endpoint, addresses: many } }))
    .sendInternal(events['none stands']);
  let attempts = 0;
  while (actor.state === 'connecting') fails(actor, null, ++attempts, connectedTo(many[attempts - 1]?.address ?? ''));
  assert.deepEqual([actor.state, attempts], ['failed', limits.attemptsPerWish]);
});

test('what no endpoint can mend gives the peer up at once', () => {
  const actor = fails(
    at('local.streamWanted', 'resolved', 'none stands'),
    fault('policy', 'policy-violation', 'local', 'denied'),
  );
  assert.equal(actor.state, 'failed');
});

test('a hostile SRV set does not make us try for ever (limits.attemptsPerWish)', () => {
  const further = Array.from({ length: 100 }, (_, n) => targetOf(`h${String(n)}.example`));
  const endless = done('resolution', { kind: 'resolved', endpoint, further });
  const actor = at('local.streamWanted').sendInternal(endless).sendInternal(events['none stands']);
  let attempts = 0;
  while (actor.state === 'connecting') {
    fails(actor, unreachable, ++attempts).sendInternal(endless).sendInternal(events['none stands']);
  }
  assert.equal(attempts, limits.attemptsPerWish);
});

const delayOf = (name: string, { snapshot }: PureActor<typeof peer>): number =>
  (peer.implementations.delays as Record<string, (scope: unknown) => number>)[name]?.({ context: snapshot.context }) ??
  0;

test('three targets have their turn before a pair gives up, though each stalls as long as it may (RFC 6120 §3.2.1)', () => {
  const attempt = delayOf('attemptTimeout', at(...connecting));
  const thirdIsReachedMs = limits.servicesMs + 2 * (limits.addressesMs + attempt) + limits.addressesMs;
  assert.ok(limits.routeMs - thirdIsReachedMs > limits.connectMs, 'the third has time to answer');
  assert.ok(attempt > limits.connectMs, 'a dead host is told from a slow one');
  const asking = new PureActor(peer, input).send({ ...wanted, purpose: 'verification' });
  for (const step of ['resolved', 'none stands'] as const) asking.sendInternal(events[step]);
  assert.ok(3 * delayOf('attemptTimeout', asking) < limits.verifyStreamMs);
});

test('the last target has the time that is left', () => {
  const actor = at(...connecting);
  const patience = delayOf('attemptTimeout', actor);
  anotherTarget(actor.late());
  assert.ok(delayOf('attemptTimeout', actor) > patience);
});

test('a stream that is not established in time is closed, not left standing', () => {
  const actor = at(...connecting).late();
  const abandoned = actor.effects.find(
    (effect) => effect.kind === 'emitted' && effect.event.type === 'stream.abandoned',
  );
  assert.ok(abandoned?.kind === 'emitted');
  const { stream, fault } = abandoned.event as unknown as { stream: number; fault: Fault };
  assert.deepEqual([stream, fault.condition], [1, 'connection-timeout']);
});

test('what the first target did says more than that the next one has no address', () => {
  const actor = fails(at('local.streamWanted', 'resolved', 'none stands'), unreachable);
  actor.sendInternal(events['not resolved']);
  assert.deepEqual([actor.state, actor.snapshot.context.fault], ['failed', unreachable]);
});

test('L6: what is remembered of the DNS is asked for again after a failure', () => {
  const freshOf = (actor: PureActor<typeof peer>) =>
    actor.effects.flatMap((effect) => (effect.kind === 'spawned' ? [(effect.input as { fresh: boolean }).fresh] : []));
  const actor = at('local.streamWanted');
  assert.deepEqual(freshOf(actor), [false]);
  assert.deepEqual(freshOf(actor.sendInternal(events['not resolved']).late().sendInternal(wanted)), [true]);
});

test('wishes are bounded; one that finds no room is refused at once, and the others stay (limits.wishesPerPeer)', () => {
  const actor = at('local.streamWanted');
  for (let n = 1; n < limits.wishesPerPeer; n += 1) actor.send({ ...wanted, local: `a${String(n)}.example` });
  assert.deepEqual(actor.effects, []);
  actor.send({ ...wanted, local: 'too-many.example' });
  assert.deepEqual(actor.effects.map(wordsOf), ['report stream.refused']);
  assert.equal(wishesOf(actor.snapshot.context).length, limits.wishesPerPeer);
});

test('L4: one that gave way to a stream of the far end is looked for anew, and that too has an end', () => {
  const actor = at('local.streamWanted', 'resolved');
  let rounds = 0;
  while (actor.state === 'connectionReuse') {
    rounds += 1;
    actor.sendInternal(events['none stands']).sendInternal({ type: 'stream.assigned', stream: rounds });
    actor.sendInternal({ type: 'stream.closing', stream: rounds, fault: superseded, progress: noProgress });
  }
  assert.ok(rounds > 1 && rounds <= limits.attemptsPerWish, String(rounds));
});

test('L6: the wait doubles with each failure up to its bound, and a success forgets them (RFC 6120 §3.3)', () => {
  const { backoff } = peer.implementations.delays as Record<string, (scope: unknown) => number>;
  const actor = new PureActor(peer, { ...input, jitter: 0.999 });
  const waits = Array.from({ length: 12 }, () => {
    actor.sendInternal(wanted).sendInternal(events['not resolved']);
    const wait = backoff?.({ context: actor.snapshot.context }) ?? 0;
    actor.late();
    return wait;
  });
  assert.ok((waits[0] ?? 0) <= limits.backoffMs && (waits[0] ?? 0) >= limits.backoffMs / 2);
  assert.ok((waits[1] ?? 0) > (waits[0] ?? 0) * 1.9 && (waits.at(-1) ?? 0) <= limits.backoffMaxMs);
  assert.ok((waits.at(-1) ?? 0) >= limits.backoffMaxMs / 2);
  actor.sendInternal(wanted).sendInternal(events.resolved).sendInternal(events['a stream stands']);
  assert.equal(actor.snapshot.context.failures, 0);
});

test('the stream of another that is waited for is not its own, and is forgotten once it looks no more', () => {
  const waits = at('local.streamWanted', 'resolved', 'stream.awaited');
  const { stream, awaited } = waits.snapshot.context;
  assert.deepEqual([stream, awaited], [null, 9]);
  assert.equal(waits.sendInternal(events['none stands']).snapshot.context.awaited, null);
});

test('a denied domain is not even looked up (P2)', () => {
  const denied = fault('policy', 'policy-violation', 'local');
  const actor = new PureActor(peer, { ...input, denied }).send(wanted);
  assert.deepEqual([actor.state, ...actor.effects.map(wordsOf)], ['resting', 'report stream.refused']);
});

test('those who only ask are served by a stream that can carry db:verify; those with stanzas wait for more', () => {
  const asks = { ...wanted, purpose: 'verification' } as const;
  const only = new PureActor(peer, input).send(asks);
  for (const step of ['resolved', 'none stands', 'stream.assigned', 'stream.verifiable'] as const)
    only.sendInternal(events[step]);
  assert.deepEqual([only.state, ...only.effects.map(wordsOf)], ['resting', 'report stream.offered']);
  const both = at(...connecting)
    .send(asks)
    .sendInternal(events['stream.verifiable']);
  assert.deepEqual([both.state, ...both.effects.map(wordsOf)], ['connecting', 'report stream.offered']);
  assert.deepEqual(
    wishesOf(both.snapshot.context).map(({ purpose }) => purpose),
    ['stanzas'],
  );
});

test('S6: a standing stream that brought the question is not offered to who asks', () => {
  const actor = new PureActor(peer, input).send({ ...wanted, purpose: 'verification', avoid: [7] });
  actor.sendInternal(events.resolved).sendInternal(events['a stream stands']);
  assert.deepEqual(
    [actor.state, ...actor.effects.map(wordsOf)],
    ['connecting', 'stop findStandingStream', 'report stream.requested'],
  );
});

test('L3: what one wish avoids is no matter of the others: they get the stream that stands, only that one a new one', () => {
  const avoidsIt = { ...wanted, avoid: [7] };
  const other = { ...wanted, local: 'a2.example' };
  const avoidedBySearch = (actor: PureActor<typeof peer>) =>
    actor.effects.flatMap((effect) =>
      effect.kind === 'spawned' && effect.id === 'findStandingStream' ? [(effect.input as StreamWish).avoid] : [],
    );
  const offered = (actor: PureActor<typeof peer>) =>
    actor.effects.flatMap((effect) =>
      effect.kind === 'emitted' && effect.event.type === 'stream.offered'
        ? [[(effect.event['wish'] as StreamWish).local, effect.event['stream']]]
        : [],
    );
  for (const wishes of [
    [avoidsIt, other],
    [other, avoidsIt],
  ]) {
    const actor = new PureActor(peer, input);
    for (const wish of wishes) actor.send(wish);
    assert.deepEqual(avoidedBySearch(actor.sendInternal(events.resolved)), [[]]);
    actor.sendInternal(events['a stream stands']);
    assert.deepEqual([offered(actor), avoidedBySearch(actor)], [[['a2.example', 7]], [[7]]]);
    actor.sendInternal(events['none stands']).sendInternal(events['stream.assigned']);
    actor.sendInternal(events['stream.established']);
    assert.deepEqual([actor.state, offered(actor)], ['resting', [['a.example', 1]]]);
  }
});

test('one wish per sender and purpose, however often it is said', () => {
  const actor = at('local.streamWanted', 'local.streamWanted').send({ ...wanted, local: 'a2.example' });
  assert.equal(wishesOf(actor.snapshot.context).length, 2);
});

test('what concerns another stream changes nothing', () => {
  for (const type of [
    'stream.verifiable',
    'stream.established',
    'stream.closing',
    'stream.closed',
    'superseded',
  ] as const) {
    const actor = at(...connecting).sendInternal({ ...events[type], stream: 2 });
    assert.deepEqual([actor.state, actor.effects], ['connecting', []], type);
  }
});

test('a stanza does not wait in the line of claims for the same domain: it is looked up anew for it, once', () => {
  const actor = new PureActor(peer, input).sendInternal({ ...wanted, purpose: 'verification' });
  const lookUps = () =>
    actor.effects.flatMap((effect) => ('input' in effect ? [(effect.input as { purpose: string }).purpose] : []));
  assert.deepEqual(lookUps(), ['verification']);
  actor.sendInternal({ ...wanted, local: 'a2.example', purpose: 'verification' });
  assert.deepEqual(lookUps(), []);
  actor.sendInternal(wanted);
  assert.deepEqual([actor.effects.map(wordsOf), lookUps()], [['stop resolution', 'spawn resolution'], ['stanzas']]);
  actor.sendInternal({ ...wanted, local: 'a2.example' });
  assert.deepEqual(lookUps(), []);
  assert.equal(wishesOf(actor.snapshot.context).length, 4);
});

test('who has looked the domain up already has it not looked up again, whatever came of it', () => {
  const known = new PureActor(peer, input).sendInternal({ ...wanted, known: resolved });
  assert.deepEqual([known.state, ...known.effects.map(wordsOf)], ['connectionReuse', 'spawn findStandingStream']);
  assert.deepEqual(requested(known.sendInternal(events['none stands'])), [[endpoint.host, false]]);
  const why = fault('dns', 'no-address', 'dns');
  const nowhere = new PureActor(peer, input).sendInternal({ ...wanted, known: { kind: 'failed', fault: why } });
  assert.deepEqual([nowhere.state, ...nowhere.effects.map(wordsOf)], ['failed', 'report stream.refused']);
  assert.deepEqual([nowhere.snapshot.context.fault, nowhere.snapshot.context.failures], [why, 1]);
});
