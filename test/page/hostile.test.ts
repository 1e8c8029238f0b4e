/**
 * Anything that peers say is text in the page, whatever it looks like: names, certificates and stanzas cannot inject
 * anything.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Inspector } from '../../src/inspector/server.ts';
import { TraceEncoder } from '../../src/trace/format.ts';
import { fault } from '../../src/protocol/faults.ts';
import { CERTIFICATE, NOW_MS, opening, viewMade, wireMade } from '../support/explain-views.ts';
import { ScriptedLive } from '../support/inspector-client.ts';
import { buildPage, noBrowser, openBrowser, openPage } from '../support/page.ts';

const EVIL = `"><img src=x onerror="window.wasRun=1"><script>window.wasRun=1</script><svg onload="window.wasRun=1">'&amp;`;
/** This name tries to break out of a URL, a query and a selector. */
const NAME = `b.example'"><img src=x onerror=window.wasRun=1>#?a=1&b=2%2F`;

/** As from a forged trace: a daemon does not accept such domains. */
const hostile = viewMade(
  [
    ...opening('streamHeaders.awaitingFeatures', {
      context: { tls: { protocol: EVIL, certificate: { ...CERTIFICATE, subject: EVIL, issuer: EVIL } }, [EVIL]: EVIL },
      before: [EVIL, 'connecting'],
    }).map((made) => ({
      ...made,
      id: made.id.replace('b.example', NAME),
      waitsOn: (made.waitsOn ?? []).map((id) => id.replace('b.example', NAME)),
      context: {
        ...made.context,
        remote: NAME,
        fault: fault('stream', 'host-unknown', 'peer', EVIL),
        validPairs: {
          size: 1,
          ours: [{ size: 1, entries: { 'a.example': 0 } }],
          theirs: [{ size: 1, entries: { [NAME]: 0 } }],
          alike: [{ prooftype: EVIL, strength: EVIL, outgoing: [[[1]]] }],
        },
      },
    })),
    {
      id: 'peer:c.example',
      machine: 'peer',
      state: 'failed',
      context: { remote: 'c.example', failures: 1, fault: null },
    },
  ],
  [
    {
      kind: 'attempt',
      actor: 'pair:a.example>c.example',
      attempt: {
        ...{
          local: 'a.example',
          remote: 'c.example',
          direction: 'outgoing',
          startedMs: NOW_MS - 9_000,
          outcome: 'failed',
        },
        ...{ stream: 3, fault: fault('stream', EVIL, 'peer', EVIL), cause: EVIL, fix: EVIL },
        verdicts: [
          {
            ...{ prooftype: EVIL, domain: NAME, verdict: 'refuted', expiresAtMs: null },
            fault: fault('pkix', EVIL, 'peer', EVIL),
            evidence: [{ kind: 'certificate', text: EVIL, atMs: NOW_MS - 9_000 }],
          },
        ],
      },
    },
    wireMade('stream:3', 'in', { kind: 'streamError', condition: EVIL, text: EVIL }),
    wireMade('stream:3', 'in', { kind: 'unsupported', name: EVIL }),
    wireMade('stream:3', 'in', { kind: 'streamHeader', to: EVIL, from: NAME, id: EVIL, version: EVIL, dialback: true }),
  ],
);

test(
  'names, certificates and texts of a peer do nothing but stand there',
  { skip: noBrowser() ?? false },
  async (t) => {
    buildPage();
    const header = new TraceEncoder().header({ software: EVIL, startedAtMs: NOW_MS, role: EVIL, hosts: [EVIL] });
    const live = new ScriptedLive();
    const inspector = await Inspector.start(
      { address: '127.0.0.1', port: 0, token: null },
      { view: () => ({ ...hostile, hosts: [EVIL, 'a.example'] }), traceLines: () => [header], live },
    );
    t.after(() => inspector.stop());
    const browser = await openBrowser();
    t.after(() => browser.close());
    const { page, problems } = await openPage(browser, inspector.url);
    const isQuiet = async (where: string): Promise<void> => {
      assert.equal(await page.evaluate<unknown>('window.wasRun'), undefined, where);
      assert.equal(await page.locator('#page img, #page script, #page [onerror], #page [onload]').count(), 0, where);
    };
    await page.locator('.stuck li').first().waitFor();
    await isQuiet('start');
    for (const list of ['Streams', 'Peers', 'Proved pairs', 'Negotiations']) {
      await page.locator('[role=tab]', { hasText: list }).click();
      await page.locator('.rows .row').first().waitFor();
      await isQuiet(list);
    }
    await page.locator('.rows .row a').first().click();
    await page.locator('.explanation .cause').waitFor();
    await page.locator('h1', { hasText: NAME }).waitFor();
    await isQuiet('pair');
    assert.match(await page.locator('.chain').innerText(), /<img src=x onerror/, 'it is shown as it was said');
    await page.locator('.chain a', { hasText: 'stream:3' }).click();
    await page.locator('.chart .lit').waitFor();
    await page.locator('.records li').first().waitFor({ state: 'attached' });
    const closed = page.locator('details:not([open]) > summary');
    while ((await closed.count()) > 0) await closed.first().click();
    assert.match(await page.locator('pre').innerText(), /window\.wasRun=1/);
    assert.match(await page.locator('.records').innerText(), /<script>window\.wasRun=1<\/script>/);
    await isQuiet('stream');

    await page.goto(`${inspector.url}#/actor/${encodeURIComponent('peer:c.example')}`);
    const attempt = page.locator('section[aria-labelledby=history] li').first();
    await attempt.locator('summary').click();
    assert.match(await attempt.locator('.evidence').innerText(), /onload="window\.wasRun=1"/);
    await isQuiet('attempts');

    await page.goto(inspector.url);
    await page.locator('header a', { hasText: 'Watch elements' }).click();
    await page.locator('.none', { hasText: 'Nothing has passed yet' }).waitFor();
    const passed = page.locator('.watched li', { hasText: 'stream:error' });
    for (let at = 0; at < 100 && (await passed.count()) === 0; at += 1) {
      // Nothing signals when watching has begun, so the elements are repeated.
      live.record('stream:3', {
        kind: 'wire',
        direction: 'in',
        element: { kind: 'unsupported', name: EVIL },
        bytes: 9,
      });
      const element = { kind: 'streamError', condition: EVIL, text: EVIL } as const;
      live.record('stream:3', { kind: 'wire', direction: 'in', element, bytes: 9 });
      await page.evaluate('new Promise(requestAnimationFrame)');
    }
    assert.match(await passed.first().innerText(), /<script>window\.wasRun=1<\/script>/);
    await isQuiet('elements as they pass');

    // A URL forged by somebody else: its contents are only the name of something that does not exist.
    await page.goto(
      `${inspector.url}#/actor/${encodeURIComponent(EVIL)}?filter=${encodeURIComponent(EVIL)}&list=<img>&at=<b>`,
    );
    await page.locator('h1', { hasText: 'onerror' }).waitFor();
    await isQuiet('address');
    await page.goto(`${inspector.url}#/actor/%E0%A4%A?at=99999999999`);
    await page.locator('h1').first().waitFor();

    await page.setInputFiles('input[type=file]', {
      name: `${EVIL}.dnalog`,
      mimeType: 'text/plain',
      buffer: Buffer.from(`{"trace":${EVIL}`),
    });
    await page.locator('.notice.bad').waitFor();
    await isQuiet('file');
    const refusals = problems.filter((problem) => !/status of 40[04]/.test(problem)); // expected
    assert.deepEqual(refusals, []);
  },
);
