/** The page with little space: nothing is in the wrong place, and nothing runs out of the window. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Page } from 'playwright-core';
import { type Play, play } from '../../src/demo/play.ts';
import { scenarios } from '../../src/demo/scenarios.ts';
import { fault } from '../../src/protocol/faults.ts';
import { ladder } from '../../src/trace/queries/ladder.ts';
import { actorMade, NOW_MS, opening } from '../support/explain-views.ts';
import { hashOf, traceFile, viewRun } from '../support/page-view.ts';
import { createSimulation } from '../support/simulation.ts';

const WIDTHS = [1280, 800, 400];
const FAILED = 'pair:a.example>a-provider-with-a-long-name.example';
let played: Play | null = null;

/** Four parties in dialback; a stream that waits, a pair that has failed and is held off, and some that have ended. */
const run = viewRun(async () => {
  const scenario = scenarios.find(({ id }) => id === 'no-client-certificate');
  assert.ok(scenario);
  played = await play(scenario, createSimulation(1));
  const view = played.providers.B.view();
  const over = Array.from({ length: 12 }, (_, at) => ({
    ...{ id: `pair:b.example>d${at}.example`, machine: 'pair', state: 'resting', ended: {} },
    context: { local: 'b.example', remote: `d${at}.example`, stream: null, fault: null },
  }));
  const failed = {
    ...{ id: FAILED, machine: 'pair', state: 'failed', agoMs: 3_000 },
    context: {
      local: 'a.example',
      remote: 'a-provider-with-a-long-name.example',
      stream: null,
      fault: fault('tls', 'handshake-failed', 'peer'),
    },
  };
  const waiting = opening('streamHeaders.awaitingHeader', { id: 'stream:30' }).map((one) => ({
    ...one,
    id: one.id.replace('b.example', 'waiting.example'),
    waitsOn:
      one.waitsOn?.map((id) => id.replace('b.example', 'waiting.example').replace('stream:3', 'stream:30')) ?? [],
    context: { ...one.context, remote: 'waiting.example', stream: null },
  }));
  const made = [...over, failed, ...waiting].map((one) => [one.id, actorMade(one)] as const);
  return {
    ...{
      atMs: NOW_MS,
      origin: 'live',
      host: view.host,
      hosts: view.hosts,
      records: view.records,
      lost: 0,
      diverged: [],
    },
    actors: new Map([...view.actors, ...made]),
    attempts: (remote) => view.attempts(remote),
    recordsOf: (actor, most) => view.recordsOf(actor, most),
  };
});
const { skip } = run;
after(() => played?.stop());

const beyond = (page: Page): Promise<number> =>
  page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');

test('in the ladder arrows begin and end under their parties, however wide the window', { skip }, async () => {
  const id = 'peer:a.example';
  const told = ladder(run.view, id);
  assert.ok(told !== null && told.parties.length === 4);
  const placeOf = new Map(told.parties.map((party, at) => [party.id, at]));
  for (const width of WIDTHS) {
    const { page, problems } = await run.open(hashOf(id), { width });
    await page
      .locator('.rung')
      .nth(told.rungs.length - 1)
      .waitFor();
    const middles = await page.evaluate<number[]>(
      `[...document.querySelectorAll('.party')].map((one) => one.getBoundingClientRect()).map(({ left, right }) => (left + right) / 2)`,
    );
    const lines = await page.evaluate<[number, number][]>(
      `[...document.querySelectorAll('.rung .line')].map((one) => one.getBoundingClientRect()).map(({ left, right }) => [left, right])`,
    );
    for (const [at, { from, to, label }] of told.rungs.entries()) {
      const ends = [from, to]
        .map((party) => middles[placeOf.get(party) ?? -1] ?? NaN)
        .sort((one, other) => one - other);
      const [left = NaN, right = NaN] = lines[at] ?? [];
      assert.ok(Math.abs(left - (ends[0] ?? NaN)) <= 1, `${width} px: ${label} begins at ${left}, not at ${ends[0]}`);
      if (from !== to)
        assert.ok(Math.abs(right - (ends[1] ?? NaN)) <= 1, `${width} px: ${label} ends at ${right}, not at ${ends[1]}`);
    }
    const narrowest = Math.min(...middles.slice(1).map((middle, at) => middle - (middles[at] ?? NaN)));
    assert.ok(narrowest >= 10 * 16, `${width} px: ${narrowest} px for a party`);
    assert.ok((await beyond(page)) <= 0, `${width} px: it scrolls within its box, not the page`);
    assert.deepEqual(problems, []);
    await page.close();
  }
});

test('at 400 px nothing makes the page wider than the window, and a time stands on one line', { skip }, async () => {
  const { page, problems } = await run.open('', { width: 400 });
  const views = {
    start: ['', '.stuck li'],
    pair: [hashOf(FAILED), '.explanation .cause'],
    stream: [hashOf('stream:30'), '.chart .lit'],
    ladder: [hashOf('peer:a.example'), '.rung'],
  } as const;
  const isFine = async (name: string): Promise<void> => {
    const more = await beyond(page);
    assert.ok(more <= 0, `${name} is ${more} px wider than the window`);
    const broken = await page.evaluate<string[]>(
      `[...document.querySelectorAll('.for, time')].filter((one) => { const range = new Range(); range.selectNodeContents(one); return new Set([...range.getClientRects()].map(({ top }) => top)).size > 1; }).map((one) => one.textContent)`,
    );
    assert.deepEqual(broken, [], name);
    const small = await page.evaluate<string[]>(
      `[...document.querySelectorAll('a, input[type=range]')].filter((one) => one.checkVisibility() && one.offsetHeight < 24).map((one) => one.textContent || one.ariaLabel)`,
    );
    assert.deepEqual(small, [], `${name}: too low for a finger`);
  };
  for (const [name, [hash, there]] of Object.entries(views)) {
    await page.goto(`${page.url().split('#')[0] ?? ''}${hash}`);
    await page.locator(there).first().waitFor();
    await isFine(name);
  }
  await page.setInputFiles('input[type=file]', traceFile(run.view.records));
  await page.locator('.time-bar').waitFor();
  await page.locator('h1', { hasText: 'Nothing is stuck' }).waitFor();
  await isFine('trace');
  assert.deepEqual(problems, []);
  await page.close();
});

test(
  'a pair that has failed says why in its list, in the colour of what is bad, while that is held off',
  { skip },
  async () => {
    const { page } = await run.open();
    const row = page.locator('.rows .row', { hasText: 'a-provider-with-a-long-name.example' });
    await row.waitFor();
    assert.equal(await row.locator('[role=gridcell]').last().innerText(), 'tls: handshake-failed');
    assert.equal(await row.locator('.pill.bad').innerText(), 'failed');
    await row.locator('a').click();
    assert.equal(await page.locator('.head-line .pill.bad').innerText(), 'failed');
    await page.close();
  },
);
