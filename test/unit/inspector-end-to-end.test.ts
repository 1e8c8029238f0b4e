/** Commands of the page, over HTTP, between two providers on real sockets with TLS. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { firstValueFrom, filter } from 'rxjs';
import { inspect } from '../../src/cli/inspect.ts';
import type { Inspector } from '../../src/inspector/server.ts';
import { ConnectionManager } from '../../src/manager.ts';
import { createNodePorts, type NodePorts } from '../../src/node-ports.ts';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import type { Overview, Rows } from '../../src/trace/queries/queries.ts';
import type { Ladder } from '../../src/trace/queries/ladder.ts';
import { freePort } from '../support/processes.ts';
import { ask, Wire } from '../support/inspector-client.ts';

const authority = createCertificateAuthority({ name: 'Authority' });
const told: string[] = [];
let a: ConnectionManager;
let b: ConnectionManager;
let inspector: Inspector;
const allPorts: NodePorts[] = [];

function make(domain: string, port: number, other: string, otherPort: number): ConnectionManager {
  const hosts = { [domain]: authority.issue({ dnsNames: [domain] }) };
  const ports = createNodePorts({ hosts, trust: { system: false, anchors: [authority.certPem] } });
  allPorts.push(ports);
  const target = { host: '127.0.0.1', port: otherPort, tls: 'starttls' as const };
  const policy = { prooftypes: ['pkix'], domains: { [other]: { target } } };
  return new ConnectionManager({ hosts, listen: [{ address: '127.0.0.1', port, tls: 'detect' }], policy }, ports);
}

before(async () => {
  const [atA, atB] = [await freePort(), await freePort()];
  a = make('a.example', atA, 'b.example', atB);
  b = make('b.example', atB, 'a.example', atA);
  await a.start();
  const clock = { now: () => Date.now(), setTimeout, clearTimeout: () => undefined };
  const options = { address: '127.0.0.1', port: 0, token: null };
  inspector = await inspect(a, options, ['a.example'], clock, (text) => told.push(text));
});
after(async () => {
  await inspector.stop();
  await Promise.all([a.stop(), b.stop()]);
  for (const ports of allPorts) ports.close();
});

async function command(fields: object): Promise<{ status: number; done: boolean; text: string }> {
  const headers = { 'content-type': 'application/json', origin: `http://127.0.0.1:${inspector.port}` };
  const { status, body } = await ask(inspector, '/api/commands', {
    method: 'POST',
    headers,
    body: JSON.stringify(fields),
  });
  return { status, ...(JSON.parse(body) as { done: boolean; text: string }) };
}
const got = async <Answer>(path: string): Promise<Answer> => JSON.parse((await ask(inspector, path)).body) as Answer;
const reported = (type: string) => firstValueFrom(a.reports$.pipe(filter(({ report }) => report.type === type)));
const PAIR = { local: 'a.example', remote: 'b.example' };

test('connect, fail, retry, block, unblock and close, from the page: each does what it says, and the lists show it', async () => {
  const page = await Wire.open(inspector, '/api/live');
  page.say({ type: 'watch', filter: { domain: 'b.example', direction: 'in' } });
  await page.settled();

  const failed = reported('stream.refused'); // nobody listens there yet
  assert.equal((await command({ command: 'connect', ...PAIR })).status, 200);
  await failed;
  const held = await command({ command: 'connect', ...PAIR });
  assert.equal(held.status, 409);
  assert.match(held.text, /refused.*retry ends that/);
  const overview = await got<Overview>('/api/overview');
  assert.deepEqual([overview.stuck[0]?.remote, overview.stuckCount], ['b.example', 1]);

  await b.start();
  const routed = reported('pair.routed');
  assert.deepEqual((await command({ command: 'retry', ...PAIR })).status, 200);
  await routed;
  const streams = (await got<Rows>('/api/rows?kind=stream')).rows.filter(({ endedMs }) => endedMs === null);
  const [stream] = streams;
  assert.deepEqual([streams.length, stream?.tls], [1, 'TLSv1.3']);
  assert.ok((stream?.bytes?.in ?? 0) > 500 && (stream?.bytes?.out ?? 0) > 500);
  const ladder = await got<Ladder>(`/api/ladder?id=${stream?.id ?? ''}`);
  assert.ok(ladder.rungs.length > 5);
  const { records } = await page.next<{ type: string; records: { element: { kind: string } }[] }>(
    ({ type }) => type === 'wire',
  );
  assert.ok(records.some(({ element }) => element.kind === 'features'));

  const closed = reported('stream.closed');
  assert.equal((await command({ command: 'block', domain: 'b.example' })).status, 200);
  await closed;
  assert.deepEqual(await got('/api/commands').then((it) => (it as { blocked: string[] }).blocked), ['b.example']);
  assert.match((await command({ command: 'connect', ...PAIR })).text, /denied/);
  assert.equal((await command({ command: 'unblock', domain: 'b.example' })).status, 200);

  const again = reported('pair.routed');
  assert.equal((await command({ command: 'connect', ...PAIR })).status, 200);
  const { actor } = await again;
  assert.equal(actor, 'pair:a.example>b.example');
  const id = a.snapshot().streams.find(({ role }) => role === 'initiating')?.id;
  const ended = reported('stream.closed');
  assert.equal((await command({ command: 'close', stream: id })).status, 200);
  await ended;
  assert.equal((await command({ command: 'close', stream: id })).status, 404);
  assert.equal(told.length, 6, told.join('\n'));
  await page.close();
});

test('with a token: a running manager is shown to whoever has it, in a header, or by the cookie that it left (V2)', async () => {
  const TOKEN = 'thirty-characters-more-or-less';
  const clock = { now: () => Date.now(), setTimeout, clearTimeout: () => undefined };
  const options = { address: '127.0.0.1', port: 0, token: TOKEN };
  const guarded = await inspect(a, options, ['a.example'], clock, () => undefined);
  try {
    assert.equal((await ask(guarded, '/api/overview')).status, 401);
    const shown = await ask(guarded, `/api/overview?token=${TOKEN}`);
    const [cookie = ''] = (shown.headers['set-cookie'] ?? []).map((one) => one.split(';')[0] ?? '');
    assert.deepEqual((JSON.parse(shown.body) as Overview).hosts, ['a.example']);
    assert.equal((await ask(guarded, '/api/trace', { headers: { cookie } })).status, 200);
    assert.equal((await ask(guarded, '/api/trace', { headers: { cookie: `${cookie}x` } })).status, 401);
    assert.equal((await ask(guarded, '/api/source', { headers: { authorization: `Bearer ${TOKEN}` } })).status, 200);
    const body = JSON.stringify({ command: 'block', domain: 'z.example' });
    const headers = { 'content-type': 'application/json' };
    const block = (more: Record<string, string>) =>
      ask(guarded, '/api/commands', { method: 'POST', body, headers: { ...headers, ...more } });
    assert.equal((await block({})).status, 401);
    assert.deepEqual(a.blocked, []);
    assert.equal((await block({ cookie })).status, 200);
    assert.deepEqual(a.blocked, ['z.example']);
    a.unblock('z.example');
    await (await Wire.open(guarded, '/api/live', { cookie })).close();
  } finally {
    await guarded.stop();
  }
});
