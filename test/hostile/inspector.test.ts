/**
 * Attacks on the inspector by a stranger on this machine, or by a page that a browser was made to open; byte by byte.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { Inspector } from '../../src/inspector/server.ts';
import type { Page } from '../../src/inspector/page.ts';
import { ask, ScriptedLive, Wire } from '../support/inspector-client.ts';
import { opening, viewMade } from '../support/explain-views.ts';

const view = viewMade(opening('connecting'));
const page: Page = new Map([
  ['/', { type: 'text/html; charset=utf-8', body: Buffer.from('<p>page</p>'), isImmutable: false }],
  ['/assets/a.js', { type: 'text/javascript', body: Buffer.from('1'), isImmutable: true }],
]);
let live: ScriptedLive;
let inspector: Inspector;
before(async () => {
  live = new ScriptedLive();
  const inspected = { view: () => view, traceLines: endless, live };
  inspector = await Inspector.start({ address: '127.0.0.1', port: 0, token: null }, inspected, page);
});
after(() => inspector.stop());

/** More than any client reads. */
let lines = 0;
function* endless(): Generator<string> {
  for (;;) {
    lines += 1;
    yield `${'x'.repeat(1_000)}\n`;
  }
}

/** The whole answer to these bytes, until the other end closes. */
async function raw(bytes: string): Promise<string> {
  const socket = connect(inspector.port, '127.0.0.1');
  let text = '';
  socket.on('data', (part: Buffer) => (text += part.toString())).on('error', () => undefined);
  socket.write(bytes);
  await once(socket, 'close');
  return text;
}
const host = (): string => `Host: 127.0.0.1:${inspector.port}\r\n`;
const statuses = (text: string): string[] =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status = '']) => status);

test('headers without end are refused', async () => {
  const told = await raw(`GET / HTTP/1.1\r\n${host()}X: ${'x'.repeat(100_000)}\r\n\r\n`);
  assert.deepEqual(statuses(told), ['431']);
});

test('bytes that are no HTTP are refused', async () => {
  assert.deepEqual(statuses(await raw("<?xml version='1.0'?><stream:stream>\r\n\r\n")), ['400']);
});

for (const path of [
  '/../package.json',
  '/assets/../../package.json',
  '/assets/%2e%2e/%2e%2e/package.json',
  '/assets/..%2f..%2fpackage.json',
  '/assets/a.js/',
  '/assets',
  '/__proto__',
  'http://elsewhere.example/../../etc/passwd',
]) {
  test(`no file is reached by ${path}`, async () => {
    const told = await raw(`GET ${path} HTTP/1.1\r\n${host()}Connection: close\r\n\r\n`);
    assert.deepEqual(statuses(told), ['404']);
  });
}

test('requests in one breath are answered each by itself; one that others refuse lends nothing to the next', async () => {
  const bad = `GET /api/overview HTTP/1.1\r\nHost: evil.example\r\n\r\n`;
  const post = `POST /api/commands HTTP/1.1\r\n${host()}Origin: http://evil.example\r\nContent-Type: application/json\r\n`;
  const body = '{"command":"close","stream":3}';
  const told = await raw(
    `GET /api/source HTTP/1.1\r\n${host()}\r\n${bad}${post}Content-Length: ${body.length}\r\n\r\n${body}` +
      `GET /api/source HTTP/1.1\r\n${host()}Connection: close\r\n\r\n`,
  );
  assert.deepEqual(statuses(told), ['200', '403', '403', '200']);
  assert.deepEqual(live.asked, []);
});

test('who asks in one breath for more than anybody does is left, and not answered a thousand times', async () => {
  const told = await raw(`GET /api/source HTTP/1.1\r\n${host()}\r\n`.repeat(1_000));
  assert.ok(statuses(told).length <= 8, `${statuses(told).length} answers`);
});

test('two lengths, or a length beside chunks, are refused: nobody reads another request than we do', async () => {
  const body = '{"command":"close","stream":3}';
  for (const lengths of [
    `Content-Length: 0\r\nContent-Length: ${body.length}`,
    'Content-Length: 1\r\nTransfer-Encoding: chunked',
  ]) {
    const told = await raw(
      `POST /api/commands HTTP/1.1\r\n${host()}Content-Type: application/json\r\n${lengths}\r\n\r\n${body}`,
    );
    assert.deepEqual(statuses(told), ['400']);
  }
  assert.deepEqual(live.asked, []);
});

test('HEAD tells as much as GET and no body; a page is not sniffed, framed or fed', async () => {
  const { status, body, headers } = await ask(inspector, '/', { method: 'HEAD' });
  assert.deepEqual([status, body, headers['content-length']], [200, '', '11']);
  const policy = String(headers['content-security-policy']);
  for (const word of ["default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'", "form-action 'none'"])
    assert.ok(policy.includes(word), word);
  assert.ok(!policy.includes('unsafe'));
});

test('who asks for a trace and does not read it makes no more of it than fits, and two such hold up nobody else', async () => {
  const socketsHeld: Socket[] = [];
  for (let i = 0; i < 2; i += 1) {
    const socket = connect(inspector.port, '127.0.0.1');
    socketsHeld.push(socket.on('error', () => undefined));
    socket.write(`GET /api/trace HTTP/1.1\r\n${host()}\r\n`);
    await once(socket, 'readable'); // its first bytes have arrived, and are not read
  }
  assert.equal((await ask(inspector, '/api/trace')).status, 503);
  assert.equal((await ask(inspector, '/api/source')).status, 200);
  assert.ok(lines < 100_000, `${lines} lines were made`);
  for (const socket of socketsHeld) socket.destroy();
});

test('a WebSocket of another origin, of another version, or with a foreign Host is not opened', async () => {
  const upgrade = (headers: string, version = 13): Promise<string> =>
    raw(
      `GET /api/live HTTP/1.1\r\n${headers}Connection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: ${version}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    );
  assert.deepEqual(statuses(await upgrade(`${host()}Origin: http://evil.example\r\n`)), ['403']);
  assert.deepEqual(statuses(await upgrade('Host: evil.example\r\n')), ['403']);
  assert.deepEqual(statuses(await upgrade(`${host()}Origin: http://127.0.0.1.evil.example\r\n`)), ['403']);
  assert.deepEqual(statuses(await upgrade(host(), 99)), ['400']);
  assert.equal(live.listeners, 0);
});

test('an Upgrade to anything but a WebSocket is refused in a sentence, and the connection is closed', async () => {
  for (const line of ['GET /api/source', 'GET /api/trace', 'POST /api/commands']) {
    for (const upgrade of ['h2c', 'TLS/1.0']) {
      const told = await raw(`${line} HTTP/1.1\r\n${host()}Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n\r\n`);
      assert.deepEqual(statuses(told), ['400']);
      assert.match(told, /^connection: close\r$/im);
      assert.match(told, /leave out the Upgrade header$/);
    }
  }
});

test('two Host headers are refused, whichever comes first (RFC 9112 §3.2)', async () => {
  for (const [one, other] of [
    [host(), 'Host: evil.example\r\n'],
    ['HOST: evil.example\r\n', host()],
    [host(), host()],
  ] as const) {
    const told = await raw(`GET /api/source HTTP/1.1\r\n${one}${other}Connection: close\r\n\r\n`);
    assert.deepEqual(statuses(told), ['400']);
  }
});

test('a page that watches and reads nothing costs a bounded store, and is told what it missed once it reads', async () => {
  const slow = await Wire.open(inspector, '/api/live');
  slow.say({ type: 'watch' });
  await slow.settled();
  const other = await Wire.open(inspector, '/api/live');
  await other.settled();
  const { _socket: socket } = slow.socket as unknown as { _socket: Socket };
  socket.pause();
  // Declared as short, because otherwise the limit on elements shown at once would apply first.
  const long = { kind: 'unsupported', name: 'x'.repeat(9_000) } as const;
  const record = (): void => live.record('stream:3', { kind: 'wire', direction: 'in', element: long, bytes: 12 });
  for (let round = 0; round < 4; round += 1) {
    other.messages.length = 0;
    for (let i = 0; i < 600; i += 1) record();
    await other.next<{ type: string }>(({ type }) => type === 'changed');
  }
  socket.resume();
  // Reported at the next tick with changes, once the slow page has read what was already waiting for it.
  const isTold = ({ type, records }: { type: string; records: number }): boolean =>
    type === 'dropped' && records >= 600;
  while (!(slow.messages as { type: string; records: number }[]).some(isTold)) {
    other.messages.length = 0;
    record();
    await other.next<{ type: string }>(({ type }) => type === 'changed');
  }
  await Promise.all([slow.close(), other.close()]);
});
