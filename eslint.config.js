import js from '@eslint/js';
import tseslint from 'typescript-eslint';

// The walls of the house (STYLE, Layout): which folder may import what. They are lint rules so that they are seen while typing.
const wall = (files, patterns, extra = {}) => ({
  files,
  rules: { 'no-restricted-imports': ['error', { patterns }], ...extra },
});
const noClockNoChance = {
  'no-restricted-globals': [
    'error',
    ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'process', 'Buffer', 'fetch', 'performance'].map(
      (name) => ({ name, message: 'machines decide; effects, time and chance come in as actors, events and input' }),
    ),
  ],
  'no-restricted-properties': [
    'error',
    { object: 'Date', property: 'now', message: '"now" arrives in input or events' },
    { object: 'Math', property: 'random', message: 'chance arrives in input or events' },
  ],
};

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', 'coverage/**', 'examples/**', 'assembly/**'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        project: ['./tsconfig.json', './visualize/page/tsconfig.json'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
    },
  },
  { files: ['eslint.config.js'], extends: [tseslint.configs.disableTypeChecked] },
  wall(
    ['machines/**/*.ts'],
    [{ regex: '^(node:|rxjs)|/src/(?!protocol/)', message: 'a machine imports xstate, its siblings and src/protocol' }],
    noClockNoChance,
  ),
  wall(
    ['src/protocol/**/*.ts'],
    [
      {
        regex: '^(node:(?!crypto$|url$)|rxjs|xstate)|^\\.\\./',
        message: 'protocol holds values: it imports itself, @xmpp/xml, and node:crypto and node:url as pure functions',
      },
    ],
  ),
  wall(
    ['src/adapters/**/*.ts', 'src/simulation/**/*.ts'],
    [{ regex: '/machines/|^rxjs|/routing/', message: 'an adapter acts and decides nothing' }],
  ),
  wall(
    ['src/routing/**/*.ts'],
    [
      {
        regex: '/machines/|^xstate|/adapters/|/simulation/',
        message: 'the data plane knows tables and streams, not actors',
      },
    ],
  ),
  wall(
    ['visualize/**/*.{ts,tsx}'],
    [{ regex: '^(node:|rxjs)|/src/(?!trace/)', message: 'pictures are drawn from the machines and from traces' }],
  ),
  // What builds the page runs in Node.
  { files: ['visualize/page/vite.config.ts'], rules: { 'no-restricted-imports': 'off' } },
  {
    files: ['test/**/*.ts', 'benchmarks/**/*.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', package: 'node:test', name: ['test', 'it', 'describe', 'suite'] },
          ],
        },
      ],
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
);
