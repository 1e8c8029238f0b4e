/** Documents: the targets of their links exist, and so do the headings that links name. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { PROOFTYPES } from '../../src/protocol/policy.ts';
import { isBuiltInDnaProofType } from '../../src/protocol/proof.ts';

const ROOT = new URL('../..', import.meta.url).pathname;

const documents = [
  'README.md',
  'CHANGELOG.md',
  'machines/SPEC.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

/** The text without code, in which nothing is a link. */
const proseOf = (path: string): string =>
  readFileSync(path, 'utf8')
    .replace(/^(```+)[^]*?^\1/gm, '')
    .replace(/`[^`\n]*`/g, '');

/** Fragments of headings, as GitHub makes them. */
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

test('every prooftype has a page, with its chart; those that the far end is challenged for share one', () => {
  const pages = join(ROOT, 'docs/prooftypes');
  const index = readFileSync(join(pages, 'README.md'), 'utf8');
  for (const name of PROOFTYPES) {
    const isChallenged = isBuiltInDnaProofType(name);
    const [file, chart] = isChallenged ? ['challenge.md', 'challenge'] : [`${name}.md`, `${name}-prooftype`];
    assert.ok(index.includes(`(${file})`), name);
    const page = readFileSync(join(pages, file), 'utf8');
    assert.ok(page.includes(`(../charts/${chart}.svg)`), name);
    assert.ok(!isChallenged || page.includes(`\`${name}\``), `${name} is named there`);
  }
});
