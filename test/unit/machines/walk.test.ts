/** Walks every chart and checks names, texts and deadlines (L2). */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ESLint, Linter } from 'eslint';
import tseslint from 'typescript-eslint';
import { fromPromise, setup } from 'xstate';
import { allMachines } from '../../support/all-charts.ts';
import { readChart, statesOf } from '../../support/charts.ts';
import { problemsOf } from '../../support/walk-rules.ts';

const charts = allMachines.map(readChart);

for (const chart of charts) {
  test(`${chart.id}: every state says what it is, what it follows and what it waits for, with a deadline (L2)`, () => {
    assert.deepEqual(problemsOf(chart), []);
  });
}

test('every *.machine.ts is walked: none is left out of machines/index.ts', () => {
  const files = readdirSync(new URL('../../../machines', import.meta.url), { recursive: true, encoding: 'utf8' });
  const names = files.filter((file) => file.endsWith('.machine.ts'));
  assert.equal(charts.length, names.length, names.join(', '));
  assert.equal(new Set(charts.map(({ id }) => id)).size, charts.length, 'ids are unique');
});

test('the boxes of the flow chart are states of the same name (RFC 7712 §3-4)', () => {
  const boxes: Readonly<Record<string, readonly string[]>> = {
    initiatingStream: [
      'streamHeaders',
      'tlsNegotiation',
      'association',
      'authentication',
      'authentication.saslExternal',
      'authentication.dialback',
    ],
    receivingStream: [
      'streamHeaders',
      'tlsNegotiation',
      'association',
      'authentication',
      'authentication.saslExternal',
    ],
    verification: ['association'],
    pair: ['piggybackingAssertion', 'piggybackingSupposition'],
    peer: ['dnsResolution', 'connectionReuse'],
    association: ['dane', 'pkix', 'posh', 'challenge', 'dialback'],
    challenge: ['awaitingProof'],
  };
  for (const [id, wanted] of Object.entries(boxes)) {
    const chart = charts.find((one) => one.id === id);
    assert.ok(chart, `there is a machine ${id}`);
    const paths = [...statesOf(chart.root)].map(({ path }) => path);
    assert.deepEqual(
      wanted.filter((box) => !paths.includes(box)),
      [],
      id,
    );
  }
});

test('the walk sees what a deficient chart lacks', () => {
  const deficient = setup({
    actors: { effect: fromPromise(() => Promise.resolve()) },
    delays: { soon: 1 },
  }).createMachine({
    id: 'deficient',
    description: 'Wrong in every way.',
    meta: { spec: 'none' },
    initial: 'mute',
    states: {
      mute: {},
      waitingForever: {
        description: 'No deadline.',
        meta: { spec: 'none', awaits: 'Godot', mover: 'peer', ifLate: 'nothing' },
        tags: 'waiting',
      },
      waitingBlindly: { description: 'No texts.', meta: { spec: 'none' }, tags: 'waiting', after: { soon: 'gone' } },
      waitingIdly: {
        description: 'Deadlines that do nothing.',
        meta: { spec: 'none', awaits: 'x', mover: 'us', ifLate: 'y' },
        tags: 'waiting',
        after: { soon: {}, 5: 'waitingIdly' },
      },
      hearing: { description: 'Untagged.', meta: { spec: 'none' }, on: { 'peer.spoke': 'gone' } },
      fragile: {
        description: 'No onError.',
        meta: { spec: 'none' },
        tags: 'quiet',
        invoke: { id: 'effect', src: 'effect' },
      },
      hiding: { description: 'Wildcard.', meta: { spec: 'none' }, tags: 'quiet', on: { '*': {} } },
      decidingMaybe: {
        description: 'May stay.',
        meta: { spec: 'none' },
        tags: 'quiet',
        always: { guard: () => false, target: 'gone' },
      },
      gone: { type: 'final', description: 'The end.', meta: { spec: 'none' } },
    },
  });
  const problems = problemsOf(readChart(deficient));
  const seen = (state: string): string[] =>
    problems
      .filter((line) => line.startsWith(`deficient.${state} `))
      .map((line) => line.slice(`deficient.${state} `.length));
  assert.deepEqual(seen('mute'), [
    'has no description',
    'has no meta.spec',
    'may rest, but is neither waiting nor quiet',
  ]);
  assert.deepEqual(seen('waitingForever'), ['waits without a deadline']);
  assert.deepEqual(seen('waitingBlindly'), [
    'waits without meta.awaits',
    'waits without meta.mover',
    'waits without meta.ifLate',
  ]);
  assert.deepEqual(seen('waitingIdly'), [
    'has a deadline without a name',
    'has a deadline that only leads back',
    'has a deadline that leads nowhere',
    'has a deadline that only leads back',
  ]);
  assert.deepEqual(seen('hearing'), [
    'may rest, but is neither waiting nor quiet',
    'hears others without being tagged as waiting',
  ]);
  assert.deepEqual(seen('fragile'), ['invokes effect without onError']);
  assert.deepEqual(seen('hiding'), ['catches every event with *']);
  assert.deepEqual(seen('decidingMaybe'), ['has an inline effect or guard', 'is called deciding, but may stay']);
  assert.deepEqual(seen('gone'), ['is an end, but no past participle']);
});

test('a machine imports xstate, its siblings and src/protocol; it has no clock and no chance', async () => {
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const eslint = new ESLint({ cwd: root });
  const lint = async (file: string, code: string): Promise<string[]> => {
    const config = (await eslint.calculateConfigForFile(`${root}${file}`)) as { rules: Linter.RulesRecord };
    const walls = ['no-restricted-imports', 'no-restricted-globals', 'no-restricted-properties'];
    const rules = Object.fromEntries(walls.map((rule) => [rule, config.rules[rule] ?? 'off']));
    const parser = tseslint.parser as Linter.Parser;
    const messages = new Linter({ cwd: root }).verify(
      code,
      [
        {
          files: ['**/*.ts'],
          languageOptions: { parser, globals: { setTimeout: 'readonly', process: 'readonly' } },
          linterOptions: { reportUnusedDisableDirectives: 'off' },
          rules,
        },
      ],
      { filename: `${root}${file}` },
    );
    return messages.map(({ ruleId, message }) => ruleId ?? message);
  };
  const wrong = [
    "import 'node:net';",
    "import 'rxjs';",
    "import '../src/adapters/network/tcp.ts';",
    "import '../src/control/registry.ts';",
    'Date.now();',
    'Math.random();',
    'setTimeout(() => undefined, 1);',
  ];
  for (const code of wrong) assert.equal((await lint('machines/wrong.machine.ts', code)).length, 1, code);
  assert.deepEqual(await lint('machines/right.machine.ts', "import 'xstate'; import '../src/protocol/faults.ts';"), []);

  const files = readdirSync(`${root}machines`, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  for (const file of files) {
    assert.deepEqual(await lint(`machines/${file}`, readFileSync(`${root}machines/${file}`, 'utf8')), [], file);
  }
});
