import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import test from 'node:test';
import type { Resolver } from '../../src/ports.ts';
import type { HttpsCondition } from '../../src/protocol/posh-conditions.ts';
import { clientStage as stage, held } from '../support/https-client.ts';
import { says, type Handler } from '../support/https-server.ts';

test('a body is read up to 64 kB, counted as it comes', async (t) => {
  const { web, get, textOf, fails } = await stage(t);
  const most = 'x'.repeat(65_536);
  web.serve('a.example', says(most));
  assert.equal((await textOf('https://a.example/')).length, 65_536);
  web.serve('a.example', says(`${most}x`));
  await fails(get('https://a.example/'), 'too-large');
  web.serve('a.example', says(most, { 'content-length': '65536', connection: 'close' }));
  assert.equal((await textOf('https://a.example/')).length, 65_536);
  web.serve('a.example', (_, response) => response.writeHead(200, { 'content-length': 65_537 }).flushHeaders());
  await fails(get('https://a.example/'), 'too-large');
});

test('a body without end is cut off: the server is not listened to any longer', async (t) => {
  const { web, get, fails } = await stage(t);
  const closed = new Promise<number>((resolve) => {
    web.serve('a.example', (_, response) => {
      let sent = 0;
      const more = (): void => {
        sent += 1_024;
        response.write('x'.repeat(1_024), () => setImmediate(more));
      };
      response.once('close', () => resolve(sent));
      more();
    });
  });
  await fails(get('https://a.example/'), 'too-large');
  assert.ok((await closed) < 16 * 1_024 * 1_024);
});

test('a compressed answer is refused: nobody has asked for one, and it could unfold without end', async (t) => {
  const { web, get, fails } = await stage(t);
  for (const coding of ['gzip', 'br', 'gzip, gzip']) {
    web.serve('a.example', says('\u001f\u008b', { 'content-encoding': coding }));
    await fails(get('https://a.example/'), 'response-invalid');
  }
  web.serve('a.example', says('{}', { 'content-encoding': 'identity' }));
  await get('https://a.example/');
});

test('headers are bounded; what is no HTTP is told apart from what is cut off', async (t) => {
  const { web, get, fails } = await stage(t);
  const writes = (text: string, end: 'end' | 'stay' = 'end'): Handler => {
    return ({ socket }) => (end === 'end' ? socket.end(text) : socket.write(text));
  };
  const head = 'HTTP/1.1 200 OK\r\n';
  const cases: readonly (readonly [HttpsCondition, Handler])[] = [
    ['headers-too-large', writes(head + `x-a: ${'y'.repeat(100)}\r\n`.repeat(1_000), 'stay')],
    ['headers-too-large', writes(`${head}x-a: ${'y'.repeat(100_000)}`, 'stay')],
    [
      'headers-too-large',
      writes(`${head}transfer-encoding: chunked\r\n\r\n0\r\n${'x-a: y\r\n'.repeat(10_000)}`, 'stay'),
    ],
    ['response-invalid', writes('SSH-2.0-OpenSSH_9.2\r\n')],
    ['response-invalid', writes('HTTP/1.1 OK\r\n\r\n')],
    ['response-invalid', writes(`${head}content-length: x\r\n\r\n{}`)],
    ['response-invalid', writes(`${head}transfer-encoding: chunked\r\n\r\nzz\r\n`)],
    ['connection-closed', writes('')],
    ['connection-closed', writes(head)],
    ['connection-closed', writes(`${head}content-length: 10\r\n\r\n{}`)],
    ['connection-closed', writes(`${head}transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n`)],
    ['connection-closed', ({ socket }) => socket.destroy()],
  ];
  for (const [condition, handler] of cases) {
    web.serve('a.example', handler);
    await fails(get('https://a.example/'), condition);
  }
});

test('ten seconds are the end of it, wherever it hangs, and nothing stays open', async (t) => {
  const { web, clock, get, fails } = await stage(t);
  const silent = createServer().listen(0, '127.0.0.1');
  const accepted: Socket[] = [];
  silent.on('connection', (socket) => accepted.push(socket.on('error', () => undefined)));
  t.after(() => {
    for (const socket of accepted) socket.destroy();
    silent.close();
  });
  await once(silent, 'listening');

  const timesOut = async (url: string, reached: Promise<unknown>) => {
    let isOver = false;
    const outcome = get(url).finally(() => (isOver = true));
    outcome.catch(() => undefined);
    await reached;
    await clock.advance(9_999);
    assert.equal(isOver, false);
    await clock.advance(1);
    await fails(outcome, 'timeout', /not done within 10000 ms: https/);
    assert.equal(clock.pending, 0);
  };

  const answered = held();
  web.serve('a.example', answered.handler);
  await timesOut('https://a.example/no-answer', answered.reached);

  const dripped = held();
  web.serve('a.example', dripped.handler);
  const drip = dripped.reached.then(async (response) => {
    response.writeHead(200, { 'content-length': '100' });
    for (const byte of '{"fin') await new Promise<void>((resolve) => response.write(byte, () => resolve()));
  });
  await timesOut('https://a.example/drip', drip);

  web.serve('a.example', says('{}'));
  const { port } = silent.address() as AddressInfo;
  await timesOut(`https://a.example:${port}/hung-tls`, once(silent, 'connection'));
  const [hung] = accepted;
  hung!.resume();
  await once(hung!, 'close');
});

test('a resolver that never answers does not hold it either', async (t) => {
  const deaf: Pick<Resolver, 'addresses'> = { addresses: () => new Promise(() => undefined) };
  const { clock, get, fails } = await stage(t, { resolver: deaf });
  const outcome = get('https://a.example/');
  outcome.catch(() => undefined);
  await clock.advance(10_000);
  await fails(outcome, 'timeout');
});

test('redirects share the ten seconds', async (t) => {
  const { web, clock, get, fails } = await stage(t);
  const [first, second] = [held(), held()];
  web.serve('a.example', first.handler);
  web.serve('b.example', second.handler);
  const outcome = get('https://a.example/');
  outcome.catch(() => undefined);
  const response = await first.reached;
  await clock.advance(6_000);
  response.writeHead(302, { location: 'https://b.example/' }).end();
  await second.reached;
  await clock.advance(4_000);
  await fails(outcome, 'timeout');
});

test('who gives up is told so at once, and the connection is closed', async (t) => {
  const { web, clock, get, fails } = await stage(t);
  const { handler, reached } = held();
  web.serve('a.example', handler);
  const asker = new AbortController();
  const outcome = get('https://a.example/', {}, asker.signal);
  outcome.catch(() => undefined);
  const response = await reached;
  asker.abort();
  await fails(outcome, 'cancelled');
  if (!response.destroyed) await once(response, 'close');
  assert.equal(clock.pending, 0);
  await fails(get('https://a.example/', {}, asker.signal), 'cancelled');
});

test('closing ends what is under way, and whatever comes later', async (t) => {
  const { web, client, get, fails } = await stage(t, { maxTurns: 1 });
  const { handler, reached } = held();
  web.serve('a.example', handler);
  const outcomes = [get('https://a.example/'), get('https://a.example/waiting')];
  for (const outcome of outcomes) outcome.catch(() => undefined);
  await reached;
  client.close();
  for (const outcome of outcomes) await fails(outcome, 'cancelled');
  await fails(get('https://a.example/'), 'cancelled');
});

test('turns are bounded in number, and so are those who wait for one', async (t) => {
  const { web, clock, get, fails } = await stage(t, { maxTurns: 2, maxWaiting: 3 });
  let [now, most] = [0, 0];
  const responses: ServerResponse[] = [];
  const arrivals: (() => void)[] = [];
  const arrived = (count: number): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => (responses.length >= count ? resolve() : void arrivals.push(look));
      look();
    });
  web.serve('a.example', (_, response) => {
    now += 1;
    most = Math.max(most, now);
    response.once('close', () => (now -= 1));
    responses.push(response);
    for (const look of arrivals.splice(0)) look();
  });
  const outcomes = Array.from({ length: 5 }, (_, i) => get(`https://a.example/${i}`));
  await fails(get('https://a.example/5'), 'too-many-fetches');
  for (let done = 0; done < outcomes.length; done += 1) {
    await arrived(Math.min(done + 2, outcomes.length));
    responses[done]!.end('{}');
    await outcomes[done];
  }
  assert.equal(most, 2);
  assert.equal(clock.pending, 0);
});

test('who gets no turn in ten seconds was held up here, not by the web', async (t) => {
  const { web, clock, get, fails } = await stage(t, { maxTurns: 1 });
  const { handler, reached } = held();
  web.serve('a.example', handler);
  const outcomes = [get('https://a.example/'), get('https://a.example/waiting')];
  for (const outcome of outcomes) outcome.catch(() => undefined);
  await reached;
  clock.increment(10_000); // both at once: no turn becomes free in between
  await fails(outcomes[0]!, 'timeout');
  await fails(outcomes[1]!, 'too-many-fetches');
});

test('verification has half of the turns: the rest is there for what our own stanzas wait for', async (t) => {
  const { web, get } = await stage(t, { maxTurns: 4 });
  const held: ServerResponse[] = [];
  const both = new Promise<void>((resolve) => {
    web.serve('stranger.example', (_, response) => {
      held.push(response);
      if (held.length === 2) resolve();
    });
  });
  web.serve('a.example', says('{}'));
  const strangers = Array.from({ length: 6 }, (_, i) =>
    get(`https://stranger.example/${i}`, { purpose: 'verification' }),
  );
  await both;
  for (let i = 0; i < 3; i += 1) assert.equal((await get('https://a.example/')).status, 200);
  assert.equal(held.length, 2, 'no more of them were let in meanwhile');
  web.serve('stranger.example', says('{}'));
  for (const response of held) response.end('{}');
  await Promise.all(strangers);
});
