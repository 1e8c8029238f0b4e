import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { systemClock } from '../../src/adapters/clock.ts';
import { createNetwork } from '../../src/adapters/network/network.ts';
import { createRandom, createSeededRandom } from '../../src/adapters/random.ts';
import { SimulatedClock } from '../../src/simulation/simulated-clock.ts';
import { ComponentListener, type ComponentEvent } from '../../src/components/component-listener.ts';
import type { Clock, Connection, ConnectionEvents, Flushed, Network } from '../../src/ports.ts';
import { Stanza } from '../../src/protocol/stanza.ts';
import { Router } from '../../src/routing/router.ts';

const DOMAIN = 'comp.b.example';
const OTHER = 'other.b.example';
const SECRET = 'a secret of the operator';
const STREAMS = 'http://etherx.jabber.org/streams';
const stop: (() => Promise<void>)[] = [];
after(async () => {
  for (const one of stop) await one();
});

function makeRouter(clock: Clock): Router {
  return new Router({
    clock,
    queueStanzas: 100,
    queueBytes: 100_000,
    queueAgeMs: 60_000,
    isLocal: (domain) => domain.endsWith('b.example'),
    events: { routeWanted: () => undefined, refused: () => undefined },
  });
}

async function listen(overrides: { network?: Network; clock?: Clock; stanzaBytes?: number } = {}) {
  const clock = overrides.clock ?? systemClock;
  const network = overrides.network ?? createNetwork({ clock, credentials: { forServerName: () => null } });
  const router = makeRouter(clock);
  const events: ComponentEvent[] = [];
  const listener = await ComponentListener.start(
    {
      address: '127.0.0.1',
      port: 0,
      domains: { [DOMAIN]: SECRET, [OTHER]: SECRET },
      limits: { stanzaBytes: overrides.stanzaBytes ?? 20_000 },
    },
    { network, clock, random: createRandom(), router, tell: (event) => events.push(event) },
  );
  const stopping = (): Promise<void> => listener.stop();
  if (overrides.network === undefined) stop.push(stopping);
  return { listener, router, events };
}

/** A component that says exactly what it is told to, and keeps everything that it receives. */
class RawComponent {
  readonly #socket: Socket;
  readonly #chunks: string[] = [];
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1')
      .setEncoding('utf8')
      .on('data', (text: string) => {
        this.#chunks.push(text);
        this.#wake();
      })
      .on('error', () => undefined)
      .on('close', () => {
        this.#ended = true;
        this.#wake();
      });
    stop.push(() => Promise.resolve(void this.#socket.destroy()));
  }

  get text(): string {
    return this.#chunks.join('');
  }

  say(text: string): void {
    this.#socket.write(text);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Waits until the last few chunks received match; fails when the connection ends first. */
  async heard(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.#chunks.slice(-3).join(''));
      if (found !== null) return found;
      if (this.#ended) throw new Error(`ended without ${String(pattern)}: ${this.text.slice(-1000)}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Everything that was received until the connection ended. */
  async ended(): Promise<string> {
    while (!this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.text;
  }

  async handshake(secret = SECRET, domain = DOMAIN): Promise<void> {
    this.say(header(domain));
    const [, id = ''] = await this.heard(/ id='([^']*)'/);
    this.say(`<handshake>${createHash('sha1').update(`${id}${secret}`).digest('hex')}</handshake>`);
  }

  async attached(domain = DOMAIN): Promise<this> {
    await this.handshake(SECRET, domain);
    await this.heard(/<handshake\/>/);
    return this;
  }
}

const header = (domain: string, namespace = 'jabber:component:accept', to = 'to'): string =>
  `<?xml version='1.0'?><stream:stream xmlns='${namespace}' xmlns:stream='${STREAMS}' ${to}='${domain}'>`;
const message = (from: string, to: string, body: string): string =>
  `<message from='${from}' to='${to}'><body>${body}</body></message>`;
const streamError = (condition: string): RegExp =>
  new RegExp(
    `<stream:error><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>.*</stream:error></stream:stream>$`,
  );

test('a component that knows its secret is attached and exchanges stanzas (XEP-0114 §3)', async () => {
  const { listener, router, events } = await listen();
  const component = await new RawComponent(listener.address.port).attached();
  assert.match(
    component.text,
    new RegExp(`xmlns='jabber:component:accept' xmlns:stream='${STREAMS}' from='${DOMAIN}'`),
  );
  const other = await new RawComponent(listener.address.port).attached(OTHER);

  other.say(message(`x@${OTHER}`, `y@${DOMAIN}`, 'there'));
  await component.heard(/<message from='x@other.b.example' to='y@comp.b.example'><body>there<\/body><\/message>/);
  component.say(message(DOMAIN, OTHER, 'back'));
  await other.heard(/<body>back<\/body>/);

  assert.deepEqual(
    events.map((event) => [event.kind, event.domain]),
    [
      ['attached', DOMAIN],
      ['attached', OTHER],
    ],
  );
  assert.ok(router.attachedTo(DOMAIN));
});

test('the stream id is fresh and long (XEP-0114 §3, RFC 6120 §4.7.3)', async () => {
  const { listener } = await listen();
  const ids = new Set<string>();
  for (const domain of [DOMAIN, OTHER]) {
    const component = new RawComponent(listener.address.port);
    component.say(header(domain));
    const [, id = ''] = await component.heard(/ id='([^']*)'/);
    assert.match(id, /^[0-9a-f]{32}$/);
    ids.add(id);
  }
  assert.equal(ids.size, 2);
});

test('a header with from in place of to is understood (XEP-0114, older components)', async () => {
  const { listener } = await listen();
  const component = new RawComponent(listener.address.port);
  component.say(header(DOMAIN, undefined, 'from'));
  await component.heard(new RegExp(`from='${DOMAIN}' id=`));
});

test('a wrong secret is not-authorized, and nothing is attached (XEP-0114 §3)', async () => {
  const { listener, router, events } = await listen();
  const component = new RawComponent(listener.address.port);
  await component.handshake('another secret');
  assert.match(await component.ended(), streamError('not-authorized'));
  assert.equal(router.attachedTo(DOMAIN), null);
  assert.deepEqual(
    events.map((event) => [event.kind, event.kind === 'refused' && event.fault.condition]),
    [['refused', 'not-authorized']],
  );
});

const refusedHeaders: [string, string, string][] = [
  ['a domain that is not configured', header('stranger.example'), 'host-unknown'],
  ['no domain at all', header('x').replace(` to='x'`, ''), 'host-unknown'],
  ['the namespace of servers', header(DOMAIN, 'jabber:server'), 'invalid-namespace'],
  ['the namespace of the connecting side', header(DOMAIN, 'jabber:component:connect'), 'invalid-namespace'],
];
for (const [what, text, condition] of refusedHeaders) {
  test(`a header with ${what} earns a header and ${condition} (RFC 6120 §4.9.1.2)`, async () => {
    const { listener } = await listen();
    const component = new RawComponent(listener.address.port);
    component.say(text);
    const answer = await component.ended();
    assert.match(answer, streamError(condition));
    assert.equal(answer.match(/<stream:stream /g)?.length, 1);
  });
}

test('a second component for a domain is a conflict, and the first one stays (XEP-0114 §3)', async () => {
  const { listener } = await listen();
  const first = await new RawComponent(listener.address.port).attached();
  const second = new RawComponent(listener.address.port);
  await second.handshake();
  assert.match(await second.ended(), streamError('conflict'));
  first.say(message(DOMAIN, DOMAIN, 'to myself'));
  await first.heard(/to myself/);
});

test('after a component has gone its domain can be attached again', async () => {
  const { listener, router, events } = await listen();
  const first = await new RawComponent(listener.address.port).attached();
  first.say('</stream:stream>');
  assert.match(await first.ended(), /<handshake\/><\/stream:stream>$/);
  assert.equal(router.attachedTo(DOMAIN), null);
  await new RawComponent(listener.address.port).attached();
  assert.deepEqual(
    events.map((event) => [event.kind, event.kind === 'detached' && event.fault]),
    [
      ['attached', false],
      ['detached', null],
      ['attached', false],
    ],
  );
});

const foreign: [string, string][] = [
  ['of another domain', `<message from='x@${OTHER}' to='y@b.example'/>`],
  ['of a domain below its own', `<message from='x.${DOMAIN}' to='y@b.example'/>`],
  ['of nobody', `<message to='y@b.example'/>`],
];
for (const [what, text] of foreign) {
  test(`a stanza ${what} ends the stream with invalid-from (RFC 6120 §4.9.3.9)`, async () => {
    const { listener, router } = await listen();
    const component = await new RawComponent(listener.address.port).attached();
    component.say(text);
    assert.match(await component.ended(), streamError('invalid-from'));
    assert.equal(router.counters.returned + router.counters.delivered + router.counters.unattended, 0);
  });
}

test('a stanza before the handshake is not-authorized (RFC 6120 §4.9.3.12)', async () => {
  const { listener, router } = await listen();
  const component = new RawComponent(listener.address.port);
  component.say(header(DOMAIN) + message(DOMAIN, OTHER, 'too soon'));
  assert.match(await component.ended(), streamError('not-authorized'));
  assert.equal(router.counters.unattended, 0);
});

test('an element that is no stanza is unsupported-stanza-type (RFC 6120 §4.9.3.24)', async () => {
  const { listener } = await listen();
  const component = await new RawComponent(listener.address.port).attached();
  component.say(`<query xmlns='jabber:component:accept'/>`);
  assert.match(await component.ended(), streamError('unsupported-stanza-type'));
});

test('what is not XML ends the stream with not-well-formed', async () => {
  const { listener } = await listen();
  const component = await new RawComponent(listener.address.port).attached();
  component.say('<message></presence>');
  assert.match(await component.ended(), streamError('not-well-formed'));
});

test('an element before the handshake has a small limit, a stanza after it the large one (RFC 6120 §13.12)', async () => {
  const { listener } = await listen({ stanzaBytes: 20_000 });
  const early = new RawComponent(listener.address.port);
  early.say(`${header(DOMAIN)}<handshake>${'a'.repeat(11_000)}</handshake>`);
  assert.match(await early.ended(), streamError('policy-violation'));

  const component = await new RawComponent(listener.address.port).attached();
  component.say(message(DOMAIN, DOMAIN, 'b'.repeat(15_000)));
  await component.heard(/b{15000}/);
  component.say(message(DOMAIN, DOMAIN, 'c'.repeat(25_000)));
  assert.match(await component.ended(), streamError('policy-violation'));
});

test('stop says system-shutdown and waits for the streams to end (RFC 6120 §4.9.3.20)', async () => {
  const { listener, router } = await listen();
  const component = await new RawComponent(listener.address.port).attached();
  await listener.stop();
  assert.match(await component.ended(), streamError('system-shutdown'));
  assert.equal(router.attachedTo(DOMAIN), null);
});

test('a component that does not read holds back the one that writes to it, and nothing is lost (L1)', async () => {
  const { listener, router } = await listen();
  const reader = await new RawComponent(listener.address.port).attached(OTHER);
  const writer = await new RawComponent(listener.address.port).attached();
  reader.pause();
  const body = 'x'.repeat(15_000);
  const count = 2_000; // 30 MB: more than the buffers of two loopback sockets hold
  for (let i = 0; i < count; i += 1) writer.say(message(DOMAIN, OTHER, `${i}:${body}`));
  while (router.snapshot().pausedInlets === 0) await new Promise((resolve) => setImmediate(resolve));
  const delivered = router.counters.delivered;
  assert.ok(delivered < count, `${delivered} of ${count} were taken before the reader read`);

  reader.resume();
  writer.say(message(DOMAIN, OTHER, 'the last'));
  await reader.heard(/the last<\/body>/);
  assert.equal(reader.text.match(/<message /g)?.length, count + 1);
});

// ——— the clock, without sockets

/** A network with one listener, whose connections are driven by hand. */
function handNetwork() {
  let accept: ((connection: Connection) => ConnectionEvents) | null = null;
  const network: Network = {
    connect: () => assert.fail('a component listener does not connect'),
    listen: ({ address, port }, onAccept) => {
      accept = (connection) => onAccept({ connection, directTls: false });
      return Promise.resolve({ address, port, close: () => Promise.resolve() });
    },
  };
  const open = () => {
    const log: string[] = [];
    /** Bytes that the far end has not accepted; beyond 1000 bytes the connection is full. */
    const buffer: { bytes: number; reads: boolean; awaiting: Flushed[] } = { bytes: 0, reads: true, awaiting: [] };
    const connection: Connection = {
      remoteAddress: '127.0.0.1',
      get bufferedBytes() {
        return buffer.bytes;
      },
      get writable() {
        return buffer.bytes <= 1_000;
      },
      write: (bytes, flushed) => {
        log.push(bytes.toString());
        if (!buffer.reads) buffer.bytes += bytes.length;
        if (flushed !== undefined && buffer.reads) flushed(true);
        else if (flushed !== undefined) buffer.awaiting.push(flushed);
      },
      cork: () => undefined,
      uncork: () => undefined,
      pause: () => log.push('(pause)'),
      resume: () => log.push('(resume)'),
      startTlsClient: () => undefined,
      startTlsServer: () => undefined,
      end: () => log.push('(end)'),
      destroy: () => log.push('(destroy)'),
    };
    assert.ok(accept);
    return { log, buffer, connection, events: accept(connection) };
  };
  return { network, open };
}

/** The component of a connection driven by hand completes its handshake. */
function attach({ log, events }: ReturnType<ReturnType<typeof handNetwork>['open']>, domain = DOMAIN): void {
  events.data(Buffer.from(header(domain)));
  const [, id = ''] = / id='([^']*)'/.exec(log.join('')) ?? [];
  const digest = createHash('sha1').update(`${id}${SECRET}`).digest('hex');
  events.data(Buffer.from(`<handshake>${digest}</handshake>`));
}

/** Two components on one simulated clock: the first does not read. */
async function hung() {
  const clock = new SimulatedClock();
  const { network, open } = handNetwork();
  const { router, events } = await listen({ network, clock });
  const [reader, writer] = [open(), open()];
  attach(reader);
  attach(writer, OTHER);
  reader.buffer.reads = false;
  const write = (body: string): void => writer.events.data(Buffer.from(message(OTHER, DOMAIN, body)));
  return { clock, router, told: events, reader, writer, write };
}

test('a component that takes nothing for 30 s is dropped; who wrote to it goes on, and its stanzas are counted (L1, L2)', async () => {
  const { clock, router, told, reader, writer, write } = await hung();
  write('a'.repeat(600));
  write('b'.repeat(600));
  const { bytes } = reader.buffer;
  assert.equal(writer.log.at(-1), '(pause)');
  clock.increment(29_999);
  assert.deepEqual([reader.log.at(-1), writer.log.at(-1), told.length], [message(OTHER, DOMAIN, 'b'.repeat(600)), '(pause)', 2]); // prettier-ignore
  clock.increment(1);
  assert.deepEqual([reader.log.at(-1), writer.log.at(-1)], ['(destroy)', '(resume)']);
  const text = `it took nothing for 30 s; ${bytes} bytes are lost`;
  assert.deepEqual(told.slice(2), [
    {
      kind: 'detached',
      domain: DOMAIN,
      remoteAddress: '127.0.0.1',
      fault: { layer: 'component', condition: 'connection-timeout', origin: 'peer', text },
    },
  ]);
  assert.deepEqual([router.attachedTo(DOMAIN), router.snapshot().pausedInlets], [null, 0]);
  for (const flushed of reader.buffer.awaiting) flushed(false);
  assert.deepEqual([router.counters.delivered, router.counters.unknown], [2, 2]);
  reader.events.closed(null); // nothing is reported a second time
  assert.equal(told.length, 3);
  write('c');
  clock.increment(0);
  assert.match(writer.log.at(-1) ?? '', /<service-unavailable /);
});

test('a component that takes a little now and then is slow and not hung, whatever is written meanwhile', async () => {
  const { clock, router, told, reader, writer, write } = await hung();
  write('a'.repeat(2_000));
  for (let taken = 0; taken < 10; taken += 1) {
    clock.increment(29_000);
    const more = Buffer.from(message(OTHER, DOMAIN, 'c'));
    router.inject(new Stanza('message', DOMAIN, OTHER, more, 'jabber:server'), null); // by a sender that is not held up
    reader.buffer.bytes -= 1;
  }
  assert.deepEqual([told.length, writer.log.at(-1)], [2, '(pause)']);
  reader.buffer.bytes = 0;
  reader.events.drained();
  assert.equal(writer.log.at(-1), '(resume)');
  clock.increment(120_000);
  assert.equal(told.length, 2);
  // It stops half-way: there is room, but a held sender is released only when everything has been accepted.
  write('b'.repeat(2_000));
  clock.increment(20_000);
  reader.buffer.bytes = 10;
  clock.increment(40_000);
  assert.deepEqual([told.length, reader.log.at(-1), writer.log.at(-1)], [3, '(destroy)', '(resume)']);
});

test('a component that closes its half has left: what comes for it then is returned, not counted as delivered (L1)', async () => {
  const { clock, router, told, reader, writer, write } = await hung();
  write('x'.repeat(2_000));
  const { delivered } = router.counters;
  reader.events.ended?.();
  assert.deepEqual(told.at(-1)?.kind, 'detached');
  write('the last');
  clock.increment(0);
  assert.match(writer.log.at(-1) ?? '', /<service-unavailable /);
  assert.equal(router.counters.delivered, delivered);
  reader.events.closed(null);
  assert.equal(told.filter(({ kind }) => kind === 'detached').length, 1);
});

test('a component that leaves while it is full has no deadline left', async () => {
  const { clock, told, reader, write } = await hung();
  write('a'.repeat(2_000));
  reader.events.closed(null);
  clock.increment(60_000);
  assert.deepEqual([told.length, reader.log.includes('(destroy)')], [3, false]);
});

test('without a handshake within 10 s the stream ends; without an answer to that, the connection (L2)', async () => {
  const clock = new SimulatedClock();
  const { network, open } = handNetwork();
  const { events: told } = await listen({ network, clock });
  const { log, events } = open();
  events.data(Buffer.from(header(DOMAIN)));
  clock.increment(9_999);
  assert.equal(log.length, 1);
  clock.increment(1);
  assert.match(log.join(''), /<stream:error><connection-timeout [^]*<\/stream:stream>\(end\)$/);
  assert.equal(told[0]?.kind, 'refused');
  clock.increment(5_000);
  assert.equal(log.at(-1), '(destroy)');
});

test('connections without a handshake are bounded, and each that settles makes room', async () => {
  const { network, open } = handNetwork();
  await listen({ network, clock: new SimulatedClock() });
  const pending = Array.from({ length: 64 }, open);
  assert.ok(pending.every(({ log }) => log.length === 0));
  assert.deepEqual(open().log, ['(destroy)']);
  pending[0]!.events.closed(null);
  assert.deepEqual(open().log, []);
});

test('drain reads no more stanzas, still writes, and is not undone by the router', async () => {
  const clock = new SimulatedClock();
  const { network, open } = handNetwork();
  const { listener, router } = await listen({ network, clock });
  const component = open();
  const { log, events } = component;
  attach(component);
  listener.drain();
  assert.equal(log.at(-1), '(pause)');
  events.drained();
  const bytes = Buffer.from(message(OTHER, DOMAIN, 'late'));
  router.inject(new Stanza('message', DOMAIN, OTHER, bytes, 'jabber:server'), null);
  assert.ok(log.includes(bytes.toString()));
  assert.ok(!log.includes('(resume)'));
  assert.deepEqual(open().log, ['(destroy)']);
});

test('a stop that is asked for twice ends for both who asked', async () => {
  const { network, open } = handNetwork();
  const { listener } = await listen({ network, clock: new SimulatedClock() });
  const { events } = open();
  const both = Promise.all([listener.stop(), listener.stop()]);
  events.closed(null);
  await both;
});

test('the error with which a component ends its stream is not said back to it (RFC 6120 §4.9.1.1)', async () => {
  const { network, open } = handNetwork();
  const { events: told } = await listen({ network, clock: new SimulatedClock() });
  const { log, events } = open();
  events.data(Buffer.from(header(DOMAIN)));
  const error = "<reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>";
  events.data(Buffer.from(`<stream:error>${error}</stream:error></stream:stream>`));
  assert.deepEqual(log.slice(1), ['</stream:stream>', '(end)']);
  assert.deepEqual(
    told.map((one) => one.kind === 'refused' && one.fault.condition),
    ['reset'],
  );
});

test('a handshake of another namespace is none (XEP-0114 §3)', async () => {
  const { network, open } = handNetwork();
  const { router } = await listen({ network, clock: new SimulatedClock() });
  const { log, events } = open();
  events.data(Buffer.from(header(DOMAIN)));
  const [, id = ''] = / id='([^']*)'/.exec(log.join('')) ?? [];
  const digest = createHash('sha1').update(`${id}${SECRET}`).digest('hex');
  events.data(Buffer.from(`<handshake xmlns='urn:other'>${digest}</handshake>`));
  assert.match(log.join(''), /<not-authorized /);
  assert.equal(router.attachedTo(DOMAIN), null);
});

test('the listener says which domains it serves, in canonical form', async () => {
  const { network } = handNetwork();
  const clock = new SimulatedClock();
  const listener = await ComponentListener.start(
    { address: '127.0.0.1', port: 5347, domains: { 'Büro.B.Example': SECRET } },
    { network, clock, random: createSeededRandom(1), router: makeRouter(clock) },
  );
  assert.deepEqual(listener.domains, ['xn--bro-hoa.b.example']);
});
