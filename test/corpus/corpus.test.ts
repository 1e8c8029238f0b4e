/**
 * The corpus: ways in which a negotiation fails or hangs, each produced on real sockets. The explanation of each must
 * be what an expert would say: where it is, who has to move, why, and what fixes it; live, and from its trace.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { linesOfExplanation } from '../../src/cli/explain-text.ts';
import { makePaint } from '../../src/cli/paint.ts';
import { type Case, play, type Row } from './case.ts';
import { closing } from './closing.ts';
import { connection } from './connection.ts';
import { sasl } from './sasl.ts';
import { dialback } from './dialback.ts';
import { certificates } from './certificates.ts';
import { closeWorld, dns } from './dns.ts';
import { policy } from './policy.ts';
import { daneCases, poshCases } from './posh-dane.ts';
import { A, B, Stage } from './stage.ts';
import { tls } from './tls.ts';
import { unasserted } from './unasserted.ts';
import { printed } from './table.ts';
import { waitingStates } from './waiting-states.ts';

const corpus: readonly Case[] = [
  ...connection,
  ...tls,
  ...sasl,
  ...dialback,
  ...dns,
  ...certificates,
  ...poshCases,
  ...daneCases,
  ...policy,
  ...closing,
  ...unasserted,
];

/** Minimum number of cases, whatever is missing on this machine (issue 4). */
const BAR = 40;

const rows: Row[] = [];
const played = new Set<Case>();
after(closeWorld);
after(() => {
  const absent = corpus
    .filter((one) => !played.has(one))
    .map(({ section, name, skip }) => ({ section, name, why: skip ?? 'it could not be produced' }));
  console.log(printed(rows, absent, corpus.length));
});

test(`there are at least ${BAR} cases that this machine can produce, and each has a name of its own`, () => {
  assert.equal(new Set(corpus.map(({ section, name }) => `${section}: ${name}`)).size, corpus.length);
  assert.ok(corpus.filter(({ skip }) => skip == null).length >= BAR);
});

for (const one of corpus) {
  test(`${one.section}: ${one.name}`, { skip: one.skip ?? false }, async () => {
    const told = await play(one);
    played.add(one);
    rows.push(...told);
    for (const row of told) assert.deepEqual(row.wrong, [], `${row.name}: ${JSON.stringify(row.told, null, 1)}`);
  });
}

test('every case has been played, but for those that say why not', () => {
  assert.deepEqual(
    corpus.filter((one) => !played.has(one) && one.skip == null).map(({ section, name }) => `${section}: ${name}`),
    [],
  );
});

/** Why a case with a silent party could not be played. */
const unplayed = corpus.find(({ lateMs, skip }) => lateMs !== undefined && skip != null)?.skip;

test(
  'a silent far end, DNS or web is told of in every state that waits for one (issue 4)',
  { skip: unplayed ?? false },
  () => {
    const { silent, unnamed } = waitingStates(rows);
    console.log(silent.join('\n'));
    assert.deepEqual(unnamed, []);
  },
);

/** Replaces names, places and times, which differ from run to run. */
const withoutNames = (text: string): string =>
  text
    .replace(/\s+/g, ' ')
    .replaceAll(/(montague|paris)\.example/g, B)
    .replaceAll('chat.capulet.example', A)
    .replaceAll('shop.example', 'hoster.example')
    .replaceAll(/[\w.-]+ port \d+/g, 'HOST')
    .replaceAll(/\d+ s\b/g, 'N s')
    .replaceAll(/at [\d:]+ UTC/g, 'at T')
    .replaceAll(/stream:\d+/g, 'stream:N');

/** The output of `xmpp-dna explain` some seconds after the case has reached its state. */
async function printedOf(name: string): Promise<string> {
  const one = corpus.find((each) => each.name === name) ?? assert.fail(`${name} is no case`);
  const stage = await Stage.open();
  try {
    const { at } = await one.produce(stage);
    const told = () => at.explain().find(({ direction }) => direction === 'outgoing');
    await stage.until(
      () => told()?.state === one.expect.state || told()?.failedIn === one.expect.state,
      () => JSON.stringify(at.explain(), null, 1),
    );
    await stage.pass(9_000);
    const explanation = told() ?? assert.fail(`${name} is told of`);
    return linesOfExplanation(explanation, makePaint(false)).join('\n');
  } finally {
    await stage.close();
  }
}

test('docs/stuck.md shows what explain prints of the same', async () => {
  const page = withoutNames(readFileSync(new URL('../../docs/stuck.md', import.meta.url), 'utf8'));
  for (const name of ['no answer to the stream header', 'it names another domain']) {
    const text = await printedOf(name);
    assert.ok(page.includes(withoutNames(text)), text);
  }
});
