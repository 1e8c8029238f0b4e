/** S1, S2, S3, S6 against a scripted peer that sends unsolicited answers, and claims domains that it cannot prove. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import xml from '@xmpp/xml';
import { credentialOf } from '../../src/demo/certificates.ts';
import type { ProviderSetup } from '../../src/demo/scenario.ts';
import { ConnectionManager } from '../../src/manager.ts';
import { createSimulation } from '../support/simulation.ts';
import {
  createScriptedPeer,
  DIALBACK_FEATURE,
  features,
  header,
  PROCEED,
  type ScriptedPeer,
  ScriptedStream,
  STARTTLS,
} from '../support/simulation-peer.ts';
import { createSolo, type Solo } from '../support/simulation-solo.ts';

const LENIENT: ProviderSetup = { hosts: ['a.example'], policy: { federation: 'encrypted' } };
const STRICT: ProviderSetup = { hosts: ['a.example'] };
const STRANGER = credentialOf({ hosts: ['b.example'], certificate: { issuer: 'stranger' } });
const TRUSTED = credentialOf({ hosts: ['b.example'] });
const SOON_MS = 2_000;

const forged = (from: string): string =>
  `<message from='mallory@${from}' to='juliet@a.example' type='chat'><body>It is the east</body></message>`;

/** A client under TLS that has received features. */
async function intrude(solo: Solo, peer: ScriptedPeer): Promise<ScriptedStream> {
  const { clock } = solo.simulation;
  const hello = header(`from='b.example' to='a.example'`);
  const stream = peer.connect(solo.address, solo.port);
  await clock.runUntil(() => stream.isConnected, SOON_MS);
  stream.write(hello);
  await clock.runUntil(() => stream.take('</stream:features>') !== null, SOON_MS);
  stream.write(STARTTLS);
  await clock.runUntil(() => stream.text.includes('<proceed'), SOON_MS);
  stream.secureAsClient('a.example', STRANGER);
  await clock.runUntil(() => stream.isSecured, SOON_MS);
  stream.write(hello);
  await clock.runUntil(() => stream.text.includes('</stream:features>'), SOON_MS);
  return stream;
}

const streamId = ({ heard }: ScriptedStream): string => [...heard.matchAll(/ id=["']([^"']+)["']/g)].at(-1)?.[1] ?? '';

test('S1: a stanza on a stream where nothing is proved is not delivered; the stream is closed with not-authorized', async () => {
  const solo = await createSolo(LENIENT);
  const peer = await createScriptedPeer(solo.simulation, STRANGER, []);
  const stream = await intrude(solo, peer);
  stream.write(forged('b.example'));
  await solo.simulation.clock.advance(SOON_MS);
  assert.deepEqual(solo.arrived, []);
  assert.match(stream.heard, /<not-authorized/);
});

test('S1, S6: an unsolicited db:result type=valid admits nobody (XEP-0220 §3.1)', async () => {
  const solo = await createSolo(LENIENT);
  const peer = await createScriptedPeer(solo.simulation, STRANGER, []);
  const stream = await intrude(solo, peer);
  stream.write(`<db:result from='b.example' to='a.example' type='valid'/>`);
  await solo.simulation.clock.advance(SOON_MS);
  assert.equal(stream.over, false, 'it is ignored');
  stream.write(forged('b.example'));
  await solo.simulation.clock.advance(SOON_MS);
  assert.deepEqual(solo.arrived, []);
  assert.deepEqual(solo.manager.snapshot().tables.facts, []);
});

/** The authoritative server of b.example, which answers that the key is not its own. */
const disowns = (stream: ScriptedStream): void => {
  if (!stream.isSecured && stream.take('<stream:stream') !== null) {
    stream.write(header(`from='b.example' to='a.example' id='p'`) + features(STARTTLS));
  } else if (stream.take('<starttls') !== null) {
    stream.write(PROCEED);
    stream.secureAsServer('b.example');
  } else if (stream.isSecured && stream.take('<stream:stream') !== null) {
    stream.write(header(`from='b.example' to='a.example' id='s'`) + features(DIALBACK_FEATURE));
  } else if (stream.text.includes('</db:verify>')) {
    const id = /<db:verify[^>]* id=["']([^"']+)/.exec(stream.text)?.[1] ?? '';
    stream.text = '';
    stream.write(`<db:verify from='b.example' to='a.example' id='${id}' type='invalid'/>`);
  }
};

test('S1, S6: a db:verify type=valid on the stream that claims is ignored; the authoritative server is believed (M8)', async () => {
  const solo = await createSolo(LENIENT);
  const { clock } = solo.simulation;
  const authority = await createScriptedPeer(solo.simulation, TRUSTED, ['b.example'], disowns);
  const peer = await createScriptedPeer(solo.simulation, STRANGER, []);
  const stream = await intrude(solo, peer);
  const id = streamId(stream);
  assert.notEqual(id, '');
  const answer = `<db:verify from='b.example' to='a.example' id='${id}' type='valid'/>`;
  stream.write(`<db:result from='b.example' to='a.example'>${'f'.repeat(64)}</db:result>${answer}`);
  // Again at every step of the honest verification.
  for (let n = 0; n < 20; n++) {
    if (!stream.over) stream.write(answer);
    await clock.advance(50);
  }
  await clock.advance(SOON_MS);
  assert.ok(authority.streams.length > 0, 'the authoritative server was asked');
  assert.match(stream.heard, /<db:result [^>]*type=["']invalid/);
  stream.write(forged('b.example'));
  await clock.advance(SOON_MS);
  assert.deepEqual(solo.arrived, []);
  assert.deepEqual(solo.manager.snapshot().tables.facts, []);
});

/** A server of b.example that says `after` once TLS is established and the features are sent. */
const server =
  (after: string) =>
  (stream: ScriptedStream): void => {
    if (!stream.isSecured && stream.take('<stream:stream') !== null) {
      stream.write(header(`from='b.example' to='a.example' id='p'`) + features(STARTTLS));
    } else if (stream.take('<starttls') !== null) {
      stream.write(PROCEED);
      stream.secureAsServer('b.example');
    } else if (stream.isSecured && stream.take('<stream:stream') !== null) {
      stream.write(header(`from='b.example' to='a.example' id='s'`) + features(DIALBACK_FEATURE) + after);
    }
  };

test('S2: a far end that is not proved gets no stanza, whatever it answers unasked', async () => {
  const solo = await createSolo(STRICT);
  const said = `<db:result from='b.example' to='a.example' type='valid'/>`;
  const peer = await createScriptedPeer(solo.simulation, STRANGER, ['b.example'], server(said));
  solo.send('a.example', 'b.example');
  await solo.simulation.clock.advance(SOON_MS);
  assert.equal(solo.deliveries[0]?.outcome, 'returned');
  assert.ok(peer.streams.length > 0);
  assert.ok(peer.streams.every(({ heard }) => !heard.includes('<message') && !heard.includes('<db:result')));
});

test('S2, S3: an answer for another pair does not let this one out; the right one does', async () => {
  const solo = await createSolo(STRICT);
  const { clock } = solo.simulation;
  const others =
    `<db:result from='d.example' to='a.example' type='valid'/>` +
    `<db:result from='b.example' to='c.example' type='valid'/>` +
    `<db:verify from='b.example' to='a.example' id='s' type='valid'/>`;
  const peer = await createScriptedPeer(solo.simulation, TRUSTED, ['b.example'], server(others));
  solo.send('a.example', 'b.example');
  await clock.advance(SOON_MS);
  const [stream] = peer.streams;
  assert.ok(stream !== undefined && stream.heard.includes('<db:result'), 'the pair is asserted');
  stream.write(others);
  await clock.advance(SOON_MS);
  assert.ok(!stream.heard.includes('<message'), 'and waits');
  assert.equal(solo.deliveries.length, 0);
  stream.write(`<db:result from='b.example' to='a.example' type='valid'/>`);
  await clock.advance(SOON_MS);
  assert.ok(stream.heard.includes('<message'));
  assert.equal(solo.deliveries[0]?.outcome, 'sent');
});

test('S3: who is proved for one domain may not speak for another', async () => {
  const solo = await createSolo(LENIENT);
  const { clock } = solo.simulation;
  const confirms = (stream: ScriptedStream): void => {
    server('')(stream);
    const id = /<db:verify[^>]* id=["']([^"']+)/.exec(stream.text)?.[1];
    if (id === undefined) return;
    stream.text = '';
    stream.write(`<db:verify from='b.example' to='a.example' id='${id}' type='valid'/>`);
  };
  await createScriptedPeer(solo.simulation, TRUSTED, ['b.example'], confirms);
  const peer = await createScriptedPeer(solo.simulation, STRANGER, []);
  const stream = await intrude(solo, peer);
  stream.write(`<db:result from='b.example' to='a.example'>${'f'.repeat(64)}</db:result>`);
  await clock.runUntil(() => /<db:result [^>]*type=["']valid/.test(stream.heard), SOON_MS);
  stream.write(forged('b.example'));
  await clock.advance(SOON_MS);
  assert.deepEqual(solo.arrived, [{ from: 'b.example', to: 'a.example' }]);
  stream.write(forged('c.example'));
  await clock.advance(SOON_MS);
  assert.equal(solo.arrived.length, 1);
  assert.match(stream.heard, /<invalid-from/);
});

for (const prooftypes of [['pkix'], ['pkix', 'dialback']] as const) {
  test(`S2: whom permissive federation (${prooftypes.join(', ')}) lets in without a proof is sent nothing that is for the domain that he says he is`, async () => {
    const simulation = createSimulation(1);
    const { clock } = simulation;
    const credential = credentialOf({ hosts: ['b.example'] });
    const { network, address } = simulation.host({ forServerName: () => credential });
    const manager = new ConnectionManager(
      {
        hosts: { 'b.example': credential },
        listen: [{ address, port: 5269, tls: 'starttls' }],
        policy: { federation: 'permissive', prooftypes },
        bidi: true,
      },
      { ...simulation, network },
    );
    await manager.start();
    const real = simulation.host({ forServerName: () => null });
    simulation.resolver.set('victim.example', { addresses: [{ family: 4, address: real.address }] });

    const forger = new ScriptedStream();
    const from = simulation.host({ forServerName: () => null });
    forger.bind(from.network.connect({ addresses: [{ family: 4, address }], port: 5269 }, forger));
    const heard = async (what: string): Promise<void> => {
      await clock.runUntil(() => forger.take(what) !== null, 200_000);
    };
    const hello = header(`from='evil.example' to='b.example'`);
    forger.write(hello);
    await heard('</stream:features>');
    forger.write(STARTTLS);
    await heard('<proceed');
    forger.secureAsClient('b.example', null);
    await clock.runUntil(() => forger.isSecured, 10_000);
    forger.text = '';
    forger.write(hello);
    await heard('</stream:features>');
    forger.write(`<bidi xmlns='urn:xmpp:bidi'/><db:result from='victim.example' to='b.example'>deadbeef</db:result>`);
    await heard(`type='valid'`);
    let dialled = 0;
    await real.network.listen({ address: real.address, port: 5269, tls: 'starttls' }, ({ connection }) => {
      dialled += 1;
      return new ScriptedStream().bind(connection);
    });
    void manager.send(xml('message', { from: 'u@b.example', to: 'romeo@victim.example' }, xml('body', {}, 'secret')));
    await clock.runUntil(() => dialled > 0, 200_000);
    await clock.advance(30_000);
    assert.ok(!/<db:result (?![^>]*type=)|secret/.test(forger.heard), forger.heard);
    const stopped = manager.stop();
    await clock.advance(200_000);
    await stopped;
  });
}
