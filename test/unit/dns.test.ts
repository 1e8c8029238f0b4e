import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import test, { type TestContext } from 'node:test';
import { AUTHORITATIVE_ANSWER, decode, encode, type Answer } from 'dns-packet';
import { systemClock } from '../../src/adapters/clock.ts';
import {
  A_PATIENCE_MS,
  createResolver,
  HALF_TTL_SECONDS,
  MAX_RECORDS,
  RESOLUTION_DELAY_MS,
} from '../../src/adapters/dns/resolver.ts';
import { SRV_TTL_SECONDS } from '../../src/adapters/dns/cares.ts';
import type { Clock } from '../../src/ports.ts';

const never = new AbortController().signal;
const HOST = 'x.example';
const OWNER = '_xmpp-server._tcp.a.example';
const a = (data: string, ttl = 60): Answer => ({ type: 'A', name: HOST, ttl, data });
const aaaa = (data: string, ttl = 60): Answer => ({ type: 'AAAA', name: HOST, ttl, data });
const srv = (target: string, port = 5269): Answer => ({
  type: 'SRV',
  name: OWNER,
  ttl: 60,
  data: { priority: 1, weight: 2, port, target },
});

interface Query {
  readonly type: string;
  readonly answer: (records: Answer[], rcode?: number) => void;
  readonly send: (bytes: Buffer) => void;
  readonly bytes: Buffer;
}

/** A name server that does what the test says with each query; it does not answer unless the test does. */
async function scripted(t: TestContext, script: (query: Query) => void) {
  const socket: Socket = createSocket('udp4');
  socket.on('message', (bytes, from) => {
    const query = decode(bytes);
    const send = (reply: Buffer) => socket.send(reply, from.port, from.address);
    script({
      type: query.questions?.[0]?.type ?? '',
      bytes,
      send,
      answer: (answers, rcode = 0) =>
        send(
          encode({
            type: 'response',
            id: query.id ?? 0,
            flags: AUTHORITATIVE_ANSWER | rcode,
            questions: query.questions ?? [],
            answers,
          }),
        ),
    });
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.after(() => socket.close());
  return `127.0.0.1@${socket.address().port}`;
}

const SERVFAIL = 2;
const NXDOMAIN = 3;

/** A promise and the function that fulfils it. */
function gate() {
  const ignored: () => void = () => undefined;
  const gate = { open: ignored, opened: Promise.resolve() };
  gate.opened = new Promise((resolve) => (gate.open = resolve));
  return gate;
}

/** Real time, except that one delay ends when the test says so. */
function clockWithHeldDelay(heldMs = RESOLUTION_DELAY_MS) {
  const started = gate();
  const ignored: () => void = () => undefined;
  const held = { started: started.opened, wasStarted: false, wasCleared: false, end: ignored };
  const clock: Clock = {
    ...systemClock,
    setTimeout: (fn, delayMs) => {
      if (delayMs !== heldMs) return systemClock.setTimeout(fn, delayMs);
      held.end = fn;
      held.wasStarted = true;
      started.open();
      return held;
    },
    clearTimeout: (handle) => (handle === held ? (held.wasCleared = true) : systemClock.clearTimeout(handle)),
  };
  return { clock, held };
}

test('A waits for AAAA as long as the resolution delay, and no longer (RFC 8305 §3)', async (t) => {
  const { clock, held } = clockWithHeldDelay();
  const server = await scripted(t, (query) => query.type === 'A' && query.answer([a('192.0.2.1'), a('192.0.2.2')]));
  let settled = false;
  const answer = createResolver({ servers: [server], clock })
    .addresses(HOST, never)
    .finally(() => (settled = true));
  await held.started;
  assert.equal(settled, false);
  held.end();
  const { status, records } = await answer;
  assert.equal(status, 'insecure');
  assert.deepEqual(records.map(({ address }) => address).sort(), ['192.0.2.1', '192.0.2.2']);
});

test('AAAA that comes within the resolution delay goes first, families in turn, with the lower TTL (RFC 8305 §3-4)', async (t) => {
  const { clock, held } = clockWithHeldDelay();
  const server = await scripted(t, (query) => {
    if (query.type === 'A') query.answer([a('192.0.2.1', 900), a('192.0.2.2', 30)]);
    else void held.started.then(() => query.answer([aaaa('2001:db8::1', 400)]));
  });
  const { records, ttlSeconds } = await createResolver({ servers: [server], clock }).addresses(HOST, never);
  assert.deepEqual(
    records.map(({ family }) => family),
    [6, 4, 4],
  );
  assert.equal(ttlSeconds, 30);
  assert.equal(held.wasCleared, true);
});

test('"no A" starts no delay: the answer is what AAAA brings, whenever it comes (RFC 8305 §3)', async (t) => {
  const { clock, held } = clockWithHeldDelay();
  const aWasAnswered = gate();
  const server = await scripted(t, (query) => {
    if (query.type === 'A') {
      query.answer([]);
      aWasAnswered.open();
    } else void aWasAnswered.opened.then(() => query.answer([aaaa('2001:db8::1')]));
  });
  const { records } = await createResolver({ servers: [server], clock }).addresses(HOST, never);
  assert.deepEqual(records, [{ family: 6, address: '2001:db8::1' }]);
  assert.equal(held.wasStarted, false);
});

test('AAAA waits for A, but not for ever: one silent record type does not delay the host (RFC 8305 §3)', async (t) => {
  const { clock, held } = clockWithHeldDelay(A_PATIENCE_MS);
  const server = await scripted(t, (query) => query.type === 'AAAA' && query.answer([aaaa('2001:db8::1', 900)]));
  const answer = createResolver({ servers: [server], clock, timeoutMs: 20_000 }).addresses(HOST, never);
  await held.started;
  held.end();
  const { status, records, ttlSeconds } = await answer;
  assert.deepEqual([status, records], ['insecure', [{ family: 6, address: '2001:db8::1' }]]);
  assert.equal(ttlSeconds, HALF_TTL_SECONDS, 'half an answer is asked for again soon');
});

test('a family that fails is unknown: harmless beside addresses of the other, an error beside none', async (t) => {
  const outcomes: [aRecords: Answer[], status: string][] = [
    [[a('192.0.2.1')], 'insecure'],
    [[], 'error'],
  ];
  for (const [aRecords, status] of outcomes) {
    const server = await scripted(t, (query) =>
      query.answer(query.type === 'A' ? aRecords : [], query.type === 'A' ? 0 : SERVFAIL),
    );
    const answer = await createResolver({ servers: [server] }).addresses(HOST, never);
    assert.equal(answer.status, status);
    assert.equal(answer.records.length, aRecords.length);
  }
});

test('S4: SERVFAIL and silence are errors with a reason, never "there is none"', async (t) => {
  const failing = await scripted(t, (query) => query.answer([], SERVFAIL));
  assert.deepEqual(await createResolver({ servers: [failing] }).srv(OWNER, never), {
    status: 'error',
    records: [],
    ttlSeconds: 0,
    reason: 'SERVFAIL',
  });

  const silent = await scripted(t, () => undefined);
  const from = performance.now();
  const resolver = createResolver({ servers: [silent, silent], timeoutMs: 250 });
  const answers = await Promise.all([resolver.srv(OWNER, never), resolver.addresses(HOST, never)]);
  const tookMs = performance.now() - from;
  for (const { status, reason } of answers) {
    assert.equal(status, 'error');
    assert.match(reason ?? '', /TIMEOUT|no answer within 250 ms/);
  }
  assert.ok(tookMs < 1000, `${tookMs} ms`);
});

test('a server that cannot be reached is an error, and the next server is asked', async (t) => {
  const closed = createSocket('udp4').bind(0, '127.0.0.1');
  await once(closed, 'listening');
  const nobody = `127.0.0.1@${closed.address().port}`;
  await new Promise<void>((resolve) => closed.close(() => resolve()));
  assert.equal((await createResolver({ servers: [nobody], timeoutMs: 400 }).srv(OWNER, never)).status, 'error');

  const alive = await scripted(t, (query) => query.answer([srv('x.example')]));
  assert.equal((await createResolver({ servers: [nobody, alive] }).srv(OWNER, never)).status, 'insecure');
});

test('garbage is an error, whatever it looks like, and ends in time', async (t) => {
  const garbage: ((query: Query) => void)[] = [
    ({ send }) => send(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')),
    ({ send }) => send(Buffer.alloc(0)),
    ({ send, bytes }) => send(bytes.subarray(0, 2)),
    ({ send, bytes }) => send(Buffer.concat([bytes.subarray(0, 2), Buffer.alloc(400, 0xff)])),
    // A name that points at itself.
    ({ send, bytes }) =>
      send(
        Buffer.concat([
          bytes.subarray(0, 2),
          Buffer.from([0x84, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0xc0, 12]),
          Buffer.alloc(8, 0xc0),
        ]),
      ),
  ];
  await Promise.all(
    garbage.map(async (script, i) => {
      const answer = await createResolver({ servers: [await scripted(t, script)], timeoutMs: 250 }).srv(OWNER, never);
      assert.equal(answer.status, 'error', `garbage ${i}`);
      assert.ok(answer.reason);
    }),
  );
});

test('SRV records come canonical; those that name no host are dropped, and that is said', async (t) => {
  const server = await scripted(t, (query) =>
    query.answer([
      srv('XMPP.B.example'),
      srv('bad host.example'),
      srv('192.0.2.1'),
      srv('y.example', 0),
      srv('xn--a.example'),
    ]),
  );
  assert.deepEqual(await createResolver({ servers: [server] }).srv(OWNER, never), {
    status: 'insecure',
    records: [{ priority: 1, weight: 2, port: 5269, target: 'xmpp.b.example' }],
    ttlSeconds: SRV_TTL_SECONDS,
    reason: '4 of 5 records are invalid',
  });
});

test('no more than a bounded number of records is taken from one answer', async (t) => {
  const server = await scripted(t, (query) =>
    query.answer(
      query.type === 'A' ? Array.from({ length: MAX_RECORDS + 6 }, (_, i) => a(`192.0.2.${i}`)) : [aaaa('2001:db8::1')],
    ),
  );
  const { records, reason } = await createResolver({ servers: [server] }).addresses(HOST, never);
  assert.equal(records.length, MAX_RECORDS);
  assert.match(reason ?? '', /only 64 of 71/);
  assert.equal(records[0]?.family, 6);
});

test('an aborted look-up answers at once, and others go on', async (t) => {
  const asked: Query[] = [];
  const bothAsked = gate();
  const server = await scripted(t, (query) => asked.push(query) === 2 && bothAsked.open());
  const resolver = createResolver({ servers: [server], timeoutMs: 20_000 });
  const asker = new AbortController();
  const aborted = resolver.srv(OWNER, asker.signal);
  const kept = resolver.srv(OWNER, never);
  await bothAsked.opened;
  asker.abort();
  assert.deepEqual(await aborted, { status: 'error', records: [], ttlSeconds: 0, reason: 'cancelled' });
  for (const query of asked) query.answer([srv('x.example')]);
  assert.equal((await kept).status, 'insecure');
  assert.equal((await resolver.addresses(HOST, asker.signal)).reason, 'cancelled', 'aborted before it began');
});

test('no more queries run at a time than allowed; the next takes the place of one that ended or gave up', async (t) => {
  const asked: Query[] = [];
  const arrivals: (() => void)[] = [];
  const server = await scripted(t, (query) => {
    asked.push(query);
    arrivals.shift()?.();
  });
  const arrival = () => new Promise<void>((resolve) => arrivals.push(resolve));
  const resolver = createResolver({ servers: [server], timeoutMs: 20_000, maxQueries: 1 });
  const askers = Array.from({ length: 4 }, () => new AbortController());
  const firstArrived = arrival();
  const [first, second, third, fourth] = askers.map(({ signal }, i) => resolver.srv(`_${i}.example`, signal));

  await firstArrived;
  const thirdArrived = arrival();
  askers[1]?.abort(); // gives up while it waits
  assert.equal((await second)?.reason, 'cancelled');
  askers[0]?.abort(); // gives up while its query is under way
  assert.equal((await first)?.reason, 'cancelled');
  await thirdArrived;
  assert.equal(asked.length, 2);
  const fourthArrived = arrival();
  asked[1]?.answer([srv('x.example')]);
  await third;
  await fourthArrived;
  asked[2]?.answer([], NXDOMAIN);
  assert.deepEqual([(await third)?.status, (await fourth)?.status], ['insecure', 'nodata-insecure']);
});

test('no more look-ups wait than allowed: one too many fails at once, and says why', async (t) => {
  const server = await scripted(t, () => undefined);
  const resolver = createResolver({ servers: [server], timeoutMs: 20_000, maxQueries: 1, maxWaiting: 1 });
  const asker = new AbortController();
  const admitted = [0, 1].map((i) => resolver.srv(`_${i}.example`, asker.signal));
  const { status, reason } = await resolver.srv('_2.example', never);
  assert.deepEqual([status, reason], ['error', 'too many look-ups wait already']);
  asker.abort();
  await Promise.all(admitted);
  const later = new AbortController();
  const again = resolver.srv('_3.example', later.signal);
  later.abort();
  assert.equal((await again).reason, 'cancelled', 'room again');
});

test('what is aborted before its turn is not asked, and keeps nobody waiting', async (t) => {
  const asked: string[] = [];
  const server = await scripted(t, (query) => {
    asked.push(decode(query.bytes).questions?.[0]?.name ?? '');
    query.answer([srv('x.example')]);
  });
  const resolver = createResolver({ servers: [server], timeoutMs: 20_000, maxQueries: 1 });
  const asker = new AbortController();
  const aborted = resolver.srv('_1.example', asker.signal);
  asker.abort();
  assert.equal((await resolver.srv('_2.example', never)).status, 'insecure');
  assert.deepEqual([(await aborted).reason, asked], ['cancelled', ['_2.example']]);
});

test('a channel is used again, and remembers nothing of what it was asked', async (t) => {
  const targets = ['x.example', 'y.example', 'z.example'];
  let asked = 0;
  const server = await scripted(t, (query) => query.answer([srv(targets[asked++] ?? '')]));
  const resolver = createResolver({ servers: [server] });
  for (const target of targets) {
    assert.equal((await resolver.srv(OWNER, never)).records[0]?.target, target);
  }
});

test('nobody validates plain DNS: TLSA is not asked for, and there is none (RFC 6698 §4.1)', async (t) => {
  let asked = 0;
  const resolver = createResolver({ servers: [await scripted(t, () => (asked += 1))], timeoutMs: 200 });
  const { status, records } = await resolver.tlsa('_5269._tcp.x.example', never);
  assert.deepEqual([resolver.validates, status, records, asked], [false, 'nodata-insecure', [], 0]);
});

test('IP literals are not asked for (RFC 6120 §3.2)', async (t) => {
  let asked = 0;
  const resolver = createResolver({ servers: [await scripted(t, () => (asked += 1))], timeoutMs: 200 });
  assert.deepEqual((await resolver.addresses('192.0.2.1', never)).records, [{ family: 4, address: '192.0.2.1' }]);
  assert.deepEqual((await resolver.addresses('[::1]', never)).records, [{ family: 6, address: '::1' }]);
  assert.equal((await resolver.srv('_xmpp-server._tcp.192.0.2.1', never)).status, 'nodata-insecure');
  assert.equal((await resolver.srv('_xmpps-server._tcp.[::1]', never)).status, 'nodata-insecure');
  assert.equal(asked, 0);
});

test('servers are written with "@port", ":port" or none; anything else is refused at once', () => {
  createResolver({
    servers: ['::1', '[::1]', '[::1]:53', '[::1]@53', '::1@53', '192.0.2.1', '192.0.2.1:53', '192.0.2.1@53'],
  });
  for (const server of ['', 'ns.example', '192.0.2.1@0', '192.0.2.1@65536', '[::1', '192.0.2.1@53x', '192.0.2.1 ']) {
    assert.throws(() => createResolver({ servers: [server] }), TypeError, server);
  }
});

test('look-ups for claims never take all queries, nor the places in the line: our own are asked at once', async (t) => {
  const asked: string[] = [];
  const bothAsked = gate();
  const server = await scripted(t, (query) => {
    const name = decode(query.bytes).questions?.[0]?.name ?? '';
    asked.push(name);
    if (name === OWNER) query.answer([srv('x.example')]);
    else if (asked.length === 2) bothAsked.open();
  });
  const resolver = createResolver({ servers: [server], timeoutMs: 20_000, maxQueries: 4, maxWaiting: 6 });
  const claimant = new AbortController();
  const claims = Array.from({ length: 9 }, (_, i) =>
    resolver.srv(`_${i}.example`, claimant.signal, { purpose: 'verification' }),
  );
  await bothAsked.opened;
  assert.equal((await claims.at(-1))?.reason, 'too many look-ups wait already');
  for (let i = 0; i < 3; i += 1) assert.equal((await resolver.srv(OWNER, never)).status, 'insecure');
  assert.deepEqual(asked, ['_0.example', '_1.example', OWNER, OWNER, OWNER]);
  claimant.abort();
  await Promise.all(claims);
  assert.equal((await resolver.srv(OWNER, never, { purpose: 'verification' })).status, 'insecure', 'room again');
});
