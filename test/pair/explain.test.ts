/**
 * A silent party is named, wherever it is: the state, who has to move, and why; while the silence lasts and after the
 * failure.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../machines/limits.ts';
import { credentialOf } from '../../src/demo/certificates.ts';
import type { ProviderSetup } from '../../src/demo/scenario.ts';
import { explain, type Explanation } from '../../src/trace/explain/explain.ts';
import { replay } from '../../src/trace/view/replay.ts';
import {
  createScriptedPeer,
  DIALBACK_FEATURE,
  features,
  header,
  type ScriptedStream,
  STARTTLS,
} from '../support/simulation-peer.ts';
import { silentServer } from '../support/silent-server.ts';
import { createSolo, type Solo } from '../support/simulation-solo.ts';

const OURS: ProviderSetup = { hosts: ['a.example'] };
const PEER = credentialOf({ hosts: ['b.example'] });
/** Longer than usual, shorter than any deadline. */
const LONG_MS = 8_000;

function explained({ records, simulation }: Solo): readonly Explanation[] {
  const view = replay(records, { hosts: ['a.example'] });
  assert.deepEqual(view.diverged, [], 'the records lead through the charts as it went');
  return explain({ ...view, atMs: simulation.clock.now() });
}

function only(solo: Solo, direction: Explanation['direction'] = 'outgoing'): Explanation {
  const told = explained(solo).filter((one) => one.direction === direction);
  assert.equal(told.length, 1, JSON.stringify(told.map(({ cause, state, chain }) => [cause, state, chain])));
  return told[0]!;
}

interface Expected {
  readonly diagnosis: string;
  readonly state: string;
  readonly mover: Explanation['mover'];
  readonly cause: RegExp;
}

function assertTold(told: Explanation, { diagnosis, state, mover, cause }: Expected): void {
  assert.deepEqual(
    [told.diagnosis, told.state, told.mover, told.stuck],
    [diagnosis, state, mover, true],
    JSON.stringify(told, null, 1),
  );
  assert.match(told.cause, cause);
  assert.ok(told.fix.length > 20);
}

interface Silent extends Expected {
  readonly steps: number;
  readonly deadlineMs: number;
  /** The explanation when the deadline has passed. */
  readonly failed: RegExp;
}

const SERVERS: readonly Silent[] = [
  {
    ...{ steps: 0, state: 'streamHeaders.awaitingHeader', deadlineMs: limits.headerMs, diagnosis: 'header-silent' },
    ...{ mover: 'peer', cause: /has not answered our stream header for 8 s/, failed: /said nothing in time/ },
  },
  {
    ...{
      steps: 1,
      state: 'streamHeaders.awaitingFeatures',
      deadlineMs: limits.featuresMs,
      diagnosis: 'features-silent',
    },
    ...{ mover: 'peer', cause: /offered no features for 8 s\.$/, failed: /said nothing more in time/ },
  },
  {
    ...{ steps: 2, state: 'tlsNegotiation.awaitingProceed', deadlineMs: limits.headerMs, diagnosis: 'proceed-silent' },
    ...{
      mover: 'peer',
      cause: /has not answered <starttls\/> for 8 s/,
      failed: /offers STARTTLS and then refuses it, or/,
    },
  },
  {
    ...{
      steps: 3,
      state: 'tlsNegotiation.awaitingHandshake',
      deadlineMs: limits.handshakeMs,
      diagnosis: 'handshake-silent',
    },
    ...{
      mover: 'peer',
      cause: /handshake .* has not finished for 8 s/,
      failed: /handshake .* was not finished in time/,
    },
  },
  {
    ...{ steps: 4, state: 'streamHeaders.awaitingHeader', deadlineMs: limits.headerMs, diagnosis: 'header-silent' },
    ...{ mover: 'peer', cause: /has finished TLS/, failed: /did not answer the stream header under TLS in time/ },
  },
  {
    ...{
      steps: 5,
      state: 'streamHeaders.awaitingFeatures',
      deadlineMs: limits.featuresMs,
      diagnosis: 'features-silent',
    },
    ...{
      mover: 'peer',
      cause: /under TLS many servers first check what proves a\.example/,
      failed: /said nothing more in time/,
    },
  },
  {
    ...{ steps: 6, state: 'authentication.saslExternal', deadlineMs: limits.saslMs, diagnosis: 'sasl-silent' },
    ...{
      mover: 'peer',
      cause: /whether it accepts our certificate for a\.example/,
      failed: /did not say in time whether it accepts our certificate/,
    },
  },
];

for (const { steps, deadlineMs, failed, ...expected } of SERVERS) {
  test(`O3: a server that falls silent in ${expected.state}, after ${steps} steps: ${expected.diagnosis}`, async () => {
    const solo = await createSolo(OURS);
    const { clock } = solo.simulation;
    await createScriptedPeer(solo.simulation, PEER, ['b.example'], silentServer(steps));
    solo.send('a.example', 'b.example');
    await clock.advance(1_000);
    assert.equal(only(solo).stuck, false, 'in its time');
    await clock.advance(LONG_MS - 500);
    const told = only(solo);
    assertTold(told, expected);
    assert.deepEqual([told.local, told.remote], ['a.example', 'b.example']);
    const machines = told.chain.map(({ machine }) => machine);
    assert.deepEqual(machines.slice(-3), ['pair', 'peer', 'initiatingStream']);
    const leftMs = (told.deadlineMs ?? Infinity) - clock.now();
    assert.ok(leftMs > 0 && leftMs < deadlineMs, `${leftMs}`);
    await clock.runUntil(() => solo.deliveries.length > 0, limits.routeMs + 1_000);
    const after = only(solo);
    assert.deepEqual([after.diagnosis, after.stuck, after.failedIn], ['failed', true, expected.state]);
    assert.match(after.cause, failed);
  });
}

test('O3: TCP that is never answered: connection-silent', async () => {
  const solo = await createSolo(OURS);
  const { clock, fabric } = solo.simulation;
  const peer = await createScriptedPeer(solo.simulation, PEER, ['b.example']);
  fabric.cut(solo.address, peer.address);
  solo.send('a.example', 'b.example');
  await clock.advance(LONG_MS);
  const expected = { diagnosis: 'connection-silent', state: 'connecting', mover: 'peer' as const };
  assertTold(only(solo), { ...expected, cause: /has not answered the connection attempt for 8 s/ });
  await clock.advance(limits.connectMs);
  assert.match(only(solo).cause, /does not answer at all: packets to it are dropped/);
});

test('O3: DNS that never answers: dns-silent, and the mover is the DNS', async () => {
  const solo = await createSolo(OURS);
  const { resolver, clock } = solo.simulation;
  resolver.srv = () => new Promise(() => undefined);
  solo.send('a.example', 'b.example');
  await clock.advance(5_000);
  const told = only(solo);
  const expected = { diagnosis: 'dns-silent', state: 'awaitingServiceRecords', mover: 'dns' as const };
  assertTold(told, { ...expected, cause: /has not answered for b\.example \(its SRV records\) for 5 s/ });
  assert.deepEqual(told.chain.map(({ machine }) => machine).slice(-3), ['pair', 'peer', 'resolution']);
  await clock.advance(limits.servicesMs);
  assert.match(only(solo).cause, /No name server answered for b\.example in time/);
});

test('O3: POSH that never answers: posh-silent, and the mover is the web', async () => {
  const solo = await createSolo({ ...OURS, policy: { prooftypes: ['posh', 'pkix'] } });
  const { clock, posh } = solo.simulation;
  posh.fetch = () => new Promise(() => undefined);
  await createScriptedPeer(solo.simulation, PEER, ['b.example'], silentServer(5));
  solo.send('a.example', 'b.example');
  await clock.advance(LONG_MS);
  const told = only(solo);
  const expected = { diagnosis: 'posh-silent', state: 'awaitingDocument', mover: 'web' as const };
  assertTold(told, { ...expected, cause: /has been asked for its POSH document, and has not answered/ });
  assert.deepEqual(told.chain.map(({ machine }) => machine).slice(-3), [
    'initiatingStream',
    'association',
    'poshProoftype',
  ]);
});

/** Offers dialback only. */
function dialbackServer(onText: (stream: ScriptedStream) => void = () => undefined): (stream: ScriptedStream) => void {
  const silent = silentServer(5);
  const offered = new WeakSet<ScriptedStream>();
  return (stream) => {
    silent(stream);
    onText(stream);
    if (!stream.isSecured || !stream.heard.includes('<stream:stream') || offered.has(stream)) return;
    offered.add(stream);
    stream.write(features(DIALBACK_FEATURE));
  };
}

test('O3: a db:result that nobody answers, and no db:verify came: our authoritative server is not reached', async () => {
  const solo = await createSolo(OURS);
  const { clock } = solo.simulation;
  await createScriptedPeer(solo.simulation, PEER, ['b.example'], dialbackServer());
  solo.send('a.example', 'b.example');
  await clock.advance(LONG_MS);
  const told = only(solo);
  const expected = { diagnosis: 'key-not-asked-for', state: 'awaitingAnswer', mover: 'operator' as const };
  const view = replay(solo.records);
  const stream = [...view.actors.values()].find(({ id, ended }) => /^stream:\d+$/.test(id) && ended === null);
  const assertion = `${stream?.id ?? ''}/assertion.a.example>b.example`;
  assert.deepEqual(stream?.children, [assertion], 'a child is called after what it is about, not by its number');
  assert.ok(
    told.chain.some(({ actor }) => actor === assertion),
    JSON.stringify(told.chain),
  );
  assertTold(told, { ...expected, cause: /has not asked us whether the key is ours: it has not even connected to us/ });
  assert.equal(told.chain.at(-1)?.state, 'notAsked');
  await clock.runUntil(() => solo.deliveries.length > 0, limits.routeMs);
  const after = only(solo);
  assert.deepEqual(
    [after.diagnosis, after.mover, after.fault?.condition],
    ['key-not-asked-for', 'operator', 'remote-server-timeout'],
  );
  assert.match(after.cause, /never answered our db:result, and never asked us whether the key is ours/);
});

const HELLO = header(`from='b.example' to='a.example'`);

async function heard(solo: Solo, stream: ScriptedStream, what: string): Promise<void> {
  await solo.simulation.clock.runUntil(() => stream.text.includes(what), 2_000);
  stream.text = '';
}

/** A client of b.example that has reached the features under TLS. */
async function offered(solo: Solo, stream: ScriptedStream): Promise<void> {
  await solo.simulation.clock.runUntil(() => stream.isConnected, 2_000);
  stream.write(HELLO);
  await heard(solo, stream, '</stream:features>');
  stream.write(STARTTLS);
  await heard(solo, stream, '<proceed');
  stream.secureAsClient('a.example', PEER);
  await solo.simulation.clock.runUntil(() => stream.isSecured, 2_000);
  stream.write(HELLO);
  await heard(solo, stream, '</stream:features>');
}

test('O3: a db:result that is not answered though the key was confirmed: it is the far end that owes it', async () => {
  const solo = await createSolo(OURS);
  const { clock } = solo.simulation;
  let result = '';
  await createScriptedPeer(
    solo.simulation,
    PEER,
    ['b.example'],
    dialbackServer((stream) => {
      result = /<db:result[^>]*>([^<]+)</.exec(stream.heard)?.[1] ?? result;
    }),
  );
  solo.send('a.example', 'b.example');
  await clock.runUntil(() => result !== '', 5_000);
  const asking = (await createScriptedPeer(solo.simulation, PEER, [])).connect(solo.address, solo.port);
  await offered(solo, asking);
  asking.write(`<db:verify from='b.example' to='a.example' id='two'>${result}</db:verify>`);
  await heard(solo, asking, 'db:verify');
  await clock.advance(LONG_MS);
  const told = only(solo);
  const expected = { diagnosis: 'result-unanswered', state: 'awaitingAnswer', mover: 'peer' as const };
  assertTold(told, { ...expected, cause: /we have answered that it is valid; it has not told us its verdict/ });
});

test('O3: whoever asserts himself, and whose authoritative server is silent at db:verify', async () => {
  const solo = await createSolo({ ...OURS, policy: { federation: 'encrypted', prooftypes: ['dialback'] } });
  const { clock } = solo.simulation;
  // Another certificate: the same one would prove the domain without a verification (XEP-0344 §2.6).
  const other = credentialOf({ hosts: ['xmpp.b.example'] });
  await createScriptedPeer(solo.simulation, other, ['b.example'], dialbackServer());
  const peer = await createScriptedPeer(solo.simulation, PEER, []);
  const stream = peer.connect(solo.address, solo.port);
  await offered(solo, stream);
  stream.write(`<db:result from='b.example' to='a.example'>0123456789abcdef</db:result>`);
  await clock.advance(LONG_MS);
  const told = only(solo, 'incoming');
  assert.deepEqual(
    [told.diagnosis, told.mover, told.stuck, told.local, told.remote],
    ['verify-unanswered', 'peer', true, 'a.example', 'b.example'],
    JSON.stringify(told, null, 1),
  );
  assert.match(told.cause, /authoritative server of b\.example .* has not answered for 8 s/);
});

test('O3: whoever asserts himself, and whose authoritative server cannot be reached: the chain leads to its TCP', async () => {
  const solo = await createSolo({ ...OURS, policy: { federation: 'encrypted', prooftypes: ['dialback'] } });
  const { clock, fabric, resolver } = solo.simulation;
  const peer = await createScriptedPeer(solo.simulation, PEER, []);
  const gone = await createScriptedPeer(solo.simulation, PEER, ['b.example']);
  assert.ok(resolver);
  fabric.cut(solo.address, gone.address);
  const stream = peer.connect(solo.address, solo.port);
  await offered(solo, stream);
  stream.write(`<db:result from='b.example' to='a.example'>0123456789abcdef</db:result>`);
  await clock.advance(LONG_MS);
  const told = only(solo, 'incoming');
  assertTold(told, {
    ...{ diagnosis: 'connection-silent', state: 'connecting', mover: 'peer' },
    cause: /has not answered the connection attempt for 8 s/,
  });
  assert.deepEqual(
    told.chain.map(({ machine }) => machine),
    ['verification', 'association', 'dialbackProoftype', 'peer', 'initiatingStream'],
  );
  await clock.advance(limits.verificationMs);
  const after = only(solo, 'incoming');
  assert.deepEqual([after.diagnosis, after.stuck], ['authoritative-server-failed', true]);
  assert.match(after.cause, /its authoritative server could not be asked .* does not answer at all/);
});

test('O3: a client that connects and says nothing: initiator-silent', async () => {
  const solo = await createSolo(OURS);
  const { clock } = solo.simulation;
  const peer = await createScriptedPeer(solo.simulation, PEER, []);
  const stream = peer.connect(solo.address, solo.port);
  await clock.runUntil(() => stream.isConnected, 2_000);
  stream.write(HELLO);
  await heard(solo, stream, '</stream:features>');
  await clock.advance(LONG_MS);
  const expected = { diagnosis: 'initiator-silent', state: 'tlsNegotiation.awaitingStartTls', mover: 'peer' as const };
  assertTold(only(solo, 'incoming'), {
    ...expected,
    cause: /^b\.example has connected to us, and we have waited for <starttls\/> for 8 s/,
  });
});

test('O3: denied by our own policy: the operator has to move', async () => {
  const solo = await createSolo({ ...OURS, policy: { deny: ['b.example'] } });
  solo.send('a.example', 'b.example');
  await solo.simulation.clock.advance(1_000);
  const told = only(solo);
  assert.deepEqual([told.diagnosis, told.mover, told.stuck], ['failed', 'operator', true]);
  assert.match(told.cause, /Our own policy forbids b\.example/);
});

test('O3: a certificate of somebody else: what the domain has to do', async () => {
  const solo = await createSolo(OURS);
  const { clock } = solo.simulation;
  await createScriptedPeer(solo.simulation, credentialOf({ hosts: ['c.example'] }), ['b.example'], silentServer(9));
  solo.send('a.example', 'b.example');
  await clock.runUntil(() => solo.deliveries.length > 0, limits.routeMs);
  const told = only(solo);
  assert.deepEqual([told.diagnosis, told.mover, told.fault?.condition], ['failed', 'peer', 'name-mismatch']);
  assert.match(told.cause, /does not name b\.example/);
  assert.match(told.fix, /certificate with the dNSName b\.example/);
});

test('O3: a pair that has a route is in order, until its stream has ended', async () => {
  const solo = await createSolo(OURS);
  const { clock } = solo.simulation;
  let far: ScriptedStream | undefined;
  await createScriptedPeer(solo.simulation, PEER, ['b.example'], (stream) => {
    silentServerWhole(stream);
    if (stream.heard.includes('<stream:stream') && stream.heard.split('<stream:stream').length === 4) {
      if (!finished.has(stream)) stream.write(features());
      finished.add(stream);
      far = stream;
    }
  });
  solo.send('a.example', 'b.example');
  await clock.advance(LONG_MS);
  const told = only(solo);
  assert.deepEqual([told.stuck, told.diagnosis, told.fault, told.state], [false, null, null, 'routed']);
  assert.match(told.cause, /have a route/);
  const error = `<connection-timeout xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>`;
  far?.write(`<stream:error>${error}</stream:error></stream:stream>`);
  await clock.advance(limits.closeMs);
  const later = only(solo);
  assert.match(later.cause, /The stream from a\.example to b\.example has ended: stream: connection-timeout \(peer\)/);
  assert.match(later.fix, /the next stanza opens another one/);
});
const silentServerWhole = silentServer(9);
const finished = new WeakSet<ScriptedStream>();

test('O3: a pair that waits hides nothing of who comes in from the same domain', async () => {
  const solo = await createSolo(OURS);
  const { clock } = solo.simulation;
  await createScriptedPeer(solo.simulation, PEER, ['b.example'], silentServer(1));
  solo.send('a.example', 'b.example');
  const stream = (await createScriptedPeer(solo.simulation, PEER, [])).connect(solo.address, solo.port);
  await clock.runUntil(() => stream.isConnected, 2_000);
  stream.write(HELLO);
  await clock.advance(LONG_MS);
  assert.deepEqual(
    new Map(explained(solo).map(({ direction, diagnosis }) => [direction, diagnosis])),
    new Map([
      ['incoming', 'initiator-silent'],
      ['outgoing', 'features-silent'],
    ]),
  );
});
