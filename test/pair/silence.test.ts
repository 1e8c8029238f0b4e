/** L2: a peer that falls silent, at whatever point, costs no more than the deadline of the state that waits for it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../machines/limits.ts';
import { credentialOf } from '../../src/demo/certificates.ts';
import type { ProviderSetup } from '../../src/demo/scenario.ts';
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
/** The travel time of a few segments and of DNS, in addition to the deadline itself. */
const SLACK_MS = 1_000;

interface SilentServer {
  readonly steps: number;
  readonly state: string;
  readonly withinMs: number;
  readonly fault: string;
}

const SERVERS: readonly SilentServer[] = [
  { steps: 0, state: 'streamHeaders.awaitingHeader', withinMs: limits.headerMs, fault: 'stream: header-timeout' },
  { steps: 1, state: 'streamHeaders.awaitingFeatures', withinMs: limits.headerMs, fault: 'stream: features-timeout' },
  { steps: 2, state: 'tlsNegotiation.awaitingProceed', withinMs: limits.headerMs, fault: 'tls: proceed-timeout' },
  {
    steps: 3,
    state: 'tlsNegotiation.awaitingHandshake',
    withinMs: limits.handshakeMs,
    fault: 'tls: handshake-timeout',
  },
  { steps: 4, state: 'streamHeaders.awaitingHeader', withinMs: limits.headerMs, fault: 'stream: header-timeout' },
  { steps: 5, state: 'streamHeaders.awaitingFeatures', withinMs: limits.featuresMs, fault: 'stream: features-timeout' },
  { steps: 6, state: 'authentication.saslExternal', withinMs: limits.saslMs, fault: 'sasl: outcome-timeout' },
  { steps: 7, state: 'streamHeaders.awaitingHeader', withinMs: limits.headerMs, fault: 'stream: header-timeout' },
  { steps: 8, state: 'streamHeaders.awaitingFeatures', withinMs: limits.featuresMs, fault: 'stream: features-timeout' },
];

/** The states of our streams, such as `tlsNegotiation.awaitingProceed`. */
const lastState = ({ records }: Solo, machine: string): string =>
  records
    .flatMap((record) =>
      (record.kind === 'born' || record.kind === 'event') && record.machine === machine
        ? [record.states.join('.')]
        : [],
    )
    .at(-1) ?? '';

const allStates = ({ records }: Solo, machine: string): string[] =>
  records.flatMap((record) =>
    (record.kind === 'born' || record.kind === 'event') && record.machine === machine ? [record.states.join('.')] : [],
  );

function outcome({ deliveries }: Solo): string {
  const [first] = deliveries;
  return first?.outcome === 'returned'
    ? `${first.fault.layer}: ${first.fault.condition}`
    : (first?.outcome ?? 'waiting');
}

for (const { steps, state, withinMs, fault } of SERVERS) {
  test(`L2: a server that falls silent in ${state}, after ${steps} steps: ${fault} within ${withinMs} ms`, async () => {
    const solo = await createSolo(OURS);
    const { clock } = solo.simulation;
    const { streams } = await createScriptedPeer(solo.simulation, PEER, ['b.example'], silentServer(steps));
    solo.send('a.example', 'b.example');
    await clock.advance(SLACK_MS);
    assert.equal(lastState(solo, 'initiatingStream'), state, 'the state that waits');
    await clock.advance(withinMs);
    const closed = allStates(solo, 'initiatingStream').includes('closing');
    assert.ok(closed, 'the stream is given up by its deadline');
    await clock.runUntil(() => solo.deliveries.length > 0, limits.routeMs + SLACK_MS);
    assert.equal(outcome(solo), fault);
    assert.equal(streams.length, 1, 'no second one: this server offers no dialback (failures.ts)');
    await clock.advance(limits.closeMs + SLACK_MS);
    assert.equal(solo.simulation.fabric.sockets, 0, 'no socket is left');
    assert.deepEqual(solo.manager.snapshot().streams, [], 'no stream is left');
  });
}

test('L2: TCP that is never answered: the stanza comes back within connectMs', async () => {
  const solo = await createSolo(OURS);
  const { clock, fabric } = solo.simulation;
  const peer = await createScriptedPeer(solo.simulation, PEER, ['b.example']);
  fabric.cut(solo.address, peer.address);
  solo.send('a.example', 'b.example');
  await clock.advance(SLACK_MS);
  assert.equal(lastState(solo, 'initiatingStream'), 'connecting');
  await clock.advance(limits.connectMs);
  assert.equal(outcome(solo), 'tcp: connect-timeout');
});

test('L2: DNS that never answers: the stanza comes back within resolutionMs', async () => {
  const solo = await createSolo(OURS);
  const { resolver, clock } = solo.simulation;
  resolver.srv = () => new Promise(() => undefined);
  solo.send('a.example', 'b.example');
  await clock.advance(SLACK_MS);
  assert.equal(lastState(solo, 'peer'), 'dnsResolution');
  await clock.advance(limits.resolutionMs);
  assert.match(outcome(solo), /^dns: /);
});

test('L2: a db:result that is never answered: the stanza comes back within assertionMs, and the stream lives on (L5)', async () => {
  const solo = await createSolo(OURS);
  const { clock } = solo.simulation;
  const silent = silentServer(5);
  const withoutExternal = new WeakSet<ScriptedStream>();
  await createScriptedPeer(solo.simulation, PEER, ['b.example'], (stream) => {
    silent(stream);
    if (!stream.isSecured || !stream.heard.includes('<stream:stream') || withoutExternal.has(stream)) return;
    withoutExternal.add(stream);
    stream.write(features(DIALBACK_FEATURE));
  });
  solo.send('a.example', 'b.example');
  await clock.advance(SLACK_MS);
  assert.equal(lastState(solo, 'assertion'), 'awaitingAnswer');
  await clock.advance(limits.assertionMs + SLACK_MS);
  assert.equal(outcome(solo), 'dialback: remote-server-timeout');
  assert.equal(solo.simulation.fabric.sockets, 1);
});

interface SilentClient {
  readonly name: string;
  readonly state: string;
  readonly withinMs: number;
  readonly say: (stream: ScriptedStream, solo: Solo) => Promise<void>;
}

const HELLO = header(`from='b.example' to='a.example'`);
const heard = async ({ simulation: { clock } }: Solo, stream: ScriptedStream, what: string): Promise<void> => {
  await clock.runUntil(() => stream.text.includes(what), SLACK_MS);
  stream.text = '';
};
const startTls = async (stream: ScriptedStream, solo: Solo): Promise<void> => {
  stream.write(HELLO);
  await heard(solo, stream, '</stream:features>');
  stream.write(STARTTLS);
  await heard(solo, stream, '<proceed');
};
const secure = async (stream: ScriptedStream, solo: Solo): Promise<void> => {
  await startTls(stream, solo);
  stream.secureAsClient('a.example', PEER);
  await solo.simulation.clock.runUntil(() => stream.isSecured, SLACK_MS);
};
const offered = async (stream: ScriptedStream, solo: Solo): Promise<void> => {
  await secure(stream, solo);
  stream.write(HELLO);
  await heard(solo, stream, '</stream:features>');
};

const CLIENTS: readonly SilentClient[] = [
  // A listener that detects TLS waits for the first byte before any of our actors are created.
  {
    name: 'says a blank',
    state: 'streamHeaders.awaitingHeader',
    withinMs: limits.headerMs,
    say: (stream) => {
      stream.write(' ');
      return Promise.resolve();
    },
  },
  {
    name: 'has said hello',
    state: 'tlsNegotiation.awaitingStartTls',
    withinMs: limits.headerMs,
    say: async (stream, solo) => {
      stream.write(HELLO);
      await heard(solo, stream, '</stream:features>');
    },
  },
  { name: 'has asked for TLS', state: 'tlsNegotiation.awaitingHandshake', withinMs: limits.handshakeMs, say: startTls },
  { name: 'has TLS', state: 'streamHeaders.awaitingHeader', withinMs: limits.headerMs, say: secure },
  {
    name: 'has been offered EXTERNAL',
    state: 'authentication.awaitingAuthentication',
    withinMs: limits.authenticationMs,
    say: offered,
  },
  {
    name: 'has been challenged',
    state: 'authentication.saslExternal',
    withinMs: limits.saslMs,
    say: async (stream, solo) => {
      await offered(stream, solo);
      stream.write(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'/>`);
      await heard(solo, stream, '<challenge');
    },
  },
  {
    name: 'has succeeded',
    state: 'streamHeaders.awaitingHeader',
    withinMs: limits.headerMs,
    say: async (stream, solo) => {
      await offered(stream, solo);
      stream.write(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>`);
      await heard(solo, stream, '<success');
    },
  },
];

for (const { name, state, withinMs, say } of CLIENTS) {
  test(`L2: a client that ${name} and falls silent in ${state} is gone within ${withinMs} ms`, async () => {
    const solo = await createSolo(OURS);
    const { clock, fabric } = solo.simulation;
    const peer = await createScriptedPeer(solo.simulation, PEER, []);
    const stream = peer.connect(solo.address, solo.port);
    await clock.runUntil(() => stream.isConnected, SLACK_MS);
    await say(stream, solo);
    await clock.runUntil(() => lastState(solo, 'receivingStream') === state, SLACK_MS);
    const startedMs = clock.now();
    await clock.advance(withinMs - SLACK_MS);
    assert.equal(stream.over, false, 'not before its time');
    assert.equal(fabric.sockets, 1);
    // Its closing tag is waited for, too.
    await clock.runUntil(() => fabric.sockets === 0, SLACK_MS + limits.closeMs + SLACK_MS);
    assert.ok(clock.now() - startedMs <= withinMs + limits.closeMs + SLACK_MS);
    assert.deepEqual(solo.manager.snapshot().streams, []);
  });
}

test('L2: an authoritative server that is silent: the claim is answered with remote-server-timeout, within verifyAnswerMs', async () => {
  const solo = await createSolo({ ...OURS, policy: { federation: 'encrypted', prooftypes: ['dialback'] } });
  const { clock } = solo.simulation;
  // A different certificate from the one presented with the claim, or the verification would be unnecessary.
  const authority = await createScriptedPeer(
    solo.simulation,
    credentialOf({ hosts: ['b.example', 'x.example'] }),
    ['b.example'],
    silentServer(6),
  );
  const peer = await createScriptedPeer(solo.simulation, PEER, []);
  const stream = peer.connect(solo.address, solo.port);
  await clock.runUntil(() => stream.isConnected, SLACK_MS);
  await offered(stream, solo);
  stream.write(`<db:result from='b.example' to='a.example'>${'0'.repeat(64)}</db:result>`);
  await clock.runUntil(() => authority.streams.some(({ text }) => text.includes('<db:verify')), SLACK_MS);
  await clock.advance(limits.verifyAnswerMs);
  assert.match(stream.heard, /<db:result [^>]*type=.error.*remote-server-timeout/);
  assert.equal(stream.over, false, 'and the stream lives on (L5)');
});
