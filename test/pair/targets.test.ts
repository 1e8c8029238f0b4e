/** One domain, several targets: each gets its turn, whatever the others do (RFC 6120 §3.2.1, L2, L6). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rememberAnswers } from '../../src/adapters/dns/answer-cache.ts';
import type { Resolver } from '../../src/ports.ts';
import { createDuo, type Duo } from '../support/duo.ts';
import { createScriptedPeer, features, header, PROCEED, ScriptedStream, STARTTLS } from '../support/simulation-peer.ts';

const OWNER = '_xmpp-server._tcp.b.example';
const HOST = 'xmpp.provider-b.example';
const NOBODY = { cert: '', key: '' };

/** From now on, DNS queries go through `wrap`. */
function askThrough(duo: Duo, wrap: (resolver: Resolver) => Partial<Resolver>): void {
  const { resolver } = duo.simulation;
  const plain: Resolver = {
    ...resolver,
    srv: resolver.srv.bind(resolver),
    addresses: resolver.addresses.bind(resolver),
  };
  Object.assign(resolver, wrap(plain));
}

/** Publishes the targets of b.example, in their order; the last one is the real server. */
function publish(
  { simulation: { resolver }, providers }: Duo,
  before: readonly { host: string; port: number }[],
): void {
  const real = { host: HOST, port: providers.B.listening[0]!.port };
  resolver.set(OWNER, {
    srv: [...before, real].map(({ host, port }, n) => ({ priority: n, weight: 0, port, target: host })),
  });
}

const DAWDLE_MS = 14_000;

/** A host that answers each step just before the stream would give up, and never finishes. */
async function dawdler(duo: Duo, name: string) {
  const { clock, resolver } = duo.simulation;
  const domain = `${name}.example`;
  const say = (to: ScriptedStream, afterMs: number, xml: string): void =>
    void clock.setTimeout(() => to.write(xml), afterMs);
  const peer = await createScriptedPeer(duo.simulation, NOBODY, [domain], (stream) => {
    if (stream.take('<stream:stream') !== null) {
      say(stream, DAWDLE_MS, header(`from='b.example' to='a.example' id='${name}'`));
      say(stream, 2 * DAWDLE_MS, features(STARTTLS));
    } else if (stream.take('<starttls') !== null) say(stream, DAWDLE_MS, PROCEED);
  });
  const host = `scripted-${peer.address.replaceAll('.', '-')}.example`;
  const looked = resolver.srv(`_xmpp-server._tcp.${domain}`, new AbortController().signal);
  await clock.advance(100);
  return { host, port: (await looked).records[0]?.port ?? 0, streams: peer.streams };
}

test('two targets answer, slowly, and never finish: the third is reached before the pair gives up, and nothing is left open', async () => {
  const duo = await createDuo();
  const slow = [await dawdler(duo, 'one'), await dawdler(duo, 'two')];
  publish(duo, slow);
  const stanza = duo.send('a.example', 'b.example');
  await duo.settle();
  assert.equal(stanza.deliveries[0]?.outcome, 'sent');
  assert.deepEqual(
    slow.map(({ streams }) => streams.length),
    [1, 1],
    'each once',
  );
  assert.ok(
    slow.every(({ streams }) => streams[0]!.heard.includes('</stream:stream>')),
    'and taken leave of',
  );
  await duo.simulation.clock.advance(10_000);
  assert.equal(duo.simulation.fabric.sockets, 1, 'what was given up is closed');
  await duo.stop();
});

for (const [what, answers] of [
  ['closes without a word', (stream: ScriptedStream) => stream.destroy()],
  [
    'refuses TLS',
    (stream: ScriptedStream) => {
      stream.write(header(`from='b.example' to='a.example' id='x'`) + features(STARTTLS));
      if (stream.take('<starttls') !== null) stream.write(`<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`);
    },
  ],
] as const) {
  test(`R2: one address of the only target answers TCP and ${what}: the other one is tried`, async () => {
    const duo = await createDuo();
    const { resolver } = duo.simulation;
    const { address, port } = duo.providers.B.listening[0]!;
    const bad = duo.simulation.host({ forServerName: () => NOBODY });
    const streams: ScriptedStream[] = [];
    await bad.network.listen({ address: bad.address, port, tls: 'starttls' }, ({ connection }) => {
      const stream = new ScriptedStream(answers).bind(connection);
      streams.push(stream);
      return stream;
    });
    resolver.set(HOST, { addresses: [bad.address, address].map((one) => ({ family: 4, address: one })) });
    const stanza = duo.send('a.example', 'b.example');
    await duo.settle();
    assert.deepEqual([stanza.deliveries[0]?.outcome, streams.length], ['sent', 1]);
    await duo.stop();
  });
}

test('the look-up of one target host gets no answer: the next target is reached within seconds', async () => {
  const duo = await createDuo();
  const { clock } = duo.simulation;
  askThrough(duo, (plain) => ({
    addresses: (host, signal) =>
      host === 'silent.example' ? new Promise(() => undefined) : plain.addresses(host, signal),
  }));
  publish(duo, [{ host: 'silent.example', port: 5269 }]);
  const startedMs = clock.now();
  const stanza = duo.send('a.example', 'b.example');
  await duo.settle();
  assert.equal(stanza.deliveries[0]?.outcome, 'sent');
  assert.ok(clock.now() - startedMs < 5_000, `${clock.now() - startedMs} ms`);
  await duo.stop();
});

test('a target that comes later is not looked up before its turn', async () => {
  const duo = await createDuo();
  const { resolver } = duo.simulation;
  const asked: string[] = [];
  askThrough(duo, (plain) => ({
    addresses: (host, signal) => (asked.push(host), plain.addresses(host, signal)),
  }));
  const { port } = duo.providers.B.listening[0]!;
  resolver.set(OWNER, {
    srv: [HOST, 'later.example'].map((target, priority) => ({ priority, weight: 0, port, target })),
  });
  duo.send('a.example', 'b.example');
  await duo.settle();
  assert.deepEqual([...new Set(asked)], [HOST]);
  await duo.stop();
});

test('L6: answers are remembered, but not after a failure: a domain that moves is found at the first retry', async () => {
  const duo = await createDuo();
  const { resolver, clock } = duo.simulation;
  askThrough(duo, (plain) => rememberAnswers(plain, { clock }));
  const { port } = duo.providers.B.listening[0]!;
  // A TTL far beyond the test: without a fresh look-up, the wrong port would stay.
  const at = (to: number) => ({ srv: [{ priority: 0, weight: 0, port: to, target: HOST }], ttlSeconds: 86_400 });
  resolver.set(OWNER, at(port + 1));
  const lost = duo.send('a.example', 'b.example');
  await duo.settle();
  assert.equal(lost.deliveries[0]?.outcome, 'returned');
  resolver.set(OWNER, at(port));
  await clock.advance(2_000);
  const found = duo.send('a.example', 'b.example');
  await duo.settle();
  assert.equal(found.deliveries[0]?.outcome, 'sent');
  await duo.stop();
});
