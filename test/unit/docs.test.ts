/** Documents: what they link to is there, and so is the heading that a link names. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';

const ROOT = new URL('../..', import.meta.url).pathname;

const documents = [
  'README.md',
  'CHANGELOG.md',
  'machines/SPEC.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

/** What is shown as it stands links nowhere. */
const proseOf = (path: string): string =>
  readFileSync(path, 'utf8')
    .replace(/^(```+)[^]*?^\1/gm, '')
    .replace(/`[^`\n]*`/g, '');

/** As GitHub makes fragments of headings. */
const fragmentsOf = (path: string): ReadonlySet<string> =>
  new Set(
    [
      ...readFileSync(path, 'utf8')
        .replace(/^(```+)[^]*?^\1/gm, '')
        .matchAll(/^#+ (.*)$/gm),
    ].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );

for (const document of documents)
  test(`${document}: every file, picture and heading that it links to is there`, () => {
    const path = join(ROOT, document);
    const broken: string[] = [];
    for (const [, target = ''] of proseOf(path).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [file = '', fragment] = target.split('#');
      const linked = file === '' ? path : join(dirname(path), decodeURIComponent(file));
      if (relative(ROOT, linked).startsWith('..') || !existsSync(linked)) broken.push(target);
      else if (fragment !== undefined && linked.endsWith('.md') && !fragmentsOf(linked).has(fragment))
        broken.push(target);
    }
    assert.deepEqual(broken, []);
  });

test('every prooftype has a page, with its chart', () => {
  const index = readFileSync(join(ROOT, 'docs/prooftypes/README.md'), 'utf8');
  for (const [name, chart] of [
    ['dane', 'dane-prooftype'],
    ['pkix', 'pkix-prooftype'],
    ['posh', 'posh-prooftype'],
    ['dialback', 'dialback-prooftype'],
    ['challenge', 'challenge'],
  ] as const) {
    assert.ok(index.includes(`(${name}.md)`), name);
    assert.ok(
      readFileSync(join(ROOT, `docs/prooftypes/${name}.md`), 'utf8').includes(`(../charts/${chart}.svg)`),
      name,
    );
  }
});
