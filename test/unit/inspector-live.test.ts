/** The live half of the inspector: its notifications, and the operator's commands. */
import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { Inspector } from '../../src/inspector/server.ts';
import type { RecordOf, TraceBody } from '../../src/trace/record.ts';
import { ask, assertIsOurs, refusalOf, ScriptedLive, Wire } from '../support/inspector-client.ts';
import { opening, viewMade } from '../support/explain-views.ts';

const view = viewMade(opening('connecting'));
const TOKEN = 'thirty-characters-more-or-less';
const started: Inspector[] = [];
after(() => Promise.all(started.map((one) => one.stop())));

async function start(live: ScriptedLive | null, token: string | null = null): Promise<Inspector> {
  const inspected = { view: () => view, traceLines: () => ['{"trace":"xmpp-dna"}\n'] };
  const options = { address: '127.0.0.1', port: 0, token };
  const made = await Inspector.start(options, live === null ? inspected : { ...inspected, live });
  started.push(made);
  return made;
}

let live: ScriptedLive;
let inspector: Inspector;
beforeEach(async () => {
  live = new ScriptedLive();
  inspector = await start(live);
});

interface Told {
  readonly type: string;
  readonly atMs?: number;
  readonly actors?: readonly string[] | null;
  readonly records?: number | readonly { readonly seq: number; readonly stream: number }[];
}
const isOf = (type: string) => (message: Told) => message.type === type;
const moved: TraceBody = {
  kind: 'event',
  machine: 'pair',
  event: { type: 'x' },
  passed: [],
  states: [],
  untilMs: null,
};
const heard = (name: string, direction: 'in' | 'out' = 'in', bytes = 12): RecordOf<'wire'> | TraceBody => ({
  kind: 'wire',
  direction,
  element: { kind: 'unsupported', name },
  bytes,
});

// ——— notifications

test('who has moved is told, each root once, and not which of its children; while nobody is there, nobody listens (O1)', async () => {
  assert.equal(live.listeners, 0);
  const page = await Wire.open(inspector, '/api/live');
  const other = await Wire.open(inspector, '/api/live');
  await Promise.all([page.settled(), other.settled()]);
  assert.equal(live.listeners, 1);
  live.record('stream:3', moved);
  live.record('stream:3/association.b.example', moved);
  live.record('', moved);
  live.record('pair:a.example>b.example', moved);
  const told = await page.next<Told>(isOf('changed'));
  assert.deepEqual(told, { type: 'changed', atMs: 1_000, actors: ['stream:3', 'pair:a.example>b.example'] });
  const left = live.left();
  await Promise.all([page.close(), other.close(), left]);
  assert.equal(live.listeners, 0);
});

test('where more have moved than a page shows, it is told to ask for all anew', async () => {
  const page = await Wire.open(inspector, '/api/live');
  await page.settled();
  for (let i = 0; i < 500; i += 1) live.record(`pair:a.example>d${i}.example`, moved);
  assert.equal((await page.next<Told>(isOf('changed'))).actors, null);
  await page.close();
});

for (const [what, filter, seqs] of [
  ['no filter', undefined, [0, 1, 2, 3]],
  ['a stream', { stream: 3 }, [0, 1]],
  ['a direction', { direction: 'out' }, [1, 3]],
  ['a kind of element', { element: 'result' }, [3]],
  ['a part of the domain of the far end', { domain: ' OTHER.ex ' }, [2, 3]],
  ['a domain that only the element names', { domain: 'c.example' }, [3]],
  ['a domain and a direction', { domain: 'other', direction: 'in' }, [2]],
] as const) {
  test(`elements are watched with ${what}, and looked at where they are (O9)`, async () => {
    const page = await Wire.open(inspector, '/api/live');
    page.say({ type: 'watch', ...(filter === undefined ? {} : { filter }) });
    await page.settled();
    live.record('stream:3', heard('one'));
    live.record('stream:3', heard('two', 'out'));
    live.record('stream:4', heard('three'));
    const result = { kind: 'result', from: 'a.example', to: 'c.example', key: null, answer: null } as const;
    live.record('stream:4', { kind: 'wire', direction: 'out', element: result, bytes: 90 });
    const { records } = await page.next<Told>(isOf('wire'));
    assert.ok(Array.isArray(records));
    assert.deepEqual(
      records.map(({ seq }: { seq: number }) => seq),
      seqs,
    );
    await page.close();
  });
}

test('an element is shown with the stream that it passed on, its size and whom that is between; unwatched, none is', async () => {
  const page = await Wire.open(inspector, '/api/live');
  page.say({ type: 'watch' });
  await page.settled();
  live.record('stream:3', heard('x'.repeat(20_000)));
  const { records } = await page.next<Told>(isOf('wire'));
  const [one] = records as unknown as [{ element: { name: string } }];
  const { element, ...rest } = one;
  const parties = { local: 'a.example', remote: 'b.example' };
  assert.deepEqual(rest, { seq: 0, atMs: 1_000, stream: 3, direction: 'in', bytes: 12, ...parties });
  assert.equal(element.name.length, 10_000, 'no text of a peer is longer than in a trace');
  page.say({ type: 'unwatch' });
  await page.settled();
  page.messages.length = 0;
  live.record('stream:3', heard('y'));
  await page.next<Told>(isOf('changed'));
  assert.equal(page.messages.length, 1);
  await page.close();
});

test('of more elements than anybody reads, the rest is left out and counted (O9)', async () => {
  const page = await Wire.open(inspector, '/api/live');
  page.say({ type: 'watch' });
  await page.settled();
  for (let i = 0; i < 700; i += 1) live.record('stream:3', heard('z'));
  assert.equal(((await page.next<Told>(isOf('wire'))).records as unknown[]).length, 500);
  assert.equal((await page.next<Told>(isOf('dropped'))).records, 200);
  await page.close();
});

test('large elements are fewer: what one page is told at once has an end in bytes, too', async () => {
  const page = await Wire.open(inspector, '/api/live');
  page.say({ type: 'watch' });
  await page.settled();
  for (let i = 0; i < 100; i += 1) live.record('stream:3', heard('z', 'in', 10_000));
  const shown = ((await page.next<Told>(isOf('wire'))).records as unknown[]).length;
  assert.ok(shown < 20, `${shown} of 10 kB`);
  assert.equal((await page.next<Told>(isOf('dropped'))).records, 100 - shown);
  await page.close();
});

// ——— who may listen, and which messages are allowed

for (const [what, message, code, reason] of [
  ['no JSON', '{', 1008, /JSON/],
  ['no object', '7', 1008, /object/],
  ['an unknown type', { type: 'shout' }, 1008, /watch or unwatch/],
  ['a filter that is none', { type: 'watch', filter: [] }, 1008, /filter/],
  ['a filter of an unknown kind', { type: 'watch', filter: { colour: 'red' } }, 1008, /known are/],
  ['a stream that is no number', { type: 'watch', filter: { stream: '3' } }, 1008, /stream/],
  ['a direction that is none', { type: 'watch', filter: { direction: 'up' } }, 1008, /direction/],
  ['a domain that is too long', { type: 'watch', filter: { domain: 'a'.repeat(256) } }, 1008, /domain/],
  ['a message that is too long', { type: 'watch', filter: { domain: 'a'.repeat(5_000) } }, 1009, /^/],
] as const) {
  test(`a page that says ${what} is closed, with why`, async () => {
    const page = await Wire.open(inspector, '/api/live');
    page.say(message);
    const closed = await page.closed();
    assert.equal(closed.code, code);
    assert.match(closed.reason, reason);
  });
}

test('bytes that are no frame, and frames that are no text, end the one who sent them and nobody else', async () => {
  const good = await Wire.open(inspector, '/api/live');
  const binary = await Wire.open(inspector, '/api/live');
  binary.socket.send(Buffer.from([1, 2, 3]));
  assert.equal((await binary.closed()).code, 1008);
  const broken = await Wire.open(inspector, '/api/live');
  const { _socket: socket } = broken.socket as unknown as { _socket: NodeJS.WritableStream };
  socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
  assert.equal((await broken.closed()).code, 1002);
  await good.settled();
  await good.close();
});

test('a WebSocket is opened by whoever may ask over HTTP, and nobody else: origin, Host and token are looked at', async () => {
  const guarded = await start(live, TOKEN);
  const at = (port: number): string => `http://127.0.0.1:${port}`;
  for (const path of ['/api/live', '/stately']) {
    assert.equal(await refusalOf(inspector, path, { origin: 'http://evil.example' }), 403);
    assert.equal(await refusalOf(inspector, path, { origin: 'null' }), 403);
    assert.equal(await refusalOf(inspector, path, { host: `evil.example:${inspector.port}` }), 403);
    assert.equal(await refusalOf(guarded, path, { origin: at(guarded.port) }), 401);
    await (await Wire.open(inspector, path, { origin: at(inspector.port) })).close();
    await (await Wire.open(guarded, `${path}?token=${TOKEN}`)).close();
    await (await Wire.open(guarded, path, { authorization: `Bearer ${TOKEN}` })).close();
  }
  assert.equal(await refusalOf(inspector, '/api/overview', {}), 404);
});

test('so many pages at once, and one more is turned away; a trace has nothing to listen to', async () => {
  const pages = await Promise.all(Array.from({ length: 16 }, () => Wire.open(inspector, '/api/live')));
  assert.equal(await refusalOf(inspector, '/api/live', {}), 503);
  await Promise.all(pages.map((page) => page.close()));
  const still = await start(null);
  assert.equal(await refusalOf(still, '/api/live', {}), 404);
});

test('an inspector that stops leaves nobody behind', async () => {
  const page = await Wire.open(inspector, '/api/live');
  const closed = Promise.all([page.closed(), live.left()]);
  await inspector.stop();
  started.splice(started.indexOf(inspector), 1);
  await closed;
  assert.equal(live.listeners, 0);
});

// ——— commands

const JSON_TYPE = { 'content-type': 'application/json' };
const command = (fields: unknown, headers: Record<string, string> = JSON_TYPE) =>
  ask(inspector, '/api/commands', { method: 'POST', headers, body: JSON.stringify(fields) });
const answerIn = ({ body }: { body: string }) => JSON.parse(body) as { done: boolean; text: string };

for (const [fields, asked, status, done] of [
  [{ command: 'connect', local: 'a.example', remote: 'b.example' }, 'connect a.example b.example', 200, true],
  [{ command: 'retry', local: 'a.example', remote: 'b.example' }, 'retry a.example b.example', 409, false],
  [{ command: 'close', stream: 3 }, 'close 3', 200, true],
  [{ command: 'close', stream: 4 }, 'close 4', 404, false],
  [{ command: 'block', domain: 'b.example' }, 'block b.example', 200, true],
  [{ command: 'block', domain: 'no domain' }, 'block no domain', 400, false],
  [{ command: 'unblock', domain: 'b.example' }, 'unblock b.example', 200, true],
  [{ command: 'unblock' }, null, 400, false],
  [{ command: 'close', stream: '3' }, null, 400, false],
  [{ command: 'toString' }, null, 400, false],
  [['close', 3], null, 400, false],
  [null, null, 400, false],
] as const) {
  test(`the command ${JSON.stringify(fields)} is answered ${status} (V4)`, async () => {
    const got = await command(fields);
    const { done: isDone, text } = answerIn(got);
    assert.deepEqual([got.status, isDone, live.asked], [status, done, asked === null ? [] : [asked]]);
    assert.ok(text.length > 0);
    assert.deepEqual(live.told, done ? [text] : [], 'what was done is for the log');
    assertIsOurs(got);
  });
}

test('commands that there are, and what is blocked, are told; of a trace there are none', async () => {
  const told = JSON.parse((await ask(inspector, '/api/commands')).body) as unknown;
  assert.deepEqual(told, {
    commands: ['connect', 'retry', 'close', 'block', 'unblock'],
    blocked: ['blocked.example'],
  });
  const still = await start(null);
  assert.deepEqual(JSON.parse((await ask(still, '/api/commands')).body), { commands: [], blocked: [] });
  const asked = { method: 'POST', headers: JSON_TYPE, body: '{"command":"close","stream":3}' };
  assert.equal((await ask(still, '/api/commands', asked)).status, 409);
});

test('no page of others has anything done: neither by a form, nor by a script, nor by a name that leads here', async () => {
  const fields = { command: 'block', domain: 'b.example' };
  const own = `http://127.0.0.1:${inspector.port}`;
  const refused: readonly (readonly [Record<string, string>, number])[] = [
    [{ ...JSON_TYPE, origin: 'http://evil.example' }, 403],
    [{ ...JSON_TYPE, origin: 'null' }, 403],
    [{ ...JSON_TYPE, host: 'evil.example' }, 403],
    [{ ...JSON_TYPE, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }, 403],
    [{ 'content-type': 'text/plain', origin: own }, 400],
    [{ 'content-type': 'application/x-www-form-urlencoded', origin: own }, 400],
    [{}, 400],
  ];
  for (const [headers, status] of refused) assert.equal((await command(fields, headers)).status, status);
  assert.deepEqual(live.asked, []);
  assert.equal((await command(fields, { ...JSON_TYPE, origin: own })).status, 200);
  const guarded = await start(live, TOKEN);
  const post = { method: 'POST', headers: JSON_TYPE, body: JSON.stringify(fields) };
  assert.equal((await ask(guarded, '/api/commands', post)).status, 401);
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
    assert.equal((await ask(inspector, '/api/overview', { method })).status, 405);
  assert.equal((await ask(inspector, '/api/commands', { method: 'OPTIONS' })).status, 405);
  assert.equal(live.asked.length, 1);
});

test('a command longer than any is not read to its end', async () => {
  const body = JSON.stringify({ command: 'block', domain: 'b.example', more: 'x'.repeat(10_000) });
  const got = await ask(inspector, '/api/commands', { method: 'POST', headers: JSON_TYPE, body });
  assert.deepEqual([got.status, got.headers.connection, live.asked], [400, 'close', []]);
});
