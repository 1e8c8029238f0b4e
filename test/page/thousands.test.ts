/** Ten thousand pairs: only the visible part is drawn (the requirement: a thousand pairs do not slow the page). */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { Inspector } from '../../src/inspector/server.ts';
import { TraceEncoder } from '../../src/trace/format.ts';
import type { TraceRecord } from '../../src/trace/record.ts';
import { viewMade } from '../support/explain-views.ts';
import { buildPage, noBrowser, openBrowser, openPage } from '../support/page.ts';

const PAIRS = 10_000;
/** Maximum number of rows in the document: those in the window, and some beyond. */
const MOST_ROWS = 100;
const skip = noBrowser() ?? false;
const AT_MS = Date.UTC(2026, 10, 22, 2, 0, 0);
const domains = Array.from({ length: PAIRS }, (_, at) => `d${at}.example`);

async function walk(page: Page): Promise<void> {
  const rows = page.locator('.rows .row');
  const drawn = async (): Promise<void> => assert.ok((await rows.count()) <= MOST_ROWS, `${await rows.count()} rows`);
  await page.locator('[role=grid][aria-rowcount="10001"]').waitFor();
  await drawn();
  await page.evaluate(`document.querySelector('.list').scrollTop = ${5_000 * 36}`);
  await page.locator('.rows .row', { hasText: 'd5003.example' }).waitFor();
  await drawn();
  // Arrow keys move on beyond the drawn rows, and one key goes to the end.
  await page.locator('.rows .row a', { hasText: 'd5003.example' }).focus();
  for (let step = 0; step < 30; step += 1) await page.keyboard.press('ArrowDown');
  await page.locator('.rows .row a:focus', { hasText: 'd5033.example' }).waitFor();
  await page.keyboard.press('End');
  await page.locator('.rows .row a:focus', { hasText: 'd9999.example' }).waitFor();
  await drawn();
  await page.locator('[data-filter]').fill('d77');
  await page.locator('[role=grid][aria-rowcount="112"]').waitFor(); // d77, d770 to d779, d7700 to d7799
  await drawn();
  await page.locator('.rows .row', { hasText: 'd7700.example' }).first().waitFor();
  await page.locator('[data-filter]').fill('nobody');
  await page.locator('.list', { hasText: 'No negotiation matches' }).waitFor();
}

test(
  'a daemon with 10,000 pairs: scrolled, walked with keys and filtered, and the document stays small',
  { skip },
  async (t) => {
    buildPage();
    const view = viewMade(
      domains.map((remote) => ({
        id: `pair:a.example>${remote}`,
        machine: 'pair',
        state: 'routed',
        context: { local: 'a.example', remote, stream: 1, fault: null },
      })),
    );
    const inspector = await Inspector.start(
      { address: '127.0.0.1', port: 0, token: null },
      { view: () => ({ ...view, origin: 'live', atMs: Date.now() }), traceLines: () => [] },
    );
    t.after(() => inspector.stop());
    const browser = await openBrowser();
    t.after(() => browser.close());
    const { page, problems } = await openPage(browser, inspector.url);
    await walk(page);
    assert.deepEqual(problems, []);
  },
);

test('a trace with 10,000 pairs as well', { skip }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'xmpp-dna-thousands-'));
  const encoder = new TraceEncoder();
  const records = domains.map((remote, at): TraceRecord => {
    const input = { local: 'a.example', remote };
    return {
      ...{ kind: 'born', seq: at + 1, atMs: AT_MS + at, actor: `pair:a.example>${remote}`, cause: null },
      ...{ machine: 'pair', parent: null, input, states: ['resting'], untilMs: null },
    };
  });
  const header = encoder.header({ software: 'test', startedAtMs: AT_MS, role: 'test', hosts: ['a.example'] });
  const file = join(folder, 'thousands.dnalog');
  writeFileSync(file, header + records.map((record) => encoder.record(record)).join(''));
  const view = viewMade([]);
  const inspector = await Inspector.start(
    { address: '127.0.0.1', port: 0, token: null },
    { view: () => view, traceLines: () => [] },
  );
  t.after(() => inspector.stop());
  const browser = await openBrowser();
  t.after(() => browser.close());
  const { page } = await openPage(browser, inspector.url);
  await page.locator('.chip').waitFor();
  await page.setInputFiles('input[type=file]', file);
  await page.locator('.chip.trace').waitFor();
  await walk(page);
  await page.keyboard.press('Escape');
  await page.locator('.time-bar input').focus();
  await page.keyboard.press('Home');
  await page.locator('[role=grid][aria-rowcount="1"]').waitFor();
  await page.keyboard.press('ArrowRight');
  await page.locator('[role=grid][aria-rowcount="2"]').waitFor();
  rmSync(folder, { recursive: true });
});
