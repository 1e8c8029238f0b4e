/** The page in Chromium: a stuck negotiation is found, shown and explained, live and in a trace of the same. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Page } from 'playwright-core';
import { openPage } from '../support/page.ts';
import { pageRun, silent, undecided } from '../support/page-stage.ts';
import { PATIENCE_MS } from '../support/patience.ts';

const KEPT = process.env['PAGE_SCREENSHOTS'];
const folder = KEPT ?? mkdtempSync(join(tmpdir(), 'xmpp-dna-shots-'));
mkdirSync(folder, { recursive: true });

const run = pageRun((stage) => stage.send('undecided.example', undecided));
const { skip } = run;
after(() => {
  if (KEPT === undefined) rmSync(folder, { recursive: true });
});

/** What a person sees of a stuck negotiation, without how long it has waited. */
async function picture(page: Page) {
  const why = page.locator('.explanation').first();
  await page.locator('.chart .lit').waitFor();
  const withoutTime = (text: string): string => text.replace(/\d+ s\b/g, '… s');
  return {
    cause: withoutTime(await why.locator('.cause').innerText()),
    fix: await why.locator('.fix').innerText(),
    chain: (await why.locator('.chain li').allInnerTexts()).map(withoutTime),
    lit: await page.locator('.chart .lit').getAttribute('data-state'),
    passed: await Promise.all(
      (await page.locator('.chart .passed').all()).map((state) => state.getAttribute('data-state')),
    ),
    taken: await page.locator('.chart .taken').count(),
    rungs: (await page.locator('.rung').allInnerTexts()).length > 0,
  };
}

/** The card of the stuck negotiation with a domain. */
const cardOf = (page: Page, domain: string) => page.locator('.stuck li a', { hasText: `→ ${domain}` });

/** Follows a link of the chain to the stream, by way of a child of the stream if the chain names one. */
const toStream = async (page: Page): Promise<void> => {
  await page.locator('.chain a', { hasText: 'stream:' }).first().click();
  await page.locator('.path a', { hasText: /^stream:\d+$/ }).click();
  await page.locator('h1', { hasText: /^stream:\d+$/ }).waitFor();
};

test(
  'a person finds what is stuck: it is first on the page, a click tells why, and the chart shows where it stands',
  { skip },
  async () => {
    const { page, problems } = await openPage(run.browser, run.stage.url);
    await cardOf(page, 'undecided.example').waitFor({ timeout: PATIENCE_MS });
    await run.stage.send('gone.example', (socket) => socket.destroy());
    await run.stage.send('b.example', silent);
    const card = cardOf(page, 'b.example');
    await card.waitFor({ timeout: PATIENCE_MS });
    assert.equal(await page.locator('h1').first().innerText(), '2 negotiations are stuck, 1 has failed');
    const listed = await page.locator('.stuck li').allInnerTexts();
    assert.deepEqual(
      listed.map((text) => /→ (\S+)/.exec(text)?.[1]),
      ['undecided.example', 'b.example', 'gone.example'],
      'who waits stands before what has failed, the longest first',
    );
    assert.match(await card.innerText(), /accepted the connection, and has not answered our stream header/);
    await card.click();
    const pair = await picture(page);
    assert.equal(pair.lit, 'streamHeaders.awaitingHeader', 'of the innermost, on whom all wait');
    await page.locator('button[aria-pressed]', { hasText: 'pair:' }).click();
    await page.locator('.chart .lit[data-state="awaitingRoute"]').waitFor();
    assert.match(pair.cause, /has not answered our stream header for/);
    assert.ok(pair.fix.length > 20);
    assert.match(
      pair.chain.join('\n'),
      /stream:\d+ streamHeaders\.awaitingHeader.*waits for the response header, from the far end/s,
    );
    await toStream(page);
    const stream = await picture(page);
    assert.equal(stream.lit, 'streamHeaders.awaitingHeader');
    assert.deepEqual(stream.passed, ['connecting', 'streamHeaders.awaitingHeader']);
    assert.equal(await page.locator('.chart .lit-within').getAttribute('data-state'), 'streamHeaders');
    assert.ok(stream.taken > 0, 'the way is marked');
    assert.ok(stream.rungs, 'the header that was sent stands in the ladder');
    await page.goBack();
    await page.locator('h1', { hasText: 'pair:' }).waitFor();
    assert.deepEqual(problems, []);
    await page.close();
  },
);

test('a trace that was saved there replays to the same picture, and back through time', { skip }, async () => {
  const { page, problems } = await openPage(run.browser, run.stage.url);
  await cardOf(page, 'undecided.example').click({ timeout: PATIENCE_MS });
  const live = await picture(page);
  await toStream(page);
  const liveStream = await picture(page);
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('text=Save as a trace')]);
  const file = join(folder, 'saved.dnalog');
  await download.saveAs(file);

  await page.setInputFiles('input[type=file]', file);
  await page.locator('.chip.trace').waitFor();
  await cardOf(page, 'undecided.example').click();
  assert.deepEqual(await picture(page), live);
  await toStream(page);
  assert.deepEqual(await picture(page), liveStream);

  const moment = page.locator('.time-bar .moment');
  assert.match(await moment.innerText(), /^the end/);
  const before = page.locator('.chart .lit[data-state="connecting"]');
  for (let step = 0; step < 200 && (await before.count()) === 0; step += 1) {
    const said = await moment.innerText();
    await page.keyboard.press('ArrowLeft');
    await page.locator('.time-bar .moment', { hasNotText: said }).waitFor();
  }
  await before.waitFor();
  const address = page.url();
  assert.match(address, /at=\d+/, 'the moment can be linked');
  await page.locator('.time-bar input').focus();
  await page.keyboard.press('End');
  await page.locator(`.chart .lit[data-state="${liveStream.lit ?? ''}"]`).waitFor();
  assert.deepEqual(problems, []);
  await page.close();
});

test(
  'a trace file that is dropped on the page is opened, and the page says so while it is above it',
  { skip },
  async () => {
    const { page, problems } = await openPage(run.browser, run.stage.url);
    await cardOf(page, 'undecided.example').waitFor({ timeout: PATIENCE_MS });
    const text = await page.evaluate<string>(`fetch('/api/trace').then((answer) => answer.text())`);
    const dataTransfer = await page.evaluateHandle<unknown>(
      `(() => { const held = new DataTransfer(); held.items.add(new File([${JSON.stringify(text)}], 'dropped.dnalog')); return held; })()`,
    );
    await page.dispatchEvent('.frame', 'dragover', { dataTransfer });
    await page.locator('.frame.dropping').waitFor();
    await page.dispatchEvent('.frame', 'drop', { dataTransfer });
    await page.locator('.chip.trace', { hasText: 'dropped.dnalog' }).waitFor();
    await page.locator('.frame:not(.dropping)').waitFor();
    await cardOf(page, 'undecided.example').waitFor();
    assert.deepEqual(problems, []);
    await page.close();
  },
);

test('a file that is no trace is refused in a sentence, and what was there stays', { skip }, async () => {
  const { page } = await openPage(run.browser, run.stage.url);
  const refusal = async (text: string): Promise<string> => {
    await page.setInputFiles('input[type=file]', {
      name: 'x.dnalog',
      mimeType: 'text/plain',
      buffer: Buffer.from(text),
    });
    const alert = page.locator('.notice.bad');
    await alert.waitFor();
    const said = await alert.innerText();
    await alert.locator('button').click();
    return said;
  };
  assert.match(await refusal('hello\n'), /x\.dnalog: line 1: expected the header of a trace/);
  assert.match(await refusal('{"trace":"xmpp-dna","version":9}\n'), /line 1: expected version 1, got 9/);
  assert.match(await refusal(''), /expected the header of a trace, got nothing/);
  assert.equal(await page.locator('.chip').innerText(), 'live');
  await page.close();
});

test('by keyboard alone: from the address to the reason, through the lists, and back', { skip }, async () => {
  const { page } = await openPage(run.browser, run.stage.url);
  await cardOf(page, 'undecided.example').waitFor({ timeout: PATIENCE_MS });
  const focused = (): Promise<string> =>
    page.evaluate<string>(
      `document.activeElement.matches('a, button, input') ? document.activeElement.textContent : ''`,
    );
  for (let tabs = 0; tabs < 12 && !(await focused()).includes('→ undecided.example'); tabs += 1)
    await page.keyboard.press('Tab');
  assert.match(await focused(), /→ undecided\.example/, 'what is stuck comes early');
  await page.keyboard.press('Enter');
  await page.locator('.explanation .cause').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('[data-filter]').waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('undecided.exam');
  await page.locator('.rows .row').first().waitFor();
  await page.keyboard.press('Tab');
  for (let tabs = 0; tabs < 4 && !(await focused()).includes('→'); tabs += 1) await page.keyboard.press('Tab');
  assert.equal(await focused(), 'a.example → undecided.example');
  await page.keyboard.press('Enter');
  await page.locator('h1', { hasText: 'pair:a.example>undecided.example' }).waitFor();
  assert.match(page.url(), /filter=undecided\.exam/, 'what was filtered is there when one comes back');
  await page.close();
});

test(
  'nothing is smaller than 12 px, in light and dark, wide and narrow; the pictures are kept where PAGE_SCREENSHOTS says',
  { skip },
  async () => {
    for (const colorScheme of ['light', 'dark'] as const)
      for (const width of [1280, 600]) {
        const { page, problems } = await openPage(run.browser, run.stage.url, { colorScheme, width });
        const shot = (name: string): Promise<Buffer> =>
          page.screenshot({ path: join(folder, `${name}-${colorScheme}-${width}.png`) });
        await cardOf(page, 'undecided.example').waitFor({ timeout: PATIENCE_MS });
        await shot('start');
        await cardOf(page, 'undecided.example').click();
        await picture(page);
        await shot('pair');
        await toStream(page);
        await picture(page);
        await shot('stream');
        const smallest = await page.evaluate<number>(
          `Math.min(...[...document.querySelectorAll('body *')].filter((one) => one.checkVisibility() && one.textContent.trim() !== '').map((one) => parseFloat(getComputedStyle(one).fontSize)))`,
        );
        assert.ok(smallest >= 12, `${smallest} px`);
        const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
        assert.ok(overflow <= 0, `${overflow} px wider than the window`);
        assert.deepEqual(problems, []);
        await page.close();
      }
  },
);
