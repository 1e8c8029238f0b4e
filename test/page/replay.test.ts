/** `xmpp-dna replay`: a trace in the page, without a daemon. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { TraceEncoder } from '../../src/trace/format.ts';
import type { TraceRecord } from '../../src/trace/record.ts';
import { buildPage, noBrowser, openBrowser, openPage } from '../support/page.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'xmpp-dna-replay-'));
const AT_MS = Date.UTC(2026, 10, 22, 2, 0, 0);
after(() => rmSync(folder, { recursive: true }));
before(() => buildPage());

const pair = { machine: 'pair', actor: 'pair:a.example>b.example', cause: null };
const lines = (more: readonly TraceRecord[] = []): string => {
  const encoder = new TraceEncoder();
  const input = { local: 'a.example', remote: 'b.example' };
  const records: readonly TraceRecord[] = [
    { ...pair, kind: 'born', seq: 1, atMs: AT_MS, parent: null, input, states: ['resting'], untilMs: null },
    {
      ...{ ...pair, kind: 'event', seq: 2, atMs: AT_MS + 1_000, passed: [], untilMs: AT_MS + 121_000 },
      ...{ event: { type: 'local.routeWanted' }, states: ['awaitingRoute'] },
    },
    ...more,
  ];
  const header = {
    software: 'test',
    startedAtMs: AT_MS,
    role: 'test',
    hosts: ['a.example'],
    savedAtMs: AT_MS + 60_000,
  };
  return encoder.header(header) + records.map((record) => encoder.record(record)).join('');
};

function saved(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

interface Running {
  readonly url: string;
  readonly stop: () => Promise<number | null>;
}

async function replaying(...args: readonly string[]): Promise<Running> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', 'replay', '--json', ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  const stop = async (): Promise<number | null> => {
    child.kill('SIGTERM');
    const [code] = (await closed) as [number | null];
    return code;
  };
  for await (const line of createInterface({ input: child.stdout })) {
    const told = JSON.parse(line) as { event: string; inspector: string };
    assert.equal(told.event, 'ready');
    return { url: told.inspector, stop };
  }
  throw new Error('it ended before it was ready');
}

/** Exit code and standard error. */
async function refused(...args: readonly string[]): Promise<readonly [number | null, string]> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', 'replay', ...args], { cwd: ROOT });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return [code, said];
}

test('replay: it says where the page is, answers as a trace does, without commands, and SIGTERM ends it with 0', async () => {
  const { url, stop } = await replaying(saved('good.dnalog', lines()));
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/$/);
  const told = async (path: string): Promise<unknown> => (await fetch(new URL(path, url))).json();
  assert.deepEqual(await told('api/source'), { kind: 'trace', name: 'good.dnalog', atMs: AT_MS + 60_000 });
  assert.equal(((await told('api/overview')) as { stuckCount: number }).stuckCount, 1);
  assert.deepEqual(await told('api/commands'), { commands: [], blocked: [] });
  assert.equal(await (await fetch(new URL('api/trace', url))).text(), lines());
  assert.match(await (await fetch(url)).text(), /<script type="module"/);
  assert.equal(await stop(), 0);
});

test('replay: what is no trace, is not there, or asks for a port that is none: a sentence, and exit code 2', async () => {
  const [code, said] = await refused(saved('bad.dnalog', `${lines()}{"kind":"wire"}\n`));
  assert.equal(code, 2);
  assert.match(said, /bad\.dnalog: line 4: expected /);
  const absent = await refused(join(folder, 'absent.dnalog'));
  assert.equal(absent[0], 2);
  assert.match(absent[1], /absent\.dnalog: there is no such file/);
  const port = await refused(saved('good.dnalog', lines()), '--port', '70000');
  assert.equal(port[0], 2);
  assert.match(port[1], /--port: expected a number up to 65535/);
});

test(
  'replay: the page opens the trace by itself, and a bundle; it says what is missing',
  { skip: noBrowser() ?? false },
  async (t) => {
    const lost: TraceRecord = { kind: 'lost', seq: 3, atMs: AT_MS + 2_000, actor: '', cause: null, records: 7 };
    const bundle = `${JSON.stringify({ bundle: 'xmpp-dna', version: 1, software: 'x', platform: 'x', atMs: AT_MS, addresses: 'shown' })}\n`;
    const browser = await openBrowser();
    t.after(() => browser.close());
    const shown = await replaying(saved('lost.dnalog', lines([lost])));
    t.after(() => shown.stop());
    const { page, problems } = await openPage(browser, shown.url);
    await page.locator('.chip', { hasText: 'trace lost.dnalog' }).waitFor();
    assert.match(await page.locator('.stuck li').innerText(), /a\.example → b\.example/);
    assert.match(await page.locator('.missing').innerText(), /7 records are missing/);
    assert.equal(await page.locator('button', { hasText: 'Connect' }).count(), 0);
    const told = page.locator('.time-bar .told');
    assert.match(await told.innerText(), /7 records are missing/);
    await page.keyboard.press('ArrowLeft');
    await page.locator('.told', { hasText: 'local.routeWanted → awaitingRoute' }).waitFor();
    await page.keyboard.press('ArrowLeft');
    await page.locator('.told', { hasText: 'began in resting' }).waitFor();
    await page.locator('h1', { hasText: 'Nothing is stuck' }).waitFor();
    await page.locator('.time-bar button', { hasText: 'Play' }).click();
    await page.locator('.moment', { hasText: 'the end' }).waitFor();
    await page.locator('.stuck li').waitFor();

    const explained = `{"event":"explanation","cause":"${'x'.repeat(70_000)}"}\n`;
    const file = saved('packed.gz', gzipSync(bundle + explained + lines()));
    await page.setInputFiles('input[type=file]', file);
    await page.locator('.chip', { hasText: 'trace packed.gz' }).waitFor();
    await page.locator('.stuck li', { hasText: 'b.example' }).waitFor();
    await page.setInputFiles('input[type=file]', saved('broken.gz', gzipSync(lines()).subarray(0, 60)));
    await page.locator('.notice.bad', { hasText: 'broken.gz: it is compressed, and cannot be decompressed' }).waitFor();
    assert.deepEqual(problems, []);
  },
);
