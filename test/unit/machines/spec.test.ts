/** machines/SPEC.md agrees with the machines. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { specFile, withTables } from '../../support/spec-tables.ts';

const text = readFileSync(specFile, 'utf8');

test('the tables of SPEC.md are as new as the machines', () => {
  assert.equal(text, withTables(text), 'node --import tsx test/support/spec-tables.ts');
});

const invariants = ['S1', 'S2', 'S3', 'S4', 'S5', 'S6', 'S7', 'S8', 'L1', 'L2', 'L3', 'L4', 'L5', 'L6'];
const [, listed = ''] = text.split('## Invariants');
/** The part of SPEC.md about one invariant, up to the next. */
const sectionOf = (invariant: string): string =>
  new RegExp(`^- \\*\\*${invariant}\\*\\*.*\\n((?:  - .*\\n)*)`, 'm').exec(listed)?.[1] ?? '';

/** Titles of the tests of a file, with `…` for the parts that each case fills in. */
function titlesOf(path: string): string[] {
  const source = readFileSync(new URL(`../../../${path}.test.ts`, import.meta.url), 'utf8');
  return [...source.matchAll(/^ *test\(\s*(['"`])(.*?)\1,/gm)].map(([, , title = '']) =>
    title.replaceAll(/\$\{[^}]*\}/g, '…').replaceAll("\\'", "'"),
  );
}

for (const invariant of invariants) {
  test(`SPEC.md: ${invariant} has tests that are there, and that name it`, () => {
    const named = [...sectionOf(invariant).matchAll(/^ {2}- (test\/\S+): (.+)$/gm)];
    assert.ok(named.length > 0, `no test for ${invariant}`);
    for (const [, path = '', title = ''] of named) {
      assert.ok(titlesOf(path).includes(title), `${path} has no test "${title}"`);
      assert.match(title, new RegExp(`\\b${invariant}\\b`), `"${title}" does not say that it is about ${invariant}`);
    }
  });
}

test('SPEC.md names no test file that is not there', () => {
  for (const [name] of text.matchAll(/\btest\/(?:unit|property|model|pair|hostile)\/[\w/-]+/g))
    assert.ok(existsSync(new URL(`../../../${name}.test.ts`, import.meta.url)), name);
});
