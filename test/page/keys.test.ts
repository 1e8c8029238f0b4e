/** The page by keyboard, and as it is read out: the focus is always somewhere, and arrow keys have one meaning. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { fault } from '../../src/protocol/faults.ts';
import type { TraceRecord } from '../../src/trace/record.ts';
import { NOW_MS, opening, viewMade } from '../support/explain-views.ts';
import type { Look } from '../support/page.ts';
import { hashOf, traceFile, viewRun } from '../support/page-view.ts';

const PAIRS = 100;
const domains = Array.from({ length: PAIRS }, (_, at) => `d${at}.example`);

const run = viewRun(() =>
  viewMade([
    ...opening('streamHeaders.awaitingHeader'),
    {
      ...{ id: 'pair:a.example>failed.example', machine: 'pair', state: 'failed' },
      context: { local: 'a.example', remote: 'failed.example', fault: fault('tls', 'handshake-failed', 'peer') },
    },
    ...domains.map((remote) => ({
      ...{ id: `pair:a.example>${remote}`, machine: 'pair', state: 'routed' },
      context: { local: 'a.example', remote, stream: 3, fault: null },
    })),
  ]),
);
const { skip } = run;

/** Each pair wants a route, and waits. */
const records = domains.flatMap((remote, at): TraceRecord[] => {
  const pair = { machine: 'pair', actor: `pair:a.example>${remote}`, cause: null, atMs: NOW_MS + at };
  const input = { local: 'a.example', remote };
  return [
    { ...pair, kind: 'born', seq: 2 * at + 10, parent: null, input, states: ['resting'], untilMs: null },
    {
      ...{ ...pair, kind: 'event', seq: 2 * at + 11, passed: [], untilMs: NOW_MS + 121_000 },
      ...{ event: { type: 'local.routeWanted' }, states: ['awaitingRoute'] },
    },
  ];
});

/** The page with the trace open, at the moment after `at` records. */
async function openedAt(at: number, hash = '#/', look: Look = {}): Promise<Page> {
  const { page } = await run.open('', look);
  await page.locator('.stuck li').first().waitFor();
  await page.setInputFiles('input[type=file]', traceFile(records));
  await page.locator('.chip.trace').waitFor();
  await page.goto(`${page.url().split('#')[0] ?? ''}${hash}?at=${at}`);
  await page.locator('.moment strong', { hasText: `record ${at} of ${records.length}` }).waitFor();
  return page;
}

const focused = (page: Page): Promise<string> =>
  page.evaluate<string>(`document.activeElement === document.body ? 'nothing' : document.activeElement.textContent`);

/** Resolves when the page shows this moment of the trace. */
const atRecord = (page: Page, at: number): Promise<void> =>
  page.locator('.moment strong', { hasText: `record ${at} of ${records.length}` }).waitFor();

test(
  'Enter leads to the heading of what is behind a card, Escape back to the card that was left',
  { skip },
  async () => {
    const { page, problems } = await run.open();
    const card = page.locator('.stuck a', { hasText: 'failed.example' });
    await card.waitFor();
    assert.equal(await focused(page), 'nothing', 'a page that was just opened is read from its beginning');
    await card.focus();
    await page.keyboard.press('Enter');
    await page.locator('h1:focus', { hasText: 'pair:a.example>failed.example' }).waitFor();
    await page.keyboard.press('Escape');
    await page.locator('.stuck a:focus', { hasText: 'failed.example' }).waitFor();
    assert.deepEqual(problems, []);
    await page.close();
  },
);

test(
  'Escape leads back to the row that was left, however far down; where none was, to what comes first',
  { skip },
  async () => {
    const { page } = await run.open(hashOf('stream:3'));
    await page.locator('h1', { hasText: 'stream:3' }).waitFor();
    await page.keyboard.press('Escape');
    await page.locator('.stuck li:first-child a:focus').waitFor();
    await page.locator('.rows .row a').first().focus();
    await page.keyboard.press('End');
    const last = page.locator('.rows .row a:focus', { hasText: 'd99.example' });
    await last.waitFor();
    await page.keyboard.press('Enter');
    await page.locator('h1:focus', { hasText: 'd99.example' }).waitFor();
    await page.keyboard.press('Escape');
    await last.waitFor();
    await page.close();
  },
);

test('Escape in the filter empties it, and stays there', { skip }, async () => {
  const { page } = await run.open();
  await page.locator('.rows .row').first().waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('d77');
  await page.locator('[role=grid][aria-rowcount="2"]').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('[role=grid][aria-rowcount="103"]').waitFor();
  assert.equal(await page.locator('[data-filter]:focus').inputValue(), '');
  await page.close();
});

test(
  'the title tells what is shown; what is stuck is read out when it changes, and tabs say what they show',
  { skip },
  async () => {
    const { page } = await run.open();
    await page.locator('.stuck li').first().waitFor();
    assert.equal(await page.title(), 'stuck: 1, failed: 1 · a.example · xmpp-dna');
    assert.equal(await page.locator('h1#stuck').getAttribute('aria-live'), 'polite');
    for (const name of ['Streams', 'Negotiations']) {
      await page.locator('[role=tab]', { hasText: name }).click();
      const tab = page.locator('[role=tab][aria-selected=true]', { hasText: name });
      const panel = page.locator(`[role=tabpanel]#${(await tab.getAttribute('aria-controls')) ?? ''}`);
      assert.equal(await panel.getAttribute('aria-labelledby'), await tab.getAttribute('id'));
      await panel.locator('.rows .row').first().waitFor();
    }
    await page.locator('.stuck a', { hasText: 'failed.example' }).click();
    await page.locator('h1', { hasText: 'pair:' }).waitFor();
    assert.equal(await page.title(), 'a.example → failed.example · xmpp-dna');
    await page.close();
  },
);

test('the moment is told by one number, and by that which the record has in the trace', { skip }, async () => {
  const page = await openedAt(33);
  const moment = page.locator('.moment');
  assert.match(await moment.innerText(), /^record 33 of 200 no\. 42 · 2026/);
  await page.keyboard.press('ArrowRight');
  await atRecord(page, 34);
  await page.locator('.time-bar input').focus();
  await page.keyboard.press('Home');
  await page.locator('.moment strong', { hasText: /^the beginning$/ }).waitFor();
  await page.close();
});

test('with Shift arrows go ten records on or back, on the slider as well', { skip }, async () => {
  const page = await openedAt(50);
  await page.keyboard.press('Shift+ArrowLeft');
  await atRecord(page, 40);
  await page.locator('.time-bar input').focus();
  await page.keyboard.press('Shift+ArrowRight');
  await atRecord(page, 50);
  await page.keyboard.press('ArrowLeft');
  await atRecord(page, 49);
  await page.close();
});

test('inside a list arrows never move time, also where there is none before the first', { skip }, async () => {
  const page = await openedAt(50);
  await page.locator('.time-bar input').focus();
  await page.keyboard.press('End'); // by then all are stuck
  await page.locator('.rows .row').first().waitFor();
  for (const first of ['.stuck li:first-child a', '[role=tab]:first-child', '.rows .row a[tabindex="0"]']) {
    await page.locator(first).focus();
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('Shift+ArrowLeft');
    assert.doesNotMatch(page.url(), /at=/, first);
  }
  await page.close();
});

test('nothing that has the focus is hidden behind time', { skip }, async () => {
  for (const width of [1280, 400]) {
    const page = await openedAt(50, hashOf('pair:a.example>d3.example'), { width, height: 400 });
    await page.locator('.records li').first().waitFor();
    await page.locator('.chart .lit').waitFor();
    // Elements taller than the space in the window are only partly visible.
    const hidden = `(() => { const { activeElement: one } = document, bar = document.querySelector('.time-bar');
    return one === document.body || bar.contains(one) || one.offsetHeight > 150 ? 0 : one.getBoundingClientRect().bottom - bar.getBoundingClientRect().top; })()`;
    for (let tabs = 0; tabs < 20; tabs += 1) {
      await page.keyboard.press('Tab');
      const more = await page.evaluate<number>(hidden);
      assert.ok(more <= 0, `${width} px: ${await focused(page)}: ${more} px too low`);
    }
    await page.close();
  }
});

test('a file that is no trace costs nobody his place', { skip }, async () => {
  const page = await openedAt(50, hashOf('pair:a.example>d3.example'));
  await page.locator('h1', { hasText: 'd3.example' }).waitFor();
  const address = page.url();
  await page.setInputFiles('input[type=file]', { name: 'x', mimeType: 'text/plain', buffer: Buffer.from('garbage\n') });
  await page.locator('.notice.bad', { hasText: 'expected the header of a trace' }).waitFor();
  assert.equal(page.url(), address);
  await atRecord(page, 50);
  await page.setInputFiles('input[type=file]', traceFile(records.slice(0, 20)));
  await page.locator('.moment', { hasText: 'the end, after 20 records' }).waitFor();
  assert.match(page.url(), /#\/$/, 'of another trace one sees the beginning');
  await page.close();
});

test('/ leads to the filter from wherever one is', { skip }, async () => {
  const { page } = await run.open(hashOf('stream:3'));
  await page.locator('h1', { hasText: 'stream:3' }).waitFor();
  await page.keyboard.press('/');
  await page.locator('[data-filter]:focus').waitFor();
  await page.locator('.rows .row').first().waitFor();
  assert.equal(await page.locator('[data-filter]:focus').count(), 1, 'no row takes it away');
  await page.close();
});

test('where charts diverge from a trace once, the page says once', { skip }, async () => {
  const { page } = await run.open();
  const [born, wanted] = records;
  assert.ok(born !== undefined && wanted?.kind === 'event');
  await page.locator('.stuck li').first().waitFor();
  await page.setInputFiles('input[type=file]', traceFile([born, { ...wanted, states: ['routed'] }]));
  const once = 'diverge from the trace once, at record no. 11 (pair:a.example>d0.example).';
  await page.locator('.missing p', { hasText: once }).waitFor();
  await page.close();
});
