/** `xmpp-dna explain` with a running daemon, and its messages about wrong usage. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runCommandLine } from '../../src/cli/run.ts';
import { explain } from '../../src/trace/explain/explain.ts';
import { readBundle } from '../../src/trace/explain/bundle.ts';
import { failedWith, opening, viewMade } from '../support/explain-views.ts';
import { fault } from '../../src/protocol/faults.ts';
import { traceText } from '../support/traces.ts';

const folder = mkdtempSync(join(tmpdir(), 'xmpp-dna-explain-'));
const servers: Server[] = [];
after(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true });
});

interface Answer {
  readonly status?: number;
  readonly body: string;
}

/** An inspector that gives the answers that it is told to. */
async function inspector(answer: (request: IncomingMessage) => Answer): Promise<string> {
  const server = createServer((request, response) => {
    const { status = 200, body } = answer(request);
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
    response.end(body);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly events: readonly Record<string, unknown>[];
}

async function run(...args: readonly string[]): Promise<Ran> {
  const told = { stdout: '', stderr: '' };
  const events: Record<string, unknown>[] = [];
  const code = await runCommandLine(['explain', ...args], (json) => ({
    json,
    print: (text) => void (told.stdout += json ? '' : `${text}\n`),
    event: (event) => {
      if (json) events.push(JSON.parse(JSON.stringify(event)) as Record<string, unknown>);
    },
    tell: (text) => void (told.stderr += `${text}\n`),
    paint: (_colour, text) => text,
  }));
  return { code, ...told, events };
}

const stuck = explain(viewMade(opening('streamHeaders.awaitingHeader')));
const well = stuck.map((one) => ({ ...one, stuck: false, remote: 'c.example' }));

test('--inspector --json: one explanation per negotiation, with every field; exit code 1 where one is stuck', async () => {
  const url = await inspector(() => ({ body: JSON.stringify([...stuck, ...well]) }));
  const { code, events } = await run('--inspector', url, '--json');
  assert.equal(code, 1);
  assert.deepEqual(
    events.map(({ event, remote, stuck: is }) => [event, remote, is]),
    [
      ['explanation', 'b.example', true],
      ['explanation', 'c.example', false],
    ],
  );
  const names = [
    'event',
    'local',
    'remote',
    'stuck',
    'state',
    'awaits',
    'mover',
    'sinceMs',
    'deadlineMs',
    'chain',
    'fault',
    'cause',
    'fix',
  ];
  for (const name of names) assert.ok(name in events[0]!, name);
  assert.deepEqual(events[0], { event: 'explanation', ...(JSON.parse(JSON.stringify(stuck[0])) as object) });
});

test('nothing stuck: exit code 0, and a line for each', async () => {
  const url = await inspector(() => ({ body: JSON.stringify([...well, ...well]) }));
  const { code, stdout } = await run('--inspector', url);
  assert.equal(code, 0);
  assert.match(stdout, /^Nothing is stuck: 2 negotiations\.\n\nin order {2}a\.example > c\.example/);
});

test('nothing at all is no failure', async () => {
  const url = await inspector(() => ({ body: '[]' }));
  const { code, stdout } = await run('--inspector', url);
  assert.deepEqual([code, stdout], [0, 'Nothing is being negotiated here, and nothing was recently.\n']);
});

test('a pair of which nothing is known: it is named, with what to do, and that is no failure', async () => {
  const url = await inspector(() => ({ body: '[]' }));
  const { code, stdout } = await run('--inspector', url, 'nobody.example');
  assert.equal(code, 0);
  assert.match(
    stdout,
    /^Nothing is being negotiated with nobody\.example here, .*; leave out PAIR to see everything\.\n$/,
  );
});

test('for a person: the answer first, then who waits for whom, then what to do', async () => {
  const url = await inspector(() => ({ body: JSON.stringify(stuck) }));
  const { stdout } = await run('--inspector', url);
  assert.equal(
    stdout,
    [
      '1 negotiation is stuck.',
      '',
      'a.example > b.example: stuck',
      '  xmpp.b.example port 5269 accepted the connection, and has not answered our stream header for 20 s.',
      '',
      '  pair:a.example>b.example awaitingRoute: waits for a stream to the remote domain, from the far end (20 s)',
      '    peer:b.example connecting: waits for an established stream, from the far end (20 s)',
      '      stream:3 streamHeaders.awaitingHeader: waits for the response header, from the far end (20 s)',
      '  In 40 s, at 02:00:40 UTC: the next address or endpoint is tried (RFC 6120 §4.7).',
      '',
      '  What to do',
      '  If the port speaks TLS from the first byte, publish it under the name for direct TLS; else look at',
      '  the log of the server.',
      '',
    ].join('\n'),
  );
});

test('for a person: why it failed, and where', async () => {
  const failed = explain(viewMade(failedWith(fault('stream', 'header-timeout', 'peer'))));
  const url = await inspector(() => ({ body: JSON.stringify(failed) }));
  const { stdout } = await run('--inspector', url);
  assert.match(stdout, /^a\.example > b\.example: failed$/m);
  assert.match(stdout, /^ {2}It failed in streamHeaders\.awaitingHeader: stream: header-timeout \(peer\)\.$/m);
  assert.match(stdout, /^ {2}In 1 s, at 02:00:01 UTC: the next wish is tried again/m);
});

test('what steers a terminal is shown as what it is', async () => {
  const evil = stuck.map((one) => ({ ...one, cause: 'x\u001b[2Jy', local: '\u0007' }));
  const url = await inspector(() => ({ body: JSON.stringify(evil) }));
  const { stdout } = await run('--inspector', url);
  // eslint-disable-next-line no-control-regex
  assert.doesNotMatch(stdout, /[\u0007\u001b]/);
});

test('a pair is asked for by name, and a token of the URL is sent as a header', async () => {
  const asked: (string | undefined)[][] = [];
  const url = await inspector(({ url: path, headers }) => {
    asked.push([path, headers.authorization]);
    return { body: '[]' };
  });
  await run('--inspector', url, 'A.example>B.EXAMPLE');
  await run('--inspector', `${url}?token=abc`, 'b.example');
  assert.deepEqual(asked, [
    ['/api/explain?pair=a.example%3Eb.example', undefined],
    ['/api/explain?pair=b.example', 'Bearer abc'],
  ]);
});

test('--bundle: one file with the explanations and the trace of the daemon; addresses hidden where asked for', async () => {
  const trace = '{"trace":"xmpp-dna","version":1}\n{"seq":1,"address":"192.0.2.7"}\n';
  const url = await inspector(({ url: path }) => ({ body: path === '/api/trace' ? trace : JSON.stringify(stuck) }));
  const out = join(folder, 'bundle.gz');
  const { code, stderr } = await run('--inspector', url, '--bundle', out, '--hide-addresses');
  assert.equal(code, 1);
  assert.match(stderr, /bundle\.gz: \d+ bytes; look through it before you send it/);
  const read = readBundle(readFileSync(out));
  assert.equal(read.header.addresses, 'hidden');
  assert.equal(read.trace, trace.replace('192.0.2.7', 'address-1'));
});

const notThere = join(folder, 'not-there.dnalog');
const noTrace = join(folder, 'no-trace.dnalog');
writeFileSync(noTrace, 'this is no trace\n');
const WRONG: readonly [readonly string[], RegExp][] = [
  [[], /^xmpp-dna: expected FILE or --inspector URL\n/],
  [[notThere], /^xmpp-dna: .*not-there\.dnalog: there is no such file/],
  [[noTrace], /^xmpp-dna: .*no-trace\.dnalog: line 1: expected the header of a trace/],
  [['--inspector', 'nowhere'], /^xmpp-dna: --inspector nowhere: expected a URL such as/],
  [['--inspector', 'ftp://127.0.0.1/'], /expected http or https/],
  [['--inspector', 'http://127.0.0.1:1/'], /^xmpp-dna: --inspector http:\/\/127\.0\.0\.1:1\/: no answer: /],
  [['--inspector', 'http://127.0.0.1:1/', 'not a domain'], /expected an existing trace file, LOCAL>REMOTE, or REMOTE/],
  [['--inspector', 'http://127.0.0.1:1/', 'a', 'b'], /expected --inspector URL \[PAIR\]/],
  [[noTrace, '--hide-addresses'], /--hide-addresses can only be used with --bundle/],
];
for (const [args, stderr] of WRONG) {
  test(`wrong usage, exit code 2: explain ${args.map((arg) => arg.replace(folder, '')).join(' ')}`, async () => {
    const ran = await run(...args);
    assert.match(ran.stderr, stderr);
    assert.deepEqual([ran.code, ran.stdout], [2, '']);
  });
}

for (const [name, answer, stderr] of [
  ['is no inspector', { body: '<html>' }, /it does not answer as an inspector does/],
  ['wants a token', { status: 401, body: '' }, /it requires a token/],
  ['has nothing there', { status: 404, body: '' }, /it answered 404/],
] as const) {
  test(`what answers ${name}: exit code 2`, async () => {
    const ran = await run('--inspector', await inspector(() => answer));
    assert.match(ran.stderr, stderr);
    assert.equal(ran.code, 2);
  });
}

test('what another version of the daemon leaves out is left empty', async () => {
  const url = await inspector(() => ({ body: '[{"local":"a.example","stuck":true,"chain":[7,{"actor":"x"}]},5]' }));
  const { code, stdout } = await run('--inspector', url);
  assert.equal(code, 1);
  assert.doesNotMatch(stdout, /undefined|NaN|null/);
});

test('a trace that ends within a line is told of, and what is whole in it is explained', async () => {
  const file = join(folder, 'cut.dnalog');
  const lines = traceText([], ['a.example']);
  writeFileSync(file, lines);
  assert.equal((await run(file)).stderr, '');
  writeFileSync(file, `${lines}{"seq":0,"at`);
  const { code, stderr } = await run(file);
  assert.equal(code, 0);
  assert.match(stderr, /cut\.dnalog: it ends in the middle of a line: the program that wrote it was cut off/);
});
