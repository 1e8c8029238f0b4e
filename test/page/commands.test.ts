/** What an operator has done from the page, and elements as they pass (FEATURES V4, O9), in Chromium over a daemon that runs. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { buildPage, noBrowser, openBrowser, openPage } from '../support/page.ts';
import { createPageStage, type PageStage, undecided } from '../support/page-stage.ts';

const skip = noBrowser() ?? false;
let stage: PageStage;
let browser: Browser;
before(async () => {
  if (skip !== false) return;
  buildPage();
  [browser, stage] = await Promise.all([openBrowser(), createPageStage()]);
});
after(async () => {
  if (skip !== false) return;
  await browser.close();
  await stage.stop();
});

test('elements are watched as they pass, by domain; what is paused stands still', { skip }, async () => {
  const { page, problems } = await openPage(browser, stage.url);
  await page.locator('header a', { hasText: 'Watch elements' }).click();
  await page.locator('[aria-label=Domain]').fill('seen.example');
  await stage.send('seen.example', undecided);
  await stage.send('other.example', undecided);
  await page.locator('.watched li', { hasText: '<db:result>' }).waitFor();
  const seen = await page.locator('.watched li').allInnerTexts();
  assert.ok(
    seen.every((line) => line.includes('seen.example')),
    seen.join('\n'),
  );
  await page.locator('button', { hasText: 'Pause' }).click();
  await page.locator('[role=status]', { hasText: 'paused' }).waitFor();
  await page.locator('button', { hasText: 'Clear' }).click();
  await page.locator('.none', { hasText: 'Paused' }).waitFor();
  assert.deepEqual(problems, []);
  await page.close();
});

test(
  'a domain is connected to, blocked after a question, and unblocked; each time the outcome is told',
  { skip },
  async () => {
    await stage.send('far.example', undecided);
    const { page, problems } = await openPage(browser, stage.url);
    await page.locator('button', { hasText: 'Connect' }).click();
    await page.locator('dialog [name=remote]').fill('far.example');
    await page.locator('dialog button', { hasText: 'Connect' }).click();
    await page.locator('dialog .outcome.good', { hasText: 'far.example' }).waitFor();
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({ state: 'detached' });

    await page.locator('[data-filter]').fill('far.example');
    await page.locator('.rows .row a').first().click();
    await page.locator('button', { hasText: 'Block far.example' }).click();
    await page.locator('dialog', { hasText: 'until it is unblocked' }).waitFor();
    await page.locator('dialog button', { hasText: 'Leave it' }).click();
    assert.deepEqual(stage.manager.blocked, []);
    await page.locator('button', { hasText: 'Block far.example' }).click();
    await page.locator('dialog button', { hasText: 'Block far.example' }).click();
    await page.locator('.outcome.good', { hasText: 'blocked' }).waitFor();
    assert.deepEqual(stage.manager.blocked, ['far.example']);
    await page.goto(stage.url);
    await page.locator('button', { hasText: 'Unblock far.example' }).click();
    await page.locator('.outcome.good', { hasText: 'blocked no more' }).waitFor();
    assert.deepEqual(stage.manager.blocked, []);
    assert.deepEqual(problems, []);
    await page.close();
  },
);
