/** The inspector over a view with a stuck stream: its answers, and whom it refuses. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { after, before, test } from 'node:test';
import { Inspector } from '../../src/inspector/server.ts';
import { opening, viewMade } from '../support/explain-views.ts';

const view = viewMade(opening('connecting'));
const inspected = { view: () => view, traceLines: () => ['{"trace":"xmpp-dna"}\n'] };
const TOKEN = 'thirty-characters-more-or-less';

let open: Inspector;
let guarded: Inspector;
before(async () => {
  open = await Inspector.start({ address: '127.0.0.1', port: 0, token: null }, inspected);
  guarded = await Inspector.start({ address: '127.0.0.1', port: 0, token: TOKEN }, inspected);
});
after(async () => {
  await Promise.all([open.stop(), guarded.stop()]);
});

interface Got {
  readonly status: number;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
}

/** Does not use `fetch`, which adds headers of its own. */
async function get(
  path: string,
  headers: Record<string, string> = {},
  { to = open, method = 'GET' } = {},
): Promise<Got> {
  const asked = request({ host: to.address, port: to.port, path, method, headers, agent: false });
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  let body = '';
  for await (const part of response.setEncoding('utf8') as AsyncIterable<string>) body += part;
  return { status: response.statusCode ?? 0, body, headers: response.headers };
}
const told = async (path: string): Promise<unknown> => JSON.parse((await get(path)).body);

test('what is stuck comes with the overview, and explained by itself it is the same', async () => {
  const overview = (await told('/api/overview')) as { stuckCount: number; stuck: { state: string }[] };
  assert.equal(overview.stuckCount, 1);
  assert.equal(overview.stuck[0]?.state, 'connecting');
  assert.deepEqual(await told('/api/explain'), overview.stuck);
});

test('streams, pairs and peers are listed, filtered by domain, a page at a time', async () => {
  const list = (await told('/api/rows?kind=stream')) as { total: number; rows: { id: string; state: string }[] };
  assert.equal(list.total, 1);
  assert.equal(list.rows[0]?.state, 'connecting');
  assert.deepEqual(await told('/api/rows?kind=stream&filter=nobody.example'), { total: 0, rows: [] });
  assert.deepEqual(await told('/api/rows?kind=stream&offset=1'), { total: 1, rows: [] });
  assert.equal((await get('/api/rows?kind=socket')).status, 400);
  assert.equal((await get('/api/rows?kind=stream&limit=-1')).status, 400);
  const one = (await told(`/api/actor?id=${list.rows[0].id}`)) as { actor: { state: string[] } };
  assert.deepEqual(one.actor.state, ['connecting']);
  assert.equal((await get('/api/actor?id=stream:999')).status, 404);
});

test('the ring is there as a trace; what is not there is said to be not there', async () => {
  assert.equal((await get('/api/trace')).body, '{"trace":"xmpp-dna"}\n');
  assert.equal((await get('/api/__proto__')).status, 404);
  assert.equal((await get('//')).status, 400);
});

test('a name that leads here by a trick of DNS is refused, and so is what pages of others send', async () => {
  assert.equal((await get('/api/overview', { host: 'evil.example' })).status, 403);
  assert.equal((await get('/api/overview', { host: `evil.example:${open.port}` })).status, 403);
  assert.equal((await get('/api/overview', { host: `localhost:${open.port}` })).status, 200);
  assert.equal((await get('/api/overview', { origin: 'http://evil.example' })).status, 403);
  assert.equal((await get('/api/overview', { origin: `http://127.0.0.1:${open.port}` })).status, 200);
  assert.equal((await get('/api/trace', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' })).status, 403);
  assert.equal((await get('/', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' })).status, 200);
  assert.equal((await get('/api/overview', {}, { method: 'POST' })).status, 405);
});

test('nothing runs that is not ours, nothing is kept, and nobody puts it in a frame', async () => {
  const { headers } = await get('/api/overview');
  assert.match(String(headers['content-security-policy']), /default-src 'none'.*frame-ancestors 'none'/);
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.equal(headers['cache-control'], 'no-store');
});

test('where a token is asked for, only who shows it is answered: in a header, a URL, or the cookie that the URL leaves', async () => {
  const to = guarded;
  assert.equal((await get('/api/overview', {}, { to })).status, 401);
  assert.equal((await get('/api/overview', { authorization: 'Bearer wrong' }, { to })).status, 401);
  assert.equal((await get('/api/overview', { cookie: 'xmpp-dna-inspector=%E0%A4%A' }, { to })).status, 401);
  const shown = await get(`/api/overview?token=${encodeURIComponent(TOKEN)}`, {}, { to });
  assert.equal(shown.status, 200);
  const [cookie = ''] = shown.headers['set-cookie'] ?? [];
  assert.match(cookie, /HttpOnly; SameSite=Strict$/);
  assert.equal((await get('/api/overview', { cookie: cookie.split(';')[0] ?? '' }, { to })).status, 200);
  assert.equal((await get('/api/overview', { authorization: `Bearer ${TOKEN}` }, { to })).status, 200);
});

test('behind a proxy with TLS: its name and https are its own origin, and the cookie never goes in the clear', async () => {
  const proxied = { host: 'inspector.example', authorization: `Bearer ${TOKEN}`, 'x-forwarded-proto': 'https' };
  const status = async (further: Record<string, string>, to: Inspector) =>
    (await get('/api/overview', { ...proxied, ...further }, { to })).status;
  assert.equal(await status({ origin: 'https://inspector.example' }, guarded), 200);
  assert.equal(await status({ origin: 'https://other.example' }, guarded), 403);
  assert.equal(
    await status({ origin: 'https://inspector.example' }, open),
    403,
    'without a token no other name is taken',
  );
  const shown = await get(`/?token=${encodeURIComponent(TOKEN)}`, { ...proxied, authorization: '' }, { to: guarded });
  assert.match(String(shown.headers['set-cookie']), /HttpOnly; SameSite=Strict; Secure$/);
  const twice = { ...proxied, 'x-forwarded-proto': 'HTTPS, http' };
  const behindTwo = await get(`/?token=${encodeURIComponent(TOKEN)}`, twice, { to: guarded });
  assert.match(String(behindTwo.headers['set-cookie']), /; Secure$/);
});

test('a wrong token in a URL does not replace the cookie of who has the right one', async () => {
  const right = { authorization: `Bearer ${TOKEN}` };
  for (const wrong of ['x', '']) {
    const { status, headers } = await get(`/?token=${wrong}`, right, { to: guarded });
    assert.deepEqual([status, headers['set-cookie']], [200, undefined]);
  }
});

test('an address that is taken is a fault of tcp', async () => {
  const options = { address: '127.0.0.1', port: open.port, token: null };
  await assert.rejects(Inspector.start(options, inspected), /listen-failed/);
});

test('a trace that cannot be told to its end is cut off, and no other question suffers for it', async () => {
  const lines = function* (): Generator<string> {
    yield '{"trace":"xmpp-dna"}\n';
    throw new Error('a record that has no JSON');
  };
  const to = await Inspector.start({ address: '127.0.0.1', port: 0, token: null }, { ...inspected, traceLines: lines });
  await assert.rejects(get('/api/trace', {}, { to }));
  assert.equal((await get('/api/overview', {}, { to })).status, 200);
  await to.stop();
});
